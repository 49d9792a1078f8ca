//! Namespaces that get another name, or another place in the tree.

use std::collections::HashMap;

use super::Writer;
use super::engine::{Effect, record, rows, run, run_guarded};
use super::namespaces::{lineage_bytes, parent};
use super::rows::{MoveNamespace, MovedNamespace};
use crate::catalog::ident::Namespace;
use crate::catalog::ids::NamespaceId;
use crate::error::Result;
use uuid::Uuid;

record! {
    struct IdRecord {
        id: Uuid,
    }
}

record! {
    struct InsideRecord {
        id: Uuid,
        name: String,
        version: i64,
    }
}

impl Writer {
    /// Gives a namespace without namespaces below another path; ids stay, so do the tables inside.
    pub async fn move_namespace(&mut self, to: &MoveNamespace<'_>) -> Result<MovedNamespace> {
        let above = to.above.map(|above| (above.id, above.path.key()));
        let mut held: Vec<NamespaceId> = above.iter().map(|(id, _)| *id).chain([to.from.id]).collect();
        held.sort_unstable();
        for id in held {
            self.hold_namespace(id).await?;
        }
        let mut lineage = to.above.map(|above| above.lineage.clone()).unwrap_or_default();
        lineage.push(to.from.id);
        let moved = run_guarded!(
            self,
            "UPDATE namespaces
             SET parent_id = $4, path = $5, name = $6, lineage = $7, version = version + 1, updated_at_ms = $8
             WHERE id = $1 AND version = $2 AND path = $3
               AND NOT EXISTS (SELECT 1 FROM namespaces AS child WHERE child.parent_id = $1)
               AND (CAST($9 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM namespaces AS above WHERE above.id = $4 AND above.path = $9))",
            to.from.id.0,
            to.from.version,
            to.from.path.key(),
            parent(&lineage),
            to.path.key(),
            to.path.name(),
            lineage_bytes(&lineage),
            to.now_ms,
            above.as_ref().map(|(_, path)| path.as_str())
        )?;
        match moved {
            Effect::Rows(1) if self.holds_other(to).await? => Ok(MovedNamespace::HoldsOther),
            Effect::Rows(1) => Ok(MovedNamespace::Done),
            Effect::Duplicate => Ok(MovedNamespace::NameTaken),
            Effect::BrokenReference => Ok(MovedNamespace::Lost),
            Effect::Rows(_) if self.has_children(to.from.id).await? => Ok(MovedNamespace::HasChildren),
            Effect::Rows(_) => Ok(MovedNamespace::Lost),
        }
    }

    /// Whether something is inside that was not looked at as it is. Whoever puts something in meanwhile was waited for, or
    /// waits until the transaction ends: its reference to the namespace needs a lock that the new path excludes.
    async fn holds_other(&mut self, to: &MoveNamespace<'_>) -> Result<bool> {
        let Some(known) = to.inside else { return Ok(false) };
        let known: HashMap<Uuid, (&str, i64)> =
            known.iter().map(|tabular| (tabular.id.0, (tabular.name.as_str(), tabular.version))).collect();
        let inside = rows!(
            self,
            fetch_all,
            InsideRecord,
            "SELECT id, name, version
             FROM tabulars
             WHERE namespace_id = $1 AND deleted_at_ms IS NULL",
            to.from.id.0
        )?;
        Ok(inside.iter().any(|found| known.get(&found.id) != Some(&(found.name.as_str(), found.version))))
    }

    /// Waits for whoever moves the namespace, or puts something below it, and makes them wait in turn: each would miss
    /// the other's rows, and what lies below would keep the old path.
    async fn hold_namespace(&mut self, id: NamespaceId) -> Result<()> {
        if self.is_concurrent() {
            run!(self, "UPDATE namespaces SET version = version WHERE id = $1", id.0)?;
        }
        Ok(())
    }

    /// Whether the namespace above a new one still is where it was seen; nobody moves it until the transaction ends.
    pub(super) async fn hold_parent(&mut self, id: Uuid, path: &Namespace) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE namespaces
             SET version = version
             WHERE id = $1 AND path = $2",
            id,
            path.key()
        )?;
        Ok(touched == 1)
    }

    /// Whether a namespace still has the path by which it was seen; nobody moves it until the transaction ends. Others may
    /// hold it, too.
    pub async fn holds_place(&mut self, id: NamespaceId, path: &Namespace) -> Result<bool> {
        let key = path.key();
        let found = if self.is_concurrent() {
            rows!(
                self,
                fetch_optional,
                IdRecord,
                "SELECT id
                 FROM namespaces
                 WHERE id = $1 AND path = $2
                 FOR KEY SHARE",
                id.0,
                key.as_str()
            )?
        } else {
            rows!(
                self,
                fetch_optional,
                IdRecord,
                "SELECT id
                 FROM namespaces
                 WHERE id = $1 AND path = $2",
                id.0,
                key.as_str()
            )?
        };
        Ok(found.is_some_and(|found| found.id == id.0))
    }

    async fn has_children(&mut self, id: NamespaceId) -> Result<bool> {
        let found = rows!(
            self,
            fetch_optional,
            IdRecord,
            "SELECT id
             FROM namespaces
             WHERE parent_id = $1
             LIMIT 1",
            id.0
        )?;
        Ok(found.is_some_and(|child| child.id != id.0))
    }
}
