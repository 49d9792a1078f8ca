//! Guests that take their time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use weir::plugin::{Guest, Limits, Sandbox, SandboxSettings};
use weir_tests::tools::is_full_lane;

use crate::ask::{PATIENCE_MS, ask, behaving, bytes, call, check, guest, limits, sandbox, settings, try_load};

fn hurried(deadline_ms: u32) -> Limits {
    Limits { deadline_ms, ..limits() }
}

async fn looping(limits: Limits) -> Arc<Guest> {
    guest(json!({ "behaviour": "loop" }), limits).await
}

/// T1, P1: an endless loop ends with its deadline, again and again, and leaves no thread behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_an_endless_loop_ends_with_its_deadline() {
    let guest = looping(hurried(30)).await;
    let threads_before = threads();
    let times = if is_full_lane() { 1_000 } else { 50 };
    for _ in 0..times {
        let started = Instant::now();
        let fault = ask(&guest).await.expect_err("a loop");
        assert_eq!(fault.code(), "plugin_timeout");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
    // Tests beside this one come and go with a handful of threads; a thread of each loop would be many more.
    assert!(threads() <= threads_before + 20, "{} threads, before {threads_before}", threads());
    assert_eq!(guest.stats().faults["plugin_timeout"], times);
}

/// T2: what never comes back from `configure` or `describe` is not loaded.
#[tokio::test]
async fn t2_a_guest_that_does_not_start_is_refused_within_the_load_deadline() {
    let in_configure =
        settings(json!({ "behaviour": "loop", "at": "configure" }), Limits { load_deadline_ms: 200, ..limits() });
    let refusal = try_load("guest", in_configure).await.err().expect("it does not load").to_string();
    assert!(refusal.contains("no answer within 200 ms"), "{refusal}");
    let in_describe = settings(json!({}), Limits { load_deadline_ms: 200, ..limits() });
    let refusal = try_load("describe-loop", in_describe).await.err().expect("it does not load").to_string();
    assert!(refusal.contains("no answer within 200 ms"), "{refusal}");
    let trap = try_load("describe-trap", settings(json!({}), limits())).await.err().expect("it does not load");
    assert!(trap.to_string().contains("`describe`"), "{trap}");
}

/// T3: the caller's deadline and the plugin's are both kept, whichever is shorter.
#[tokio::test]
async fn t3_the_shorter_of_two_deadlines_ends_the_call() {
    for (of_plugin, of_caller) in [(50, 0), (50, PATIENCE_MS), (PATIENCE_MS, 50)] {
        let guest = looping(hurried(of_plugin)).await;
        let mut call = call();
        call.deadline_ms = of_caller;
        let started = Instant::now();
        let fault = guest.authorize(&call, &[check("orders")]).await.expect_err("a loop");
        assert_eq!(fault.code(), "plugin_timeout");
        assert!(started.elapsed() < Duration::from_secs(10), "{of_plugin}, {of_caller}: {:?}", started.elapsed());
    }
}

/// T1, P15: while one plugin loops, another one answers in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_another_plugin_answers_while_one_loops() {
    let looping = looping(Limits { instances_max: 8, ..limits() }).await;
    let orderly = behaving("none").await;
    ask(&orderly).await.expect("warm");
    let loops: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let guest = looping.clone();
                async move { ask(&guest).await }
            })
        })
        .collect();
    while looping.stats().busy < 8 || looping.stats().instances_made < 8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    ask(&orderly).await.expect("an answer");

    assert!(loops.iter().all(|each| !each.is_finished()), "it waited for the end of a loop");
    loops.iter().for_each(tokio::task::JoinHandle::abort);
}

/// P15: a call that never got its turn says nothing of its plugin: it keeps its instance, and is not left alone for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_is_not_blamed_for_the_time_that_others_take() {
    let one_at_a_time = SandboxSettings { calls_max: 1, ..SandboxSettings::default() };
    let sandbox = Sandbox::open(one_at_a_time).expect("the sandbox opens");
    let compiled = sandbox.compile(bytes("guest")).await.expect("the guest compiles");
    let crowd = settings(json!({ "behaviour": "loop" }), Limits { instances_max: 32, ..hurried(3 * PATIENCE_MS) });
    let crowd = Guest::load(&sandbox, &compiled, crowd).await.expect("the guest loads");
    let orderly = settings(json!({}), Limits { failures_max: 1, ..hurried(5) });
    let orderly = Guest::load(&sandbox, &compiled, orderly).await.expect("the guest loads");
    let loops: Vec<_> = (0..32)
        .map(|_| {
            tokio::spawn({
                let guest = crowd.clone();
                async move { ask(&guest).await }
            })
        })
        .collect();
    while crowd.stats().busy < 32 || crowd.stats().instances_made < 32 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    for _ in 0..3 {
        assert_eq!(ask(&orderly).await.expect_err("no turn").code(), "plugin_saturated");
    }

    let stats = orderly.stats();
    assert_eq!((orderly.breaker(), stats.idle, stats.busy, stats.instances_made), ("closed", 1, 0, 1));
    loops.iter().for_each(tokio::task::JoinHandle::abort);
}

