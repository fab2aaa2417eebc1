//! `event.id`: UUIDv7 (RFC 9562) at the cost of a few instructions, one generator per lane.
//!
//! 48 bits of milliseconds, 12 bits that count within the millisecond, and 62 random bits of the lane's own: within a lane time and
//! count never repeat, and no two lanes draw the same bits. They are drawn once and not for each id, because every store then keeps
//! them once instead of eight bytes an event. An id is no secret: nothing is granted to whoever guesses one.

use uuid::{Builder, Uuid};

/// Makes ids that rise within one lane and collide with no other lane's.
#[derive(Debug)]
pub(crate) struct Ids {
    millis: u64,
    count: u16,
    random: u64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        // the low half of a v4 is two bits of variant and 62 from the operating system
        let (_, random) = Uuid::new_v4().as_u64_pair();
        Self { millis: 0, count: 0, random }
    }

    /// The next id for a record that arrived at `at`, UTC nanoseconds.
    pub(crate) fn next(&mut self, at: i64) -> Uuid {
        let millis = u64::try_from(at / 1_000_000).unwrap_or(0);
        if millis > self.millis {
            (self.millis, self.count) = (millis, 0);
        } else if self.count < 0x0fff {
            self.count += 1;
        } else {
            // more than 4,096 in a millisecond: borrow from the next one (RFC 9562 §6.2, method 1)
            (self.millis, self.count) = (self.millis + 1, 0);
        }
        let mut rest = [0u8; 10];
        let (head, tail) = rest.split_at_mut(2);
        head.copy_from_slice(&self.count.to_be_bytes());
        tail.copy_from_slice(&self.random.to_be_bytes());
        Builder::from_unix_timestamp_millis(self.millis, &rest).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_carry_the_time_of_arrival() {
        let (mut a, mut b) = (Ids::new(), Ids::new());
        let at = 1_763_900_000_123_456_789;
        let first = a.next(at);
        assert_eq!((first.get_version_num(), first.get_variant()), (7, uuid::Variant::RFC4122));
        assert_eq!(first.get_timestamp().unwrap().to_unix(), (1_763_900_000, 123_000_000));
        let mut last = first;
        for _ in 0..20_000 {
            let id = a.next(at);
            assert!(id > last && id != b.next(at));
            last = id;
        }
        assert!(a.next(at - 5_000_000_000) > last, "a clock set back does not repeat ids");
    }
}
