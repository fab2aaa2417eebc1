//! Which segments are merged: few and large merges, since every merge writes its events again.

use tantivy::{
    index::SegmentMeta,
    indexer::{MergeCandidate, MergePolicy},
};

/// Segments of about the same size are merged once there are [`Tiers::FAN_IN`] of them.
#[derive(Debug)]
pub(crate) struct Tiers;

impl Tiers {
    /// Segments that become one.
    const FAN_IN: usize = 16;
    /// Upper bounds of the sizes (events) that count as about the same.
    const BOUNDS: [u32; 4] = [2_000, 32_000, 500_000, 4_000_000];
}

impl MergePolicy for Tiers {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let mut out = Vec::new();
        let mut least = 0;
        for bound in Self::BOUNDS {
            let mut tier: Vec<&SegmentMeta> = segments.iter().filter(|s| (least..bound).contains(&s.num_docs())).collect();
            least = bound;
            if tier.len() >= Self::FAN_IN {
                tier.sort_by_key(|s| s.num_docs());
                out.push(MergeCandidate(tier.iter().take(2 * Self::FAN_IN).map(|s| s.id()).collect()));
            }
        }
        out
    }
}
