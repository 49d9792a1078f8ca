//! Guests that take memory.

use serde_json::json;
use weir::plugin::{Guest, Limits, Sandbox, SandboxSettings};

use crate::ask::{ask, bytes, guest, limits, settings, told};

const MIB: u64 = 1 << 20;

/// T6, P2: a bomb ends at its limit, and the process has not grown by much more.
#[tokio::test]
async fn t6_a_memory_bomb_ends_at_its_limit() {
    let guest = guest(json!({ "behaviour": "memory-bomb" }), Limits { memory_bytes_max: 32 * MIB, ..limits() }).await;
    let before = resident_bytes();
    for _ in 0..16 {
        let fault = ask(&guest).await.expect_err("a bomb");
        assert_eq!(fault.code(), "memory_exceeded", "{fault}");
        assert!(fault.to_string().contains("limits.memory_bytes_max"), "{fault}");
    }
    let grown = resident_bytes().saturating_sub(before);
    // Half of what all of them took; the test beside this one compiles, or has a guest of some size.
    assert!(grown < 256 * MIB, "the process grew by {} MiB", grown / MIB);
}

/// T6: what grows with each call is stopped, too, and does not stay.
#[tokio::test]
async fn t6_a_leak_ends_with_its_instance() {
    let leaking = json!({ "behaviour": "leak", "bytes": 8 * MIB });
    let guest = guest(leaking, Limits { memory_bytes_max: 32 * MIB, instances_max: 1, ..limits() }).await;
    let mut faults = 0;
    for _ in 0..12 {
        faults += u32::from(ask(&guest).await.is_err());
    }
    assert!((1..=6).contains(&faults), "{faults} faults");
}

/// T7, P2: what a guest hands over is bounded before the host copies it.
#[tokio::test]
async fn t7_too_much_output_is_refused() {
    let huge = json!({ "behaviour": "huge-output", "bytes": 48 * MIB });
    let huge = guest(huge, Limits { output_bytes_max: 64 << 10, memory_bytes_max: 200 * MIB, ..limits() }).await;
    let before = resident_bytes();
    let fault = ask(&huge).await.expect_err("too much");
    assert_eq!(fault.code(), "output_too_large", "{fault}");
    let many = guest(json!({ "behaviour": "too-many", "count": 100_000 }), limits()).await;
    assert_eq!(ask(&many).await.expect_err("too many").code(), "output_too_large");
    assert!(resident_bytes().saturating_sub(before) < 300 * MIB);
}

/// T8: the stack of a guest ends before the host's; twice in a row, and other guests go on.
#[tokio::test]
async fn t8_recursion_ends_in_the_guest() {
    let guest = guest(json!({ "behaviour": "recursion" }), limits()).await;
    for _ in 0..3 {
        let fault = ask(&guest).await.expect_err("recursion");
        assert_eq!(fault.code(), "plugin_trap");
    }
}

/// T9: all guests together stay within one budget; what is refused is told as such, and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t9_all_guests_share_one_memory_budget() {
    let sandbox =
        Sandbox::open(SandboxSettings { memory_bytes_max: 64 * MIB, ..SandboxSettings::default() }).expect("opens");
    let compiled = sandbox.compile(bytes("guest")).await.expect("compiles");
    let bomb = settings(
        json!({ "behaviour": "memory-bomb" }),
        Limits { instances_max: 16, memory_bytes_max: 48 * MIB, ..limits() },
    );
    let guest = Guest::load(&sandbox, &compiled, bomb).await.expect("loads");
    let bombs: Vec<_> = (0..64)
        .map(|_| {
            tokio::spawn({
                let guest = guest.clone();
                async move { ask(&guest).await }
            })
        })
        .collect();
    for each in bombs {
        assert_eq!(each.await.expect("no panic").expect_err("a bomb").code(), "memory_exceeded");
        assert!(sandbox.memory_bytes_used() <= 64 * MIB);
    }
    drop(guest);
    assert_eq!(sandbox.memory_bytes_used(), 0);
}

/// T9: who stays within his own limit is not left alone because others have all the memory.
#[tokio::test]
async fn t9_a_guest_is_not_blamed_for_the_memory_that_others_have() {
    let sandbox =
        Sandbox::open(SandboxSettings { memory_bytes_max: 64 * MIB, ..SandboxSettings::default() }).expect("opens");
    let compiled = sandbox.compile(bytes("guest")).await.expect("compiles");
    let keeping = || {
        let limits = Limits { memory_bytes_max: 60 * MIB, failures_max: 1, ..limits() };
        settings(json!({ "behaviour": "leak", "bytes": 40 * MIB }), limits)
    };
    let first = Guest::load(&sandbox, &compiled, keeping()).await.expect("loads");
    let second = Guest::load(&sandbox, &compiled, keeping()).await.expect("loads");
    ask(&first).await.expect("there is room for one");

    for _ in 0..2 {
        let fault = ask(&second).await.expect_err("there is no room for two");
        assert_eq!(fault.code(), "memory_exceeded", "{fault}");
        assert!(fault.to_string().contains("plugins.memory_bytes_max"), "{fault}");
    }

    assert_eq!(second.breaker(), "closed");
    ask(&first).await.expect_err("it has reached its own limit");
    assert_ne!(first.breaker(), "closed");
}

/// The mode for small machines: nothing is reserved ahead, the limits are the same.
#[tokio::test]
async fn a_small_host_keeps_the_same_limits() {
    let small = SandboxSettings { small: true, ..SandboxSettings::default() };
    let sandbox = Sandbox::open(small).expect("opens");
    let compiled = sandbox.compile(bytes("guest")).await.expect("compiles");
    let limits = Limits { memory_bytes_max: 16 * MIB, ..limits() };
    let counting = settings(json!({ "behaviour": "counter" }), limits.clone());
    let counting = Guest::load(&sandbox, &compiled, counting).await.expect("loads");
    assert_eq!((told(&counting).await, told(&counting).await), ("0".into(), "1".into()));
    let bomb = settings(json!({ "behaviour": "memory-bomb" }), limits);
    let bomb = Guest::load(&sandbox, &compiled, bomb).await.expect("loads");
    assert_eq!(ask(&bomb).await.expect_err("a bomb").code(), "memory_exceeded");
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has a resident set");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number of kB");
    kib << 10
}
