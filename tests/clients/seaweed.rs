//! The same clients on SeaweedFS, whose makers know nothing of this catalog: does it hold what the keys promise.

use serde_json::json;
use weir_tests::tools::{is_full_lane, python};
use weir_tests::{Engine, Seaweed, on_both_engines};

use crate::s3::tell_of;

on_both_engines!(
    pyiceberg_works_with_vended_keys_that_seaweedfs_bounds,
    pyiceberg_has_its_requests_signed_for_seaweedfs,
);

async fn pyiceberg_works_with_vended_keys_that_seaweedfs_bounds(engine: Engine) {
    tell(engine, true, "test_s3_vended_pyiceberg.py").await;
}

async fn pyiceberg_has_its_requests_signed_for_seaweedfs(engine: Engine) {
    tell(engine, false, "test_s3_signed_pyiceberg.py").await;
}

async fn tell(engine: Engine, makes_keys: bool, story: &str) {
    if !is_full_lane() {
        return eprintln!("skipped: SeaweedFS is compiled for minutes, `make test-full` runs it");
    }
    let (Some(python), Some(seaweed)) = (python("venv"), Seaweed::start().await) else { return };
    let mut profile = seaweed.profile("wh");
    profile["sts-enabled"] = json!(makes_keys);
    tell_of(engine, (profile, Seaweed::credential()), python, story).await;
}
