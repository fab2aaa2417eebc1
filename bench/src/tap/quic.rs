//! A connection of QUIC version 1: first packets under the keys that RFC 9001 §5.2 derives from them, then packets nobody can open.

use rustls::{
    Side,
    quic::{DirectionalKeys, Keys, Version},
};

use super::talk::{Talk, client_hello, cut, extension, message, vec16};
use crate::generate::Rng;

/// Bytes of a datagram: first ones are filled up to that (RFC 9000 §14.1).
const DATAGRAM: usize = 1200;
/// Bytes of an AES-GCM tag.
const TAG: usize = 16;

/// A length that takes two bytes.
fn two(n: usize) -> [u8; 2] {
    (0x4000 | n as u16).to_be_bytes()
}

/// An Initial of packet number 0 with frames, filled up so that the datagram has its size with `after` behind it.
fn initial(keys: &DirectionalKeys, ids: (&[u8], &[u8]), frames: &[u8], after: usize) -> Option<Vec<u8>> {
    let mut head = vec![0xc3, 0, 0, 0, 1];
    for id in [ids.0, ids.1] {
        head.push(id.len() as u8);
        head.extend(id);
    }
    head.push(0);
    let room = DATAGRAM.checked_sub(head.len() + 2 + 4 + TAG + after)?;
    let mut payload = frames.to_vec();
    payload.resize(payload.len().max(room), 0);
    head.extend(two(4 + payload.len() + TAG));
    let at = head.len();
    head.extend([0; 4]);
    let tag = keys.packet.encrypt_in_place(0, &head, &mut payload).ok()?;
    payload.extend(tag.as_ref());
    let (first, rest) = head.split_first_mut()?;
    keys.header.encrypt_in_place(payload.get(..16)?, first, rest.get_mut(at - 1..)?).ok()?;
    head.extend(payload);
    Some(head)
}

/// A CRYPTO frame with all of a message.
fn crypto(message: &[u8]) -> Vec<u8> {
    [&[6, 0][..], &two(message.len()), message].concat()
}

fn keys(id: &[u8], side: Side) -> Option<Keys> {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13()?;
    Some(Keys::initial(Version::V1, suite, suite.quic?, id, side))
}

/// What both say; nothing where a key cannot be made.
pub(super) fn quic(random: &mut Rng, pool: &[u8], out: &mut Talk) {
    let id = random.next_u64().to_be_bytes();
    let (own, theirs) = (random.next_u64().to_be_bytes(), random.next_u64().to_be_bytes());
    let parameters = extension(57, &[&[0x0f, 8][..], &own, &[4, 4, 0x80, 0x10, 0, 0]].concat());
    let hello = message(1, &client_hello(random, pool, b"\x02h3", &parameters));
    let mut answer = vec![3, 3];
    answer.extend(cut(random, pool, 32, 33));
    answer.extend([0, 0x13, 1, 0]);
    let share = [&[0, 29][..], &vec16(&cut(random, pool, 32, 33))].concat();
    answer.extend(vec16(&[extension(43, &[3, 4]), extension(51, &share)].concat()));
    let (Some(client), Some(server)) = (keys(&id, Side::Client), keys(&id, Side::Server)) else { return };
    let Some(first) = initial(&client.local, (&id, &own), &crypto(&hello), 0) else { return };
    out.client(first);
    // ACK of packet 0, the server's hello, and a handshake packet in the same datagram
    let sealed = cut(random, pool, 700, 701);
    let mut handshake = vec![0xe0, 0, 0, 0, 1, 8];
    handshake.extend(own);
    handshake.push(8);
    handshake.extend(theirs);
    handshake.extend(two(sealed.len()));
    handshake.extend(sealed);
    let frames = [&[2, 0, 0, 0, 0][..], &crypto(&message(2, &answer))].concat();
    let Some(mut first) = initial(&server.local, (&own, &theirs), &frames, handshake.len()) else { return };
    first.extend(handshake);
    out.server(first);
    for _ in 0..1 + random.below(3) {
        out.client(short(random, pool, theirs, 60..600));
        for _ in 0..4 + random.below(40) {
            out.server(short(random, pool, own, 1000..DATAGRAM as u64 - 9));
        }
    }
}

/// A packet under keys that nobody can derive.
fn short(random: &mut Rng, pool: &[u8], id: [u8; 8], size: std::ops::Range<u64>) -> Vec<u8> {
    [&[0x40 | random.below(32) as u8][..], &id, &cut(random, pool, size.start, size.end)].concat()
}
