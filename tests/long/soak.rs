//! R23: minutes of everything at once, plugins exchanged meanwhile, leave a process as small as it was, a catalog as it was told to be.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, join3};
use serde_json::{Value, json};
use weir_tests::{Answer, Engine, Http, TestServer, bodies, on_both_engines};

use crate::swaps::Swaps;
use crate::{soak_time, version};

on_both_engines!(r23_a_soak_leaks_nothing_and_loses_nothing);

const WORKERS: usize = 12;

/// Tables that everybody commits to.
const SHARED: usize = 6;

/// Tables of its own that a worker has at most.
const OWN: usize = 5;

/// Between two looks at the process.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// What memory may grow by from the middle of the soak to its end; a leak of one answer a request is far above.
const GROWTH_KIB_MAX: usize = 16 * 1024;

/// How the path of the embedded ledger ends.
const LEDGER: &str = "/weir.db";

/// In which its course is told.
const PARTS: usize = 20;

/// Connections to the database, files being written: what comes and goes.
const DESCRIPTORS_MAX: usize = 8;

/// How many commits each shared table has acknowledged.
type Acknowledged = [AtomicUsize; SHARED];

async fn r23_a_soak_leaks_nothing_and_loses_nothing(engine: Engine) {
    let Some(time) = soak_time() else { return };
    // The cache of documents fills up during the warm-up, so that what grows later is no cache.
    let swaps = Swaps::prepare();
    let folder = swaps.folder().display().to_string();
    let settings = [
        ("WEIR__CATALOG__DOCUMENT_CACHE_BYTES_MAX", "1048576"),
        ("WEIR__LOG__FILTER", "warn"),
        ("WEIR__PLUGINS__FOLDER", folder.as_str()),
        ("WEIR__PLUGINS__WATCH_MS", "500"),
        ("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous"),
    ];
    let server = TestServer::start_with(engine, &settings).await;
    server.create_namespace("ns").await;
    join_all((0..SHARED).map(async |table| server.create_table("ns", &format!("shared{table}")).await)).await;
    let acknowledged = Acknowledged::default();
    let end = Instant::now() + time;

    let workers = join_all((0..WORKERS).map(|number| Worker::new(number, &server, &acknowledged).work_until(end)));
    let (workers, looks, swapped) = join3(workers, watch(server.weir.id(), end), swaps.swap_until(&server, time)).await;

    let mut names: BTreeSet<String> = (0..SHARED).map(|table| format!("shared{table}")).collect();
    names.extend(workers.iter().flat_map(|worker| worker.own.iter().map(|own| own.name.clone())));
    assert_eq!(listed(&server).await, names, "what was acknowledged as created is there, nothing else is");
    for (table, count) in acknowledged.iter().enumerate() {
        assert_version(&server.catalog, &format!("shared{table}"), count.load(Ordering::SeqCst)).await;
    }
    for own in workers.iter().flat_map(|worker| &worker.own) {
        assert_version(&server.catalog, &own.name, own.commits).await;
    }
    let log = server.weir.log();
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "the server complains:\n{log}");
    let requests: usize = workers.iter().map(|worker| worker.turn).sum();
    assert!(swapped >= 5, "only {swapped} versions of the plugin came into place");
    println!("R23 on {engine:?}: {requests} turns, {swapped} swaps in {time:?}, {}", assert_flat(&looks));
}

async fn assert_version(catalog: &Http, name: &str, acknowledged: usize) {
    let loaded = catalog.get(&format!("/namespaces/ns/tables/{name}")).send().await.expect(200).json();
    assert_eq!(version(&loaded), acknowledged, "`{name}` has exactly the commits that were acknowledged");
}

async fn listed(server: &TestServer) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut token = String::new();
    loop {
        let page = server.get(&format!("/namespaces/ns/tables?pageSize=20&pageToken={token}"));
        let page = page.send().await.expect(200).json();
        let identifiers = page["identifiers"].as_array().expect("a list");
        names.extend(identifiers.iter().map(|each| each["name"].as_str().expect("a name").to_owned()));
        let Some(next) = page["next-page-token"].as_str() else { return names };
        token = next.to_owned();
    }
}

/// A table of one worker's own, so that each of its commits must pass.
struct Own {
    name: String,
    commits: usize,
}

/// A client that does a bit of everything, one after the other.
struct Worker<'a> {
    number: usize,
    catalog: Http,
    acknowledged: &'a Acknowledged,
    own: Vec<Own>,
    turn: usize,
}

impl<'a> Worker<'a> {
    fn new(number: usize, server: &TestServer, acknowledged: &'a Acknowledged) -> Self {
        Self { number, catalog: server.catalog.clone(), acknowledged, own: Vec::new(), turn: number }
    }

    async fn work_until(mut self, end: Instant) -> Self {
        while Instant::now() < end {
            match self.turn % 10 {
                0 if self.own.len() < OWN => self.create().await,
                0 => self.drop().await,
                1 | 2 => self.commit_to_own().await,
                3..=5 => self.commit_to_shared().await,
                6 => self.commit_together().await,
                7 => self.list().await,
                _ => self.load().await,
            }
            self.turn += 1;
        }
        self
    }

