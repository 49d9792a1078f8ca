//! The clock hand that interrupts guests: a thread that rests while no guest computes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmtime::EngineWeak;

/// How long a guest computes before it lets others run.
pub(super) const TICK: Duration = Duration::from_millis(1);
/// Ticks without a guest until the hand rests; starting again costs a system call.
const IDLE_TICKS: u32 = 100;

/// Advances the epoch of the engine each [`TICK`] while guests compute.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    computing: AtomicUsize,
    resting: AtomicBool,
    ended: AtomicBool,
}

impl Ticker {
    pub(super) fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        let thread = thread::Builder::new().name("plugin-ticker".into()).spawn(move || tick(&of_thread, &engine))?;
        Ok(Self { shared, thread })
    }

    /// A guest begins to compute. Pairs with [`Ticker::leave`].
    pub(super) fn enter(&self) {
        // Sequentially consistent against the store of `resting` in the thread: either it sees the guest, or we see it rest.
        self.shared.computing.fetch_add(1, Ordering::SeqCst);
        if self.shared.resting.load(Ordering::SeqCst) {
            self.thread.thread().unpark();
        }
    }

    pub(super) fn leave(&self) {
        self.shared.computing.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
    }
}

fn tick(shared: &Shared, engine: &EngineWeak) {
    let mut idle_ticks = 0;
    while !shared.ended.load(Ordering::SeqCst) {
        thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        drop(engine);
        idle_ticks = if shared.computing.load(Ordering::SeqCst) == 0 { idle_ticks + 1 } else { 0 };
        if idle_ticks >= IDLE_TICKS {
            rest(shared);
            idle_ticks = 0;
        }
    }
}

fn rest(shared: &Shared) {
    shared.resting.store(true, Ordering::SeqCst);
    while shared.computing.load(Ordering::SeqCst) == 0 && !shared.ended.load(Ordering::SeqCst) {
        thread::park();
    }
    shared.resting.store(false, Ordering::SeqCst);
}
