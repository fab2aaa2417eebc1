//! A line of text that is typed: letters of any language, never a control character.

use crate::text;

/// Longest text that is taken.
const LONGEST: usize = 4000;

/// One line with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    letters: Vec<char>,
    at: usize,
}

impl Input {
    /// With the cursor at its end.
    pub fn new(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        Self { at: letters.len(), letters }
    }

    /// What was typed.
    pub fn text(&self) -> String {
        self.letters.iter().collect()
    }

    /// What stands before the cursor.
    pub fn before(&self) -> String {
        self.letters.iter().take(self.at).collect()
    }

    /// Takes text at the cursor, cleaned.
    pub fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.letters.len());
        let new: Vec<char> = text::clean(text).chars().take(room).collect();
        let count = new.len();
        self.letters.splice(self.at..self.at, new);
        self.at += count;
    }

    /// Takes a key; false: it means nothing here.
    pub fn key(&mut self, key: &str) -> bool {
        let end = self.letters.len();
        match key {
            "Left" => self.at = self.at.saturating_sub(1),
            "Right" => self.at = (self.at + 1).min(end),
            "Home" | "C-a" => self.at = 0,
            "End" | "C-e" => self.at = end,
            "Backspace" | "C-h" => {
                if self.at > 0 {
                    self.at -= 1;
                    self.letters.remove(self.at);
                }
            }
            "Delete" => {
                if self.at < end {
                    self.letters.remove(self.at);
                }
            }
            "C-u" => {
                self.letters.drain(..self.at);
                self.at = 0;
            }
            "C-k" => self.letters.truncate(self.at),
            "C-w" => {
                let head = &self.letters[..self.at];
                let words = head.iter().rposition(|c| !c.is_whitespace()).map_or(0, |p| p + 1);
                let start = head[..words].iter().rposition(|c| c.is_whitespace()).map_or(0, |p| p + 1);
                self.letters.drain(start..self.at);
                self.at = start;
            }
            "Space" => self.insert(" "),
            letter if letter.chars().count() == 1 => self.insert(letter),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Input;

    #[test]
    fn letters_words_and_pasted_escapes() {
        let mut input = Input::new("tên máy");
        input.key("C-w");
        assert_eq!(input.text(), "tên ");
        for key in ["đ", "ô", "n", "g", "Left", "Left", "Backspace", "Delete", "Home", "x"] {
            assert!(input.key(key), "{key}");
        }
        assert_eq!(input.text(), "xtên đg");
        assert_eq!(input.before(), "x");
        assert!(!input.key("F5"));
        input.key("C-u");
        input.insert("a\u{1b}[2J\nb");
        assert_eq!(input.before(), "a␛[2J b");
        let mut long = Input::default();
        long.insert(&"w".repeat(9000));
        assert_eq!(long.text().len(), super::LONGEST);
    }
}
