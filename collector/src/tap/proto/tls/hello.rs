//! The hellos of client and server.

use crate::tap::cursor::Cursor;

/// Values that mean nothing and keep implementations tolerant (RFC 8701).
pub(super) fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// What a client offers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientHello {
    pub(super) version: u16,
    pub(super) session: Vec<u8>,
    pub(super) ciphers: Vec<u16>,
    /// In the order sent.
    pub(super) extensions: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) formats: Vec<u8>,
    pub(super) signatures: Vec<u16>,
    pub(super) versions: Vec<u16>,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) name: Option<String>,
    /// The server's name is hidden.
    pub(super) encrypted_name: bool,
}

impl ClientHello {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let mut hello = ClientHello { version: cursor.u16()?, ..ClientHello::default() };
        cursor.skip(32)?;
        hello.session = cursor.vec8()?.rest().to_vec();
        hello.ciphers = numbers(cursor.vec16()?);
        cursor.vec8()?;
        // extensions may be absent, or cut in a broken hello: what can be read counts
        if let Some(list) = cursor.u16() {
            let _ = hello.extensions(Cursor::new(cursor.up_to(usize::from(list))));
        }
        Some(hello)
    }

    /// Of SSL 2, offering something newer.
    pub(super) fn read_old(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        cursor.skip(1)?;
        let version = cursor.u16()?;
        let (ciphers, session, _challenge) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let specs = cursor.take(usize::from(ciphers))?;
        let ciphers =
            specs.chunks_exact(3).filter_map(|c| if let [0, a, b] = c { Some(u16::from_be_bytes([*a, *b])) } else { None }).collect();
        Some(Self { version, ciphers, session: cursor.up_to(usize::from(session)).to_vec(), ..Self::default() })
    }

    fn extensions(&mut self, mut list: Cursor<'_>) -> Option<()> {
        while !list.is_empty() {
            let kind = list.u16()?;
            let Some(mut body) = list.vec16() else {
                self.extensions.push(kind);
                return None;
            };
            self.extensions.push(kind);
            match kind {
                0 => self.name = self.name.take().or_else(|| server_name(body)),
                10 => self.groups = body.vec16().map(numbers).unwrap_or_default(),
                11 => self.formats = body.vec8().map(|f| f.rest().to_vec()).unwrap_or_default(),
                13 => self.signatures = body.vec16().map(numbers).unwrap_or_default(),
                16 => self.alpn = body.vec16().map(protocols).unwrap_or_default(),
                43 => self.versions = body.vec8().map(numbers).unwrap_or_default(),
                0xfe0d => self.encrypted_name = true,
                _ => {}
            }
        }
        Some(())
    }
}

/// What a server chose.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerHello {
    /// As in the hello's own field, for fingerprints.
    pub(super) legacy: u16,
    pub(super) version: u16,
    pub(super) session: Vec<u8>,
    pub(super) cipher: u16,
    pub(super) extensions: Vec<u16>,
    pub(super) alpn: Option<Vec<u8>>,
    pub(super) group: Option<u16>,
    pub(super) preshared: bool,
    /// It asks for another hello.
    pub(super) retry: bool,
}

/// The random value that marks a request for another hello.
const RETRY: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];

impl ServerHello {
    /// Whether it only asks for another hello.
    pub(crate) fn is_retry(&self) -> bool {
        self.retry
    }

    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let version = cursor.u16()?;
        let mut hello = ServerHello { legacy: version, version, ..ServerHello::default() };
        let random = cursor.take(32)?;
        hello.retry = random.starts_with(&RETRY);
        // TLS 1.3 drafts before the 22nd have no session here
        let draft = version >> 8 == 0x7f;
        if draft {
            hello.cipher = cursor.u16()?;
        } else {
            hello.session = cursor.vec8()?.rest().to_vec();
            hello.cipher = cursor.u16()?;
            cursor.skip(1)?;
        }
        if let Some(list) = cursor.u16() {
            let _ = hello.extensions(Cursor::new(cursor.up_to(usize::from(list))));
        }
        Some(hello)
    }

    fn extensions(&mut self, mut list: Cursor<'_>) -> Option<()> {
        while !list.is_empty() {
            let kind = list.u16()?;
            let mut body = list.vec16()?;
            self.extensions.push(kind);
            match kind {
                16 => self.alpn = body.vec16().map(protocols).and_then(|p| p.into_iter().next()),
                41 => self.preshared = true,
                43 => self.version = body.u16()?,
                51 => self.group = body.u16(),
                _ => {}
            }
        }
        Some(())
    }
}

fn numbers(mut cursor: Cursor<'_>) -> Vec<u16> {
    let mut out = Vec::with_capacity(cursor.len() / 2);
    while let Some(n) = cursor.u16() {
        out.push(n);
    }
    out
}

pub(super) fn protocols(mut cursor: Cursor<'_>) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while let Some(name) = cursor.vec8() {
        out.push(name.rest().to_vec());
    }
    out
}

fn server_name(mut body: Cursor<'_>) -> Option<String> {
    let mut list = body.vec16()?;
    while let Some(kind) = list.u8() {
        let name = list.vec16()?;
        if kind == 0 {
            return Some(String::from_utf8_lossy(name.rest()).into_owned());
        }
    }
    None
}
