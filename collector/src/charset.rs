//! Bytes that are not UTF-8 become readable text; the bytes themselves are kept by the event.
//!
//! Old Vietnamese systems write Windows-1258 (vowels with combining tone marks, composed here as people type them today) or TCVN3
//! (TCVN 5712:1993 VN3, the code of the `.Vn` fonts). Windows-1258 agrees with Latin-1 on nearly all of Western text.

use std::borrow::Cow;

/// The text of a record. Borrowed when it is UTF-8 (a leading byte-order mark is not text), else decoded: UTF-16 by its mark,
/// UTF-8 with some bad bytes as UTF-8 with U+FFFD in their place, everything else as TCVN3 where it
/// looks like it, or as Windows-1258.
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
    if is_tcvn3(bytes) {
        return bytes.iter().map(|&b| tcvn3(b)).collect();
    }
    compose(&encoding_rs::WINDOWS_1258.decode_without_bom_handling(bytes).0)
}

/// TCVN 5712:1993 VN3, bytes A1–FE; `\0` where it has no letter.
const TCVN3: &str = "ĂÂÊÔƠƯĐăâêôơưđ\0\0\0\0\0\0àảãáạ\0ằẳẵắ\0\0\0\0\0\0\0ặầẩẫấậè\0ẻẽéẹềểễếệìỉ\0\0\0ĩíịò\0ỏõóọồổỗốộờởỡớợù\0ủũúụừửữứựỳỷỹýỵ";

fn tcvn3(byte: u8) -> char {
    let letter = byte.checked_sub(0xa1).and_then(|at| TCVN3.chars().nth(usize::from(at))).filter(|c| *c != '\0');
    letter.unwrap_or(char::from(byte))
}

/// Whether bytes inside words are letters as TCVN3 and signs or stray capitals as Windows-1258.
fn is_tcvn3(bytes: &[u8]) -> bool {
    let (mut inside, mut odd) = (0usize, 0usize);
    for pair in bytes.windows(2) {
        let &[before, byte] = pair else { continue };
        if byte < 0xa1 || !(before.is_ascii_lowercase() || before >= 0xa1) {
            continue;
        }
        inside += 1;
        let western = encoding_rs::WINDOWS_1258.decode_without_bom_handling(&[byte]).0.chars().next().unwrap_or(' ');
        let mark = TONES.iter().any(|(tone, _)| *tone == western);
        let vietnamese = tcvn3(byte);
        odd += usize::from(!mark && !western.is_lowercase() && vietnamese.is_lowercase());
    }
    odd * 2 > inside
}

/// Combining tone marks with the vowels they make of [`VOWELS`], in its order.
const TONES: [(char, &str); 5] = [
    ('\u{300}', "àằầèềìòồờùừỳÀẰẦÈỀÌÒỒỜÙỪỲ"),
    ('\u{301}', "áắấéếíóốớúứýÁẮẤÉẾÍÓỐỚÚỨÝ"),
    ('\u{303}', "ãẵẫẽễĩõỗỡũữỹÃẴẪẼỄĨÕỖỠŨỮỸ"),
    ('\u{309}', "ảẳẩẻểỉỏổởủửỷẢẲẨẺỂỈỎỔỞỦỬỶ"),
    ('\u{323}', "ạặậẹệịọộợụựỵẠẶẬẸỆỊỌỘỢỤỰỴ"),
];

const VOWELS: &str = "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY";

/// Vowels and the tone marks after them as one character each (Unicode NFC, for Vietnamese): so that a search finds them.
fn compose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let vowels = TONES.iter().find(|(tone, _)| *tone == c).map(|(_, with)| with);
        let composed = vowels.and_then(|with| {
            let at = VOWELS.chars().position(|v| out.ends_with(v))?;
            with.chars().nth(at)
        });
        match composed {
            Some(vowel) => {
                out.pop();
                out.push(vowel);
            }
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn readings() {
        let cases: [(&[u8], &str); 9] = [
            (b"plain", "plain"),
            ("đăng nhập".as_bytes(), "đăng nhập"),
            (b"user=Nguy\xEA\xDEn \xF0\xE3ng", "user=Nguyễn đăng"), // Windows-1258, tone marks combine
            (b"NGUY\xCA\xDEN", "NGUYỄN"),
            (b"user=Nguy\xD4n \xAE\xA8ng", "user=Nguyễn đăng"), // TCVN3
            (b"M\xFCller, caf\xE9", "Müller, café"),
            (b"caf\xE9 login", "café login"),
            (b"\xFF\xFEA\0B\0", "AB"),
            (b"\xC4\x91\xC4\x83ng nh\xE1\xBA\xADp \xC4", "đăng nhập \u{fffd}"), // cut inside a character
        ];
        for (bytes, text) in cases {
            assert_eq!(decode(bytes), text);
        }
    }
}
