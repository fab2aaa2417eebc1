//! MITRE ATT&CK Enterprise, as Sigma's tags write it (`attack.credential-access`, `attack.t1110.001`): tactics in order, names of techniques.

use std::{collections::HashMap, sync::LazyLock};

/// Tag, English, Vietnamese.
pub(crate) type Tactic = (&'static str, &'static str, &'static str);

/// Tactics in the order of an attack (ATT&CK Enterprise 19). Older rules name `defense-evasion`, which version 19
/// split into `stealth` and `defense-impairment`.
pub(crate) static TACTICS: [Tactic; 16] = [
    ("reconnaissance", "Reconnaissance", "Trinh sát"),
    ("resource-development", "Resource development", "Chuẩn bị công cụ"),
    ("initial-access", "Initial access", "Xâm nhập ban đầu"),
    ("execution", "Execution", "Thực thi mã"),
    ("persistence", "Persistence", "Duy trì hiện diện"),
    ("privilege-escalation", "Privilege escalation", "Leo thang đặc quyền"),
    ("stealth", "Stealth", "Ẩn mình"),
    ("defense-impairment", "Defence impairment", "Vô hiệu hóa phòng thủ"),
    ("defense-evasion", "Defence evasion", "Né tránh phát hiện"),
    ("credential-access", "Credential access", "Chiếm đoạt thông tin đăng nhập"),
    ("discovery", "Discovery", "Dò tìm nội bộ"),
    ("lateral-movement", "Lateral movement", "Lây lan nội bộ"),
    ("collection", "Collection", "Thu thập dữ liệu"),
    ("command-and-control", "Command and control", "Điều khiển từ xa"),
    ("exfiltration", "Exfiltration", "Đưa dữ liệu ra ngoài"),
    ("impact", "Impact", "Gây thiệt hại"),
];

/// Ids and names of techniques; data, see the file.
const TECHNIQUES: &str = include_str!("../data/techniques.txt");

/// Tactics by technique; data, see the file.
const SERVES: &str = include_str!("../data/technique_tactics.txt");

static TACTICS_BY_TECHNIQUE: LazyLock<HashMap<&str, Vec<&str>>> =
    LazyLock::new(|| entries(SERVES).map(|(id, tactics)| (id, tactics.split(' ').collect())).collect());

/// The lines of a data file that are not comments: what stands before the first blank, and the rest.
pub(crate) fn entries(data: &str) -> impl Iterator<Item = (&str, &str)> {
    data.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

/// What `defense-evasion` became in version 19.
const EVASION: [&str; 2] = ["stealth", "defense-impairment"];

/// The tactics among tags, in the order of an attack, each with its place there.
pub(crate) fn places<'t>(tags: impl Iterator<Item = &'t str>) -> impl Iterator<Item = (usize, &'static Tactic)> {
    let tags: Vec<String> = tags.map(|t| t.strip_prefix("attack.").unwrap_or(t).replace('_', "-")).collect();
    TACTICS.iter().enumerate().filter(move |(_, (tag, ..))| tags.iter().any(|t| t == tag))
}

/// The tags of the tactics among tags, in the order of an attack.
pub fn tactics<'t>(tags: impl Iterator<Item = &'t str>) -> Vec<String> {
    places(tags).map(|(_, (tag, ..))| (*tag).to_owned()).collect()
}

/// The name of a technique or sub-technique (`T1110.001`); in English, as everybody quotes it.
pub fn technique(id: &str) -> Option<&'static str> {
    entries(TECHNIQUES).find(|(known, _)| *known == id).map(|(_, name)| name)
}

/// Those of `tactics` that ATT&CK puts the technique (`T1021.001`) under; `None` for one that the table does not have.
pub fn served<'t>(technique: &str, tactics: &'t [String]) -> Option<Vec<&'t str>> {
    let table = &*TACTICS_BY_TECHNIQUE;
    let serves = table.get(technique).or_else(|| table.get(technique.split('.').next()?))?;
    let under = |tactic: &&str| serves.contains(tactic) || (serves.contains(&"defense-evasion") && EVASION.contains(tactic));
    Some(tactics.iter().map(String::as_str).filter(under).collect())
}

#[cfg(test)]
mod tests {
    use super::{SERVES, TACTICS, entries, served, tactics, technique};

    #[test]
    fn a_technique_serves_the_tactics_that_attack_puts_it_under() {
        let named = |tactics: &[&str]| tactics.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let rule = named(&["initial-access", "stealth", "lateral-movement"]);
        assert_eq!(served("T1021.001", &rule), Some(vec!["lateral-movement"]));
        assert_eq!(served("T1078.002", &rule), Some(vec!["initial-access", "stealth"]), "defence evasion until version 19");
        assert_eq!(served("T1486", &rule), Some(Vec::new()));
        assert_eq!(served("T9999", &rule), None);
    }

    #[test]
    fn the_table_names_what_there_is() {
        for (id, tactics) in entries(SERVES) {
            assert!(technique(id).is_some(), "{id}");
            assert!(tactics.split(' ').all(|t| TACTICS.iter().any(|(tag, ..)| *tag == t)), "{id} {tactics}");
        }
    }

    #[test]
    fn tactics_stand_in_the_order_of_an_attack() {
        let tags = ["attack.t1486", "attack.impact", "attack.credential-access", "attack.t1110.001", "attack.initial_access"];
        assert_eq!(tactics(tags.into_iter()), ["initial-access", "credential-access", "impact"]);
        let of_19 = ["attack.defense-impairment", "attack.t1685.001", "attack.stealth", "attack.defense-evasion"];
        assert_eq!(tactics(of_19.into_iter()), ["stealth", "defense-impairment", "defense-evasion"]);
    }

    #[test]
    fn techniques_have_names() {
        assert_eq!(technique("T1110.001"), Some("Password Guessing"));
        assert_eq!(technique("T1685.001"), Some("Disable or Modify Windows Event Log"));
        assert_eq!(technique("T9999"), None);
        assert_eq!(technique("#"), None);
    }
}
