//! One index on disk (a UTC day of arrival and a retention class) and its segments as readers see them.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use fansipan_model::Event;
use serde::{Deserialize, Serialize};
use tantivy::{
    Index, IndexReader, IndexSettings, ReloadPolicy, SegmentReader, TantivyError,
    columnar::{BytesColumn, Column},
    directory::MmapDirectory,
    store::{Compressor, StoreReader, ZstdCompressor},
    tokenizer::TextAnalyzer,
};

use super::{
    layout::{Layout, PROFILES},
    packed::Unpacker,
    profile,
    record::Stored,
    times::Times,
    words,
};
use crate::{
    error::{Result, StoreError},
    events::IndexInfo,
};

/// Nanoseconds of a day.
pub(crate) const DAY: i64 = 86_400 * fansipan_model::time::SECOND;

/// Bytes of a class name that count.
const CLASS_LIMIT: usize = 64;

/// Name of an index: day and class. Orders by day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// Days since 1970-01-01 UTC, of `event.ingested`.
    pub(crate) day: i32,
    /// `fansipan.class`.
    pub(crate) class: String,
}

impl Key {
    /// Day and class of the index an event belongs to.
    pub(crate) fn parts(event: &Event) -> (i32, &str) {
        let class = event.str(fansipan_model::fields::FANSIPAN_CLASS).filter(|c| !c.is_empty()).unwrap_or("default");
        let class = class.get(..class.floor_char_boundary(CLASS_LIMIT)).unwrap_or_default();
        // days that have a date; ours are never others
        (event.ingested().clamp(0, i64::MAX - DAY).div_euclid(DAY) as i32, class)
    }

    /// Folder name: date and class, other characters than `[A-Za-z0-9_-]` as `%xx`.
    pub(crate) fn folder(&self) -> String {
        let date = fansipan_model::time::to_rfc3339(i64::from(self.day) * DAY);
        let mut name = date.get(..10).unwrap_or("").to_owned();
        name.push('.');
        for b in self.class.bytes() {
            match b {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(b)),
                b => name.push_str(&format!("%{b:02x}")),
            }
        }
        name
    }

    /// Reads a folder name.
    pub(crate) fn parse(folder: &str) -> Option<Key> {
        let (date, class) = folder.split_once('.')?;
        let start = fansipan_model::time::from_rfc3339(&format!("{date}T00:00:00Z"))?;
        let mut bytes = Vec::new();
        let mut rest = class.bytes();
        while let Some(b) = rest.next() {
            bytes.push(match b {
                b'%' => u8::from_str_radix(std::str::from_utf8(&[rest.next()?, rest.next()?]).ok()?, 16).ok()?,
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => b,
                _ => return None,
            });
        }
        Some(Key { day: start.div_euclid(DAY) as i32, class: String::from_utf8(bytes).ok()? })
    }
}

/// What a commit says about the log: everything of this index before `next` is inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Identity of the log.
    pub(crate) log: String,
    /// First position not inside.
    pub(crate) next: u64,
}

/// An index, open for reading.
pub(crate) struct DayIndex {
    pub(crate) key: Key,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) index: Index,
    pub(crate) layout: Arc<Layout>,
    reader: IndexReader,
    segments: ArcSwap<Vec<Arc<Segment>>>,
}

/// Block size of the document store: larger compresses better and makes reading single events slower.
const BLOCK: usize = 96 << 10;
const LEVEL: i32 = 1;

impl DayIndex {
    /// Opens or creates the index of a key under `root`.
    pub(crate) fn open(root: &Path, key: Key) -> Result<DayIndex> {
        let name = key.folder();
        let path = root.join(&name);
        let fail = |what| StoreError::index(&name, what);
        let existing = path.join("meta.json").exists();
        if !existing {
            // a folder without meta.json is the remainder of a creation that did not finish: nothing was ever acknowledged from it
            std::fs::create_dir_all(&path).map_err(StoreError::io("cannot create", &path))?;
            Layout::current().save(&path)?;
        }
        let directory = MmapDirectory::open(&path).map_err(|e| fail("opening")(e.into()))?;
        let (mut index, layout) = if existing {
            let index = Index::open(directory).map_err(fail("opening"))?;
            let layout = Layout::load(&path, index.schema())?;
            (index, layout)
        } else {
            let layout = Layout::current();
            let settings = IndexSettings {
                docstore_compression: Compressor::Zstd(ZstdCompressor { compression_level: Some(LEVEL) }),
                docstore_blocksize: BLOCK,
                docstore_compress_dedicated_thread: false,
                ..IndexSettings::default()
            };
            (Index::create(directory, layout.schema.clone(), settings).map_err(fail("creating"))?, layout)
        };
        index.set_tokenizers(tokenizers());
        index.set_fast_field_tokenizers(tantivy::tokenizer::TokenizerManager::default());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(fail("opening"))?;
        let day = DayIndex { key, name, path, index, layout: Arc::new(layout), reader, segments: ArcSwap::default() };
        day.reload()?;
        Ok(day)
    }

    /// Makes the latest commit visible to readers; segments that stay are not opened again.
    pub(crate) fn reload(&self) -> Result<()> {
        self.reader.reload().map_err(StoreError::index(&self.name, "reloading"))?;
        let old = self.segments.load();
        let mut now = Vec::new();
        for reader in self.reader.searcher().segment_readers() {
            let known = old.iter().find(|s| s.reader.segment_id() == reader.segment_id());
            now.push(match known {
                Some(segment) => segment.clone(),
                None => Arc::new(Segment::open(reader.clone()).map_err(StoreError::index(&self.name, "opening a segment"))?),
            });
        }
        self.segments.store(Arc::new(now));
        Ok(())
    }

