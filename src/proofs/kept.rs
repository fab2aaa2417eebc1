//! Records of the log with their proofs, a file each: `DATA/evidence/proofs/XX/EVENT.json`.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use fansipan_bus::{Inclusion, merkle};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Bytes of all of them.
const MOST: u64 = 4 << 30;
/// Bytes of one: a record is at most a few hundred kibibytes.
const LARGEST: u64 = 8 << 20;

/// A record of the log, how it leads to the root of its segment, and the seal of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proven {
    pub(super) segment: u64,
    #[serde(with = "hexadecimal")]
    pub(super) record: Vec<u8>,
    pub(super) path: merkle::Path,
    #[serde(with = "hexadecimal")]
    pub(super) seal: Vec<u8>,
}

impl Proven {
    /// As the log would answer for the event at this place.
    pub(super) fn inclusion(self, wanted: usize) -> Inclusion {
        Inclusion { wanted, segment: self.segment, record: self.record, path: self.path }
    }
}

/// The folder of them.
pub(super) struct Kept {
    folder: PathBuf,
    /// Bytes there; counted when one is to be kept, there may be millions of files.
    bytes: OnceLock<AtomicU64>,
}

impl Kept {
    pub(super) fn new(data: &Path) -> Self {
        let folder = data.join("evidence/proofs");
        Self { folder, bytes: OnceLock::new() }
    }

    fn place(&self, id: Uuid) -> PathBuf {
        // of the digits of an id the last ones of its milliseconds differ most: the random ones are one lane's
        let name = id.to_string();
        self.folder.join(name.get(11..13).unwrap_or("00")).join(format!("{name}.json"))
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        self.place(id).exists()
    }

    pub(super) fn read(&self, id: Uuid) -> Option<Proven> {
        let path = self.place(id);
        if fs::metadata(&path).ok()?.len() > LARGEST {
            return None;
        }
        match serde_json::from_slice(&fs::read(&path).ok()?) {
            Ok(proven) => Some(proven),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "FSP-RUN-073: a kept proof does not read: restore it from a backup");
                None
            }
        }
    }

    /// Whether there is room for more.
    pub(super) fn room(&self) -> bool {
        self.bytes().load(Ordering::Relaxed) < MOST
    }

    /// Keeps one: whole or not at all.
    pub(super) fn write(&self, id: Uuid, proven: &Proven) -> io::Result<()> {
        let path = self.place(id);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let draft = path.with_extension("new");
        let text = serde_json::to_vec(proven)?;
        let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        fs::File::open(folder)?.sync_all()?;
        self.bytes().fetch_add(text.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn bytes(&self) -> &AtomicU64 {
        self.bytes.get_or_init(|| AtomicU64::new(size(&self.folder)))
    }
}

/// Bytes of the files two levels down; what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().collect::<Vec<_>>();
    let files = entries(folder).into_iter().flat_map(|shelf| entries(&shelf.path()));
    files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
}

mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
