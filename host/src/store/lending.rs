//! Connections that go from hand to hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, PgConnection, Pool, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connection that idled for longer is tried before use, because the server may have restarted meanwhile.
pub(super) const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// After so long even a busy connection passes through the pool, which replaces those that are too old.
const ROUND: Duration = Duration::from_secs(60);

/// The connections of one pool, lent one by one.
///
/// The pool of sqlx asks whether a connection still works each time it is given back: one more trip to the database for
/// every read. Here a connection whose last statement ended well goes to the next borrower as it is. Every other one, and
/// whatever rested for long, goes back to the pool, which tries or replaces it.
pub(super) struct Lending<DB: Database> {
    shared: Arc<Shared<DB>>,
}

impl<DB: Database> Clone for Lending<DB> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct Shared<DB: Database> {
    pool: Pool<DB>,
    /// One for each connection that the pool may open, so that nobody waits in the pool while some rest here.
    places: Arc<Semaphore>,
    /// The one used last on top; `None` once nothing may rest here any more.
    warm: Mutex<Option<Vec<Warm<DB>>>>,
    wait_max: Duration,
}

struct Warm<DB: Database> {
    connection: PoolConnection<DB>,
    since: Instant,
    /// When the pool gave it out.
    taken: Instant,
}

impl<DB: Database> Lending<DB> {
    pub(super) fn new(pool: Pool<DB>) -> Self {
        let options = pool.options();
        let places = Arc::new(Semaphore::new(options.get_max_connections() as usize));
        let wait_max = options.get_acquire_timeout();
        Self { shared: Arc::new(Shared { pool, places, warm: Mutex::new(Some(Vec::new())), wait_max }) }
    }

    /// A connection that works, as far as one can know without asking it.
    pub(super) async fn lend(&self) -> sqlx::Result<Loan<DB>> {
        let places = Arc::clone(&self.shared.places);
        let place = tokio::time::timeout(self.shared.wait_max, places.acquire_owned()).await;
        let place = place.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let (connection, taken) = match self.warm() {
            Some(warm) => (warm.connection, warm.taken),
            None => (self.shared.pool.acquire().await?, Instant::now()),
        };
        Ok(Loan { connection: Some(connection), taken, settled: true, lending: self.clone(), _place: place })
    }

    /// The connection used last; where even that one has rested for long, all go back to be tried.
    fn warm(&self) -> Option<Warm<DB>> {
        let top = self.on_shelf(Vec::pop)??;
        if top.since.elapsed() <= TRUSTED_IDLE {
            return Some(top);
        }
        self.cool();
        None
    }

    /// Gives all that rest here back to the pool, which tries them before they are lent again.
    pub(super) fn cool(&self) {
        // Taken in one step, dropped outside of the lock.
        drop(self.on_shelf(std::mem::take));
    }

    pub(super) async fn close(&self) {
        let rest = self.shared.warm.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(rest);
        self.shared.pool.close().await;
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> u32 {
        self.shared.pool.size()
    }

    /// How many of them nobody uses.
    pub(super) fn idle(&self) -> usize {
        self.shared.pool.num_idle() + self.on_shelf(|shelf| shelf.len()).unwrap_or_default()
    }

    fn on_shelf<T>(&self, act: impl FnOnce(&mut Vec<Warm<DB>>) -> T) -> Option<T> {
        self.shared.warm.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(act)
    }

    /// Puts a connection on top, or hands it back where nothing may rest here.
    fn rest(&self, connection: PoolConnection<DB>, taken: Instant) -> Option<PoolConnection<DB>> {
        match self.shared.warm.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            None => Some(connection),
            Some(shelf) => {
                shelf.push(Warm { connection, since: Instant::now(), taken });
                None
            }
        }
    }
}

/// A connection until it is dropped.
pub(super) struct Loan<DB: Database> {
    connection: Option<PoolConnection<DB>>,
    taken: Instant,
    /// Whether its last statement ended well. One that was left half-way may have an answer on its way.
    settled: bool,
    lending: Lending<DB>,
    _place: OwnedSemaphorePermit,
}

impl<DB: Database> Loan<DB> {
    /// For a statement; [`Loan::settle`] follows where it ended well.
    pub(super) fn connection(&mut self) -> &mut DB::Connection {
        self.settled = false;
        match &mut self.connection {
            Some(connection) => connection,
            // INVARIANT: only drop takes it.
            None => unreachable!("a connection was used after it was given back"),
        }
    }

    pub(super) fn settle(&mut self) {
        self.settled = true;
    }
}

impl<DB: Database> Drop for Loan<DB> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let sound = self.settled && self.taken.elapsed() < ROUND;
        let unwanted = if sound { self.lending.rest(connection, self.taken) } else { Some(connection) };
        // Dropped outside of the lock, because the pool then starts a task to try it.
        drop(unwanted);
    }
}

/// A transaction of Postgres on a lent connection; dropped before its commit, it is rolled back.
pub(super) struct LentTransaction {
    loan: Loan<Postgres>,
    open: bool,
}

impl LentTransaction {
    pub(super) async fn begin(lending: &Lending<Postgres>) -> sqlx::Result<Self> {
        // Open before it is begun: whoever goes away half-way leaves a connection that nobody knows the state of.
        let mut transaction = Self { loan: lending.lend().await?, open: true };
        sqlx::raw_sql("BEGIN").execute(transaction.connection()).await?;
        Ok(transaction)
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        self.loan.connection()
    }

    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        sqlx::raw_sql("COMMIT").execute(self.connection()).await?;
        self.open = false;
        self.loan.settle();
        Ok(())
    }
}

impl Drop for LentTransaction {
    fn drop(&mut self) {
        if self.open
            && let Some(connection) = self.loan.connection.take()
        {
            tokio::spawn(roll_back(connection));
        }
    }
}

/// INVARIANT: a connection goes back to the pool only when no transaction can be open on it.
async fn roll_back(mut connection: PoolConnection<Postgres>) {
    if let Err(error) = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await {
        tracing::debug!(error = %error, "a connection is closed, because its transaction could not be rolled back");
        connection.close_on_drop();
    }
}
