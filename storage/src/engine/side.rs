//! Parts of a request worked on side by side.

use std::{
    num::NonZero,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
};

use crate::error::Result;

/// What `work` makes of each part, in their order; as many at once as there are cores.
pub(crate) fn side_by_side<P: Send, T: Send>(parts: Vec<P>, work: impl Fn(P) -> Result<T> + Sync) -> Result<Vec<T>> {
    let width = thread::available_parallelism().map_or(1, NonZero::get).min(parts.len());
    if width < 2 {
        return parts.into_iter().map(work).collect();
    }
    let left = Mutex::new(parts.into_iter().enumerate());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        let mut done = Vec::new();
        while let Some((place, part)) = next() {
            done.push((place, work(part)));
        }
        done
    };
    let mut done = thread::scope(|threads| {
        let others: Vec<_> = (1..width).map(|_| threads.spawn(run)).collect();
        let own = run();
        others.into_iter().fold(own, |mut done, other| {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            done
        })
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::side_by_side;
    use crate::error::StoreError;

    #[test]
    fn order_stays_and_a_failure_is_told() {
        for many in [0u32, 1, 2, 500] {
            let doubled = side_by_side((0..many).collect(), |n| Ok(n * 2)).unwrap();
            assert_eq!(doubled, (0..many).map(|n| n * 2).collect::<Vec<_>>());
        }
        assert!(side_by_side((0..9).collect(), |n: u32| if n == 7 { Err(StoreError::NotFound("seven")) } else { Ok(n) }).is_err());
    }
}
