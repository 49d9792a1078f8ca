//! What clients were told about their tables, as a record that a rebuilt disk is held against.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::Method;
use serde_json::json;
use weir_tests::disk::Disk;
use weir_tests::{Http, bodies};

/// What a table says about itself: its property `n`; `None` where there is no table.
pub type State = Option<usize>;

/// One request about one table.
struct Deed {
    after: State,
    sent: u64,
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// At this point of the journal.
    Done(u64),
    /// It did not happen.
    Refused,
    /// Nobody knows, or nobody was told.
    Unknown,
}

/// What was asked for and what was answered, by the name of the table.
pub struct Deeds<'a> {
    disk: &'a Disk,
    of_table: Mutex<BTreeMap<String, Vec<Deed>>>,
}

impl<'a> Deeds<'a> {
    pub fn on(disk: &'a Disk) -> Self {
        Self { disk, of_table: Mutex::default() }
    }

    /// Makes tables, commits to them, drops some, one request after the other, `tables` times or until the server is
    /// gone. The caller chooses a name that nobody else has.
    pub async fn work(&self, catalog: &Http, name: &str, tables: usize) {
        for number in 0..tables {
            let table = format!("{name}_{number}");
            let path = format!("/namespaces/ns/tables/{table}");
            let mut create = bodies::create_table(&table);
            create["properties"] = json!({ "n": "0" });
            let create = catalog.post("/namespaces/ns/tables", create);
            let mut goes_on = self.deed(&table, Some(0), create).await;
            for n in 1..=number % 4 + 1 {
                let commit = bodies::commit(json!([]), bodies::set_property("n", &n.to_string()));
                goes_on = goes_on && self.deed(&table, Some(n), catalog.post(&path, commit)).await;
            }
            if number % 3 == 2 {
                goes_on = goes_on && self.deed(&table, None, catalog.ask(Method::DELETE, &path)).await;
            }
            if !goes_on && catalog.get("/namespaces").try_send().await.is_none() {
                return;
            }
        }
    }

    /// Whether the answer was a success.
    async fn deed(&self, table: &str, after: State, ask: weir_tests::Ask) -> bool {
        let sent = self.disk.now();
        let told = match ask.try_send().await {
            None => Told::Unknown,
            Some(answer) => match answer.status {
                200 | 204 => Told::Done(self.disk.now()),
                429 | 503 | 404 => Told::Refused,
                500 if answer.text().contains("CommitStateUnknownException") => Told::Unknown,
                other => panic!("R7: an answer of {other} under a failing disk: {}", answer.text()),
            },
        };
        let mut of_table = self.of_table.lock().expect("no deed panics while it writes");
        of_table.entry(table.to_owned()).or_default().push(Deed { after, sent, told });
        matches!(told, Told::Done(_))
    }

    /// The tables, each with the states it may be in after a power loss at the point `cut` of the journal.
    pub fn states_at(&self, cut: u64) -> BTreeMap<String, Vec<State>> {
        let of_table = self.of_table.lock().expect("no deed panics while it writes");
        of_table.iter().map(|(table, deeds)| (table.clone(), states(deeds, cut))).collect()
    }

    /// How many requests were answered with success, how many were refused, how many nobody knows the end of.
    pub fn counts(&self) -> (usize, usize, usize) {
        let of_table = self.of_table.lock().expect("no deed panics while it writes");
        let (mut done, mut refused, mut unknown) = (0, 0, 0);
        for deed in of_table.values().flatten() {
            match deed.told {
                Told::Done(_) => done += 1,
                Told::Refused => refused += 1,
                Told::Unknown => unknown += 1,
            }
        }
        (done, refused, unknown)
    }
}

/// The state after the last deed that was acknowledged by then, or after any that was sent since.
fn states(deeds: &[Deed], cut: u64) -> Vec<State> {
    let certain = deeds.iter().rposition(|deed| matches!(deed.told, Told::Done(at) if at <= cut));
    let later = &deeds[certain.map_or(0, |certain| certain + 1)..];
    let possible = later.iter().filter(|deed| deed.sent <= cut && deed.told != Told::Refused);
    let certain = certain.and_then(|certain| deeds[certain].after);
    std::iter::once(certain).chain(possible.map(|deed| deed.after)).collect()
}
