//! Guests that were built in the past: every later host must load them, byte for byte as they are.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use weir::catalog::difference::{Difference, Operation};
use weir::plugin::load::Digest;
use weir::plugin::{Effect, Guest, Proposal};
use weir_tests::guests;

use crate::ask::{ask, call, limits, settings, shared, table};

/// What is kept: together they export everything of the track that this host serves.
const KEPT: [&str; 3] = ["planner", "reviewer", "both"];

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
        assert_eq!(guests.keys().collect::<Vec<_>>(), ["both", "planner", "reviewer"], "{}", track.display());
        for (name, bytes) in guests {
            let told = format!("{} of {} (sha256 {})", name, track.display(), Digest::of(&bytes));
            let compiled = shared().compile(bytes.into()).await.unwrap_or_else(|error| panic!("{told}: {error}"));
            let loaded = Guest::load(&shared(), &compiled, settings(json!({ "answer": "allow" }), limits())).await;
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
        }
        tracks += 1;
    }
    assert!(tracks > 0, "the corpus is empty");
}

/// A commit that changes nothing a contract could mind.
fn nothing() -> Arc<Proposal> {
    Arc::new(Proposal { operation: Operation::Commit, updates: Vec::new(), difference: Difference::default() })
}
