//! Values of a detection item → tests: wildcards, encodings, numbers, networks, regular expressions.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fansipan_model::{Cmp, Op, Part, Pattern, RegexError, RegexTest, Relation, Said, said};
use ipnet::IpNet;

use super::modifier::{Encoding, Modifiers, Reading};
use crate::{
    ast::{ItemTest, Template},
    diagnostic::Code,
    yaml::{Node, Scalar},
};

/// Bytes of a regular expression's text.
const MAX_REGEX: usize = 8192;
/// Dashes of one value that `windash` varies: 5^5 variants.
const MAX_DASHES: usize = 5;
/// What Windows programs take for `-`.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// Why a value was refused.
pub(crate) type Refused = (Code, Said);

/// The tests that one value stands for; one of them must hold. `keyword`: the value may stand anywhere in a text.
pub(crate) fn tests(node: &Node, m: &Modifiers, keyword: bool) -> Result<Vec<ItemTest>, Refused> {
    let Some(scalar) = node.scalar() else {
        let kind = node.kind_name();
        return Err((Code::Nested, said!("{kind} stands where a single value belongs", "{kind:#} nằm ở chỗ của một giá trị đơn")));
    };
    let text = node.text().unwrap_or("");
    if let Some(part) = m.time {
        let cmp = if let Reading::Number(cmp) = m.reading { cmp } else { Cmp::Eq };
        let number = text.parse::<i64>().map_err(|_| bad(said!("`{text}` is not a whole number", "`{text}` không phải là số nguyên")))?;
        return Ok(vec![ItemTest::Op(Op::Time(part, cmp, number))]);
    }
    let one = |op| Ok(vec![ItemTest::Op(op)]);
    match m.reading {
        Reading::Number(cmp) => match text.trim().parse::<f64>() {
            Ok(n) if n.is_finite() => one(Op::Number(cmp, n)),
            _ => Err(bad(said!("`{text}` is not a number", "`{text}` không phải là số"))),
        },
        Reading::Exists => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" => one(Op::Exists),
            "false" | "no" => one(Op::Absent),
            _ => Err(bad(said!("`{text}` is neither true nor false", "`{text}` không phải true hay false"))),
        },
        Reading::Cidr => one(Op::Cidr(network(text)?)),
        Reading::Regex => one(Op::Regex(regex(text, &m.flags)?)),
        Reading::FieldRef if text.is_empty() => Err(bad(said!("the name of the other field is missing", "thiếu tên của trường kia"))),
        Reading::FieldRef => {
            let relation = m.anchor.unwrap_or(Relation::Equals);
            Ok(vec![ItemTest::SameAs { field: text.to_owned(), relation, cased: m.cased }])
        }
        Reading::Expand => {
            let anchor = anchor(m, keyword);
            Ok(vec![ItemTest::Expand(Template { text: text.to_owned(), anchor, cased: m.cased })])
        }
        Reading::Text => match scalar {
            Scalar::Null if keyword => Err(bad(said!("a keyword cannot be null", "từ khóa không thể là null"))),
            Scalar::Null if m.anchor.is_some() || !m.encodings.is_empty() => Err(bad(said!(
                "null goes with no modifier; write '' for the empty string",
                "null không đi với bộ sửa đổi nào; chuỗi rỗng viết là ''"
            ))),
            Scalar::Null => one(Op::Absent),
            _ => strings(text, m, anchor(m, keyword)),
        },
    }
}

fn bad(message: Said) -> Refused {
    (Code::BadModifierValue, message)
}

fn anchor(m: &Modifiers, keyword: bool) -> Relation {
    m.anchor.unwrap_or(if keyword { Relation::Contains } else { Relation::Equals })
}

fn network(text: &str) -> Result<IpNet, Refused> {
    let refused = |_| (Code::BadCidr, said!("`{text}` is not a network", "`{text}` không phải là một dải mạng"));
    if text.contains('/') {
        return text.parse::<IpNet>().map(|n| n.trunc()).map_err(refused);
    }
    text.parse::<std::net::IpAddr>()
        .map(IpNet::from)
        .map_err(|_| (Code::BadCidr, said!("`{text}` is not a network", "`{text}` không phải là một dải mạng")))
}

fn regex(text: &str, flags: &str) -> Result<RegexTest, Refused> {
    if text.len() > MAX_REGEX {
        return Err((
            Code::BadRegex,
            said!("the regular expression is longer than {MAX_REGEX} bytes", "biểu thức chính quy dài hơn {MAX_REGEX} byte"),
        ));
    }
    let source = if flags.is_empty() { text.to_owned() } else { format!("(?{flags}){text}") };
    RegexTest::new(&source).map_err(|RegexError(why)| {
        (Code::BadRegex, said!("the regular expression is refused: {why}", "biểu thức chính quy không dùng được: {why:#}"))
    })
}

/// A string on its way through the encodings.
enum Text {
    Parts(Vec<Part>),
    Bytes(Vec<u8>),
}

fn strings(text: &str, m: &Modifiers, anchor: Relation) -> Result<Vec<ItemTest>, Refused> {
    let mut variants = vec![Text::Parts(Pattern::parse_parts(text))];
    for encoding in &m.encodings {
        let mut next = Vec::new();
        for variant in variants {
            encode(variant, *encoding, &mut next)?;
        }
        variants = next;
    }
    variants
        .into_iter()
        .map(|variant| {
            let parts = match variant {
                Text::Parts(parts) => parts,
                Text::Bytes(bytes) => vec![Part::Literal(printable(bytes)?.into())],
            };
            Ok(ItemTest::Op(Op::Like(anchored(parts, anchor, m.cased))))
        })
        .collect()
}

