//! What the handshake messages of both sides say together; the same over TCP and in QUIC.

use fansipan_model::{Event, Value, fields};

use super::{
    certificate::{self, Chain},
    fingerprint,
    hello::{ClientHello, ServerHello, protocols},
    names,
};
use crate::tap::cursor::{Cursor, be16};

/// What the handshake runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Tcp,
    Quic,
}

/// Messages read so far.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    pub(crate) client: Option<ClientHello>,
    pub(crate) server: Option<ServerHello>,
    chain: Option<Chain>,
    client_chain: Option<Chain>,
    /// Group of a key exchange before TLS 1.3.
    curve: Option<u16>,
    ticket: bool,
    next_protocol: Option<Vec<u8>>,
    /// The server asked for another hello.
    retried: bool,
}

impl Handshake {
    /// Takes in a message without its head.
    pub(crate) fn message(&mut self, kind: u8, body: &[u8]) {
        match kind {
            // the first hello is the fingerprint; a second one answers a request
            1 => self.client = self.client.take().or_else(|| ClientHello::read(body)),
            2 => self.server(ServerHello::read(body)),
            6 => self.server(ServerHello::read(body)), // a request for another hello in drafts
            4 => self.ticket = true,
            8 => self.encrypted_extensions(body),
            11 => self.certificates(body),
            12 if body.first() == Some(&3) => self.curve = self.curve.or(be16(body, 1)),
            _ => {}
        }
    }

    /// The hello of SSL 2.
    pub(super) fn old_client(&mut self, body: &[u8]) {
        self.client = self.client.take().or_else(|| ClientHello::read_old(body));
    }

    fn server(&mut self, hello: Option<ServerHello>) {
        let Some(hello) = hello else { return };
        self.retried |= hello.retry;
        if self.server.as_ref().is_none_or(|s| s.retry) {
            self.server = Some(hello);
        }
    }

    /// Seen only where it is decrypted.
    fn encrypted_extensions(&mut self, body: &[u8]) {
        let mut cursor = Cursor::new(body);
        let Some(mut list) = cursor.vec16() else { return };
        while let (Some(kind), Some(mut value)) = (list.u16(), list.vec16()) {
            if kind == 16 {
                self.next_protocol = value.vec16().and_then(|p| protocols(p).into_iter().next());
            }
        }
    }

    fn certificates(&mut self, body: &[u8]) {
        let Some(chain) = certificate::chain(body) else { return };
        // the server's comes first; a client shows its own only after being asked
        if self.chain.is_none() && self.server.is_some() || self.client.is_none() {
            self.chain.get_or_insert(chain);
        } else if self.chain.is_none() {
            self.chain = Some(chain);
        } else {
            self.client_chain.get_or_insert(chain);
        }
    }

    /// Writes everything known into an event.
    pub(crate) fn describe(&self, carrier: Carrier, event: &mut Event) {
        if let Some(client) = &self.client {
            describe_client(client, carrier, event);
        }
        if let Some(server) = &self.server {
            self.describe_server(server, event);
        }
        let agreed = self.server.as_ref().and_then(|s| s.alpn.as_ref()).or(self.next_protocol.as_ref());
        if let Some(protocol) = agreed {
            event.push(fields::TLS_NEXT_PROTOCOL, Value::Str(&String::from_utf8_lossy(protocol)));
        }
        if let Some(chain) = &self.chain {
            chain.describe("server", event);
        }
        if let Some(chain) = &self.client_chain {
            chain.describe("client", event);
        }
    }

    fn describe_server(&self, server: &ServerHello, event: &mut Event) {
        let (version, protocol) = names::version(server.version);
        event.push(fields::TLS_VERSION, Value::Str(&version));
        event.push(fields::TLS_VERSION_PROTOCOL, Value::Str(protocol));
        event.push(fields::TLS_CIPHER, Value::Str(&names::cipher(server.cipher)));
        event.push(fields::TLS_SERVER_JA3S, Value::Str(&fingerprint::ja3s(server)));
        if let Some(curve) = server.group.or(self.curve) {
            event.push(fields::TLS_CURVE, Value::Str(&names::group(curve)));
        }
        let same_session = self.client.as_ref().is_some_and(|c| !c.session.is_empty() && c.session == server.session);
        let before13 = server.version < 0x0304;
        let resumed = server.preshared || (before13 && same_session && self.chain.is_none());
        event.push(fields::TLS_RESUMED, Value::Bool(resumed));
        if self.retried {
            event.push_named("fansipan.tls.hello_retried", Value::Bool(true));
        }
    }
}

fn describe_client(client: &ClientHello, carrier: Carrier, event: &mut Event) {
    if let Some(name) = &client.name {
        event.push(fields::TLS_CLIENT_SERVER_NAME, Value::Str(name));
    }
    event.push(fields::TLS_CLIENT_JA3, Value::Str(&fingerprint::ja3(client)));
    event.push(fields::TLS_CLIENT_JA4, Value::Str(&fingerprint::ja4(client, carrier)));
    for protocol in &client.alpn {
        event.push_named("fansipan.tls.client.alpn", Value::Str(&String::from_utf8_lossy(protocol)));
    }
    if client.encrypted_name {
        event.push_named("fansipan.tls.client.encrypted_hello", Value::Bool(true));
    }
}
