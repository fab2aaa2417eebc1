//! Sessions as data: `sessions/NAME.txt` says what is pressed and answered, `expected/NAME.COLUMNSxROWS.txt` what was asked and shown, at
//! 80 × 24 and 200 × 60. `BLESS=1` writes what is expected; read it as an analyst would.

mod kit;

use std::fs;

use kit::{Player, folder};

#[test]
fn every_session_shows_what_is_expected() {
    let mut failed = Vec::new();
    let mut names: Vec<_> = fs::read_dir(folder("sessions")).expect("sessions").flatten().map(|e| e.path()).collect();
    names.sort();
    assert!(names.len() >= 12, "sessions are missing");
    for path in names {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let script = fs::read_to_string(&path).expect("a script");
        for (columns, rows) in [(80, 24), (200, 60)] {
            let mut player = Player::new((columns, rows));
            for line in script.lines() {
                player.line(line);
            }
            let to = folder("expected").join(format!("{name}.{columns}x{rows}.txt"));
            if std::env::var_os("BLESS").is_some() {
                fs::write(&to, &player.out).expect("written");
            }
            let expected = fs::read_to_string(&to).unwrap_or_default();
            if player.out != expected {
                let at = player.out.lines().zip(expected.lines()).position(|(a, b)| a != b);
                let at = at.unwrap_or_else(|| player.out.lines().count().min(expected.lines().count()));
                let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").to_owned();
                failed.push(format!("{}:{}\n  shown:    {}\n  expected: {}", to.display(), at + 1, line(&player.out), line(&expected)));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
