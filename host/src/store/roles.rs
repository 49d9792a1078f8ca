//! Roles of a project.

use uuid::Uuid;

use super::engine::{Effect, record, rows, run, run_guarded};
use super::rows::Role;
use super::searches::key_after;
use super::{Store, Writer};
use crate::catalog::ids::{ProjectId, RoleId};
use crate::error::Result;

record! {
    pub(super) struct RoleRecord {
        id: Uuid,
        project_id: String,
        name: String,
        description: Option<String>,
        provider_id: String,
        source_id: String,
        created_at_ms: i64,
        updated_at_ms: Option<i64>,
    }
}

impl RoleRecord {
    pub(super) fn into_row(self) -> Result<Role> {
        Ok(Role {
            id: RoleId(self.id),
            project_id: ProjectId::parse(&self.project_id)?,
            name: self.name,
            description: self.description,
            provider_id: self.provider_id,
            source_id: self.source_id,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
        })
    }
}

impl Store {
    /// `None` where there is no such role.
    pub async fn role(&self, id: RoleId) -> Result<Option<Role>> {
        let mut lease = self.read("role").await?;
        let found = rows!(
            lease,
            fetch_optional,
            RoleRecord,
            "SELECT id, project_id, name, description, provider_id, source_id, created_at_ms, updated_at_ms
             FROM roles
             WHERE id = $1",
            id.0
        )?;
        found.map(RoleRecord::into_row).transpose()
    }

    /// The roles of a project in the order of their ids, after the given one.
    pub async fn roles_page(&self, project: &ProjectId, after: Option<RoleId>, limit: u32) -> Result<Vec<Role>> {
        let mut lease = self.list("roles_page").await?;
        let found = rows!(
            lease,
            fetch_all,
            RoleRecord,
            "SELECT id, project_id, name, description, provider_id, source_id, created_at_ms, updated_at_ms
             FROM roles
             WHERE project_id = $1 AND id > $2
             ORDER BY id
             LIMIT $3",
            project.as_str(),
            after.map_or(Uuid::nil(), |id| id.0),
            i64::from(limit)
        )?;
        found.into_iter().map(RoleRecord::into_row).collect()
    }

    /// The roles of a project whose name has the text in it, the shortest names first, after the one of this name and id.
    pub async fn roles_like(
        &self,
        project: &ProjectId,
        part: &str,
        after: Option<(&str, Uuid)>,
        limit: u32,
    ) -> Result<Vec<Role>> {
        let (after_chars, after_name, after_id) = key_after(after);
        let mut lease = self.list("roles_like").await?;
        let found = rows!(
            lease,
            fetch_all,
            RoleRecord,
            "SELECT id, project_id, name, description, provider_id, source_id, created_at_ms, updated_at_ms
             FROM roles
             WHERE project_id = $1
               AND replace(lower(name), $2, '') <> lower(name)
               AND (CAST(length(name) AS BIGINT), name, id) > ($3, $4, $5)
             ORDER BY CAST(length(name) AS BIGINT), name, id
             LIMIT $6",
            project.as_str(),
            part.to_ascii_lowercase(),
            after_chars,
            after_name,
            after_id,
            i64::from(limit)
        )?;
        found.into_iter().map(RoleRecord::into_row).collect()
    }
}

impl Writer {
    /// `false` where the name or the source is taken in the project, or the project has just gone.
    pub async fn insert_role(&mut self, role: &Role) -> Result<bool> {
        let inserted = run_guarded!(
            self,
            "INSERT INTO roles
                 (id, project_id, name, description, provider_id, source_id, created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT DO NOTHING",
            role.id.0,
            role.project_id.as_str(),
            role.name.as_str(),
            role.description.as_deref(),
            role.provider_id.as_str(),
            role.source_id.as_str(),
            role.created_at_ms,
            role.updated_at_ms
        )?;
        Ok(inserted == Effect::Rows(1))
    }

    /// Name and description as they are to be; `false` where the role has gone or another one has the name.
    pub async fn describe_role(&mut self, role: &Role) -> Result<bool> {
        let updated = run_guarded!(
            self,
            "UPDATE roles
             SET name = $2, description = $3, updated_at_ms = $4
             WHERE id = $1",
            role.id.0,
            role.name.as_str(),
            role.description.as_deref(),
            role.updated_at_ms
        )?;
        Ok(updated == Effect::Rows(1))
    }

    /// The source as it is to be; `false` where the role has gone or another one has the source.
    pub async fn set_role_source(&mut self, role: &Role) -> Result<bool> {
        let updated = run_guarded!(
            self,
            "UPDATE roles
             SET provider_id = $2, source_id = $3, updated_at_ms = $4
             WHERE id = $1",
            role.id.0,
            role.provider_id.as_str(),
            role.source_id.as_str(),
            role.updated_at_ms
        )?;
        Ok(updated == Effect::Rows(1))
    }

    /// The same as [`Store::role`] within the transaction.
    pub async fn role(&mut self, id: RoleId) -> Result<Option<Role>> {
        let found = rows!(
            self,
            fetch_optional,
            RoleRecord,
            "SELECT id, project_id, name, description, provider_id, source_id, created_at_ms, updated_at_ms
             FROM roles
             WHERE id = $1",
            id.0
        )?;
        found.map(RoleRecord::into_row).transpose()
    }

    /// Forgets a role and every membership in it and of it; `false` where it has gone.
    pub async fn delete_role(&mut self, id: RoleId) -> Result<bool> {
        let touched = run!(self, "DELETE FROM roles WHERE id = $1", id.0)?;
        Ok(touched == 1)
    }
}
