//! Files in transfer: their hashes, size and kind, with nothing kept but the first bytes.

use fansipan_model::{Event, Value, fields};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::tap::files::hex;

/// Bytes the kind is told by.
const HEAD: usize = 1024;

/// A file while it passes.
pub(crate) struct FileHash {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
    head: Vec<u8>,
    size: u64,
    limit: u64,
    /// Nothing is missing.
    pub(crate) whole: bool,
}

impl FileHash {
    /// `limit`: larger files are not hashed.
    pub(crate) fn new(limit: u64) -> Self {
        Self { md5: Md5::new(), sha1: Sha1::new(), sha256: Sha256::new(), head: Vec::new(), size: 0, limit, whole: true }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.size += bytes.len() as u64;
        if self.size <= self.limit {
            self.md5.update(bytes);
            self.sha1.update(bytes);
            self.sha256.update(bytes);
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The kind by content; `declared` where the content only says that it is some text, or nothing at all.
    pub(crate) fn mime(&self, declared: Option<&str>) -> Option<String> {
        if self.size == 0 {
            return None;
        }
        let declared = declared.map(|d| d.split(';').next().unwrap_or(d).trim().to_ascii_lowercase()).filter(|d| d.contains('/'));
        let (seen, sure) = sniff(&self.head);
        match declared {
            Some(declared) if !sure && (seen == "application/octet-stream" || textual(&declared)) => Some(declared),
            _ => Some(seen.to_owned()),
        }
    }

    /// Size and, if nothing is missing, the hashes.
    pub(crate) fn describe(self, mime: Option<&str>, event: &mut Event) {
        event.push(fields::FILE_SIZE, Value::Int(self.size as i64));
        if let Some(mime) = mime {
            event.push(fields::FILE_MIME_TYPE, Value::Str(mime));
        }
        if self.whole && self.size <= self.limit {
            event.push(fields::FILE_HASH_MD5, Value::Str(&hex(&self.md5.finalize())));
            event.push(fields::FILE_HASH_SHA1, Value::Str(&hex(&self.sha1.finalize())));
            event.push(fields::FILE_HASH_SHA256, Value::Str(&hex(&self.sha256.finalize())));
        }
    }
}

fn textual(mime: &str) -> bool {
    mime.starts_with("text/")
        || ["json", "xml", "javascript", "ecmascript", "x-www-form-urlencoded", "yaml", "sql"].iter().any(|t| mime.contains(t))
}

/// What files begin with.
const MAGIC: &[(&[u8], &str)] = &[
    (b"MZ", "application/x-dosexec"),
    (b"\x7fELF", "application/x-executable"),
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"BM", "image/bmp"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07", "application/x-rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    (b"{\\rtf", "text/rtf"),
    (b"CWS", "application/x-shockwave-flash"),
    (b"FWS", "application/x-shockwave-flash"),
    (b"MSCF", "application/vnd.ms-cab-compressed"),
    (b"\xca\xfe\xba\xbe", "application/x-java-applet"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-o-executable"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (b"OggS", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x00asm", "application/wasm"),
    (b"-----BEGIN CERTIFICATE", "application/x-pem"),
    (b"#!", "text/x-shellscript"),
    (b"SQLite format 3\x00", "application/x-sqlite3"),
    (b"%!PS", "application/postscript"),
];

/// Words that begin an HTML page.
const HTML: [&str; 8] = ["<!doctype html", "<html", "<head", "<body", "<script", "<title", "<!--", "<table"];

/// The kind by content, and whether that is certain.
fn sniff(head: &[u8]) -> (&'static str, bool) {
    if let Some((_, mime)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (mime, true);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return ("image/webp", true);
    }
    if head.get(4..8) == Some(b"ftyp") {
        return ("video/mp4", true);
    }
    if head.get(257..262) == Some(b"ustar") {
        return ("application/x-tar", true);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let binary = text.iter().any(|b| matches!(b, 0..=8 | 11 | 14..=26 | 28..=31 | 127));
    if binary {
        return ("application/octet-stream", false);
    }
    let trimmed = text.trim_ascii_start();
    let first: String = trimmed.iter().take(16).map(|b| char::from(b.to_ascii_lowercase())).collect();
    if HTML.iter().any(|h| first.starts_with(h)) {
        return ("text/html", true);
    }
    if first.starts_with("<?xml") {
        return ("application/xml", false);
    }
    if (first.starts_with('{') || first.starts_with('['))
        && trimmed.len() < HEAD
        && serde_json::from_slice::<serde::de::IgnoredAny>(trimmed).is_ok()
    {
        return ("application/json", true);
    }
    ("text/plain", false)
}
