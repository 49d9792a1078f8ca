//! Data contracts: every change is put before those that govern it, before a file or a row is written.
//!
//! Where no contract governs the warehouse, nothing is computed. A contract that cannot judge stops the change as one that
//! refuses it does.

mod existing;
mod in_place;
mod judgement;
mod record;
mod shadow;

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;

pub use existing::MoveJudgement;
pub use in_place::place_of;
pub use judgement::Judgement;

use super::authorize::Object;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::difference::{Difference, Operation};
use crate::catalog::ids::WarehouseId;
use crate::error::Error;
use crate::plugin::{Coverage, Panel, Proposal, Submission, Togetherness};

/// One change that somebody asks for, not yet made.
pub struct Proposed<'a> {
    pub operation: Operation,
    pub subject: Object<'a>,
    /// Where a rename goes.
    pub target: Option<Object<'a>>,
    pub difference: Difference,
    /// Actions of the request, in order.
    pub updates: Vec<&'static str>,
}

impl<'a> Proposed<'a> {
    pub fn new(operation: Operation, subject: Object<'a>, difference: Difference) -> Self {
        Self { operation, subject, target: None, difference, updates: Vec::new() }
    }
}

impl App {
    /// What the contracts say to one change. It is looked at only where a contract governs the warehouse, of which the id
    /// and the version are told.
    pub async fn judge_one<'a>(
        &self,
        caller: &Caller,
        within: (WarehouseId, i64),
        proposed: impl Future<Output = Result<Proposed<'a>, Error>> + Send,
    ) -> Result<Judgement, Error> {
        let alone = Box::pin(async { Ok(vec![proposed.await?]) });
        self.judge_changes(caller, within, Togetherness::Each, alone).await
    }

    /// What the contracts say where nothing would change.
    pub fn nothing_to_judge(&self) -> Judgement {
        Judgement::content(&self.plugins.contracts())
    }

    /// What the contracts say to the changes of one request.
    pub async fn judge_changes<'a>(
        &self,
        caller: &Caller,
        within: (WarehouseId, i64),
        together: Togetherness,
        proposed: impl Future<Output = Result<Vec<Proposed<'a>>, Error>> + Send,
    ) -> Result<Judgement, Error> {
        let panel = self.plugins.contracts();
        let coverage = self.coverage(&panel, within).await?;
        if coverage == Coverage::Nobody {
            return Ok(Judgement::content(&panel));
        }
        // What a guest is asked through is large; boxed, so that not everything that asks carries it.
        match self.judged(caller, &panel, together, proposed).boxed().await {
            Err(error) if coverage == Coverage::Watched => {
                tracing::warn!(%error, "a change could not be put before the contracts that only watch");
                self.authorization.shadows.leave_out();
                Ok(Judgement::content(&panel))
            }
            judged => judged,
        }
    }

    /// Who reviews what happens in a warehouse.
    async fn coverage(&self, panel: &Panel, (id, version): (WarehouseId, i64)) -> Result<Coverage, Error> {
        if panel.is_empty() {
            return Ok(Coverage::Nobody);
        }
        let place = self.authorization.places.of(&self.store, id, version).await?;
        Ok(panel.coverage(&place.project.id, &place.warehouse.id))
    }

    /// Shadows are asked beside it.
    async fn judged<'a>(
        &self,
        caller: &Caller,
        panel: &Arc<Panel>,
        together: Togetherness,
        proposed: impl Future<Output = Result<Vec<Proposed<'a>>, Error>> + Send,
    ) -> Result<Judgement, Error> {
        let proposed = proposed.await?;
        let call = self.call(caller);
        let mut shown = Vec::with_capacity(proposed.len());
        let mut changes = Vec::with_capacity(proposed.len());
        for each in proposed {
            shown.push(each.subject.shown());
            changes.push(self.submission(each).await?);
        }
        let reports = panel.review(&call, &changes, together).await;
        record::reports(panel.generation, caller, &changes, &reports);
        let judgement = Judgement::of(panel.generation, shown, reports);
        if panel.has_shadows() {
            let shadows = &self.authorization.shadows;
            shadows.beside(shadow::comparison(Arc::clone(panel), call, (changes, together), judgement.verdict()));
        }
        Ok(judgement)
    }

    async fn submission(&self, proposed: Proposed<'_>) -> Result<Submission, Error> {
        let Proposed { operation, subject, target, difference, updates } = proposed;
        let mut subject = self.subject(&subject).await?;
        if operation.is_birth() && difference.before.is_none() {
            // Its id is not anybody's yet: the next attempt would have another one.
            subject.id.clear();
        }
        let target = match &target {
            None => None,
            Some(target) => {
                let mut target = self.subject(target).await?;
                target.id.clone_from(&subject.id);
                Some(target)
            }
        };
        Ok(Submission {
            subject,
            target,
            proposal: Arc::new(Proposal {
                operation,
                updates: updates.into_iter().map(Into::into).collect(),
                difference,
            }),
        })
    }
}
