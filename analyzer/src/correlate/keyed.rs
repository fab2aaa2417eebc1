//! What travels from a router to the worker of a group.

/// A record of a group: one match of one rule that a correlation is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// `@timestamp`, or when the correlation below fired; UTC nanoseconds.
    pub at: i64,
    /// `event.id`, or the id of the alert below.
    pub id: [u64; 2],
    /// What is counted: a hash of the field's text, or the bits of a number.
    pub value: u64,
    /// Which context: a number of the worker's, meaningless elsewhere.
    pub(crate) context: u32,
    /// Which of the correlation's rules.
    pub member: u16,
    /// Whether it is part of a drill.
    pub drill: bool,
    /// Whether it is an alert of a correlation below, not an event.
    pub below: bool,
}

impl Record {
    /// The order of records.
    pub(crate) fn order(&self) -> (i64, [u64; 2], u16) {
        (self.at, self.id, self.member)
    }
}

/// A record on its way to its group, or the order to take it back. `B`: how key and context are held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keyed<B = Vec<u8>> {
    /// Place of the correlation in the plan.
    pub correlation: u32,
    /// Agency and group values.
    pub key: B,
    /// The record.
    pub record: Record,
    /// What the event is about; see [`super::context`].
    pub(crate) context: B,
    /// What came before is taken back: a late event proved it wrong.
    pub remove: bool,
    /// `event.ingested` of the event behind it.
    pub now: i64,
    /// The watermark then.
    pub mark: i64,
    /// `@timestamp` of the first record of the correlation.
    pub since: i64,
}

/// A record on its way within a process: those of one event share what is referred to.
pub type Routed<'a> = Keyed<&'a [u8]>;

impl<B> Keyed<B> {
    fn held<C>(&self, key: C, context: C) -> Keyed<C> {
        let Self { correlation, record, remove, now, mark, since, .. } = *self;
        Keyed { correlation, key, record, context, remove, now, mark, since }
    }
}

impl Routed<'_> {
    /// With everything in it, to go further than this process or to wait.
    pub fn to_keyed(&self) -> Keyed {
        self.held(self.key.to_vec(), self.context.to_vec())
    }
}

impl Keyed {
    /// As a worker takes it.
    pub fn routed(&self) -> Routed<'_> {
        self.held(&self.key, &self.context)
    }

    /// Which of `workers` holds the group.
    pub fn place(&self, workers: usize) -> usize {
        let hash = mix(&self.key) ^ u64::from(self.correlation).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash % workers.max(1) as u64) as usize
    }
}

/// 64 bits of some bytes, the same in every version and on every machine (FNV-1a, finished as in MurmurHash3).
pub(crate) fn mix(bytes: &[u8]) -> u64 {
    let mut h = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3));
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// Appends a text with its length.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

/// Takes texts apart that [`put_text`] put together.
pub(crate) fn texts(mut bytes: &[u8]) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        bytes = rest;
        std::str::from_utf8(text).ok()
    })
}
