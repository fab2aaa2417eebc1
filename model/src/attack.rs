//! MITRE ATT&CK Enterprise, as Sigma's tags write it (`attack.credential-access`, `attack.t1110.001`): tactics in order, names of techniques.

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
    let mut lines = TECHNIQUES.lines().filter(|line| !line.starts_with('#'));
    lines.find_map(|line| line.split_once(' ').filter(|(known, _)| *known == id)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{tactics, technique};

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
