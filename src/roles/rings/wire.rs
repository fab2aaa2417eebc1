//! What console and collectors say to each other about packets. A question is a message on the control topic. An answer is several
//! records on the packets topic, all with the question's id as their key: a head of JSON, an end of line, and bytes of the file.

use anyhow::{Context as _, Result, bail};
use fansipan_api::FlowWanted;
use fansipan_bus::kafka::settings::is_name;
use fansipan_model::{PacketsFound, Scope};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::roles::wire::{VERSION, version};

/// Bytes of one piece: below what Kafka takes as one record unless told otherwise (1 MiB).
pub(super) const PIECE: usize = 512 << 10;
/// Most bytes of a head.
const HEAD: usize = 16 << 10;

/// The console asks for the packets of flows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// Names the question.
    pub(super) id: Uuid,
    /// When it was asked, by the console's clock, UTC nanoseconds.
    pub(super) at: i64,
    /// Seconds after which nobody waits for an answer.
    pub(super) seconds: u64,
    /// Whose packets may be given.
    pub(super) scope: Scope,
    /// Most bytes of an answer.
    pub(super) bytes: u64,
    /// Of which flows.
    pub(super) flows: Vec<FlowWanted>,
}

impl Ask {
    /// The key of its answers.
    pub(super) fn key(&self) -> Vec<u8> {
        self.id.to_string().into_bytes()
    }
}

/// One record of an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Part<'a> {
    /// Name of the collector.
    pub(super) from: String,
    pub(super) what: What,
    /// Bytes of the file; of [`What::Piece`] only.
    pub(super) bytes: &'a [u8],
}

/// What a record of an answer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// The question was heard and is being looked into.
    Begun,
    /// The next bytes of the file; numbered from 0.
    Piece(u32),
    /// The last record: what the rings hold, and the SHA-256 of all pieces; no pieces where they hold nothing.
    End { found: PacketsFound, pieces: u32, sha256: String },
    /// The last record, in place of packets.
    Refused(Why),
}

/// Why a collector gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    /// It keeps no packets that may be given.
    NoRing,
    /// By its clock the question is of another time.
    Clock,
    /// Its rings cannot be read.
    Unreadable,
}

#[derive(Serialize, Deserialize)]
struct Head {
    v: u8,
    from: String,
    what: What,
}

impl<'a> Part<'a> {
    /// As it travels.
    pub(super) fn write(&self) -> Result<Vec<u8>> {
        let mut out = serde_json::to_vec(&Head { v: VERSION, from: self.from.clone(), what: self.what.clone() })?;
        out.push(b'\n');
        out.extend_from_slice(self.bytes);
        Ok(out)
    }

    /// Reads one.
    pub(super) fn read(record: &'a [u8]) -> Result<Self> {
        let damaged = || "FSP-RUN-062: a record of the packets topic is damaged".to_owned();
        let end = record.iter().take(HEAD).position(|b| *b == b'\n').with_context(damaged)?;
        let (head, rest) = record.split_at(end);
        version(head, "packets")?;
        let Head { from, what, .. } = serde_json::from_slice(head).with_context(damaged)?;
        if from.is_empty() || !is_name(&from) {
            bail!("{}: {from:?} is no name of a process", damaged());
        }
        let bytes = rest.get(1..).unwrap_or_default();
        if bytes.len() > PIECE {
            bail!("{}: {} bytes in one piece", damaged(), bytes.len());
        }
        Ok(Self { from, what, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::{PIECE, Part, What, Why};
    use fansipan_model::PacketsFound;
    use proptest::prelude::*;

    fn what() -> impl Strategy<Value = What> {
        let end = (any::<u64>(), any::<Option<i64>>(), any::<u32>(), "[0-9a-f]{64}").prop_map(|(packets, oldest, pieces, sha256)| {
            What::End { found: PacketsFound { packets, oldest, ..PacketsFound::default() }, pieces, sha256 }
        });
        prop_oneof![Just(What::Begun), any::<u32>().prop_map(What::Piece), end, Just(What::Refused(Why::Clock))]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(from in "[A-Za-z0-9._-]{1,128}", what in what(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let part = Part { from, what, bytes: &bytes };
            let record = part.write().unwrap();
            prop_assert_eq!(Part::read(&record).unwrap(), part);
        }

        #[test]
        fn whatever_stands_in_the_topic_is_read_or_refused(
            cut in 0..200usize,
            at in 0..200usize,
            byte in any::<u8>(),
            noise in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut record = Part { from: "c1".into(), what: What::Piece(3), bytes: b"\n{}\n" }.write().unwrap();
            if let Some(b) = record.get_mut(at) {
                *b = byte;
            }
            record.truncate(cut);
            for record in [&record, &noise] {
                if let Err(error) = Part::read(record) {
                    prop_assert!(error.to_string().contains("FSP-RUN-06"), "{}", error);
                }
            }
        }
    }

    #[test]
    fn names_sizes_and_versions_are_looked_at() {
        let record = |from: &str, bytes: &[u8]| Part { from: from.into(), what: What::Begun, bytes }.write().unwrap();
        let refused = |record: &[u8]| Part::read(record).unwrap_err().to_string();
        assert!(refused(&record("../c1", b"")).contains("no name"));
        assert!(refused(&record("", b"")).contains("no name"));
        assert!(refused(&record("c1", &[0; PIECE + 1])).contains("in one piece"));
        assert!(refused(b"{\"v\":2}\n").contains("FSP-RUN-063"));
        assert!(refused(&[b' '; 1 << 20]).contains("FSP-RUN-062"));
    }
}
