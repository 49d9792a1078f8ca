//! Commits as contracts see them.

use std::sync::Arc;

use super::{Planned, Step};
use crate::api::authorize::Object;
use crate::api::contracts::{Judgement, Proposed};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::difference::{Difference, Operation, Side};
use crate::catalog::ids::WarehouseId;
use crate::catalog::metadata::TableMetadata;
use crate::error::Error;
use crate::plugin::Togetherness;

impl App {
    /// What the contracts say to the commits of one request; those that change nothing are not put before them.
    pub async fn judge_commits(
        &self,
        caller: &Caller,
        planned: &[Planned],
        together: Togetherness,
    ) -> Result<Judgement, Error> {
        let Some(within) = planned.iter().find_map(Planned::within) else { return Ok(self.nothing_to_judge()) };
        let proposed = Box::pin(async { planned.iter().filter_map(Planned::proposed).collect() });
        self.judge_changes(caller, within, together, proposed).await
    }
}

impl Planned {
    /// The warehouse with its version; `None` where nothing changes.
    fn within(&self) -> Option<(WarehouseId, i64)> {
        match &self.step {
            Step::Keep { .. } => None,
            Step::Swap { row, .. } => Some((row.warehouse_id, row.warehouse_version)),
            Step::Create { newcomer, .. } => Some((newcomer.row.warehouse_id, newcomer.row.warehouse_version)),
        }
    }

    fn proposed(&self) -> Option<Result<Proposed<'_>, Error>> {
        let proposed = match &self.step {
            Step::Keep { .. } => return None,
            Step::Swap { row, before, change, .. } => {
                let sides = (Some(Arc::clone(before)), Arc::new(change.after.clone()));
                table(Operation::Commit, Object::Tabular(row), sides, &change.actions)
            }
            Step::Create { newcomer, actions, after, .. } => {
                table(Operation::Create, Object::Tabular(&newcomer.row), (None, Arc::clone(after)), actions)
            }
        };
        Some(proposed)
    }
}

fn table<'a>(
    operation: Operation,
    subject: Object<'a>,
    (before, after): (Option<Arc<TableMetadata>>, Arc<TableMetadata>),
    updates: &[&'static str],
) -> Result<Proposed<'a>, Error> {
    let difference = Difference::new(before.map(Side::table).transpose()?, Some(Side::table(after)?));
    Ok(Proposed { updates: updates.to_vec(), ..Proposed::new(operation, subject, difference) })
}
