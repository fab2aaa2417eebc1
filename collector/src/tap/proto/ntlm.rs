//! NTLM, inside whatever carries it (SMB, HTTP, LDAP, DCE-RPC, SMTP…): who logs in from which machine to which. The proof of the password
//! stays where it is.

use fansipan_model::Value;

use super::{
    Cx,
    lines::{text, utf16},
    put,
};
use crate::tap::cursor::Cursor;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// Both messages that name somebody, until the outcome is known.
#[derive(Debug, Default)]
pub(super) struct Ntlm {
    server: Option<Server>,
    client: Option<Client>,
    at: i64,
    emitted: bool,
}

#[derive(Debug, Default)]
struct Server {
    target: String,
    /// Attributes by number: NetBIOS and DNS names of the machine and its domain.
    names: [Option<String>; 6],
    version: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) machine: String,
    anonymous: bool,
    /// Whether it is the old response.
    old: bool,
}

impl Ntlm {
    /// Looks for a message in a blob, wrapped or not; whether somebody was named.
    pub(super) fn read(&mut self, at: i64, blob: &[u8]) -> bool {
        let Some(start) = memchr::memmem::find(blob, SIGNATURE) else { return false };
        let message = blob.get(start..).unwrap_or_default();
        let kind = message.get(8..12).and_then(|k| k.first_chunk::<4>()).map(|k| u32::from_le_bytes(*k));
        match kind {
            Some(2) => self.server = challenge(message).or(self.server.take()),
            Some(3) => {
                let Some(client) = authenticate(message) else { return false };
                (self.at, self.client, self.emitted) = (at, Some(client), false);
                return true;
            }
            _ => {}
        }
        false
    }

    /// Who was named.
    pub(super) fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Whether somebody was named and the outcome is open.
    pub(super) fn waits(&self) -> bool {
        self.client.is_some() && !self.emitted
    }

    /// Base64 in a field such as `Authorization: NTLM …`.
    pub(super) fn read_text(&mut self, at: i64, value: &[u8]) -> bool {
        let (scheme, rest) = super::lines::word(value);
        let carries = scheme.eq_ignore_ascii_case(b"NTLM") || scheme.eq_ignore_ascii_case(b"Negotiate");
        carries && super::lines::base64(rest).is_some_and(|blob| self.read(at, &blob))
    }

    /// The one who was named answers the challenge that another saw.
    pub(super) fn answers(&mut self, other: &mut Ntlm) {
        self.server = other.server.take();
    }

    /// The outcome is known, or will not be.
    pub(super) fn emit(&mut self, cx: &mut Cx<'_>, outcome: Option<bool>) {
        let Some(client) = self.client.as_ref().filter(|_| !self.emitted) else { return };
        let mut event = cx.event("network.ntlm", self.at);
        event.push_named("event.category", Value::Str("authentication"));
        put(&mut event, "user.name", &*client.user);
        put(&mut event, "user.domain", &*client.domain);
        put(&mut event, "ntlm.hostname", &*client.machine);
        if client.anonymous {
            event.push_named("ntlm.anonymous", Value::Bool(true));
        }
        event.push_named("ntlm.version", Value::Str(if client.old { "1" } else { "2" }));
        if let Some(server) = &self.server {
            put(&mut event, "ntlm.target", &*server.target);
            let fields = [
                "server_nb_computer_name",
                "server_nb_domain_name",
                "server_dns_computer_name",
                "server_dns_domain_name",
                "server_tree_name",
            ];
            for (name, value) in fields.iter().zip(server.names.iter().skip(1)) {
                put(&mut event, &format!("ntlm.{name}"), value.as_deref());
            }
            put(&mut event, "ntlm.server_version", server.version.as_deref());
        }
        if let Some(good) = outcome {
            event.push_named("event.outcome", Value::Str(if good { "success" } else { "failure" }));
        }
        self.emitted = true;
        cx.emit(event);
    }
}

/// A field: where it is and how long.
fn field(message: &[u8], at: usize) -> Option<&[u8]> {
    let mut cursor = Cursor::new(message.get(at..)?);
    let length = usize::from(cursor.le16()?);
    cursor.skip(2)?;
    let offset = cursor.le32()? as usize;
    message.get(offset..offset.checked_add(length)?)
}

fn number(message: &[u8], at: usize) -> Option<u32> {
    Cursor::new(message.get(at..)?).le32()
}

fn challenge(message: &[u8]) -> Option<Server> {
    let flags = number(message, 20)?;
    let unicode = flags & 1 != 0;
    let read = |b: &[u8]| if unicode { utf16(b) } else { text(b) };
    let mut server = Server { target: field(message, 12).map(read).unwrap_or_default(), ..Server::default() };
    if flags & 0x0200_0000 != 0
        && let Some([major, minor, low, high, ..]) = message.get(48..56)
    {
        server.version = Some(format!("{major}.{minor}.{}", u16::from_le_bytes([*low, *high])));
    }
    let mut cursor = Cursor::new(field(message, 40).unwrap_or_default());
    while let (Some(kind), Some(length)) = (cursor.le16(), cursor.le16()) {
        let Some(value) = cursor.take(usize::from(length)).filter(|_| kind != 0) else { break };
        if let Some(slot) = server.names.get_mut(usize::from(kind)) {
            *slot = Some(utf16(value));
        }
    }
    Some(server)
}

fn authenticate(message: &[u8]) -> Option<Client> {
    let flags = number(message, 60).unwrap_or(1);
    let read = |b: &[u8]| if flags & 1 != 0 { utf16(b) } else { text(b) };
    let response = field(message, 20).unwrap_or_default();
    let user = read(field(message, 36)?);
    let anonymous = user.is_empty() && response.is_empty();
    Some(Client {
        domain: field(message, 28).map(read).unwrap_or_default(),
        user,
        machine: field(message, 44).map(read).unwrap_or_default(),
        anonymous,
        old: response.len() == 24,
    })
}
