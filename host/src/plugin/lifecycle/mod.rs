//! From declarations to a generation that decides: everything is prepared beside it, then swapped in at once.

mod breaker;
mod declared;
mod floor;
mod measure;
mod notes;
mod resolved;
mod seat;
mod stand_in;
mod status;
mod storage;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::OnceCell;

pub use breaker::{Breaker, Position};
use floor::Floors;
use notes::status_of;
pub use resolved::{Resolved, resolve};
use seat::Seat;
pub use seat::{guest_settings, missing_grants};
pub use status::{Failure, InPlace, State, Status};
use watch::{Look, Watch};

use super::load::{Builtin, CompileCache, Fetcher, Refusal, Trust, TrustedKey};
use super::{COMPONENT_BYTES_MAX, Generation, Guest, Mode, Plugins, Sandbox, SandboxSettings, Vacancy};
use crate::config;

/// How long a plugin that could not be fetched waits for the next attempt, at first; twice as long each further time.
const PAUSE_MS: i64 = 1_000;
const PAUSE_MS_MAX: i64 = 300_000;

/// Says what is declared now; a reload asks again.
pub type Declarer = Box<dyn Fn() -> Result<Declared, String> + Send + Sync>;

/// What the operator declares.
#[derive(Clone, Debug)]
pub struct Declared {
    pub plugins: config::Plugins,
    /// The authorizer that decides where none of `plugins` does.
    pub stand_in: Option<config::PluginEntry>,
}

/// Brings declared plugins into place, keeps them in step with their files.
pub struct Lifecycle {
    declare: Declarer,
    /// Made with the first plugin: a catalog without plugins does not pay for it.
    sandbox: OnceCell<Arc<Sandbox>>,
    sandbox_settings: SandboxSettings,
    fetcher: Fetcher,
    trust: Trust,
    cache: Option<Arc<CompileCache>>,
    floors: Floors,
    plugins: Arc<Plugins>,
    watch_ms: u64,
    /// Held for a whole reload, so that two of them never mix.
    seats: tokio::sync::Mutex<BTreeMap<String, Seat>>,
    book: Mutex<Book>,
    /// The bundled storage plugin, where none is declared: brought in with the first question to it.
    storage: OnceCell<Arc<Guest>>,
}

/// What is told to those who ask, while a reload may be under way.
#[derive(Default)]
struct Book {
    entries: BTreeMap<String, Entry>,
    seats: BTreeMap<String, Seat>,
    /// Why the declarations themselves could not be read the last time.
    failure: Option<Failure>,
    /// What the files looked like just before they were loaded.
    look: Look,
    /// The plugins that the metrics tell of.
    measured: BTreeSet<String>,
}

struct Entry {
    declared: Option<config::PluginEntry>,
    state: State,
    failure: Option<Failure>,
    attempts: u32,
    retry_at_ms: Option<i64>,
}

/// How a reload went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    pub generation: u64,
    /// Whether another generation decides now.
    pub swapped: bool,
    /// The plugins that were refused, with the reasons.
    pub refused: BTreeMap<String, Failure>,
}

impl Lifecycle {
    /// Opens the sandbox and brings in what is declared. A plugin that is refused stops neither the others nor the
    /// start; a folder or a key that cannot be read does, for then nobody knows what should decide. `secret` is this
    /// catalog's own; what authenticates compiled code is made from it.
    pub async fn open(
        plugins: Arc<Plugins>,
        declare: Declarer,
        builtins: &'static [Builtin],
        secret: [u8; 32],
    ) -> anyhow::Result<Arc<Self>> {
        measure::describe();
        let settings = declare().map_err(anyhow::Error::msg)?.plugins;
        let keys = settings.trusted_keys.iter().map(|key| TrustedKey::parse(key)).collect::<Result<_, _>>();
        let cache_folder: PathBuf = settings.cache_folder.clone();
        let this = Arc::new(Self {
            sandbox: OnceCell::new(),
            sandbox_settings: SandboxSettings::of(&settings),
            fetcher: Fetcher::new(builtins, COMPONENT_BYTES_MAX as u64),
            trust: Trust { keys: keys.map_err(anyhow::Error::msg)?, required: settings.require_signatures },
            floors: Floors::open(cache_folder.join("versions.json"))?,
            cache: Some(Arc::new(CompileCache::new(cache_folder, &secret))),
            plugins,
            watch_ms: settings.watch_ms,
            declare,
            seats: tokio::sync::Mutex::default(),
            book: Mutex::default(),
            storage: OnceCell::new(),
        });
        this.reload().await.map_err(|failure| anyhow::anyhow!(failure.message))?;
        Ok(this)
    }

    /// Reads the declarations again and swaps in what passes every gate; what does not keeps its last good version.
    pub async fn reload(&self) -> Result<Reload, Failure> {
        let mut seats = self.seats.lock().await;
        let (declared, stand_in) = match (self.declare)().and_then(|settings| {
            let declared = declared::declarations(&settings.plugins)
                .map_err(|error| format!("the plugins' folder cannot be read: {error}"))?;
            Ok((declared, settings.stand_in))
        }) {
            Ok(found) => found,
            Err(why) => {
                let failure = Failure { code: "bad_configuration", message: why, at_ms: now_ms() };
                tracing::error!(failure.message, "plugins are not loaded again; those in place go on");
                self.book().failure = Some(failure.clone());
                return Err(failure);
            }
        };
        self.forget_all_but(&declared);
        let look = self.look().await;
        self.book().look = look;
        let mut next = BTreeMap::new();
        for (name, entry) in declared {
            if let Some(seat) = self.brought_in(&name, entry, seats.get(&name)).await {
                next.insert(name, seat);
            }
        }
        self.seat_stand_in(stand_in, &seats, &mut next).await;
        let swapped = self.swap(&seats, &next);
        *seats = next;
        Ok(self.report(swapped))
    }

