//! How many items of a long list cross to an authorizer in one call: more while it is quick, fewer when it is not.

use std::time::Duration;

/// The most items that cross to a guest in one call.
const ITEMS_MAX: usize = 4_096;

const ITEMS_FIRST: usize = 32;

/// A call that takes less than this part of the deadline was quick.
const QUICK_PART: u32 = 8;

/// A list is never refused for its length: each call keeps well within the authorizer's deadline.
pub(super) struct Pace {
    quick: Duration,
    items: usize,
}

impl Pace {
    pub(super) fn within(deadline: Duration) -> Self {
        Self { quick: deadline / QUICK_PART, items: ITEMS_FIRST }
    }

    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// Learns from the call that has just ended.
    pub(super) fn learn(&mut self, took: Duration) {
        if took < self.quick {
            self.items = (self.items * 2).min(ITEMS_MAX);
        } else if took > self.quick * 2 {
            self.items = (self.items / 2).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the calls for one list, asked of an authorizer that needs so much time for an item.
    fn sizes(an_item: Duration) -> Vec<usize> {
        let mut pace = Pace::within(Duration::from_millis(100));
        let next = |_| {
            let items = pace.items();
            pace.learn(an_item * u32::try_from(items).unwrap());
            items
        };
        (0..12).map(next).collect()
    }

    #[test]
    fn a_quick_authorizer_soon_gets_thousands_at_once() {
        assert_eq!(sizes(Duration::from_micros(1))[..9], [32, 64, 128, 256, 512, 1024, 2048, 4096, 4096]);
    }

    #[test]
    fn a_slow_authorizer_never_gets_near_its_deadline() {
        for an_item_us in [20, 70, 200, 700, 2_000] {
            let an_item = Duration::from_micros(an_item_us);
            let longest = sizes(an_item).into_iter().max().map(|items| an_item * u32::try_from(items).unwrap());
            assert!(longest < Some(Duration::from_millis(70)), "{an_item_us} µs an item: {longest:?}");
        }
    }
}
