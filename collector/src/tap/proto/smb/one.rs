//! SMB 1.

use super::{Asked, File, Request, Smb, dialects, disposition};
use crate::tap::{
    cursor::Cursor,
    flow::Side,
    proto::{
        Cx, Step,
        lines::{text, utf16},
    },
};

const HEADER: usize = 32;
const MORE_PROCESSING: u32 = 0xc000_0016;

/// A message: its head, its words and its bytes.
struct Part<'a> {
    message: &'a [u8],
    command: u8,
    status: u32,
    answer: bool,
    unicode: bool,
    tree: u32,
    number: u64,
    words: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        cursor.skip(4)?;
        let command = cursor.u8()?;
        let status = cursor.le32()?;
        let flags = cursor.u8()?;
        let more = cursor.le16()?;
        cursor.skip(12)?;
        let tree = u32::from(cursor.le16()?);
        let process = cursor.le16()?;
        cursor.skip(2)?;
        let number = u64::from(process) << 16 | u64::from(cursor.le16()?);
        let words = usize::from(cursor.u8()?) * 2;
        let words = cursor.take(words)?;
        let size = usize::from(cursor.le16()?);
        let bytes = cursor.up_to(size);
        Some(Self { message, command, status, answer: flags & 0x80 != 0, unicode: more & 0x8000 != 0, tree, number, words, bytes })
    }

    fn word(&self, at: usize) -> Option<usize> {
        Cursor::new(self.words.get(at * 2..)?).le16().map(usize::from)
    }

    /// A text that begins at a place of the bytes; two-byte texts begin at an even place of the message.
    fn text(&self, at: usize) -> Option<(String, usize)> {
        if !self.unicode {
            let rest = self.bytes.get(at..)?;
            let end = memchr::memchr(0, rest).unwrap_or(rest.len());
            return Some((text(rest.get(..end)?), at + end + 1));
        }
        let start = HEADER + 3 + self.words.len();
        let at = at + (start + at) % 2;
        let rest = self.bytes.get(at..)?;
        let end = rest.chunks_exact(2).position(|c| c == [0, 0]).map_or(rest.len(), |p| p * 2);
        Some((utf16(rest.get(..end)?), at + end + 2))
    }
}

pub(super) fn message(smb: &mut Smb, cx: &mut Cx<'_>, side: Side, message: &[u8], length: usize, last: bool) -> Step {
    let whole = Step::Skip(4 + length as u64);
    let Some(part) = Part::read(message).filter(|p| p.answer == (side == Side::Destination)) else { return whole };
    // numbers repeat: a request must be answered before its number is used again
    let key = part.number << 8 | u64::from(part.command);
    if !part.answer {
        if smb.open.contains_key(&key) && !last {
            return Step::Wait;
        }
        let asked = request(smb, cx, &part).unwrap_or(Asked::Other);
        smb.remember(key, Request { at: cx.at, tree: part.tree, asked });
        return whole;
    }
    let Some(request) = smb.open.remove(&key) else {
        return if last { whole } else { Step::Wait };
    };
    answer(smb, cx, &part, &request);
    whole
}

fn request(smb: &mut Smb, cx: &Cx<'_>, part: &Part<'_>) -> Option<Asked> {
    let names = |action, first: usize| {
        let (name, next) = part.text(first)?;
        Some(Asked::Named(action, name, part.text(next + 1).map(|(n, _)| n)))
    };
    Some(match part.command {
        0x72 => Asked::Negotiate(dialects(part.bytes)),
        0x73 => {
            smb.ntlm.read(cx.at, part.bytes);
            if part.words.len() == 26 {
                // names in the clear after both proofs
                let skip = part.word(7)? + part.word(8)?;
                let (user, next) = part.text(skip)?;
                let domain = part.text(next).map(|(d, _)| d).unwrap_or_default();
                smb.user = Some((user, domain)).filter(|(u, _)| !u.is_empty());
            }
            Asked::Setup
        }
        0x75 => Asked::Tree(part.text(part.word(3)?)?.0),
        0xa2 => {
            let action = disposition(Cursor::new(part.words.get(35..)?).le32()?);
            let options = Cursor::new(part.words.get(39..)?).le32()?;
            Asked::Create { name: part.text(0)?.0, action, deletes: options & 0x1000 != 0 }
        }
        0x04 => Asked::Close(part.word(0)? as u128),
        0x06 => names("delete", 1)?,
        0x07 => names("rename", 1)?,
        0x00 => names("create_directory", 1)?,
        0x01 => names("delete_directory", 1)?,
        _ => Asked::Other,
    })
}

fn answer(smb: &mut Smb, cx: &mut Cx<'_>, part: &Part<'_>, request: &Request) {
    let status = part.status;
    match &request.asked {
        Asked::Negotiate(offered) => {
            let chosen = part.word(0).and_then(|i| offered.get(i)).cloned().unwrap_or_else(|| "1".to_owned());
            smb.negotiated(cx, request, chosen, offered);
        }
        Asked::Setup => {
            smb.ntlm.read(cx.at, part.message);
            if status != MORE_PROCESSING {
                smb.logged_in(cx, status);
            }
        }
        Asked::Tree(path) => {
            // the kind of service is never in two-byte letters
            let share = text(part.bytes.split(|b| *b == 0).next().unwrap_or_default());
            smb.connected(cx, request, path, part.tree, share.trim(), status);
        }
        Asked::Create { name, action, deletes } => {
            if let Some(id) = part.words.get(5..7).and_then(|b| b.first_chunk::<2>()).filter(|_| status == 0) {
                let size = part.words.get(55..63).and_then(|b| b.first_chunk::<8>()).map_or(0, |b| u64::from_le_bytes(*b));
                let pipe = smb.is_pipe(request.tree);
                let file = File::new(name.clone(), request.tree, request.at, size, cx.settings.file_limit, pipe);
                smb.files.open(u128::from(u16::from_le_bytes(*id)), file);
            }
            smb.named(cx, request, if *deletes { "delete" } else { action }, name, status);
        }
        Asked::Close(id) => {
            if let Some(file) = smb.files.close(*id) {
                smb.transferred(cx, file);
            }
        }
        Asked::Named(action, name, to) => {
            let mut event = smb.event(cx, request.at, action);
            smb.describe(&mut event, request.tree, name);
            if *action == "rename" {
                super::put(&mut event, "file.target_path", to.as_deref());
            }
            super::outcome(&mut event, status);
            cx.emit(event);
        }
        _ => {}
    }
}
