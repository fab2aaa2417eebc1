//! The one form of tar (POSIX ustar) that a bundle has: regular files, mode 0644, no owner, one time for all, padding of zeros, two
//! empty blocks at the end and nothing behind them. Written and read block by block; a header that is not the one this module
//! would write for the same name and size is refused, so no byte of it can carry anything.

use std::io::{self, Read, Write};

/// Everything is in blocks of this.
pub const BLOCK: usize = 512;
/// Longest name.
pub const NAME: usize = 100;
/// Largest file: eleven octal digits.
pub const LARGEST: u64 = 0o777_7777_7777;

/// The header of a file; `None`: the name or the size does not fit.
fn header(name: &str, size: u64, seconds: u64) -> Option<[u8; BLOCK]> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    let outside = name.starts_with('/') || name.split('/').any(|part| part.is_empty() || part.starts_with('.'));
    if name.is_empty() || name.len() > NAME || !name.bytes().all(plain) || outside || size > LARGEST || seconds > LARGEST {
        return None;
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| {
        if let Some(place) = block.get_mut(at..at + text.len()) {
            place.copy_from_slice(text);
        }
    };
    put(0, name.as_bytes());
    for (at, number) in [(100, b"0000644"), (108, b"0000000"), (116, b"0000000")] {
        put(at, number); // mode, user, group
    }
    put(124, format!("{size:011o}\0{seconds:011o}\0        0").as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    if let Some(place) = block.get_mut(148..156) {
        place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    Some(block)
}

fn padding(size: u64) -> usize {
    (size.next_multiple_of(BLOCK as u64) - size) as usize
}

/// Writes files one after another.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    seconds: u64,
}

impl<W: Write> Writer<W> {
    /// `seconds`: the time of every file, since 1970.
    pub fn new(out: W, seconds: u64) -> Self {
        Self { out, seconds }
    }

    /// Adds a file of exactly `size` bytes.
    ///
    /// # Errors
    /// The name does not fit, the content has another size, or writing fails.
    pub fn add(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{name}: {what}"));
        self.out.write_all(&header(name, size, self.seconds).ok_or_else(|| invalid("no name or size for a bundle"))?)?;
        let copied = io::copy(&mut content.take(size.saturating_add(1)), &mut self.out)?;
        if copied != size {
            return Err(invalid(&format!("it should have {size} bytes and has others")));
        }
        self.out.write_all([0; BLOCK].get(..padding(size)).unwrap_or_default())
    }

    /// Ends the archive; the writer behind.
    ///
    /// # Errors
    /// Writing fails.
    pub fn end(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        Ok(self.out)
    }
}

/// Reads files one after another.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    seconds: Option<u64>,
}

/// What stands in front of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
}

impl<R: Read> Reader<R> {
    /// From the first byte of an archive.
    pub fn new(input: R) -> Self {
        Self { input, seconds: None }
    }

    /// The next file, whose content must be taken with [`Reader::content`] then; `None`: the end, and nothing behind it.
    ///
    /// # Errors
    /// The archive is not of the one form, or reading fails.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        if block == [0; BLOCK] {
            self.fill(&mut block)?;
            let more = self.input.read(&mut [0])?;
            return if block == [0; BLOCK] && more == 0 { Ok(None) } else { Err(broken("something stands behind the end")) };
        }
        let name = block.get(..NAME).and_then(|n| std::str::from_utf8(n).ok()).unwrap_or_default().trim_end_matches('\0').to_owned();
        let (size, seconds) = (octal(&block, 124), octal(&block, 136));
        let (Some(size), Some(seconds)) = (size, seconds) else { return Err(broken("a header is damaged")) };
        let expected = header(&name, size, *self.seconds.get_or_insert(seconds));
        if expected != Some(block) {
            return Err(broken("a header is damaged, or was written by another program"));
        }
        Ok(Some(Head { name, size }))
    }

    /// Hands the content of the file to `each`, piece by piece.
    ///
    /// # Errors
    /// It breaks off, its padding is not empty, or reading fails.
    pub fn content(&mut self, head: &Head, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        let mut left = head.size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let n = self.input.read(buffer.get_mut(..most).unwrap_or_default())?;
            if n == 0 {
                return Err(broken("it breaks off"));
            }
            each(buffer.get(..n).unwrap_or_default());
            left -= n as u64;
        }
        let mut rest = [0; BLOCK];
        let rest = rest.get_mut(..padding(head.size)).unwrap_or_default();
        self.fill(rest)?;
        if rest.iter().any(|b| *b != 0) {
            return Err(broken("something stands between two files"));
        }
        Ok(())
    }

    fn fill(&mut self, block: &mut [u8]) -> io::Result<()> {
        self.input.read_exact(block).map_err(|e| if e.kind() == io::ErrorKind::UnexpectedEof { broken("it breaks off") } else { e })
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn octal(block: &[u8], at: usize) -> Option<u64> {
    let digits = block.get(at..at + 11).and_then(|d| std::str::from_utf8(d).ok())?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| u64::from_str_radix(digits, 8).ok()).flatten()
}
