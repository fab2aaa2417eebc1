//! SMB 2 and 3.

use super::{Asked, File, Request, Smb, Transfer, disposition};
use crate::tap::{
    cursor::Cursor,
    flow::Side,
    proto::{Cx, Step, lines::utf16},
};

const HEADER: usize = 64;
const PENDING: u32 = 0x103;
const MORE_PROCESSING: u32 = 0xc000_0016;
const BUFFER_OVERFLOW: u32 = 0x8000_0005;
const PIPE_TRANSCEIVE: u32 = 0x0011_c017;
/// Answers that nobody asked for.
const UNASKED: u64 = u64::MAX;

/// A message of a chain.
struct Part<'a> {
    bytes: &'a [u8],
    command: u16,
    status: u32,
    answer: bool,
    interim: bool,
    next: usize,
    number: u64,
    tree: u32,
}

impl<'a> Part<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip(8)?;
        let status = cursor.le32()?;
        let command = cursor.le16()?;
        cursor.skip(2)?;
        let flags = cursor.le32()?;
        let next = cursor.le32()? as usize;
        let number = u64::from_le_bytes(cursor.array()?);
        cursor.skip(4)?;
        let tree = cursor.le32()?;
        cursor.skip(24)?;
        Some(Self { bytes, command, status, answer: flags & 1 != 0, interim: flags & 2 != 0 && status == PENDING, next, number, tree })
    }

    fn u16(&self, at: usize) -> Option<usize> {
        Cursor::new(self.bytes.get(HEADER + at..)?).le16().map(usize::from)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Cursor::new(self.bytes.get(HEADER + at..)?).le32()
    }

    fn u64(&self, at: usize) -> Option<u64> {
        Cursor::new(self.bytes.get(HEADER + at..)?).array().map(u64::from_le_bytes)
    }

    fn id(&self, at: usize) -> Option<u128> {
        Cursor::new(self.bytes.get(HEADER + at..)?).array().map(u128::from_le_bytes)
    }

    /// What is at an offset from the header.
    fn at(&self, offset: usize, length: usize) -> Option<&'a [u8]> {
        self.bytes.get(offset..offset.checked_add(length)?)
    }

    /// A text whose offset and length stand side by side.
    fn text(&self, at: usize) -> Option<String> {
        self.at(self.u16(at)?, self.u16(at + 2)?).map(utf16)
    }
}

/// Whether data of a file is about to pass: then not all of the message has to be here.
pub(super) fn data_begins(side: Side, bytes: &[u8]) -> bool {
    let Some(part) = bytes.get(4..).filter(|b| b.starts_with(b"\xfeSMB")).and_then(Part::read) else { return false };
    let enough = bytes.len() >= 4 + HEADER + 48;
    enough && part.next == 0 && matches!((part.command, side), (9, Side::Source) | (8, Side::Destination)) && part.status == 0
}

pub(super) fn message(smb: &mut Smb, cx: &mut Cx<'_>, side: Side, message: &[u8], length: usize, last: bool) -> Step {
    let mut rest = message;
    for _ in 0..64 {
        let Some(part) = Part::read(rest) else { break };
        let chained = part.next;
        let known = part.number == UNASKED || smb.open.contains_key(&part.number) || part.number <= smb.asked;
        if part.answer && !known && !last {
            return Step::Wait;
        }
        if part.answer != (side == Side::Destination) {
            break;
        }
        let data = if part.answer { answer(smb, cx, &part) } else { request(smb, cx, &part) };
        if let Some((id, transfer, offset, size)) = data.filter(|(_, _, offset, size)| *size > 0 && offset + size <= length && chained == 0)
        {
            *smb.passing.of_mut(side) = Some((id, transfer, size as u64, (length - offset) as u64));
            return Step::Skip(4 + offset as u64);
        }
        match rest.get(chained..) {
            Some(more) if chained >= HEADER => rest = more,
            _ => break,
        }
    }
    Step::Skip(4 + length as u64)
}

/// Data that passes: whose, which way, where it begins in the message, and how much.
type Data = (u128, Transfer, usize, usize);

fn request(smb: &mut Smb, cx: &mut Cx<'_>, part: &Part<'_>) -> Option<Data> {
    let mut data = None;
    let asked = read_request(smb, cx, part, &mut data).unwrap_or(Asked::Other);
    smb.remember(part.number, Request { at: cx.at, tree: part.tree, asked });
    data
}

