//! Tables and views as they are renamed, protected, dropped or brought back.

use super::Writer;
use super::engine::{Effect, record, rows, run, run_guarded};
use super::rows::{Dropped, Rename, Renamed, Seen, TabularKind};
use crate::catalog::ids::{NamespaceId, TabularId};
use crate::error::Result;

record! {
    struct ProtectionRecord {
        protected: bool,
    }
}

impl Writer {
    /// Gives a live table or view another name, maybe in another namespace of its warehouse.
    pub async fn rename_tabular(&mut self, rename: &Rename<'_>) -> Result<Renamed> {
        let renamed = run_guarded!(
            self,
            "UPDATE tabulars
             SET namespace_id = $4, name = $5, updated_at_ms = $6
             WHERE id = $1 AND namespace_id = $2 AND name = $3 AND deleted_at_ms IS NULL
               AND NOT EXISTS (SELECT 1
                               FROM tabulars AS other
                               WHERE other.namespace_id = $4 AND other.name = $5 AND other.deleted_at_ms IS NULL
                                 AND other.id <> $1)",
            rename.id.0,
            rename.from_namespace_id.0,
            rename.from_name,
            rename.namespace_id.0,
            rename.name,
            rename.now_ms
        )?;
        match renamed {
            Effect::Rows(1) => Ok(Renamed::Done),
            Effect::BrokenReference => Ok(Renamed::NamespaceGone),
            // Postgres answers no more questions in this transaction; which kind won the race is not worth another.
            Effect::Duplicate => Ok(Renamed::NameTaken(TabularKind::Table)),
            Effect::Rows(_) => self.why_not_renamed(rename).await,
        }
    }

    async fn why_not_renamed(&mut self, rename: &Rename<'_>) -> Result<Renamed> {
        let taken = self.kind_of_name(rename.namespace_id, rename.name).await?;
        Ok(taken.map_or(Renamed::Gone, Renamed::NameTaken))
    }

    /// Sets or lifts the protection of a table or view; `false` where it is gone.
    pub async fn protect_tabular(&mut self, id: TabularId, protected: bool, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE tabulars
             SET protected = $2, updated_at_ms = $3
             WHERE id = $1 AND deleted_at_ms IS NULL",
            id.0,
            protected,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// Removes a live table that is still at this version; `false` where it has moved on, is gone or protected.
    pub async fn unregister_tabular(&mut self, id: TabularId, expected_version: i64) -> Result<bool> {
        let touched = run!(
            self,
            "DELETE FROM tabulars
             WHERE id = $1 AND version = $2 AND deleted_at_ms IS NULL AND NOT protected",
            id.0,
            expected_version
        )?;
        Ok(touched == 1)
    }

    /// Removes a table or view for good, soft-deleted or not.
    pub async fn drop_tabular(&mut self, seen: Seen<'_>) -> Result<Dropped> {
        let touched = run!(
            self,
            "DELETE FROM tabulars
             WHERE id = $1 AND namespace_id = $2 AND name = $3 AND (NOT protected OR $4)",
            seen.id.0,
            seen.namespace.0,
            seen.name,
            seen.force
        )?;
        self.dropped(touched, seen).await
    }

    async fn dropped(&mut self, touched: u64, seen: Seen<'_>) -> Result<Dropped> {
        if touched == 1 {
            return Ok(Dropped::Done);
        }
        let found = rows!(
            self,
            fetch_optional,
            ProtectionRecord,
            "SELECT protected
             FROM tabulars
             WHERE id = $1 AND namespace_id = $2 AND name = $3 AND deleted_at_ms IS NULL",
            seen.id.0,
            seen.namespace.0,
            seen.name
        )?;
        let is_protected = found.is_some_and(|record| record.protected);
        Ok(if is_protected { Dropped::Protected } else { Dropped::Gone })
    }

    /// Removes a table or view that was soft-deleted at just that time; `false` where it was brought back, dropped again
    /// after that, or is gone.
    pub async fn drop_soft_deleted(&mut self, id: TabularId, deleted_at_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "DELETE FROM tabulars
             WHERE id = $1 AND deleted_at_ms = $2",
            id.0,
            deleted_at_ms
        )?;
        Ok(touched == 1)
    }

    /// Frees the name of a live table or view, keeps the rest until it expires.
    pub async fn soft_delete(&mut self, seen: Seen<'_>, (now_ms, expires_at_ms): (i64, i64)) -> Result<Dropped> {
        let touched = run!(
            self,
            "UPDATE tabulars
             SET deleted_at_ms = $2, expires_at_ms = $3
             WHERE id = $1 AND namespace_id = $4 AND name = $5 AND deleted_at_ms IS NULL AND (NOT protected OR $6)",
            seen.id.0,
            now_ms,
            expires_at_ms,
            seen.namespace.0,
            seen.name,
            seen.force
        )?;
        self.dropped(touched, seen).await
    }

    /// Brings a soft-deleted table or view back under its old name.
    pub async fn undrop(&mut self, id: TabularId, namespace_id: NamespaceId, name: &str) -> Result<Renamed> {
        let touched = run_guarded!(
            self,
            "UPDATE tabulars
             SET deleted_at_ms = NULL, expires_at_ms = NULL
             WHERE id = $1 AND namespace_id = $2 AND name = $3 AND deleted_at_ms IS NOT NULL
               AND NOT EXISTS (SELECT 1
                               FROM tabulars AS other
                               WHERE other.namespace_id = $2 AND other.name = $3 AND other.deleted_at_ms IS NULL)",
            id.0,
            namespace_id.0,
            name
        )?;
        match touched {
            Effect::Rows(1) => Ok(Renamed::Done),
            Effect::Duplicate => Ok(Renamed::NameTaken(TabularKind::Table)),
            Effect::BrokenReference => Ok(Renamed::NamespaceGone),
            Effect::Rows(_) => {
                let taken = self.kind_of_name(namespace_id, name).await?;
                Ok(taken.map_or(Renamed::Gone, Renamed::NameTaken))
            }
        }
    }
}
