//! A machine in memory whose disk fills up, writes half, lies after a failed sync, forgets what was not synced when the power
//! goes. What is not made durable by the rules of POSIX may be lost here, and is.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use crate::{
    error::BusError,
    host::{Host, HostFile},
    sync::locked,
};

const SECTOR: usize = 512;

/// What goes wrong next.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    /// Bytes by which files may still grow.
    pub(crate) space: u64,
    /// What the file system says is free.
    pub(crate) free: u64,
    /// Syncs of segments to fail. As on Linux, what such a sync should have written counts as clean afterwards: later syncs say
    /// they are fine and do not write it.
    pub(crate) syncs: u32,
    /// Writes to segments to fail, half done.
    pub(crate) writes: u32,
    /// Whether cutting a file fails.
    pub(crate) truncate: bool,
    /// Most bytes taken by one write.
    pub(crate) most: usize,
    /// Syncs of segments that may still begin; the others wait until it is changed.
    pub(crate) permits: u32,
}

impl Default for Faults {
    fn default() -> Self {
        Self { space: u64::MAX, free: u64::MAX, syncs: 0, writes: 0, truncate: false, most: usize::MAX, permits: u32::MAX }
    }
}

#[derive(Clone, Debug, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors of `now` that the next sync writes.
    dirty: BTreeSet<usize>,
}

type Shared<T> = Arc<Mutex<T>>;

#[derive(Default)]
struct World {
    names: BTreeMap<PathBuf, Shared<Content>>,
    durable_names: BTreeMap<PathBuf, Shared<Content>>,
    faults: Faults,
    now: i64,
    holder: Option<u64>,
    locks: u64,
}

/// The machine; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Sim(Shared<World>);

/// A small generator, so that every crash can be repeated from its seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }
}

impl Sim {
    pub(crate) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut locked(&self.0).faults);
    }

    pub(crate) fn advance(&self, nanos: i64) {
        locked(&self.0).now += nanos;
    }

    pub(crate) fn files(&self, extension: &str) -> Vec<PathBuf> {
        locked(&self.0).names.keys().filter(|p| p.extension().is_some_and(|e| e == extension)).cloned().collect()
    }

    pub(crate) fn bytes(&self, path: &Path) -> Vec<u8> {
        let file = locked(&self.0).names[path].clone();
        locked(&file).now.clone()
    }

    /// Changes a file behind the program's back.
    pub(crate) fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let file = locked(&self.0).names[path].clone();
        change(&mut locked(&file).now);
    }

    /// Everything from `position` on is in memory only, and the system believes that it has been written.
    pub(crate) fn never_synced(&self, path: &Path, position: usize) {
        let file = locked(&self.0).names[path].clone();
        locked(&file).durable.truncate(position);
    }

    pub(crate) fn delete(&self, path: &Path) {
        locked(&self.0).names.remove(path);
    }

    /// The machine as a process finds it that starts after this one was killed right now.
    pub(crate) fn killed(&self) -> Sim {
        self.after(|content| content.clone(), |_| true)
    }

    /// The machine as it comes up after its power failed right now: of what was not synced, some sectors and names made it.
    pub(crate) fn power_lost(&self, seed: u64) -> Sim {
        let dice = Mutex::new(Dice(seed));
        self.after(
            |content| {
                let mut dice = locked(&dice);
                let (now, durable) = (&content.now, &content.durable);
                let (short, long) = (now.len().min(durable.len()), now.len().max(durable.len()));
                let length = match dice.roll(3) {
                    0 => durable.len(),
                    1 => now.len(),
                    _ => short + dice.roll(long - short + 1),
                };
                let mut bytes = vec![0; length];
                for (i, sector) in bytes.chunks_mut(SECTOR).enumerate() {
                    let from = if !content.dirty.contains(&i) || dice.roll(2) == 0 { durable } else { now };
                    let from = from.get(i * SECTOR..).unwrap_or_default();
                    let n = from.len().min(sector.len());
                    sector[..n].copy_from_slice(&from[..n]);
                }
                Content { now: bytes.clone(), durable: bytes, dirty: BTreeSet::new() }
            },
            |_| locked(&dice).roll(2) == 0,
        )
    }

    fn after(&self, mut content: impl FnMut(&Content) -> Content, mut appears: impl FnMut(&Path) -> bool) -> Sim {
        let world = locked(&self.0);
        let mut paths: Vec<_> = world.names.keys().chain(world.durable_names.keys()).collect();
        paths.sort();
        paths.dedup();
        let mut names = BTreeMap::new();
        for path in paths {
            // A name that was or was not there both before and after the last sync of its folder is certain.
            let file = match (world.names.get(path), world.durable_names.get(path)) {
                (Some(now), Some(durable)) if Arc::ptr_eq(now, durable) => Some(now),
                (now, durable) => {
                    if appears(path) {
                        now
                    } else {
                        durable
                    }
                }
            };
            names.extend(file.map(|f| (path.clone(), Arc::new(Mutex::new(content(&locked(f)))))));
        }
        let durable_names = names.clone();
        Sim(Arc::new(Mutex::new(World { names, durable_names, now: world.now, ..World::default() })))
    }
}

