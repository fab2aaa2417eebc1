//! What Windows computers say to their servers: SMB 2.1 (MS-SMB2) with an NTLM login and a file that is read, Kerberos 5 over UDP (RFC 4120).

use super::talk::{Talk, cut};
use crate::generate::Rng;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// One side of a session: message numbers grow with each request.
struct Smb {
    number: u64,
    session: u64,
    tree: u32,
}

impl Smb {
    /// A message of SMB2 in its frame of four bytes.
    fn message(&self, command: u16, answer: Option<u32>, body: &[u8]) -> Vec<u8> {
        let mut out = b"\xfeSMB".to_vec();
        out.extend(64u16.to_le_bytes());
        out.extend(1u16.to_le_bytes());
        out.extend(answer.unwrap_or(0).to_le_bytes());
        out.extend(command.to_le_bytes());
        out.extend(1u16.to_le_bytes());
        out.extend(u32::from(answer.is_some()).to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend(self.number.to_le_bytes());
        out.extend(0xfeffu32.to_le_bytes());
        out.extend(self.tree.to_le_bytes());
        out.extend(self.session.to_le_bytes());
        out.extend([0; 16]);
        out.extend(body);
        [&(out.len() as u32).to_be_bytes()[..], &out].concat()
    }

    /// A request and its answer.
    fn both(&mut self, out: &mut Talk, command: u16, (asked, status, answered): (&[u8], u32, &[u8])) {
        out.client(self.message(command, None, asked));
        out.server(self.message(command, Some(status), answered));
        self.number += 1;
    }
}

/// The fields of a text in an NTLM message: its length twice, and where it stands.
fn place(length: usize, at: usize) -> Vec<u8> {
    [&(length as u16).to_le_bytes()[..], &(length as u16).to_le_bytes(), &(at as u32).to_le_bytes()].concat()
}

/// The three messages of an NTLM login.
fn ntlm(random: &mut Rng, user: &str, computer: &str) -> [Vec<u8>; 3] {
    let flags = 0xe208_8297_u32.to_le_bytes();
    let negotiate = [&b"NTLMSSP\0\x01\0\0\0"[..], &flags, &[0; 16], &[10, 0, 0x61, 0x4a, 0, 0, 0, 15]].concat();
    let domain = utf16("LAICHAU");
    let info = [&[2, 0][..], &(domain.len() as u16).to_le_bytes(), &domain, &[0; 4]].concat();
    let mut challenge = b"NTLMSSP\0\x02\0\0\0".to_vec();
    challenge.extend(place(domain.len(), 56));
    challenge.extend(flags);
    challenge.extend(random.next_u64().to_le_bytes());
    challenge.extend([0; 8]);
    challenge.extend(place(info.len(), 56 + domain.len()));
    challenge.extend([10, 0, 0x61, 0x4a, 0, 0, 0, 15]);
    challenge.extend(&domain);
    challenge.extend(&info);
    let (user, computer) = (utf16(user), utf16(computer));
    let parts = [&[0; 24][..], &[7; 48], &domain, &user, &computer, &[9; 16]];
    let mut last = b"NTLMSSP\0\x03\0\0\0".to_vec();
    let mut at = 72;
    for part in parts {
        last.extend(place(part.len(), at));
        at += part.len();
    }
    last.extend(flags);
    last.extend([10, 0, 0x61, 0x4a, 0, 0, 0, 15]);
    parts.iter().for_each(|part| last.extend(*part));
    [negotiate, challenge, last]
}

pub(super) fn smb(random: &mut Rng, pool: &[u8], out: &mut Talk) {
    let mut smb = Smb { number: 0, session: 0, tree: 0 };
    let mut asked = vec![36, 0, 3, 0, 1, 0, 0, 0, 0x7f, 0, 0, 0];
    asked.extend([5; 16]);
    asked.extend([0; 8]);
    asked.extend([2, 2, 0x10, 2, 0, 3]);
    let mut answered = vec![65, 0, 1, 0, 0x10, 2, 0, 0];
    answered.extend([6; 16]);
    answered.extend([7, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0x80, 0]);
    answered.extend([0; 16]);
    answered.extend([128, 0, 0, 0, 0, 0, 0, 0]);
    smb.both(out, 0, (&asked, 0, &answered));
    let (user, computer) = (format!("canbo{}", random.below(900)), format!("MAY-{}", random.below(900)));
    let [negotiate, challenge, last] = ntlm(random, &user, &computer);
    smb.session = 1 + random.below(1 << 40);
    for (blob, status, back) in [(&negotiate, 0xc000_0016, &challenge[..]), (&last, 0, &[][..])] {
        let mut asked = vec![25, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 88, 0];
        asked.extend((blob.len() as u16).to_le_bytes());
        asked.extend([0; 8]);
        asked.extend(blob);
        let answered = [&[9, 0, 0, 0, 72, 0][..], &(back.len() as u16).to_le_bytes(), back].concat();
        smb.both(out, 1, (&asked, status, &answered));
    }
    let path = utf16(&format!("\\\\tep{}\\hoso", random.below(40)));
    let asked = [&[9, 0, 0, 0, 72, 0][..], &(path.len() as u16).to_le_bytes(), &path].concat();
    smb.tree = 1 + random.below(9) as u32;
    smb.both(out, 3, (&asked, 0, &[16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 0x1f, 0]));
    for _ in 0..1 + random.below(3) {
        file(&mut smb, random, pool, out);
    }
}

/// A file that is opened, read and closed.
fn file(smb: &mut Smb, random: &mut Rng, pool: &[u8], out: &mut Talk) {
    let name = utf16(&format!("nam-2026\\bao-cao-{}.docx", random.below(5000)));
    let body = cut(random, pool, 4_000, 120_000);
    let id = [random.next_u64().to_le_bytes(), random.next_u64().to_le_bytes()].concat();
    let mut asked = vec![57, 0, 0, 0, 2, 0, 0, 0];
    asked.extend([0; 16]);
    for word in [0x0012_0089_u32, 0, 7, 1, 0x40] {
        asked.extend(word.to_le_bytes());
    }
    asked.extend([120, 0]);
    asked.extend((name.len() as u16).to_le_bytes());
    asked.extend([0; 8]);
    asked.extend(&name);
    let mut answered = vec![89, 0, 0, 0, 1, 0, 0, 0];
    answered.extend([0; 32]);
    answered.extend((body.len() as u64).next_multiple_of(4096).to_le_bytes());
    answered.extend((body.len() as u64).to_le_bytes());
    answered.extend([0x20, 0, 0, 0, 0, 0, 0, 0]);
    answered.extend(&id);
    answered.extend([0; 8]);
    smb.both(out, 5, (&asked, 0, &answered));
    for (n, part) in body.chunks(65_536).enumerate() {
        let mut asked = vec![49, 0, 0x50, 0];
        asked.extend((part.len() as u32).to_le_bytes());
        asked.extend((n as u64 * 65_536).to_le_bytes());
        asked.extend(&id);
        asked.extend([0; 17]);
        let mut answered = vec![17, 0, 80, 0];
        answered.extend((part.len() as u32).to_le_bytes());
        answered.extend([0; 8]);
        answered.extend(part);
        smb.both(out, 8, (&asked, 0, &answered));
    }
    let asked = [&[24, 0, 0, 0, 0, 0, 0, 0][..], &id].concat();
    let answered = [&[60, 0][..], &[0; 58]].concat();
    smb.both(out, 6, (&asked, 0, &answered));
}

/// An element of DER.
fn der(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = match body.len() {
        n @ 0..128 => vec![n as u8],
        n @ 128..256 => vec![0x81, n as u8],
        n => [&[0x82][..], &(n as u16).to_be_bytes()].concat(),
    };
    [&[tag][..], &length, body].concat()
}

/// A number below 2^31, as short as DER wants it.
fn integer(value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let skip = bytes.windows(2).take_while(|w| matches!(w, [0, next] if *next < 128)).count();
    der(2, bytes.get(skip..).unwrap_or_default())
}

fn text(value: &str) -> Vec<u8> {
    der(0x1b, value.as_bytes())
}

fn principal(kind: u32, parts: &[&str]) -> Vec<u8> {
    let names: Vec<u8> = parts.iter().flat_map(|p| text(p)).collect();
    der(0x30, &[der(0xa0, &integer(kind)), der(0xa1, &der(0x30, &names))].concat())
}

fn encrypted(random: &mut Rng, pool: &[u8], least: u64) -> Vec<u8> {
    let cipher = cut(random, pool, least, least + 200);
    der(0x30, &[der(0xa0, &integer(18)), der(0xa1, &integer(2)), der(0xa2, &der(4, &cipher))].concat())
}

/// A ticket asked for and given: first one for the ticket server, then one with it for a service.
pub(super) fn kerberos(random: &mut Rng, pool: &[u8], out: &mut Talk) {
    const REALM: &str = "LAICHAU.GOV.VN";
    let user = format!("canbo{}", random.below(900));
    let host = format!("tep{}.laichau.gov.vn", random.below(40));
    let ciphers: Vec<u8> = [18, 17, 23].into_iter().flat_map(integer).collect();
    for (request, service) in [(10u32, ["krbtgt", REALM]), (12, ["cifs", &host])] {
        let ticket = |random: &mut Rng, name: &[&str]| {
            let parts =
                [der(0xa0, &integer(5)), der(0xa1, &text(REALM)), der(0xa2, &principal(2, name)), der(0xa3, &encrypted(random, pool, 400))];
            der(0x61, &der(0x30, &parts.concat()))
        };
        let proof = match request {
            10 => (2, encrypted(random, pool, 40)),
            _ => {
                let parts = [
                    der(0xa0, &integer(5)),
                    der(0xa1, &integer(14)),
                    der(0xa2, &der(3, &[0; 5])),
                    der(0xa3, &ticket(random, &["krbtgt", REALM])),
                    der(0xa4, &encrypted(random, pool, 80)),
                ];
                (1, der(0x6e, &der(0x30, &parts.concat())))
            }
        };
        let proof = der(0x30, &[der(0xa1, &integer(proof.0)), der(0xa2, &der(4, &proof.1))].concat());
        let mut body = der(0xa0, &der(3, &[0, 0x40, 0x81, 0, 0x10]));
        if request == 10 {
            body.extend(der(0xa1, &principal(1, &[&user])));
        }
        body.extend(der(0xa2, &text(REALM)));
        body.extend(der(0xa3, &principal(2, &service)));
        body.extend(der(0xa5, &der(0x18, b"20370913024805Z")));
        body.extend(der(0xa7, &integer(random.below(1 << 30) as u32)));
        body.extend(der(0xa8, &der(0x30, &ciphers)));
        let asked = [der(0xa1, &integer(5)), der(0xa2, &integer(request)), der(0xa3, &der(0x30, &proof)), der(0xa4, &der(0x30, &body))];
        out.client(der(0x60 + request as u8, &der(0x30, &asked.concat())));
        let answered = [
            der(0xa0, &integer(5)),
            der(0xa1, &integer(request + 1)),
            der(0xa3, &text(REALM)),
            der(0xa4, &principal(1, &[&user])),
            der(0xa5, &ticket(random, &service)),
            der(0xa6, &encrypted(random, pool, 200)),
        ];
        out.server(der(0x61 + request as u8, &der(0x30, &answered.concat())));
    }
}
