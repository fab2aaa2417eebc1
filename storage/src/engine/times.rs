//! When the events of each block of a segment happened: documents lie about in the order of their time, so that most blocks are
//! wholly inside or outside what is asked for, and none of their times is read.

use tantivy::columnar::Column;

use super::bits::{BLOCK, Bits, Block};

/// Earliest and latest `@timestamp` of each block.
pub(crate) struct Times(Vec<(i64, i64)>);

impl Times {
    /// Reads the column once.
    pub(crate) fn of(column: &Column<i64>, documents: u32) -> Times {
        let mut values = vec![0; BLOCK as usize];
        let blocks = (0..documents).step_by(BLOCK as usize).map(|first| {
            let part = values.get_mut(..(documents - first).min(BLOCK) as usize).unwrap_or_default();
            column.values.get_range(u64::from(first), part);
            (part.iter().copied().min().unwrap_or(i64::MIN), part.iter().copied().max().unwrap_or(i64::MAX))
        });
        Times(blocks.collect())
    }

    /// Earliest and latest of a block.
    pub(crate) fn span(&self, block: usize) -> (i64, i64) {
        self.0.get(block).copied().unwrap_or((i64::MIN, i64::MAX))
    }

    /// Keeps the documents of a time, both ends inclusive.
    pub(crate) fn within(&self, docs: &mut Bits, column: &Column<i64>, from: i64, last: i64) {
        let known = |block| match self.span(block) {
            (least, most) if from <= least && most <= last => Some(true),
            (least, most) if most < from || last < least => Some(false),
            _ => None,
        };
        docs.retain_blocks(known, |doc| (from..=last).contains(&column.values.get_val(doc)));
    }

    /// Calls `each` with a time of every interval and how many documents of the block it has, a document at a time where need be.
    pub(crate) fn tally(&self, block: &Block<'_>, column: &Column<i64>, interval: impl Fn(i64) -> i64, mut each: impl FnMut(i64, u64)) {
        let (least, most) = self.span(block.n);
        if interval(least) == interval(most) {
            each(interval(least), block.count());
        } else {
            block.iter().for_each(|doc| each(interval(column.values.get_val(doc)), 1));
        }
    }
}
