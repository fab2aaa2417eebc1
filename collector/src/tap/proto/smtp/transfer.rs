//! Content transfer encoding (RFC 2045) base64 as mail has it: lines of any length, with bytes between that belong to none.

use base64::{
    DecodeSliceError, Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const TRAILING: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
/// What is complete, with or without padding.
const WHOLE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, TRAILING.with_decode_padding_mode(DecodePaddingMode::Indifferent));
/// What goes on: digits alone.
const GOES_ON: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, TRAILING.with_decode_padding_mode(DecodePaddingMode::RequireNone));
/// Digits decoded at once: hashes like it long.
const CHUNK: usize = 3072;

/// What was encoded in `bytes`; nothing where they are not base64.
pub(super) fn decode(bytes: &[u8]) -> Vec<u8> {
    WHOLE.decode(bytes).unwrap_or_default()
}

/// Base64 that comes line by line.
#[derive(Default)]
pub(super) struct Lines {
    digits: Vec<u8>,
    decoded: Vec<u8>,
}

impl Lines {
    /// The bytes that have become known with this line.
    pub(super) fn line(&mut self, line: &[u8]) -> &[u8] {
        self.digits.extend_from_slice(line);
        if self.digits.len() < CHUNK {
            return &[];
        }
        // the usual case is digits alone; only where that is not so they are looked at one by one
        if !self.take(self.digits.len() / 4 * 4) {
            self.only_digits();
            self.take(self.digits.len() / 4 * 4);
        }
        &self.decoded
    }

    /// The bytes of what is left.
    pub(super) fn end(&mut self) -> &[u8] {
        self.only_digits();
        // a single digit over says nothing
        let rest = self.digits.len();
        self.take(if rest % 4 == 1 { rest - 1 } else { rest });
        &self.decoded
    }

    fn only_digits(&mut self) {
        self.digits.retain(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    }

    /// Decodes the first `whole` digits and takes them away; whether they are digits.
    fn take(&mut self, whole: usize) -> bool {
        let Some(digits) = self.digits.get(..whole) else { return false };
        self.decoded.resize(whole / 4 * 3 + 3, 0);
        let written = match GOES_ON.decode_slice(digits, &mut self.decoded) {
            Ok(written) => written,
            Err(DecodeSliceError::DecodeError(_) | DecodeSliceError::OutputSliceTooSmall) => {
                self.decoded.clear();
                return false;
            }
        };
        self.decoded.truncate(written);
        self.digits.drain(..whole);
        true
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However it is cut into lines, and whatever stands between, the file is the same.
        #[test]
        fn lines_of_any_length_give_the_file(file in prop::collection::vec(any::<u8>(), 0..20_000), cuts in prop::collection::vec(1usize..5000, 1..40), odd in any::<bool>()) {
            let encoded = STANDARD.encode(&file);
            let mut lines = Lines::default();
            let (mut rest, mut found) = (encoded.as_bytes(), Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (line, after) = rest.split_at(rest.len().min(*cut));
                found.extend_from_slice(lines.line(line));
                if odd {
                    found.extend_from_slice(lines.line(b" \t"));
                }
                rest = after;
            }
            found.extend_from_slice(lines.end());
            prop_assert!(found == file);
        }
    }
}