struct SimFile {
    world: Shared<World>,
    content: Shared<Content>,
    segment: bool,
}

impl HostFile for SimFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let content = locked(&self.content);
        let rest = content.now.get(position as usize..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], position: u64) -> io::Result<usize> {
        let mut world = locked(&self.world);
        let mut content = locked(&self.content);
        let mut n = buf.len().min(world.faults.most);
        let failing = self.segment && world.faults.writes > 0;
        if failing {
            world.faults.writes -= 1;
            n /= 2;
        }
        let length = content.now.len() as u64;
        let growth = (position + n as u64).saturating_sub(length);
        if growth > world.faults.space {
            n = n.saturating_sub((growth - world.faults.space) as usize);
        }
        let end = position as usize + n;
        if n > 0 {
            world.faults.space -= (end as u64).saturating_sub(length);
            if content.now.len() < end {
                content.now.resize(end, 0);
            }
            content.now[position as usize..end].copy_from_slice(&buf[..n]);
            content.dirty.extend(position as usize / SECTOR..end.div_ceil(SECTOR));
        }
        if failing {
            return Err(io::Error::other("the disk failed to write"));
        }
        if n == 0 && !buf.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(n)
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = locked(&self.world);
        // Not for ever: a test that fails meanwhile would hang instead of saying so.
        let start = std::time::Instant::now();
        while self.segment && world.faults.permits == 0 && start.elapsed().as_secs() < 10 {
            drop(world);
            std::thread::sleep(std::time::Duration::from_micros(100));
            world = locked(&self.world);
        }
        if self.segment && world.faults.permits != u32::MAX {
            world.faults.permits = world.faults.permits.saturating_sub(1);
        }
        let mut content = locked(&self.content);
        if self.segment && world.faults.syncs > 0 {
            world.faults.syncs -= 1;
            content.dirty.clear();
            return Err(io::Error::other("the disk failed to sync"));
        }
        let Content { now, durable, dirty } = &mut *content;
        durable.resize(now.len(), 0);
        for sector in std::mem::take(dirty) {
            let range = (sector * SECTOR).min(now.len())..((sector + 1) * SECTOR).min(now.len());
            durable[range.clone()].copy_from_slice(&now[range]);
        }
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut world = locked(&self.world);
        if world.faults.truncate {
            return Err(io::Error::other("the disk failed to cut"));
        }
        let mut content = locked(&self.content);
        let freed = (content.now.len() as u64).saturating_sub(length);
        world.faults.space = world.faults.space.saturating_add(freed);
        content.now.truncate(length as usize);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(locked(&self.content).now.len() as u64)
    }
}

impl Sim {
    fn handle(&self, path: &Path, content: Shared<Content>) -> Box<dyn HostFile> {
        Box::new(SimFile { world: self.0.clone(), content, segment: path.extension().is_some_and(|e| e == "seg") })
    }
}

impl Host for Sim {
    fn make_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn HostFile>> {
        let mut world = locked(&self.0);
        if world.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let content = Shared::<Content>::default();
        world.names.insert(path.to_owned(), content.clone());
        drop(world);
        Ok(self.handle(path, content))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn HostFile>> {
        let content = locked(&self.0).names.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(self.handle(path, content))
    }

    fn open_writable(&self, path: &Path) -> io::Result<Box<dyn HostFile>> {
        self.open(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = locked(&self.0);
        let content = world.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
        let freed = locked(&content).now.len() as u64;
        world.faults.space = world.faults.space.saturating_add(freed);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = locked(&self.0);
        let content = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.names.insert(to.to_owned(), content);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = locked(&self.0);
        let world = &mut *world;
        world.durable_names.retain(|p, _| p.parent() != Some(dir));
        world.durable_names.extend(world.names.iter().filter(|(p, _)| p.parent() == Some(dir)).map(|(p, c)| (p.clone(), c.clone())));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let world = locked(&self.0);
        let inside = world.names.keys().filter(|p| p.parent() == Some(dir));
        Ok(inside.filter_map(|p| p.file_name().and_then(|n| n.to_str()).map(str::to_owned)).collect())
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        Ok(locked(&self.0).faults.free)
    }

    fn now(&self) -> i64 {
        let mut world = locked(&self.0);
        world.now += 1;
        world.now
    }

    fn lock(&self, dir: &Path) -> Result<Box<dyn Send + Sync>, BusError> {
        let mut world = locked(&self.0);
        if world.holder.is_some() {
            return Err(BusError::Locked { dir: dir.to_owned(), holder: "another process".to_owned() });
        }
        world.locks += 1;
        world.holder = Some(world.locks);
        Ok(Box::new(Guard(self.0.clone())))
    }
}

struct Guard(Shared<World>);

impl Drop for Guard {
    fn drop(&mut self) {
        locked(&self.0).holder = None;
    }
}
