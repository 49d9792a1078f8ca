//! Pools that run dry (R22).

use std::time::{Duration, Instant};

use weir::error::Error;
use weir::permit::Permit;
use weir_tests::{Engine, on_both_engines};

use crate::fixture::{begin, ledger_with};

/// R22: whoever cannot get a connection is told so soon, in words that say retry.
async fn a_dry_pool_is_answered_unavailable_soon(engine: Engine) {
    let ledger = ledger_with(engine, |settings| {
        settings.connections_max = 1;
        settings.acquire_timeout_ms = 500;
    })
    .await;
    let holding = begin(&ledger.store).await;
    let started = Instant::now();

    let refused = ledger.store.begin(&Permit::operator("test")).await.err().unwrap();

    assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
    assert!(started.elapsed() < Duration::from_secs(10));
    drop(holding);
    ledger.store.begin(&Permit::operator("test")).await.unwrap();
}

/// Behind a transaction pooler every statement is unnamed, every read is one transaction.
async fn pooler_mode_reads_and_writes_the_same(engine: Engine) {
    let ledger = ledger_with(engine, |settings| settings.pooler_mode = true).await;
    ledger.table("t").await;
    let seen = ledger.read("t").await;

    let first = ledger.swap(&seen).await;
    let stale = ledger.swap(&seen).await;

    assert!(first && !stale);
    assert_eq!(ledger.read("t").await.version, 2);
}

on_both_engines!(pooler_mode_reads_and_writes_the_same, a_dry_pool_is_answered_unavailable_soon);