fn read_request(smb: &mut Smb, cx: &mut Cx<'_>, part: &Part<'_>, data: &mut Option<Data>) -> Option<Asked> {
    Some(match part.command {
        0 => {
            let count = part.u16(2)?;
            let dialects = (0..count.min(16)).filter_map(|i| part.u16(36 + 2 * i)).map(|d| version(d as u16)).collect();
            Asked::Negotiate(dialects)
        }
        1 => {
            if let Some(blob) = part.at(part.u16(12)?, part.u16(14)?) {
                smb.ntlm.read(cx.at, blob);
            }
            Asked::Setup
        }
        3 => Asked::Tree(part.text(4)?),
        5 => Asked::Create { name: part.text(44)?, action: disposition(part.u32(36)?), deletes: part.u32(40)? & 0x1000 != 0 },
        6 => Asked::Close(part.id(8)?),
        8 => Asked::Read(part.id(16)?, part.u64(8)?),
        9 => {
            let (offset, length, id) = (part.u16(2)?, part.u32(4)? as usize, part.id(16)?);
            if part.at(offset, length).is_some_and(|bytes| smb.files.call(cx, id, Side::Source, bytes)) {
                return Some(Asked::Write);
            }
            smb.files.begin(id, Transfer::Write, part.u64(8)?);
            *data = Some((id, Transfer::Write, offset, length));
            Asked::Write
        }
        11 => {
            let id = part.id(8)?;
            if part.u32(4)? == PIPE_TRANSCEIVE
                && let Some(bytes) = part.at(part.u32(24)? as usize, part.u32(28)? as usize)
            {
                smb.files.call(cx, id, Side::Source, bytes);
                return Some(Asked::Pipe(id));
            }
            Asked::Other
        }
        17 => {
            let (class, length, offset, id) = (part.u16(2)? >> 8, part.u32(4)? as usize, part.u16(8)?, part.id(16)?);
            let buffer = part.at(offset, length)?;
            match (part.u16(2)? & 0xff, class) {
                (1, 10 | 65) => {
                    let size = Cursor::new(buffer.get(16..)?).le32()? as usize;
                    Asked::Rename(id, utf16(buffer.get(20..20usize.checked_add(size)?)?))
                }
                (1, 13 | 64) if buffer.first()? & 1 == 1 => Asked::Delete(id),
                _ => Asked::Other,
            }
        }
        _ => Asked::Other,
    })
}

fn answer(smb: &mut Smb, cx: &mut Cx<'_>, part: &Part<'_>) -> Option<Data> {
    if part.interim {
        return None;
    }
    let request = smb.open.remove(&part.number)?;
    let status = part.status;
    match &request.asked {
        Asked::Negotiate(offered) if status == 0 => smb.negotiated(cx, &request, version(part.u16(4)? as u16), offered),
        Asked::Setup => {
            if let Some(blob) = part.at(part.u16(4)?, part.u16(6)?) {
                smb.ntlm.read(cx.at, blob);
            }
            if status != MORE_PROCESSING {
                smb.logged_in(cx, status);
            }
        }
        Asked::Tree(path) => {
            let share = if status == 0 { part.u16(2)? & 0xff } else { 0 };
            let share = ["", "disk", "pipe", "printer"].get(share).copied().unwrap_or_default();
            smb.connected(cx, &request, path, part.tree, share, status);
        }
        Asked::Create { name, action, deletes } => {
            if status == 0 {
                let id = part.id(64)?;
                let size = part.u64(48)?;
                let pipe = smb.is_pipe(request.tree);
                smb.latest = id;
                smb.files.open(id, File::new(name.clone(), request.tree, request.at, size, cx.settings.file_limit, pipe));
            }
            smb.named(cx, &request, if *deletes { "delete" } else { action }, name, status);
        }
        Asked::Close(id) => {
            let id = if *id == u128::MAX { smb.latest } else { *id };
            if let Some(file) = smb.files.close(id) {
                smb.transferred(cx, file);
            }
        }
        Asked::Delete(id) => {
            let name = smb.files.get(*id).map(|f| f.name.clone()).unwrap_or_default();
            smb.named(cx, &request, "delete", &name, status);
        }
        Asked::Rename(id, to) => renamed(smb, cx, &request, *id, to, status),
        Asked::Read(id, offset) if status == 0 || status == BUFFER_OVERFLOW => {
            let (start, length) = (part.u16(2)? & 0xff, part.u32(4)? as usize);
            if part.at(start, length).is_some_and(|bytes| smb.files.call(cx, *id, Side::Destination, bytes)) {
                return None;
            }
            smb.files.begin(*id, Transfer::Read, *offset);
            return Some((*id, Transfer::Read, start, length));
        }
        Asked::Pipe(id) => {
            if let Some(bytes) = part.at(part.u32(32)? as usize, part.u32(36)? as usize) {
                smb.files.call(cx, *id, Side::Destination, bytes);
            }
        }
        _ => {}
    }
    None
}

fn renamed(smb: &Smb, cx: &mut Cx<'_>, request: &Request, id: u128, to: &str, status: u32) {
    let name = smb.files.get(id).map(|f| f.name.clone()).unwrap_or_default();
    let mut event = smb.event(cx, request.at, "rename");
    smb.describe(&mut event, request.tree, &name);
    super::put(&mut event, "file.target_path", to);
    super::outcome(&mut event, status);
    cx.emit(event);
}

fn version(dialect: u16) -> String {
    match dialect {
        0x0202 => "2.0.2".to_owned(),
        0x0210 => "2.1".to_owned(),
        0x0300 => "3.0".to_owned(),
        0x0302 => "3.0.2".to_owned(),
        0x0311 => "3.1.1".to_owned(),
        0x02ff => "2.*".to_owned(),
        other => format!("0x{other:04x}"),
    }
}
