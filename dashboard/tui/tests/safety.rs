//! Whatever comes in, in whatever order: nothing panics, and no cell of the screen holds anything that could drive a terminal.

mod kit;

use fansipan_tui::{Message, keys::SHORTCUTS, message::Live};
use kit::{Player, answer_file, folder, make_hostile};
use proptest::{prelude::*, test_runner::RngSeed};
use serde_json::Value;

fn harmless(player: &mut Player) {
    let buffer = player.buffer();
    for cell in &buffer.content {
        let dangerous = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
        assert!(!cell.symbol().chars().any(dangerous), "{:?}", cell.symbol());
    }
}

#[test]
fn escapes_in_every_text_of_every_answer_are_harmless_on_every_screen() {
    for size in [(80, 24), (200, 60)] {
        let mut player = Player::new(size);
        player.line("hostile");
        for patch in [
            "answer POST /alerts/bulk {\"changed\":3,\"token\":\"x\"}",
            "answer POST /alerts/next next.json",
            "answer POST /actions action-dry.json",
            "answer POST /runs run.json",
        ] {
            player.line(patch);
        }
        let keys = "g a p Enter Enter p Enter End p Escape Escape n * Escape e PageDown End Backspace g n Enter End g r Enter End g s Enter Enter End g o g l ? Escape q Escape \
                    g p Enter End Escape a Enter Enter Enter Enter x Enter End Enter Escape y Escape s s j j y Escape \
                    g k Enter End Escape 1 Escape d Escape s s Enter End Escape g u Enter End Escape s s s s s s a Escape \
                    h End s Escape r g i End g n Enter p Enter End Escape a x Enter Escape g l g p ? Escape";
        player.start();
        for key in keys.split_whitespace() {
            player.send(Message::Key(key.into()));
            player.wait(200);
            harmless(&mut player);
        }
        let mut alert = answer_file("alerts.json")["items"][0].clone();
        alert["id"] = "00".into();
        make_hostile(&mut alert);
        player.send(Message::Live(Live::Event { name: "alert".into(), data: alert }));
        player.line("refuse GET /overview FSP-X \u{1b}[2J\u{202e}broken\u{9b}");
        player.wait(6000);
        harmless(&mut player);
    }
}

/// Keys, live events, times and sizes as a stranger might send them.
fn step() -> impl Strategy<Value = Message> {
    let keys: Vec<String> = SHORTCUTS
        .iter()
        .flat_map(|s| s.keys.split(' '))
        .chain(["1", "2", "9", "Up", "Down", "PageUp", "End", "Space", "Left", "đ", "C-u", "C-w", "F5"])
        .map(ToOwned::to_owned)
        .collect();
    let data = prop_oneof![
        Just(answer_file("alerts.json")["items"][1].clone()),
        Just(serde_json::json!({"per_second": -1.0, "open_alerts": u64::MAX, "lag": {"seconds": 1e300}})),
        Just(Value::Null),
        Just(serde_json::json!({"id": "\u{1b}", "raised": "0001-01-01T00:00:00Z", "status": "new", "count": u64::MAX})),
    ];
    prop_oneof![
        12 => prop::sample::select(keys).prop_map(Message::Key),
        1 => ".{0,40}".prop_map(Message::Paste),
        1 => (1u16..260, 1u16..90).prop_map(|(w, h)| Message::Size(w, h)),
        2 => (0i64..9_000).prop_map(|ms| Message::Clock(jiff::Timestamp::from_millisecond(1_795_875_360_000 + ms).expect("a time"))),
        1 => Just(Message::Live(Live::Open)),
        1 => Just(Message::Live(Live::Lost("x".into()))),
        2 => (prop::sample::select(vec!["alert", "tick", "bulk", "gap", "incident", "response", "x"]), data)
            .prop_map(|(name, data)| Message::Live(Live::Event { name: name.into(), data })),
    ]
}

/// The same cases every time; with FANSIPAN_SOAK others, and many.
fn config() -> ProptestConfig {
    let soak = std::env::var_os("FANSIPAN_SOAK").is_some();
    let rng_seed = if soak { RngSeed::Random } else { RngSeed::Fixed(20_261_128) };
    ProptestConfig { cases: if soak { 1_000 } else { 48 }, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_order_of_keys_and_answers_breaks_it(steps in prop::collection::vec(step(), 1..80), hold in any::<bool>()) {
        let mut player = Player::new((80, 24));
        for line in [
            "answer POST /alerts/bulk {\"changed\":3,\"token\":\"x\"}", "answer POST /alerts/next next.json", "answer POST /alerts/undo {}",
            "answer POST /alerts/*/assign alert.json {\"version\":2}", "answer POST /alerts/*/status alert.json {\"version\":3}",
            "answer POST /incidents/* {}", "answer POST /alerts/*/escalate incident.json", "answer POST /incidents/*/items {}", "answer POST /incidents/*/stage {}",
            "answer POST /exceptions/preview preview.json", "answer POST /exceptions {}", "answer POST /actions action-dry.json",
            "answer POST /actions/*/* action.json", "answer POST /runs run.json", "answer POST /runs/*/tasks/* run.json",
            "answer POST /runs/*/cancel run.json", "answer POST /rules/*/switch {\"id\":\"x\"}", "answer POST /handover {}", "refuse GET /sources busy later",
        ] {
            player.line(line);
        }
        player.start();
        for (n, message) in steps.into_iter().enumerate() {
            if hold && n % 7 == 3 {
                player.line("hold");
            }
            if let Message::Size(w, h) = &message {
                player.resize(*w, *h);
            }
            player.send(message);
            player.line("release");
            harmless(&mut player);
        }
    }
}

/// Every shortcut of the web console for a screen that exists here has the same keys and the same meaning.
#[test]
fn the_keys_are_those_of_the_web() {
    // screens that the terminal does not have
    let elsewhere = ["admin"];
    let web = folder("../../web/src");
    let mut found = Vec::new();
    visit(&web, &mut |text| {
        for line in text.lines().filter(|l| l.contains("keys: \"") && l.contains("label: \"keys.")) {
            let between = |from: &str| line.split(from).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
            found.push((between("keys: \""), between("label: \"keys.")));
        }
    });
    assert!(found.len() > 15, "the web's shortcuts were not found: {found:?}");
    for (keys, name) in found.iter().filter(|(_, name)| !elsewhere.contains(&name.as_str())) {
        let here = SHORTCUTS.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("`{keys}` ({name}) is missing here"));
        assert_eq!(here.keys, keys, "{name}");
    }
}

fn visit(dir: &std::path::Path, each: &mut dyn FnMut(&str)) {
    for entry in std::fs::read_dir(dir).expect("the web's sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, each);
        } else if path.extension().is_some_and(|e| e == "ts" || e == "tsx") {
            each(&std::fs::read_to_string(&path).expect("source"));
        }
    }
}
