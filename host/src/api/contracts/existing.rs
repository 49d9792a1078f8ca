//! Changes of what is there already: their state before is read only where a contract wants to see it.

use std::sync::Arc;

use super::{Judgement, Proposed};
use crate::api::authorize::{Object, Within};
use crate::api::documents::{Cached, Snapshots};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Kind;
use crate::catalog::difference::{Difference, Operation, Side};
use crate::catalog::ident::Namespace;
use crate::catalog::view::ViewMetadata;
use crate::error::Error;
use crate::plugin::Coverage;
use crate::store::rows::{NamespaceRow, Properties, Subtree, Tabular, TabularKind};

/// The most tables and views that move with a namespace which contracts govern.
const MOVED_MAX: usize = 10_000;

/// What the contracts say to a namespace that moves.
pub struct MoveJudgement {
    pub judgement: Judgement,
    /// The tables and views that were judged, as they were; `None` where nobody is there who could refuse one.
    pub inside: Option<Vec<Tabular>>,
}

impl App {
    /// A table or a view leaves.
    pub async fn judge_leave(&self, caller: &Caller, row: &Tabular, operation: Operation) -> Result<Judgement, Error> {
        let proposed = Box::pin(async {
            let difference = Difference::new(Some(self.side_of(row).await?), None);
            Ok(Proposed::new(operation, Object::Tabular(row), difference))
        });
        self.judge_one(caller, (row.warehouse_id, row.warehouse_version), proposed).await
    }

    /// A table or a view gets another name, maybe in another namespace.
    pub async fn judge_rename(
        &self,
        caller: &Caller,
        row: &Tabular,
        (namespace, name): (&NamespaceRow, &str),
    ) -> Result<Judgement, Error> {
        self.judge_new_name(caller, row, (namespace, name), Operation::Rename).await
    }

    async fn judge_new_name(
        &self,
        caller: &Caller,
        row: &Tabular,
        (namespace, name): (&NamespaceRow, &str),
        operation: Operation,
    ) -> Result<Judgement, Error> {
        let proposed = Box::pin(async {
            let kind = match row.kind {
                TabularKind::Table => Kind::Table,
                TabularKind::View => Kind::View,
            };
            let difference = Difference::none(self.side_of(row).await?);
            let target = Some(Object::Absent { kind, name, within: Within::Namespace(namespace) });
            Ok(Proposed { target, ..Proposed::new(operation, Object::Tabular(row), difference) })
        });
        self.judge_one(caller, (row.warehouse_id, row.warehouse_version), proposed).await
    }

    /// Soft-deleted tables or views come back.
    pub async fn judge_undrop(&self, caller: &Caller, rows: &[Tabular]) -> Result<Judgement, Error> {
        let mut judgement = self.nothing_to_judge();
        for row in rows {
            let proposed = Box::pin(async {
                let difference = Difference::new(None, Some(self.side_of(row).await?));
                Ok(Proposed::new(Operation::Undrop, Object::Tabular(row), difference))
            });
            judgement.join(self.judge_one(caller, (row.warehouse_id, row.warehouse_version), proposed).await?);
            if judgement.is_hopeless() {
                break;
            }
        }
        Ok(judgement)
    }

    /// A namespace goes with all that it holds; each thing is judged by itself, one after the other, so that only one
    /// document is held at a time.
    pub async fn judge_subtree(
        &self,
        caller: &Caller,
        row: &NamespaceRow,
        subtree: &Subtree,
    ) -> Result<Judgement, Error> {
        let mut judgement = self.nothing_to_judge();
        for below in &subtree.namespaces {
            if judgement.is_hopeless() {
                return Ok(judgement);
            }
            let operation = if below.id == row.id { Operation::DropNamespace } else { Operation::DropRecursive };
            let proposed = Box::pin(async {
                let difference = Difference::new(Some(namespace(below)), None);
                Ok(Proposed::new(operation, Object::Namespace(below), difference))
            });
            judgement.join(self.judge_one(caller, (below.warehouse_id, below.warehouse_version), proposed).await?);
        }
        for tabular in &subtree.tabulars {
            if judgement.is_hopeless() {
                break;
            }
            judgement.join(self.judge_leave(caller, tabular, Operation::DropRecursive).await?);
        }
        Ok(judgement)
    }