    /// What is in place of a plugin from now on: the version that is declared, or the one before where that is refused.
    async fn brought_in(
        &self,
        name: &str,
        entry: Result<config::PluginEntry, Refusal>,
        before: Option<&Seat>,
    ) -> Option<Seat> {
        let prepared = match entry {
            Ok(entry) => self.prepare(name, entry, before).await,
            Err(refusal) => Err(refusal),
        };
        match prepared {
            Ok(seat) => {
                self.note_in_place(name, &seat);
                Some(seat)
            }
            Err(refusal) => {
                self.note_refusal(name, &refusal, before.is_some());
                before.cloned()
            }
        }
    }

    /// Makes the next generation the current one, unless it would answer everything as the current one does.
    fn swap(&self, before: &BTreeMap<String, Seat>, next: &BTreeMap<String, Seat>) -> bool {
        let vacancies = self.vacancies(next);
        let current = self.plugins.current();
        let is_same = before.len() == next.len()
            && before.iter().all(|(name, seat)| next.get(name).is_some_and(|next| seat.is(next)))
            && current.vacancies == vacancies;
        self.book().seats = next.clone();
        if is_same {
            return false;
        }
        let mut in_order: Vec<_> = next.iter().collect();
        in_order.sort_by(|(a, left), (b, right)| (left.entry.order, a).cmp(&(right.entry.order, b)));
        let members = in_order.into_iter().map(|(_, seat)| seat.member()).collect();
        let number = current.number + 1;
        self.plugins.swap(Generation { number, members, vacancies });
        tracing::info!(generation = number, plugins = next.len(), "another generation of plugins decides");
        true
    }

    /// The plugins that should decide, but of which no version ever got in place: their scopes are not free for all.
    fn vacancies(&self, seats: &BTreeMap<String, Seat>) -> Vec<Vacancy> {
        let book = self.book();
        let vacant = book.entries.iter().filter(|(name, _)| !seats.contains_key(*name));
        vacant
            .filter_map(|(name, entry)| {
                let declared = entry.declared.as_ref();
                if declared.is_some_and(|entry| seat::mode(entry) == Mode::Shadow) {
                    return None;
                }
                Some(Vacancy { name: name.clone(), scope: declared.map(seat::scope).unwrap_or_default() })
            })
            .collect()
    }

    /// The required plugins of which no version is in place; the server is ready once there are none.
    pub fn missing(&self) -> Vec<String> {
        let statuses = self.statuses().into_iter().filter(|status| status.required);
        statuses.filter(|status| status.in_place.is_none()).map(|status| status.name).collect()
    }

    /// Every declared plugin, by name.
    pub fn statuses(&self) -> Vec<Status> {
        let book = self.book();
        book.entries.iter().map(|(name, entry)| status_of(name, entry, book.seats.get(name))).collect()
    }

    /// Why the declarations could not be read the last time; `None` while they can.
    pub fn failure(&self) -> Option<Failure> {
        self.book().failure.clone()
    }

    /// Looks at the files every so often, loads again what changed and what may be had by now, until it is dropped.
    pub async fn watch(self: Arc<Self>) {
        if self.watch_ms == 0 {
            return;
        }
        let mut watch = Watch::new(self.book().look.clone());
        loop {
            tokio::time::sleep(Duration::from_millis(self.watch_ms)).await;
            if (watch.has_changed(self.look().await) || self.is_retry_due())
                && let Err(failure) = self.reload().await
            {
                tracing::warn!(failure.message, "the plugins could not be loaded again");
            }
        }
    }

    /// The sandbox, which the first plugin starts.
    async fn sandbox(&self) -> Result<&Arc<Sandbox>, Refusal> {
        let start = || async { Sandbox::open(self.sandbox_settings.clone()) };
        let started = self.sandbox.get_or_try_init(start).await;
        started.map_err(|error| Refusal::Configuration(format!("the sandbox does not start: {error:#}")))
    }

    async fn look(&self) -> Look {
        let mut paths: Vec<PathBuf> = Vec::new();
        if let Ok(settings) = (self.declare)() {
            paths.extend(settings.plugins.folder);
        }
        let book_paths: Vec<_> = {
            let book = self.book();
            let declared = book.entries.values().filter_map(|entry| entry.declared.as_ref());
            declared.flat_map(resolved::files).collect()
        };
        paths.extend(book_paths);
        let look = tokio::task::spawn_blocking(move || Look::at(paths.iter().map(PathBuf::as_path)));
        look.await.unwrap_or_default()
    }

    fn is_retry_due(&self) -> bool {
        let now_ms = now_ms();
        self.book().entries.values().any(|entry| entry.retry_at_ms.is_some_and(|at_ms| at_ms <= now_ms))
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        // Each change of the book is a single assignment, so a panic elsewhere leaves it whole.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
