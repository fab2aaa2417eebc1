//! Google's QUIC before the standard: its hello is a table of tags in the clear.

use fansipan_model::{Event, Value, fields};

use crate::tap::cursor::Cursor;

/// The version, as `Q043`, of a packet that names one.
pub(super) fn version(bytes: &[u8]) -> Option<String> {
    // flags, a connection id of eight bytes, the version; or, from Q044 on, flags and the version
    let first = *bytes.first()?;
    let place = if first & 0x80 != 0 {
        1
    } else if first & 0x09 == 0x09 {
        9
    } else {
        return None;
    };
    match bytes.get(place..place + 4)? {
        [b'Q', b'0', a, b] if a.is_ascii_digit() && b.is_ascii_digit() => Some(format!("Q0{}{}", char::from(*a), char::from(*b))),
        _ => None,
    }
}

/// What the client asks for.
pub(super) struct Hello {
    name: Option<String>,
    user_agent: Option<String>,
}

pub(super) fn hello(bytes: &[u8]) -> Option<Hello> {
    let at = memchr::memmem::find(bytes, b"CHLO")?;
    let mut cursor = Cursor::new(bytes.get(at + 4..)?);
    let count = usize::from(cursor.le16()?);
    cursor.skip(2)?;
    let mut tags = Cursor::new(cursor.take(count.checked_mul(8)?)?);
    let values = cursor.rest();
    let mut begin = 0;
    let mut hello = Hello { name: None, user_agent: None };
    while let (Some(tag), Some(end)) = (tags.array::<4>(), tags.le32()) {
        let text = || values.get(begin..end as usize).map(|v| String::from_utf8_lossy(v).into_owned());
        match &tag {
            b"SNI\0" => hello.name = text(),
            b"UAID" => hello.user_agent = text(),
            _ => {}
        }
        begin = end as usize;
    }
    Some(hello)
}

impl Hello {
    pub(super) fn describe(&self, event: &mut Event) {
        if let Some(name) = &self.name {
            event.push(fields::TLS_CLIENT_SERVER_NAME, Value::Str(name));
        }
        if let Some(agent) = &self.user_agent {
            event.push(fields::USER_AGENT_ORIGINAL, Value::Str(agent));
        }
    }
}
