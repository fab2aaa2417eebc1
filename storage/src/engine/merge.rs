//! Which segments are merged: few and large merges, since every merge writes its events again.

use tantivy::{
    index::{SegmentId, SegmentMeta},
    indexer::{MergeCandidate, MergePolicy},
};

/// Segments of about the same size are merged once there are [`Tiers::FAN_IN`] of them.
#[derive(Debug)]
pub(crate) struct Tiers;

/// Events of a segment that is not merged further.
const LARGEST: u32 = 8_000_000;

impl Tiers {
    /// Segments that become one.
    const FAN_IN: usize = 20;
    /// Upper bounds of the sizes (events) that count as about the same.
    const BOUNDS: [u32; 4] = [2_000, 30_000, 500_000, 4_000_000];
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

/// Merges worth doing once no more events come: as few segments as [`LARGEST`] allows.
pub(crate) fn last(segments: &[SegmentMeta]) -> Vec<Vec<SegmentId>> {
    let mut small: Vec<&SegmentMeta> = segments.iter().filter(|s| s.num_docs() < LARGEST / 2).collect();
    small.sort_by_key(|s| s.num_docs());
    let mut groups: Vec<(u32, Vec<SegmentId>)> = Vec::new();
    for segment in small {
        match groups.last_mut() {
            Some((docs, group)) if docs.saturating_add(segment.num_docs()) <= LARGEST => {
                *docs += segment.num_docs();
                group.push(segment.id());
            }
            _ => groups.push((segment.num_docs(), vec![segment.id()])),
        }
    }
    groups.into_iter().map(|(_, group)| group).filter(|group| group.len() > 1).collect()
}
