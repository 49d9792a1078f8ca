//! Contracts that are only watched: what they would have changed.

use std::sync::Arc;

use super::judgement::{Judgement, Verdict};
use super::record::shown;
use crate::api::authorize::Difference;
use crate::plugin::{Call, Panel, Submission, Togetherness};

/// Asks the shadows; for each whose word would have changed the outcome there is a difference.
pub async fn comparison(
    panel: Arc<Panel>,
    call: Call,
    (changes, together): (Vec<Submission>, Togetherness),
    live: Verdict,
) -> Vec<Difference> {
    let reports = panel.review_beside(&call, &changes, together).await;
    let compared = reports.into_iter().filter_map(|report| {
        let plugin = report.plugin.clone();
        let of_shadow = Judgement::of(panel.generation, Vec::new(), vec![report]).verdict();
        let heard = stronger(live, of_shadow);
        let change = changes.first()?;
        (heard != live).then(|| Difference {
            plugin,
            caller: call.principal.id.clone(),
            action: format!("contract:{}", change.proposal.operation),
            object: shown(change),
            live: live.as_str(),
            shadow: heard.as_str(),
            at_ms: call.now_ms,
        })
    });
    compared.collect()
}

/// What both words come to.
fn stronger(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Violated, _) | (_, Verdict::Violated) => Verdict::Violated,
        (Verdict::Undecided, _) | (_, Verdict::Undecided) => Verdict::Undecided,
        (Verdict::Passed, Verdict::Passed) => Verdict::Passed,
    }
}
