//! The page about metrics names each one that the host counts.

use std::collections::BTreeSet;
use std::fs;

use crate::{assert_none, sources, top};

const PREFIXES: [&str; 2] = ["weir_", "process_"];

#[test]
fn the_page_lists_every_metric_and_no_other() {
    let page = fs::read_to_string(top().join("examples/guides/metrics.md")).expect("there is a page");
    let told: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name).collect();
    let sources = sources(".rs");
    let host = sources.iter().filter(|source| source.path.starts_with("host/src/"));
    let counted: BTreeSet<&str> = host.flat_map(|source| metrics_in(&source.text)).collect();
    assert!(counted.len() > 20, "the test looks in the wrong place: it finds {counted:?}");

    let untold = counted.difference(&told).map(|name| format!("{name} is counted, the page does not say so"));
    let gone = told.difference(&counted).map(|name| format!("{name} is on the page, nothing counts it"));

    assert_none(untold.chain(gone).collect(), "examples/guides/metrics.md lists what `GET /metrics` gives");
}

/// The whole literals that look like the name of a metric.
fn metrics_in(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| {
        PREFIXES.iter().any(|prefix| word.starts_with(prefix))
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    text.lines().flat_map(|line| line.split('"').skip(1).step_by(2)).filter(is_name)
}
