//! Projects: what warehouses belong to.

use super::engine::{Effect, record, rows, run, run_guarded};
use super::rows::Project;
use super::{Store, Writer};
use crate::catalog::ids::ProjectId;
use crate::error::Result;

record! {
    struct ProjectRecord {
        id: String,
        name: String,
        created_at_ms: i64,
        updated_at_ms: Option<i64>,
    }
}

record! {
    struct SettingsRecord {
        settings: Option<String>,
    }
}

impl ProjectRecord {
    fn into_row(self) -> Result<Project> {
        Ok(Project {
            id: ProjectId::parse(&self.id)?,
            name: self.name,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
        })
    }
}

impl Store {
    /// `None` where there is no such project.
    pub async fn project(&self, id: &ProjectId) -> Result<Option<Project>> {
        let mut lease = self.read("project").await?;
        let found = rows!(
            lease,
            fetch_optional,
            ProjectRecord,
            "SELECT id, name, created_at_ms, updated_at_ms
             FROM projects
             WHERE id = $1",
            id.as_str()
        )?;
        found.map(ProjectRecord::into_row).transpose()
    }

    /// What was set of a project's background work, as JSON; `None` where nothing was, or there is no such project.
    pub async fn project_settings(&self, id: &ProjectId) -> Result<Option<String>> {
        let mut lease = self.read("project_settings").await?;
        let found = rows!(
            lease,
            fetch_optional,
            SettingsRecord,
            "SELECT settings
             FROM projects
             WHERE id = $1",
            id.as_str()
        )?;
        Ok(found.and_then(|record| record.settings))
    }

    /// Projects in the order of their ids, after the given one.
    pub async fn projects_page(&self, after: Option<&ProjectId>, limit: u32) -> Result<Vec<Project>> {
        let mut lease = self.list("projects_page").await?;
        let found = rows!(
            lease,
            fetch_all,
            ProjectRecord,
            "SELECT id, name, created_at_ms, updated_at_ms
             FROM projects
             WHERE id > $1
             ORDER BY id
             LIMIT $2",
            after.map_or("", ProjectId::as_str),
            i64::from(limit)
        )?;
        found.into_iter().map(ProjectRecord::into_row).collect()
    }
}

impl Writer {
    /// The same as [`Store::project_settings`] within the transaction, with the project's absence told apart.
    pub async fn project_settings(&mut self, id: &ProjectId) -> Result<Option<Option<String>>> {
        let found = rows!(
            self,
            fetch_optional,
            SettingsRecord,
            "SELECT settings
             FROM projects
             WHERE id = $1",
            id.as_str()
        )?;
        Ok(found.map(|record| record.settings))
    }

    /// `false` where the id is taken.
    pub async fn insert_project(&mut self, project: &Project) -> Result<bool> {
        let touched = run!(
            self,
            "INSERT INTO projects (id, name, created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            project.id.as_str(),
            project.name.as_str(),
            project.created_at_ms,
            project.updated_at_ms
        )?;
        Ok(touched == 1)
    }

    /// `false` where there is no such project.
    pub async fn set_project_settings(&mut self, id: &ProjectId, settings: &str, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE projects
             SET settings = $2, updated_at_ms = $3
             WHERE id = $1",
            id.as_str(),
            settings,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// `false` where there is no such project. Its warehouses get another version: what is remembered of them by their
    /// version may hold the project's name.
    pub async fn rename_project(&mut self, id: &ProjectId, name: &str, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE projects
             SET name = $2, updated_at_ms = $3
             WHERE id = $1",
            id.as_str(),
            name,
            now_ms
        )?;
        run!(
            self,
            "UPDATE warehouses
             SET version = version + 1
             WHERE project_id = $1",
            id.as_str()
        )?;
        Ok(touched == 1)
    }

    /// `false` where there is no such project, or it still has warehouses.
    pub async fn delete_project(&mut self, id: &ProjectId) -> Result<bool> {
        let deleted = run_guarded!(
            self,
            "DELETE FROM projects
             WHERE id = $1
               AND NOT EXISTS (SELECT 1 FROM warehouses WHERE project_id = $1)",
            id.as_str()
        )?;
        Ok(deleted == Effect::Rows(1))
    }
}
