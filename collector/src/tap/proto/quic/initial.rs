//! Long headers, and opening first packets with the keys everyone can derive.

use ring::{aead, hkdf};

use crate::tap::cursor::Cursor;

/// A number of one to eight bytes.
pub(super) fn number(cursor: &mut Cursor<'_>) -> Option<u64> {
    let first = cursor.u8()?;
    let mut value = u64::from(first & 0x3f);
    for _ in 1..1 << (first >> 6) {
        value = value << 8 | u64::from(cursor.u8()?);
    }
    Some(value)
}

/// A version whose first packets can be opened.
#[derive(Clone, Copy)]
pub(super) struct Version {
    pub(super) number: u32,
    salt: &'static [u8; 20],
    second: bool,
}

const SALT_1: [u8; 20] =
    [0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a];
const SALT_2: [u8; 20] =
    [0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9];
const SALT_29: [u8; 20] =
    [0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99];
const SALT_23: [u8; 20] =
    [0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02];

impl Version {
    pub(super) fn of(number: u32) -> Option<Self> {
        let (salt, second) = match number {
            1 => (&SALT_1, false),
            0x6b33_43cf => (&SALT_2, true),
            0xff00_0021..=0xff00_0022 => (&SALT_1, false),
            0xff00_001d..=0xff00_0020 => (&SALT_29, false),
            0xff00_0017..=0xff00_001c => (&SALT_23, false),
            // drafts of two companies
            0xface_b002 | 0xface_b00e => (&SALT_23, false),
            _ => return None,
        };
        Some(Self { number, salt, second })
    }

    /// As people say it.
    pub(super) fn name(self) -> String {
        match self.number {
            1 => "1".to_owned(),
            0x6b33_43cf => "2".to_owned(),
            n if n >> 8 == 0xff_0000 => format!("draft-{}", n & 0xff),
            n => format!("0x{n:08x}"),
        }
    }

    pub(super) fn is_initial(self, first: u8) -> bool {
        first >> 4 & 3 == u8::from(self.second)
    }

    fn is_retry(self, first: u8) -> bool {
        first >> 4 & 3 == if self.second { 0 } else { 3 }
    }
}

/// A packet with a long header.
#[derive(Clone, Copy)]
pub(super) struct LongHeader<'a> {
    pub(super) first: u8,
    pub(super) version: u32,
    pub(super) destination: &'a [u8],
    /// The packet up to its end, and where its number begins.
    packet: &'a [u8],
    number_at: usize,
    /// What follows in the same datagram.
    pub(super) after: &'a [u8],
}

impl<'a> LongHeader<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let first = cursor.u8()?;
        if first & 0x80 == 0 {
            return None;
        }
        let version = cursor.u32()?;
        let destination = cursor.vec8()?.rest();
        let _source = cursor.vec8()?;
        let mut header = LongHeader { first, version, destination, packet: bytes, number_at: bytes.len(), after: &[] };
        let Some(known) = Version::of(version) else { return Some(header) };
        if known.is_retry(first) {
            return Some(header);
        }
        if known.is_initial(first) {
            let token = usize::try_from(number(&mut cursor)?).ok()?;
            cursor.skip(token)?;
        }
        let length = usize::try_from(number(&mut cursor)?).ok()?;
        header.number_at = bytes.len() - cursor.len();
        let end = header.number_at.checked_add(length)?.min(bytes.len());
        header.packet = bytes.get(..end)?;
        header.after = bytes.get(end..)?;
        Some(header)
    }

    /// Whether connection ids are as long as they may be.
    pub(super) fn fits(&self) -> bool {
        self.destination.len() <= 20
    }
}

/// Keys of both sides.
pub(super) struct Keys {
    pub(super) version: u32,
    pub(super) client: Secret,
    pub(super) server: Secret,
}

impl Keys {
    pub(super) fn derive(version: Version, id: &[u8]) -> Option<Self> {
        let first = hkdf::Salt::new(hkdf::HKDF_SHA256, version.salt).extract(id);
        let side = |label| Secret::derive(&hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &expand::<32>(&first, label)?), version.second);
        Some(Self { version: version.number, client: side("client in")?, server: side("server in")? })
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label of TLS 1.3.
fn expand<const N: usize>(secret: &hkdf::Prk, label: &str) -> Option<[u8; N]> {
    let length = (N as u16).to_be_bytes();
    let head = [(label.len() + 6) as u8];
    let info = [&length[..], &head, b"tls13 ", label.as_bytes(), &[0]];
    let mut out = [0; N];
    secret.expand(&info, Length(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

/// Keys of one side.
pub(super) struct Secret {
    key: aead::LessSafeKey,
    iv: [u8; 12],
    header: aead::quic::HeaderProtectionKey,
}

impl Secret {
    fn derive(secret: &hkdf::Prk, second: bool) -> Option<Self> {
        let [key, iv, header] = if second { ["quicv2 key", "quicv2 iv", "quicv2 hp"] } else { ["quic key", "quic iv", "quic hp"] };
        let key = aead::UnboundKey::new(&aead::AES_128_GCM, &expand::<16>(secret, key)?).ok()?;
        let header = aead::quic::HeaderProtectionKey::new(&aead::quic::AES_128, &expand::<16>(secret, header)?).ok()?;
        Some(Self { key: aead::LessSafeKey::new(key), iv: expand(secret, iv)?, header })
    }

    /// The frames of a packet, if this is its key.
    pub(super) fn open(&self, packet: &LongHeader<'_>) -> Option<Vec<u8>> {
        let at = packet.number_at;
        let sample = packet.packet.get(at + 4..at + 20)?;
        let mask = self.header.new_mask(sample).ok()?;
        let mut head = packet.packet.get(..at + 4)?.to_vec();
        let first = head.first_mut()?;
        *first ^= mask[0] & 0x0f;
        let length = usize::from(*first & 3) + 1;
        head.truncate(at + length);
        let mut number = 0u64;
        for (byte, mask) in head.get_mut(at..)?.iter_mut().zip(mask.get(1..)?) {
            *byte ^= mask;
            number = number << 8 | u64::from(*byte);
        }
        let mut nonce = self.iv;
        for (to, from) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *to ^= from;
        }
        let mut payload = packet.packet.get(at + length..)?.to_vec();
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let plain = self.key.open_in_place(nonce, aead::Aad::from(&head), &mut payload).ok()?.len();
        payload.truncate(plain);
        Some(payload)
    }
}
