//! What is loaded, what is refused, in which words.

use serde_json::json;
use weir::plugin::{Egress, GuestSettings, Limits, LoadError};

use crate::ask::{bytes, guest, limits, settings, shared, told, try_load};

/// T13, T10: the message names what was found, what was expected.
#[tokio::test]
async fn t13_what_is_no_plugin_is_refused_with_good_words() {
    for (name, words) in [
        ("core-module", "a core WebAssembly module"),
        ("empty", "a plugin exports `weir:plugin/lifecycle@0.1.0`"),
        ("wrong-world", "the component exports `run`"),
        ("future-track", "`weir:plugin/lifecycle@0.9.0`"),
    ] {
        let refusal =
            shared().compile(bytes(name)).await.err().unwrap_or_else(|| panic!("{name} compiles")).to_string();
        assert!(refusal.contains(words), "{name}: {refusal}");
    }
}

/// T13: a plugin that can do nothing, one that only looks like a plugin.
#[tokio::test]
async fn t13_a_plugin_without_an_ability_is_refused() {
    for (name, words) in [("no-ability", "`weir:plugin/authorizer@0.1.0` or"), ("wants-files", "does not fit")] {
        let refusal = try_load(name, settings(json!({}), limits())).await.err().expect("it does not load").to_string();
        assert!(refusal.contains(words), "{name}: {refusal}");
    }
}

/// T10: what the sandbox does without is refused before it is compiled.
#[tokio::test]
async fn t10_memory64_threads_and_many_memories_are_refused() {
    for (name, word) in [("memory64", "memory64"), ("shared-memory", "threads"), ("two-memories", "memories")] {
        let refusal =
            shared().compile(bytes(name)).await.err().unwrap_or_else(|| panic!("{name} compiles")).to_string();
        assert!(refusal.contains(word), "{name}: {refusal}");
    }
}

/// A record of another shape passes every look from outside; only the trial notices.
#[tokio::test]
async fn a_guest_of_another_shape_is_refused() {
    let refusal = match shared().compile(bytes("other-shape")).await {
        Err(refusal) => refusal.to_string(),
        Ok(_) => {
            try_load("other-shape", settings(json!({}), limits())).await.err().expect("it does not load").to_string()
        }
    };
    assert!(refusal.contains("shape") || refusal.contains("fit"), "{refusal}");
}

#[tokio::test]
async fn every_problem_with_the_settings_is_told() {
    let refusal =
        try_load("guest", settings(json!({ "problems": 3 }), limits())).await.err().expect("it does not load");
    let LoadError::Settings(problems) = &refusal else { panic!("{refusal}") };
    assert_eq!(problems.len(), 3);
    assert!(refusal.to_string().contains("`/rules/2`: made up for a test"), "{refusal}");
}

/// I6: a limit that cannot be kept is refused, all of them at once.
#[tokio::test]
async fn i6_limits_that_cannot_be_kept_are_refused() {
    let impossible = Limits {
        deadline_ms: 0,
        memory_bytes_max: 1 << 40,
        instances_max: 100_000,
        table_elements_max: 10_000_000,
        output_bytes_max: 0,
        ..limits()
    };
    let refusal = try_load("guest", settings(json!({}), impossible)).await.err().expect("it does not load").to_string();
    for name in ["deadline_ms", "memory_bytes_max", "instances_max", "table_elements_max", "output_bytes_max"] {
        assert!(refusal.contains(&format!("limits.{name}")), "{name}: {refusal}");
    }
}

#[tokio::test]
async fn grants_that_are_no_origins_are_refused() {
    let egress = Egress { origins: vec!["https://*.example".into(), "example".into()], allow_private: false };
    let with_grants = GuestSettings { egress, ..settings(json!({}), limits()) };
    let refusal = try_load("guest", with_grants).await.err().expect("it does not load").to_string();
    assert!(refusal.contains("https://*.example") && refusal.contains("`example`"), "{refusal}");
}

#[tokio::test]
async fn a_guest_describes_itself() {
    let guest = guest(json!({}), limits()).await;
    assert_eq!(guest.description().summary, "Does what its settings say, however bad");
    assert_eq!(guest.sha256().len(), 64);
    assert!(guest.abilities().authorizer && !guest.abilities().contract);
    assert!(guest.stats().idle == 1, "the instance of the trial waits for the first call");
}

/// T2: one guest after the other can fail to start; the sandbox goes on.
#[tokio::test]
async fn t2_a_guest_that_traps_in_configure_is_refused() {
    for behaviour in ["trap", "memory-bomb", "recursion"] {
        let in_configure = settings(json!({ "behaviour": behaviour, "at": "configure" }), limits());
        let refusal = try_load("guest", in_configure).await.err().unwrap_or_else(|| panic!("{behaviour} loads"));
        assert!(matches!(refusal, LoadError::Trial { step: "configure", .. }), "{behaviour}: {refusal}");
    }
    let counting = guest(json!({ "behaviour": "counter" }), limits()).await;
    assert_eq!(told(&counting).await, "0");
}