    /// Segments of the latest commit.
    pub(crate) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        self.segments.load_full()
    }

    /// The mark of the latest commit.
    pub(crate) fn mark(&self) -> Result<Mark> {
        let metas = self.index.load_metas().map_err(StoreError::index(&self.name, "reading its state"))?;
        Ok(metas.payload.and_then(|p| serde_json::from_str(&p).ok()).unwrap_or_default())
    }

    /// Sizes.
    pub(crate) fn info(&self) -> IndexInfo {
        let segments = self.segments();
        let span = |f: fn(i64, i64) -> i64, of: fn(&Segment) -> i64| segments.iter().map(|s| of(s)).reduce(f);
        IndexInfo {
            name: self.name.clone(),
            day: self.key.day,
            class: self.key.class.clone(),
            events: segments.iter().map(|s| u64::from(s.reader.num_docs())).sum(),
            bytes: folder_bytes(&self.path),
            span: span(i64::min, |s| s.first).zip(span(i64::max, |s| s.last)),
            segments: segments.len(),
        }
    }
}

/// The tokenizers every index needs.
fn tokenizers() -> tantivy::tokenizer::TokenizerManager {
    let manager = tantivy::tokenizer::TokenizerManager::default();
    manager.register(words::TOKENIZER, TextAnalyzer::from(words::Lines::default()));
    manager
}

/// Bytes of the files in a folder; those that vanish meanwhile (merges) do not count.
pub(crate) fn folder_bytes(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries.flatten().filter_map(|e| e.metadata().ok()).filter(|m| m.is_file()).map(|m| m.len()).sum()
}

/// A segment: immutable, with the columns every query needs at hand.
pub(crate) struct Segment {
    pub(crate) reader: SegmentReader,
    pub(crate) time: Column<i64>,
    pub(crate) id: Column<u64>,
    pub(crate) profiles: [BytesColumn; PROFILES],
    /// Sets of usual words.
    pub(crate) usual: BytesColumn,
    /// Times by block, known once they were asked for.
    times: OnceLock<Times>,
    /// Earliest and latest `@timestamp`.
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// Least and greatest first eight bytes of `event.id`.
    pub(crate) ids: (u64, u64),
}

impl Segment {
    fn open(reader: SegmentReader) -> tantivy::Result<Segment> {
        let columns = reader.fast_fields();
        let time = columns.i64("t")?;
        let id = columns.u64("d")?;
        let profile = |name| columns.bytes(name)?.ok_or_else(|| TantivyError::SchemaError(format!("no column {name}")));
        let (profiles, usual) = ([profile("p0")?, profile("p1")?], profile("u")?);
        let (first, last) = (time.min_value(), time.max_value());
        let ids = (id.min_value(), id.max_value());
        Ok(Segment { time, id, profiles, usual, times: OnceLock::new(), first, last, ids, reader })
    }

    /// Documents.
    pub(crate) fn len(&self) -> u32 {
        self.reader.max_doc()
    }

    /// When the events of each block happened.
    pub(crate) fn times(&self) -> &Times {
        self.times.get_or_init(|| Times::of(&self.time, self.len()))
    }

    /// Stored events, with a small cache of blocks.
    pub(crate) fn events(&self) -> tantivy::Result<Events> {
        Ok(Events { store: self.reader.get_store_reader(4)?, unpacker: Unpacker::default() })
    }

    /// Calls `each` with every entry of a profile in order of ordinals, as an event of the profile's fields.
    pub(crate) fn each_profile(&self, p: usize, mut each: impl FnMut(u32, &Event)) -> tantivy::Result<()> {
        let Some(column) = self.profiles.get(p) else { return Ok(()) };
        let mut stream = column.dictionary().stream()?;
        let mut event = Event::default();
        let mut ord = 0;
        while stream.advance() {
            profile::read(stream.key(), &mut event).ok_or_else(|| TantivyError::InternalError("damaged profile entry".into()))?;
            each(ord, &event);
            ord += 1;
        }
        Ok(())
    }
}

/// Reads stored events of one segment.
pub(crate) struct Events {
    store: StoreReader,
    unpacker: Unpacker,
}

impl Events {
    /// The event of a document, into an old one's allocations.
    pub(crate) fn read(&mut self, doc: u32, event: &mut Event) -> tantivy::Result<()> {
        let Stored { packed, base } = self.store.get(doc)?;
        let damaged = |damage| TantivyError::InternalError(format!("stored event {doc} does not read: {damage:?}"));
        self.unpacker.unpack(&packed, &base, event).map_err(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn folder_names_read_back() {
        for (day, class) in [(0, "default"), (20_780, "level-4"), (0, "Cấp độ 3"), (20_780, "../../etc"), (20_780, "a.b%")] {
            let key = Key { day, class: class.to_owned() };
            assert_eq!(Key::parse(&key.folder()), Some(key.clone()), "{}", key.folder());
            assert!(!key.folder().contains('/'));
        }
        assert_eq!(Key { day: 20_780, class: "default".into() }.folder(), "2026-11-23.default");
    }
}