/// T5: a hundred loops do not keep the rest of the process from its work, and none of them hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_a_hundred_loops_leave_the_process_responsive() {
    let guest = looping(Limits { instances_max: 8, queue_max: 64, ..hurried(1_000) }).await;
    let over = Arc::new(AtomicBool::new(false));
    let pulse = tokio::spawn(pulse(over.clone()));
    let loops: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn({
                let guest = guest.clone();
                async move { ask(&guest).await }
            })
        })
        .collect();
    let started = Instant::now();
    let mut codes = Vec::new();
    for each in loops {
        codes.push(each.await.expect("no panic").expect_err("a loop").code());
    }
    let took = started.elapsed();
    over.store(true, Ordering::Relaxed);
    let mut beats = pulse.await.expect("no panic");
    beats.sort();
    let (p50, p99) = (beats[beats.len() / 2], beats[beats.len() * 99 / 100]);
    println!("{} beats, p50 {p50:?}, p99 {p99:?}", beats.len());
    // Of few beats the slowest may be that of a moment in which the machine did something else.
    assert!(p50 < Duration::from_millis(250), "p50 {p50:?} over {} beats", beats.len());
    assert!(took < Duration::from_secs(10), "{took:?}");
    // Eight run, sixty-four wait, the rest is refused at once.
    let refused = codes.iter().filter(|code| **code == "plugin_saturated").count();
    let late = codes.iter().filter(|code| **code == "plugin_timeout").count();
    assert_eq!(refused + late, 100, "{codes:?}");
    assert!(refused >= 28 && late >= 8, "{refused} refused, {late} late");
}

/// How long a byte takes to a server of this process and back, over and over.
async fn pulse(over: Arc<AtomicBool>) -> Vec<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut near = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connected");
    let (mut far, _) = listener.accept().await.expect("accepted");
    tokio::spawn(async move {
        while let Ok(byte) = far.read_u8().await {
            far.write_u8(byte).await.expect("written");
        }
    });
    let mut beats = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let started = Instant::now();
        near.write_u8(1).await.expect("written");
        near.read_u8().await.expect("a byte");
        beats.push(started.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    beats
}

/// P4: callers that go away leave neither a slot behind nor a half-used instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_callers_that_go_away_leak_nothing() {
    let guest =
        guest(json!({ "behaviour": "spin", "count": 20_000_000 }), Limits { instances_max: 2, ..limits() }).await;
    let times = if is_full_lane() { 10_000 } else { 200_u64 };
    for n in 0..times {
        let asked = tokio::time::timeout(Duration::from_micros(n % 200 * 20), ask(&guest)).await;
        if let Ok(answer) = asked {
            answer.expect("an answer in time is a good one");
        }
    }
    let stats = settled(&guest).await;
    assert_eq!((stats.busy, stats.queued), (0, 0));
    assert!(stats.idle <= 2, "{} idle", stats.idle);
    ask(&guest).await.expect("it still answers");
}

/// Background starts of instances may still be under way.
async fn settled(guest: &Guest) -> weir::plugin::GuestStats {
    for _ in 0..6_000 {
        let stats = guest.stats();
        if stats.busy == 0 {
            return stats;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    guest.stats()
}

/// The queue is bounded: one call more than may wait is refused at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_too_many_is_refused_at_once() {
    let guest = looping(Limits { instances_max: 1, queue_max: 0, ..hurried(5_000) }).await;
    let first = tokio::spawn({
        let guest = guest.clone();
        async move { ask(&guest).await }
    });
    while guest.stats().busy == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    assert_eq!(ask(&guest).await.expect_err("no place").code(), "plugin_saturated");

    assert!(!first.is_finished(), "it waited for its turn");
    assert_eq!(first.await.expect("no panic").expect_err("a loop").code(), "plugin_timeout");
}

/// Compiling does not hold up whoever asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_answers_while_another_one_is_compiled() {
    let guest = behaving("none").await;
    let compiling = tokio::spawn(async { sandbox().compile(bytes("reviewer")).await.map(|_| ()) });
    let mut asked = 0;
    while !compiling.is_finished() {
        ask(&guest).await.expect("an answer");
        asked += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    compiling.await.expect("no panic").expect("it compiles");
    assert!(asked > 1, "asked {asked} times");
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
