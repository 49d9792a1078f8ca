//! Closed loops: each client sends its next request when it has the answer to the last one.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::task::LocalSet;

use crate::operation::Operation;
use crate::target::Target;
use crate::wire::Connection;

/// Answers before this much time has passed are not counted: connections open, caches fill.
const WARM_UP: Duration = Duration::from_millis(300);
/// How long after its end a load may still wait for answers.
const GRACE: Duration = Duration::from_secs(30);
/// No load sends more, so that a fast server is not filled without bound.
const REQUESTS_MAX: u64 = 1_000_000;
/// A server that refuses connections would be asked without pause.
const PAUSE_AFTER_BREAK: Duration = Duration::from_millis(10);

/// What the clients of one load have seen.
#[derive(Debug)]
pub struct Tally {
    /// Of the successes, in nanoseconds.
    pub latency: Histogram<u64>,
    pub successes: u64,
    /// 409.
    pub conflicts: u64,
    /// Other 4xx, or another 2xx or 3xx than expected.
    pub refused: u64,
    /// 5xx.
    pub failed: u64,
    /// Connections that broke.
    pub broken: u64,
    pub elapsed: Duration,
    /// Of all answers, the warm-up's too.
    pub answers: u64,
}

impl Tally {
    fn new() -> Result<Self> {
        let latency = Histogram::new_with_bounds(1_000, 120_000_000_000, 3).context("the bounds of the histogram")?;
        Ok(Self {
            latency,
            successes: 0,
            conflicts: 0,
            refused: 0,
            failed: 0,
            broken: 0,
            elapsed: Duration::ZERO,
            answers: 0,
        })
    }

    /// Counts an answer to a request that was sent at `start`, unless it came before `begin`.
    fn see(&mut self, answer: &io::Result<u16>, start: Instant, begin: Instant) {
        self.answers += 1;
        let now = Instant::now();
        if now < begin {
            return;
        }
        self.elapsed = now - begin;
        match answer {
            Ok(200 | 204) => {
                self.successes += 1;
                self.latency.saturating_record(u64::try_from((now - start).as_nanos()).unwrap_or(u64::MAX));
            }
            Ok(409) => self.conflicts += 1,
            Ok(500..) => self.failed += 1,
            Ok(_) => self.refused += 1,
            Err(_) => self.broken += 1,
        }
    }

    pub fn per_second(&self) -> f64 {
        self.successes as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

/// Lets one client a given operation work for so long beside the others.
pub async fn load(target: &Target, operations: Vec<Operation>, length: Duration) -> Result<Tally> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + length;
    let requests_max = REQUESTS_MAX / operations.len().max(1) as u64;
    let tally = Rc::new(RefCell::new(Tally::new()?));
    let clients = LocalSet::new();
    for operation in operations {
        let client = Client { connection: Connection::new(target.address), operation, tally: Rc::clone(&tally) };
        clients.spawn_local(client.work(begin, end, requests_max));
    }
    if tokio::time::timeout(length + WARM_UP + GRACE, clients).await.is_err() {
        bail!("the server has not answered within {} s after the end of the load", GRACE.as_secs());
    }
    let tally = Rc::into_inner(tally).context("a client is still at work")?.into_inner();
    Ok(tally)
}

struct Client {
    connection: Connection,
    operation: Operation,
    tally: Rc<RefCell<Tally>>,
}

impl Client {
    async fn work(mut self, begin: Instant, end: Instant, requests_max: u64) {
        for _ in 0..requests_max {
            let start = Instant::now();
            if start >= end || self.operation.is_over() {
                return;
            }
            let answer = self.operation.run(&mut self.connection).await;
            self.tally.borrow_mut().see(&answer, start, begin);
            let recovered = match answer {
                Ok(200 | 204) => Ok(()),
                Ok(_) => self.operation.recover(&mut self.connection).await,
                Err(error) => Err(error),
            };
            if recovered.is_err() {
                tokio::time::sleep(PAUSE_AFTER_BREAK).await;
            }
        }
    }
}
