//! What is found on a disk after a power loss, held against what clients were told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use weir::catalog::ident::{Namespace, TableIdent};
use weir::catalog::ids::WarehouseId;
use weir::store::{Store, StoreSettings, StoreUrl};
use weir_tests::disk::Disk;
use weir_tests::{TestServer, bodies};

use crate::deeds::State;

type States = BTreeMap<String, Vec<State>>;

/// Looks into the ledger without a server; the error says what was lost.
pub async fn look_inside(server: &TestServer, disk: &Disk, states: &States) -> anyhow::Result<()> {
    let store = Store::open(&StoreSettings::new(StoreUrl::Sqlite(disk.ledger()))).await?;
    let found = compare(&store, server, states).await;
    store.close().await;
    drop(store);
    let_go_of(disk.folder()).await;
    found?;
    let mut ledger = SqliteConnectOptions::new().filename(disk.ledger()).connect().await?;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut ledger).await?;
    ledger.close().await?;
    anyhow::ensure!(verdict == "ok", "the ledger is damaged: {verdict}");
    Ok(())
}

/// A writer is closed in a thread of its own, a moment after its store is dropped. The last of a file's connections takes
/// the log with it, by its name: that of the next wreck, were it built by then.
async fn let_go_of(folder: &Path) {
    let opened = || std::fs::read_dir("/proc/self/fd").expect("Linux tells").filter_map(Result::ok);
    for _ in 0..6_000 {
        if !opened().filter_map(|one| std::fs::read_link(one.path()).ok()).any(|file| file.starts_with(folder)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("files in {} stay open", folder.display());
}

async fn compare(store: &Store, server: &TestServer, states: &States) -> anyhow::Result<()> {
    store.check_schema().await?;
    let warehouse = WarehouseId(server.prefix.parse()?);
    for (table, possible) in states {
        let ident = TableIdent::parse(Namespace::parse(vec!["ns".to_owned()])?, table.clone())?;
        let found = match store.tabular(warehouse, &ident).await? {
            None => None,
            Some(row) => {
                let document = store.document(row.id, row.version, &row.metadata_location).await?;
                let document = document.ok_or_else(|| anyhow::anyhow!("{ident} has lost its document"))?;
                state(&serde_json::from_slice(&document.all.unpack()?)?)
            }
        };
        anyhow::ensure!(possible.contains(&found), "{ident} is {found:?}, its clients were told {possible:?}");
    }
    Ok(())
}

fn state(metadata: &Value) -> State {
    metadata["properties"]["n"].as_str().and_then(|n| n.parse().ok())
}

/// Asks a server that was started over the disk: every table loads, its metadata file is there, commits go on.
pub async fn serve_again(server: &TestServer, states: &States) {
    let mut last = None;
    for (table, possible) in states {
        let path = format!("/namespaces/ns/tables/{table}");
        let answer = server.get(&path).send().await;
        if answer.status == 404 {
            assert!(possible.contains(&None), "{table} is gone, its clients were told {possible:?}");
            continue;
        }
        let loaded = answer.expect(200).json();
        let found = state(&loaded["metadata"]);
        assert!(possible.contains(&found), "{table} is {found:?}, its clients were told {possible:?}");
        let location = loaded["metadata-location"].as_str().expect("a location");
        let file = Path::new(location.strip_prefix("file://").expect("a local file"));
        assert_eq!(mended(file).await, loaded["metadata"], "{table}");
        last = Some(path);
    }
    let Some(path) = last else { return };
    let commit = bodies::commit(json!([]), bodies::set_property("after", "power loss"));
    server.post(&path, commit).send().await.expect(200);
}

/// The file's JSON as soon as it is whole: mending them is the work of the moment after a start.
async fn mended(file: &Path) -> Value {
    for _ in 0..6_000 {
        if let Ok(value) = serde_json::from_slice(&std::fs::read(file).unwrap_or_default()) {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} is not mended", file.display());
}

/// All files below a folder, without the index of the log: SQLite makes that one anew at each start.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if !entry.to_string_lossy().ends_with("-shm") {
            let bytes = std::fs::read(&entry).expect("a file");
            found.insert(entry, bytes);
        }
    }
    found
}
