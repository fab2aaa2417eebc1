//! Bytes that are not UTF-8 become readable text; the bytes themselves are kept by the event.
//!
//! Old Vietnamese systems write Windows-1258 (Vietnamese with combining tone marks) or TCVN3 fonts over a one-byte code page.
//! Windows-1258 is the reading here: it keeps ASCII, decodes every byte, and agrees with Latin-1 on nearly all of Western text.

use std::borrow::Cow;

/// The text of a record. Borrowed when it is UTF-8 (a leading byte-order mark is not text), else decoded: UTF-16 by its mark,
/// UTF-8 with some bad bytes as UTF-8 with U+FFFD in their place, everything else as Windows-1258.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(foreign(bytes)),
    }
}

fn foreign(bytes: &[u8]) -> String {
    if let [0xff, 0xfe, rest @ ..] = bytes {
        return encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned();
    }
    if let [0xfe, 0xff, rest @ ..] = bytes {
        return encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned();
    }
    // A record cut inside a character, or one stray byte in UTF-8 text: most multi-byte sequences are whole.
    let (mut whole, mut bad) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    if whole > bad {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    encoding_rs::WINDOWS_1258.decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn readings() {
        let cases: [(&[u8], &str); 6] = [
            (b"plain", "plain"),
            ("đăng nhập".as_bytes(), "đăng nhập"),
            (b"user=Nguy\xEA\xDEn \xF0\xE3ng", "user=Nguyê\u{303}n đăng"), // Windows-1258, tone marks combine
            (b"caf\xE9 login", "café login"),
            (b"\xFF\xFEA\0B\0", "AB"),
            (b"\xC4\x91\xC4\x83ng nh\xE1\xBA\xADp \xC4", "đăng nhập \u{fffd}"), // cut inside a character
        ];
        for (bytes, text) in cases {
            assert_eq!(decode(bytes), text);
        }
    }
}