    /// A namespace moves with the tables and views that it holds: each of them gets another path, so each is judged by
    /// itself, as if it were renamed. What is soft-deleted is judged when it comes back.
    pub async fn judge_move(
        &self,
        caller: &Caller,
        row: &NamespaceRow,
        (above, path): (Option<&NamespaceRow>, &Namespace),
    ) -> Result<MoveJudgement, Error> {
        let within = (row.warehouse_id, row.warehouse_version);
        let panel = self.plugins.contracts();
        let coverage = self.coverage(&panel, within).await?;
        if coverage == Coverage::Nobody {
            return Ok(MoveJudgement { judgement: self.nothing_to_judge(), inside: None });
        }
        let lineage = above.into_iter().flat_map(|above| above.lineage.iter().copied()).chain([row.id]).collect();
        let moved = NamespaceRow { path: path.clone(), lineage, ..row.clone() };
        let proposed = Box::pin(async {
            let difference = Difference::none(namespace(row));
            let target = Some(Object::Namespace(&moved));
            let proposed = Proposed::new(Operation::MoveNamespace, Object::Namespace(row), difference);
            Ok(Proposed { target, ..proposed })
        });
        let mut judgement = self.judge_one(caller, within, proposed).await?;
        let mut inside = self.store.subtree(row.warehouse_id, &row.path).await?.tabulars;
        inside.retain(|tabular| tabular.deleted_at_ms.is_none());
        let is_judged = coverage == Coverage::Enforced;
        if is_judged {
            refuse_crowd(row, inside.len())?;
        }
        // Who only watches stops nothing: what it is not shown is left out.
        for tabular in inside.iter().take(MOVED_MAX) {
            if judgement.is_hopeless() {
                break;
            }
            judgement
                .join(self.judge_new_name(caller, tabular, (&moved, &tabular.name), Operation::MoveNamespace).await?);
        }
        Ok(MoveJudgement { judgement, inside: is_judged.then_some(inside) })
    }

    /// A namespace comes to be.
    pub async fn judge_new_namespace(&self, caller: &Caller, row: &NamespaceRow) -> Result<Judgement, Error> {
        let proposed = Box::pin(async {
            let difference = Difference::new(None, Some(namespace(row)));
            Ok(Proposed::new(Operation::CreateNamespace, Object::Namespace(row), difference))
        });
        self.judge_one(caller, (row.warehouse_id, row.warehouse_version), proposed).await
    }

    /// A namespace gets these properties.
    pub async fn judge_properties(
        &self,
        caller: &Caller,
        row: &NamespaceRow,
        properties: &Properties,
    ) -> Result<Judgement, Error> {
        let proposed = Box::pin(async {
            let after = Side::namespace(row.id.0, &row.path, properties);
            let difference = Difference::new(Some(namespace(row)), Some(after));
            Ok(Proposed::new(Operation::SetNamespaceProperties, Object::Namespace(row), difference))
        });
        self.judge_one(caller, (row.warehouse_id, row.warehouse_version), proposed).await
    }

    /// The state of a table or a view, be it soft-deleted.
    pub async fn side_of(&self, row: &Tabular) -> Result<Side, Error> {
        let cached = self.document_even_if_deleted(row).await?;
        match row.kind {
            TabularKind::Table => Side::table(cached.parsed()?),
            TabularKind::View => view(&cached),
        }
    }
}

/// A view as it is stored.
pub fn view(cached: &Cached) -> Result<Side, Error> {
    Side::view(Arc::new(ViewMetadata::parse(&cached.plain(Snapshots::All)?)?))
}

/// Each thing inside is read and judged within the request.
fn refuse_crowd(row: &NamespaceRow, size: usize) -> Result<(), Error> {
    if size <= MOVED_MAX {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "namespace {} holds {size} tables and views, more than the {MOVED_MAX} that data contracts judge in one move; \
         rename them one by one",
        row.path
    )))
}

fn namespace(row: &NamespaceRow) -> Side {
    Side::namespace(row.id.0, &row.path, &row.properties)
}