/// A pattern whose parts stand at the given place of the value.
pub(crate) fn anchored(parts: Vec<Part>, anchor: Relation, cased: bool) -> Pattern {
    let before = matches!(anchor, Relation::Contains | Relation::EndsWith).then_some(Part::Many);
    let after = matches!(anchor, Relation::Contains | Relation::StartsWith).then_some(Part::Many);
    Pattern::new(before.into_iter().chain(parts).chain(after), cased)
}

fn printable(bytes: Vec<u8>) -> Result<String, Refused> {
    String::from_utf8(bytes).map_err(|_| {
        bad(said!(
            "the encoded value is not text; add base64 or base64offset after it",
            "giá trị sau khi mã hóa không phải là chữ; thêm base64 hoặc base64offset phía sau"
        ))
    })
}

fn encode(variant: Text, encoding: Encoding, out: &mut Vec<Text>) -> Result<(), Refused> {
    match encoding {
        Encoding::Windash => {
            let Text::Parts(parts) = variant else {
                return Err(bad(said!("windash stands before wide and base64", "windash đứng trước wide và base64")));
            };
            windash(&parts, out)?;
        }
        Encoding::Utf16Le => out.push(wide(variant, false, u16::to_le_bytes)?),
        Encoding::Utf16Be => out.push(wide(variant, false, u16::to_be_bytes)?),
        Encoding::Utf16 => out.push(wide(variant, true, u16::to_le_bytes)?),
        Encoding::Base64 => out.push(Text::Bytes(STANDARD.encode(bytes(variant)?).into_bytes())),
        Encoding::Base64Offset => {
            let bytes = bytes(variant)?;
            if bytes.len() < 3 {
                return Err(bad(said!("base64offset needs at least three bytes", "base64offset cần ít nhất ba byte")));
            }
            out.extend((0..3).map(|offset| Text::Bytes(base64_at(&bytes, offset))));
        }
    }
    Ok(())
}

/// The characters of Base64 that depend on these bytes alone when they begin at `offset` of a group of three.
fn base64_at(bytes: &[u8], offset: usize) -> Vec<u8> {
    let mut padded = vec![b' '; offset];
    padded.extend_from_slice(bytes);
    let text = STANDARD.encode(&padded).into_bytes();
    let start = [0, 2, 3][offset];
    let cut = [0, 3, 2][padded.len() % 3];
    text.get(start..text.len() - cut).unwrap_or_default().to_vec()
}

fn bytes(variant: Text) -> Result<Vec<u8>, Refused> {
    let parts = match variant {
        Text::Bytes(bytes) => return Ok(bytes),
        Text::Parts(parts) => parts,
    };
    let mut out = Vec::new();
    for part in parts {
        let Part::Literal(text) = part else {
            return Err(bad(said!(
                "a value for base64 cannot hold wildcards; escape them with `\\`",
                "giá trị cho base64 không được có ký tự đại diện; hãy thoát chúng bằng `\\`"
            )));
        };
        out.extend_from_slice(text.as_bytes());
    }
    Ok(out)
}

fn wide(variant: Text, mark: bool, order: fn(u16) -> [u8; 2]) -> Result<Text, Refused> {
    let widen = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(order).collect() };
    let parts = match variant {
        Text::Parts(parts) => parts,
        Text::Bytes(bytes) => vec![Part::Literal(printable(bytes)?.into())],
    };
    if parts.iter().any(|p| !matches!(p, Part::Literal(_))) {
        let wide: Result<Vec<Part>, Refused> = parts
            .into_iter()
            .map(|part| match part {
                Part::Literal(text) => Ok(Part::Literal(printable(widen(&text))?.into())),
                other => Ok(other),
            })
            .collect();
        return wide.map(Text::Parts);
    }
    let mut out = if mark { vec![0xff, 0xfe] } else { Vec::new() };
    for part in &parts {
        if let Part::Literal(text) = part {
            out.extend(widen(text));
        }
    }
    Ok(Text::Bytes(out))
}

/// Every way of writing the dashes that begin a parameter: those after a non-word character (or at the start) and before
/// a word character (or at the end).
fn windash(parts: &[Part], out: &mut Vec<Text>) -> Result<(), Refused> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = Vec::new();
    for (p, part) in parts.iter().enumerate() {
        let Part::Literal(text) = part else { continue };
        let mut before = None;
        let mut chars = text.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let after = chars.peek().map(|&(_, c)| c);
            if matches!(c, '-' | '/') && !before.is_some_and(word) && after.is_none_or(word) {
                places.push((p, i));
            }
            before = Some(c);
        }
    }
    if places.len() > MAX_DASHES {
        let dashes = places.len();
        return Err(bad(said!("the value has {dashes} dashes, more than {MAX_DASHES}", "giá trị có {dashes} dấu gạch, quá {MAX_DASHES}")));
    }
    for mut choice in 0..DASHES.len().pow(places.len() as u32) {
        let mut variant = parts.to_vec();
        // from the last place to the first, so that earlier places stay where they are
        for &(p, i) in places.iter().rev() {
            let dash = DASHES[choice % DASHES.len()];
            choice /= DASHES.len();
            if let Some(Part::Literal(text)) = variant.get_mut(p) {
                let mut changed = text.to_string();
                changed.replace_range(i..=i, dash.encode_utf8(&mut [0; 4]));
                *text = changed.into();
            }
        }
        out.push(Text::Parts(variant));
    }
    Ok(())
}
