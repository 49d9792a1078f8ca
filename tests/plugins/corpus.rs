//! Guests that were built in the past: every later host must load them, byte for byte as they are.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use weir::catalog::difference::{Difference, Operation};
use weir::plugin::load::Digest;
use weir::plugin::{Effect, Grant, Guest, Proposal, Submission};
use weir_tests::guests;

use crate::ask::{ask, call, limits, settings, shared, table};

/// What is kept: together they export everything of the track that this host serves.
const KEPT: [&str; 6] = ["both", "keeper", "planner", "reviewer", "store", "transaction-reviewer"];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/corpus")
}

/// `<track>/<name>.wasm.gz`, inflated.
fn kept(track: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(track).expect("a folder of the corpus").map(|item| item.expect("an entry").path());
    let packed = files.filter(|path| path.extension().is_some_and(|ending| ending == "gz"));
    packed
        .map(|path| {
            let mut bytes = Vec::new();
            let file = fs::File::open(&path).expect("it opens");
            flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("it is whole");
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
            (name.trim_end_matches(".wasm.gz").to_owned(), bytes)
        })
        .collect()
}

/// While the track is a draft its corpus may be written anew: `WEIR_WRITE=1 cargo test -p weir-tests --test plugins corpus`.
fn write_draft(folder: &Path) {
    fs::create_dir_all(folder).expect("writable");
    for name in KEPT {
        let bytes = fs::read(guests::guest(name)).expect("built");
        let file = fs::File::create(folder.join(format!("{name}.wasm.gz"))).expect("writable");
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        std::io::Write::write_all(&mut packer, &bytes).expect("writable");
        packer.finish().expect("writable");
    }
}

fn is_frozen(track: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit").join(track).join("FROZEN").exists()
}

#[tokio::test]
async fn guests_of_every_track_still_load_and_decide() {
    let draft = corpus().join("v0.1");
    if std::env::var_os("WEIR_WRITE").is_some() && !is_frozen("v0.1") {
        write_draft(&draft);
    }
    let mut tracks = 0;
    for track in fs::read_dir(corpus()).expect("there is a corpus").map(|item| item.expect("an entry").path()) {
        let guests = kept(&track);
        assert_eq!(guests.keys().collect::<Vec<_>>(), KEPT.iter().collect::<Vec<_>>(), "{}", track.display());
        for (name, bytes) in guests {
            let told = format!("{} of {} (sha256 {})", name, track.display(), Digest::of(&bytes));
            let compiled = shared().compile(bytes.into()).await.unwrap_or_else(|error| panic!("{told}: {error}"));
            let given = if takes_an_answer(&name) { json!({ "answer": "allow" }) } else { json!({}) };
            let loaded = Guest::load(&shared(), &compiled, settings(given, limits())).await;
            let guest =
                loaded.unwrap_or_else(|error| panic!("{told}: {error}; the track is a draft only until it is frozen"));
            if guest.abilities().authorizer {
                assert_eq!(ask(&guest).await.expect(&told)[0].effect, Effect::Allow, "{told}");
            }
            if guest.abilities().contract {
                let (call, orders) = (call(), table("orders"));
                let violations = guest.review(&call, &orders, None, nothing()).await.expect(&told);
                assert!(violations.is_empty(), "{told}: {violations:?}");
            }
            ask_the_rest(&guest, &told).await;
        }
        tracks += 1;
    }
    assert!(tracks > 0, "the corpus is empty");
}

fn takes_an_answer(name: &str) -> bool {
    ["both", "planner", "reviewer"].contains(&name)
}

/// What few guests are able to do.
async fn ask_the_rest(guest: &Guest, told: &str) {
    let (call, orders) = (call(), table("orders"));
    let abilities = guest.abilities();
    if abilities.authorizer_events {
        guest.on_change(&call, "dropped", &orders, None).await.expect(told);
    }
    if abilities.authorizer_grants {
        let grant = Grant { principal: "user:oidc/bob".into(), privilege: "keep-table".into(), object: orders.clone() };
        guest.write_grants(&call, &[grant], &[]).await.expect(told);
        assert_eq!(guest.privileges(&call, "table").await.expect(told), ["keep-table"], "{told}");
        guest.read_grants(&call, &orders, None).await.expect(told);
        guest.known_objects(&call, None).await.expect(told);
    }
    if abilities.contract_transaction {
        let submission = Submission { subject: orders, target: None, proposal: nothing() };
        let violations = guest.review_transaction(&call, &[&submission]).await.expect(told);
        assert_eq!(violations[0].message, "orders with 0 properties", "{told}");
    }
    if abilities.storage {
        assert_eq!(guest.storage_kinds(&call).await.expect(told), ["s3"], "{told}");
    }
}

/// A commit that changes nothing a contract could mind.
fn nothing() -> Arc<Proposal> {
    Arc::new(Proposal { operation: Operation::Commit, updates: Vec::new(), difference: Difference::default() })
}
