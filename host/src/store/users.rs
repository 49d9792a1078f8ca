//! Users: whoever was seen, or was told of.

use super::engine::{record, rows, run};
use super::rows::{UpdatedWith, User, UserKind};
use super::{Store, Writer};
use crate::error::Result;

record! {
    pub(super) struct UserRecord {
        id: String,
        name: String,
        email: Option<String>,
        kind: String,
        updated_with: String,
        created_at_ms: i64,
        updated_at_ms: Option<i64>,
    }
}

impl From<UserRecord> for User {
    fn from(record: UserRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            email: record.email,
            kind: UserKind::parse(&record.kind),
            updated_with: UpdatedWith::parse(&record.updated_with),
            created_at_ms: record.created_at_ms,
            updated_at_ms: record.updated_at_ms,
        }
    }
}

impl Store {
    /// `None` where nobody of this id is known.
    pub async fn user(&self, id: &str) -> Result<Option<User>> {
        let mut lease = self.read("user").await?;
        let found = rows!(
            lease,
            fetch_optional,
            UserRecord,
            "SELECT id, name, email, kind, updated_with, created_at_ms, updated_at_ms
             FROM users
             WHERE id = $1",
            id
        )?;
        Ok(found.map(User::from))
    }

    /// Users in the order of their ids, after the given one; with a part of the name, only those whose name has it.
    pub async fn users_page(&self, name_part: &str, after: Option<&str>, limit: u32) -> Result<Vec<User>> {
        let mut lease = self.list("users_page").await?;
        let found = rows!(
            lease,
            fetch_all,
            UserRecord,
            "SELECT id, name, email, kind, updated_with, created_at_ms, updated_at_ms
             FROM users
             WHERE id > $1
               AND ($2 = '' OR replace(lower(name), $2, '') <> lower(name))
             ORDER BY id
             LIMIT $3",
            after.unwrap_or(""),
            name_part.to_ascii_lowercase(),
            i64::from(limit)
        )?;
        Ok(found.into_iter().map(User::from).collect())
    }

    /// Users whose name or address has the text in it, the shortest names first.
    pub async fn users_like(&self, part: &str, limit: u32) -> Result<Vec<User>> {
        let mut lease = self.list("users_like").await?;
        let found = rows!(
            lease,
            fetch_all,
            UserRecord,
            "SELECT id, name, email, kind, updated_with, created_at_ms, updated_at_ms
             FROM users
             WHERE replace(lower(name), $1, '') <> lower(name)
                OR replace(lower(COALESCE(email, '')), $1, '') <> lower(COALESCE(email, ''))
             ORDER BY length(name), name, id
             LIMIT $2",
            part.to_ascii_lowercase(),
            i64::from(limit)
        )?;
        Ok(found.into_iter().map(User::from).collect())
    }
}

impl Writer {
    /// `false` where the id is known already.
    pub async fn insert_user(&mut self, user: &User) -> Result<bool> {
        let touched = run!(
            self,
            "INSERT INTO users (id, name, email, kind, updated_with, created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING",
            user.id.as_str(),
            user.name.as_str(),
            user.email.as_deref(),
            user.kind.as_str(),
            user.updated_with.as_str(),
            user.created_at_ms,
            user.updated_at_ms
        )?;
        Ok(touched == 1)
    }

    /// `false` where nobody of this id is known.
    pub async fn update_user(&mut self, user: &User) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE users
             SET name = $2, email = $3, kind = $4, updated_with = $5, updated_at_ms = $6
             WHERE id = $1",
            user.id.as_str(),
            user.name.as_str(),
            user.email.as_deref(),
            user.kind.as_str(),
            user.updated_with.as_str(),
            user.updated_at_ms
        )?;
        Ok(touched == 1)
    }

    /// Forgets a user and every membership; `false` where nobody of this id is known.
    pub async fn delete_user(&mut self, id: &str) -> Result<bool> {
        let touched = run!(self, "DELETE FROM users WHERE id = $1", id)?;
        Ok(touched == 1)
    }
}
