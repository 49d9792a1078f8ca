//! How long instances live, who shares them.

use serde_json::json;
use weir::plugin::Limits;

use crate::ask::{ask, call, check, guest, limits, told};

fn one_instance() -> Limits {
    Limits { instances_max: 1, ..limits() }
}

/// T42: warm instances remember, fresh ones do not.
#[tokio::test]
async fn t42_a_fresh_instance_remembers_nothing() {
    let counting = json!({ "behaviour": "counter" });
    let warm = guest(counting.clone(), one_instance()).await;
    assert_eq!((told(&warm).await, told(&warm).await), ("0".into(), "1".into()));
    assert_eq!(warm.stats().instances_made, 1);
    let fresh = guest(counting, Limits { fresh: true, ..one_instance() }).await;
    assert_eq!((told(&fresh).await, told(&fresh).await), ("0".into(), "0".into()));
}

/// P5: two plugins of the same code share neither instances nor the cache.
#[tokio::test]
async fn p5_plugins_share_no_state() {
    for behaviour in ["counter", "cache-counter"] {
        let counting = json!({ "behaviour": behaviour });
        let one = guest(counting.clone(), limits()).await;
        let other = guest(counting, limits()).await;
        assert_eq!((told(&one).await, told(&one).await), ("0".into(), "1".into()), "{behaviour}");
        assert_eq!(told(&other).await, "0", "{behaviour}");
    }
}

/// The cache is what instances share: a fresh one sees what the last one put there.
#[tokio::test]
async fn instances_of_a_plugin_share_its_cache() {
    let fresh = guest(json!({ "behaviour": "cache-counter" }), Limits { fresh: true, ..limits() }).await;
    assert_eq!((told(&fresh).await, told(&fresh).await), ("0".into(), "1".into()));
}

/// T43, T8: an instance that broke off is never used again.
#[tokio::test]
async fn t43_an_instance_is_dropped_after_a_trap() {
    for behaviour in ["trap", "too-many", "recursion"] {
        let guest = guest(json!({ "behaviour": behaviour, "count": 1 }), one_instance()).await;
        for made in 1..=3 {
            ask(&guest).await.expect_err(behaviour);
            let stats = guest.stats();
            assert_eq!((stats.instances_made, stats.idle, stats.busy), (made, 0, 0), "{behaviour}");
        }
    }
}

/// A fault that the guest returns is an orderly answer: the instance stays.
#[tokio::test]
async fn an_instance_stays_after_a_fault_of_its_own_words() {
    let guest = guest(json!({ "behaviour": "internal" }), one_instance()).await;
    for _ in 0..3 {
        ask(&guest).await.expect_err("internal");
    }
    assert_eq!((guest.stats().instances_made, guest.stats().idle), (1, 1));
}

/// As many calls as there are instances run side by side, no more instances are made than are allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_stay_within_their_bound() {
    let guest =
        guest(json!({ "behaviour": "spin", "count": 3_000_000 }), Limits { instances_max: 3, ..limits() }).await;
    let calls: Vec<_> = (0..30)
        .map(|_| {
            tokio::spawn({
                let guest = guest.clone();
                async move { guest.authorize(&call(), &[check("x")]).await }
            })
        })
        .collect();
    for each in calls {
        each.await.expect("no panic").expect("an answer");
    }
    let stats = guest.stats();
    assert!((1..=3).contains(&stats.instances_made), "{} instances", stats.instances_made);
    assert_eq!((stats.calls, stats.queued, stats.busy), (30, 0, 0));
    assert_eq!(stats.latency.iter().sum::<u64>(), 30);
}