    async fn create(&mut self) {
        let name = format!("own{}_{}", self.number, self.turn);
        self.catalog.post("/namespaces/ns/tables", bodies::create_table(&name)).send().await.expect(200);
        self.own.push(Own { name, commits: 0 });
    }

    async fn drop(&mut self) {
        let purge = self.turn.is_multiple_of(20);
        let name = self.own.remove(0).name;
        let path = format!("/namespaces/ns/tables/{name}?purgeRequested={purge}");
        self.catalog.delete(&path).send().await.expect(204);
    }

    async fn commit_to_own(&mut self) {
        let Some(own) = self.own.last_mut() else { return };
        let body = bodies::commit(json!([]), bodies::set_property("n", &self.turn.to_string()));
        self.catalog.post(&format!("/namespaces/ns/tables/{}", own.name), body).send().await.expect(200);
        own.commits += 1;
    }

    async fn commit_to_shared(&mut self) {
        let table = (self.turn / 10 + self.number) % SHARED;
        let body = bodies::commit(json!([]), self.stamp());
        let answer = self.catalog.post(&format!("/namespaces/ns/tables/shared{table}"), body).send().await;
        if self.has_won(&answer, 200) {
            self.acknowledged[table].fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn commit_together(&mut self) {
        let first = (self.turn / 10 + self.number) % SHARED;
        let tables: Vec<usize> = (0..3).map(|place| (first + place) % SHARED).collect();
        let change = |table: &usize| {
            let identifier = bodies::identifier("ns", &format!("shared{table}"));
            json!({ "identifier": identifier, "requirements": [], "updates": self.stamp() })
        };
        let changes: Vec<Value> = tables.iter().map(change).collect();
        let answer = self.catalog.post("/transactions/commit", json!({ "table-changes": changes })).send().await;
        if self.has_won(&answer, 204) {
            for table in tables {
                self.acknowledged[table].fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    async fn list(&mut self) {
        self.catalog.get("/namespaces").send().await.expect(200);
        let page = self.catalog.get("/namespaces/ns/tables?pageSize=10").send().await.expect(200).json();
        assert_eq!(page["identifiers"].as_array().map(|names| names.len().min(SHARED)), Some(SHARED));
    }

    async fn load(&mut self) {
        let shared = format!("/namespaces/ns/tables/shared{}", self.turn % SHARED);
        let loaded = self.catalog.get(&shared).send().await.expect(200);
        let tag = loaded.header("etag").expect("a tag").to_owned();
        let again = self.catalog.get(&shared).header("If-None-Match", &tag).send().await;
        assert!([200, 304].contains(&again.status), "{}: {}", again.status, again.text());
        self.catalog.get("/namespaces/ns/tables/absent").send().await.expect(404);
    }

    fn stamp(&self) -> Value {
        bodies::set_property(&format!("w{}", self.number), &self.turn.to_string())
    }

    fn has_won(&self, answer: &Answer, won: u16) -> bool {
        assert!([won, 409].contains(&answer.status), "{}: {}", answer.status, answer.text());
        answer.status == won
    }
}

/// What the system says about a process.
struct Look {
    /// All resident memory but the mapped ledger.
    own_kib: usize,
    descriptors: usize,
}

async fn watch(process: u32, end: Instant) -> Vec<Look> {
    let mut looks = Vec::new();
    while Instant::now() < end {
        looks.push(look(process));
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    looks
}

fn look(process: u32) -> Look {
    let mappings = fs::read_to_string(format!("/proc/{process}/smaps")).expect("the process is there");
    let (mut is_ledger, mut own_kib) = (false, 0);
    for line in mappings.lines() {
        match line.split_once(char::is_whitespace) {
            Some(("Rss:", size)) if !is_ledger => {
                own_kib += size.trim().trim_end_matches(" kB").parse::<usize>().expect("a number of KiB");
            }
            // Where a mapping begins: of the ledger's file, which grows, the system maps as much as it likes.
            Some((range, mapped)) if !range.ends_with(':') => is_ledger = mapped.ends_with(LEDGER),
            _ => {}
        }
    }
    assert!(own_kib > 0, "it has memory");
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("the process is there").count();
    Look { own_kib, descriptors }
}

/// The first half is the warm-up; of the second one, its beginning is held against its end.
fn assert_flat(looks: &[Look]) -> String {
    let warm = &looks[looks.len() / 2..];
    let (early, late) = warm.split_at(warm.len() / 2);
    let (memory, later) = (median(early, |look| look.own_kib), median(late, |look| look.own_kib));
    let (descriptors, later_descriptors) =
        (median(early, |look| look.descriptors), median(late, |look| look.descriptors));
    let course = looks.chunks(looks.len().div_ceil(PARTS)).map(|part| median(part, |look| look.own_kib) / 1024);
    let course = course.map(|mib| mib.to_string()).collect::<Vec<_>>().join(" ");
    let told = format!(
        "{memory} KiB then {later} KiB, {descriptors} descriptors then {later_descriptors}, from part to part {course} MiB"
    );
    assert!(later <= memory + GROWTH_KIB_MAX, "memory grows: {told}");
    assert!(later_descriptors <= descriptors + DESCRIPTORS_MAX, "descriptors grow: {told}");
    told
}

fn median(looks: &[Look], of: impl Fn(&Look) -> usize) -> usize {
    let mut values: Vec<usize> = looks.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}
