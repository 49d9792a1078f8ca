//! The turns that guests take on the processor.
//!
//! A guest that computes holds one of few permits. At each tick it hands its permit to whoever waits longest, so that an
//! endless loop delays another plugin by a few ticks, not by its deadline; yielding, it also lets the catalog's own work run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ticker::Ticker;

/// What all guests share of the processor.
pub(super) struct Processor {
    permits: Arc<Semaphore>,
    ticker: Ticker,
}

impl Processor {
    pub(super) fn new(calls_max: u32, ticker: Ticker) -> Self {
        Self { permits: Arc::new(Semaphore::new(calls_max as usize)), ticker }
    }
}

/// One call's claim on the processor, until a moment.
pub(super) struct Turn {
    processor: Arc<Processor>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    ends: Instant,
}

impl Turn {
    /// Waits until a guest may compute.
    pub(super) async fn begin(processor: &Arc<Processor>, ends: Instant) -> Arc<Self> {
        processor.ticker.enter();
        // From here on `drop` leaves again, also when this very future is dropped.
        let turn = Self { processor: processor.clone(), permit: Mutex::new(None), ends };
        turn.take().await;
        Arc::new(turn)
    }

    /// The deadline has passed.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.ends
    }

    pub(super) fn ends(&self) -> Instant {
        self.ends
    }

    /// To the end of the queue, behind everybody who waits for the processor and every task of the catalog that is ready.
    pub(super) async fn step_back(&self) {
        self.give();
        tokio::task::yield_now().await;
        self.take().await;
    }

    /// The host works for the guest; somebody else computes meanwhile.
    pub(super) async fn outside<T>(&self, work: impl Future<Output = T>) -> T {
        self.give();
        let done = work.await;
        self.take().await;
        done
    }

    async fn take(&self) {
        // The semaphore is never closed.
        let permit = self.processor.permits.clone().acquire_owned().await.ok();
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }

    fn give(&self) {
        drop(self.permit.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.processor.ticker.leave();
    }
}
