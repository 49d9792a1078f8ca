//! Things that end, made anew once half of their life is over.

use std::hash::Hash;
use std::sync::Arc;

use moka::future::Cache;
use moka::ops::compute::{CompResult, Op};
use tokio::sync::Mutex;

use super::cache::again;
use crate::app::Clock;
use crate::error::Error;

/// That none can be made is remembered for so long: a service that is down is not asked by each request.
const FAILURE_MS: i64 = 1_000;
/// The same where the one before still lasts, so that hardly anybody waits for the service.
const RENEWAL_MS: i64 = 15_000;
/// One that ends sooner is not used any more: a request that begins now may take as long.
const LEAST_MS: i64 = 60_000;

/// Something new, with its end in milliseconds since the epoch.
pub struct Made<V> {
    pub value: V,
    pub ends_at_ms: i64,
}

/// Of many who ask at once one makes what is missing. What lasts serves the others until it is renewed, and serves on
/// where it cannot be.
pub struct Lasting<K, V> {
    known: Cache<K, Known<V>>,
}

#[derive(Clone)]
struct Known<V> {
    value: Result<V, Arc<Error>>,
    ends_at_ms: i64,
    /// From then on a new one is made.
    until_ms: i64,
    /// Held by the one who does.
    renewal: Arc<Mutex<()>>,
}

impl<K, V> Lasting<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub fn at_most(entries_max: u64) -> Self {
        Self { known: Cache::new(entries_max) }
    }

    /// Whoever asks next gets something new.
    pub fn forget_all(&self) {
        self.known.invalidate_all();
    }

    /// What is remembered, or what `make` makes.
    pub async fn get(
        &self,
        key: K,
        clock: &Clock,
        make: impl Future<Output = Result<Made<V>, Error>>,
    ) -> Result<V, Error> {
        let now_ms = clock.now_ms();
        let known = self.known.get(&key).await;
        let _renewing = match known {
            Some(known) if known.until_ms > now_ms => return known.told(),
            Some(known) if known.lasts(now_ms) => match Arc::clone(&known.renewal).try_lock_owned() {
                Ok(turn) => Some(turn),
                Err(_) => return known.told(),
            },
            _ => None,
        };
        let in_turn = self.known.entry(key).and_compute_with(|entry| async move {
            let before = entry.map(|entry| entry.into_value());
            if before.as_ref().is_some_and(|known| known.until_ms > now_ms) {
                return Op::Nop;
            }
            let made = make.await;
            Op::Put(Known::next(made, before, clock.now_ms()))
        });
        match in_turn.await {
            CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry) => {
                entry.into_value().told()
            }
            CompResult::Removed(_) | CompResult::StillNone(_) => {
                Err(Error::internal(anyhow::anyhow!("what was made was not kept")))
            }
        }
    }
}

impl<V> Known<V> {
    fn lasts(&self, now_ms: i64) -> bool {
        self.value.is_ok() && self.ends_at_ms > now_ms + LEAST_MS
    }

    fn next(made: Result<Made<V>, Error>, before: Option<Self>, now_ms: i64) -> Self {
        let renewal = Arc::default();
        match (made, before.filter(|before| before.lasts(now_ms))) {
            (Ok(Made { value, ends_at_ms }), _) => {
                let until_ms = now_ms + ends_at_ms.saturating_sub(now_ms) / 2;
                Self { value: Ok(value), ends_at_ms, until_ms, renewal }
            }
            (Err(error), Some(before)) => {
                tracing::warn!(%error, "a key could not be renewed: the one before serves on");
                Self { until_ms: now_ms + RENEWAL_MS, ..before }
            }
            (Err(error), None) => {
                let until_ms = now_ms + FAILURE_MS;
                Self { value: Err(Arc::new(error)), ends_at_ms: until_ms, until_ms, renewal }
            }
        }
    }

    fn told(self) -> Result<V, Error> {
        self.value.map_err(|error| again(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct Maker {
        lasting: Lasting<u8, i64>,
        clock: Clock,
        made: AtomicI64,
    }

    impl Maker {
        fn new() -> Self {
            Self { lasting: Lasting::at_most(10), clock: Clock::default(), made: AtomicI64::new(0) }
        }

        async fn get(&self, works: bool) -> Result<i64, Error> {
            let make = async {
                tokio::task::yield_now().await;
                let value = self.made.fetch_add(1, Ordering::Relaxed) + 1;
                match works {
                    true => Ok(Made { value, ends_at_ms: self.clock.now_ms() + 1_000_000 }),
                    false => Err(Error::unavailable("down")),
                }
            };
            self.lasting.get(1, &self.clock, make).await
        }
    }

    #[tokio::test]
    async fn r17_it_is_made_anew_once_half_of_its_life_is_over() {
        let maker = Maker::new();
        assert_eq!(maker.get(true).await.unwrap(), 1);
        maker.clock.shift_ms(490_000);
        assert_eq!(maker.get(true).await.unwrap(), 1);
        maker.clock.shift_ms(20_000);
        assert_eq!(maker.get(true).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn r9_what_is_forgotten_is_made_anew() {
        let maker = Maker::new();
        assert_eq!(maker.get(true).await.unwrap(), 1);
        maker.lasting.forget_all();
        assert_eq!(maker.get(true).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn r19_many_at_once_make_one() {
        let maker = Maker::new();
        let got = futures_util::future::join_all((0..50).map(|_| maker.get(true))).await;
        assert!(got.into_iter().all(|got| got.unwrap() == 1));
    }

    #[tokio::test]
    async fn r27_nobody_waits_for_a_renewal_but_the_one_who_makes_it() {
        let maker = Maker::new();
        maker.get(true).await.unwrap();
        maker.clock.shift_ms(600_000);
        let silent = maker.lasting.get(1, &maker.clock, std::future::pending());
        assert!(futures_util::future::poll_immediate(Box::pin(silent)).await.is_none());

        let (first, other) = tokio::join!(maker.get(true), maker.get(true));

        let mut got = [first.unwrap(), other.unwrap()];
        got.sort_unstable();
        assert_eq!(got, [1, 2], "whoever was silent has gone, so the next one makes it");
    }

    #[tokio::test]
    async fn one_that_lasts_serves_on_while_none_can_be_made_and_no_longer() {
        let maker = Maker::new();
        maker.get(true).await.unwrap();
        maker.clock.shift_ms(600_000);
        assert_eq!(maker.get(false).await.unwrap(), 1);
        maker.clock.shift_ms(350_000);
        maker.get(false).await.unwrap_err();
    }

    #[tokio::test]
    async fn what_cannot_be_made_is_tried_once_a_second() {
        let maker = Maker::new();
        for _ in 0..10 {
            let error = maker.get(false).await.unwrap_err();
            assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        }
        assert_eq!(maker.made.load(Ordering::Relaxed), 1);
        maker.clock.shift_ms(1_500);
        assert_eq!(maker.get(true).await.unwrap(), 2);
    }
}
