//! Who is in which role, directly or by way of other roles.

use uuid::Uuid;

use super::engine::{Dialect, Effect, record, rows, run, run_guarded};
use super::roles::RoleRecord;
use super::rows::{Member, Role, User};
use super::sightings::Bearer;
use super::users::UserRecord;
use super::{Engine, Store, Writer};
use crate::catalog::ids::RoleId;
use crate::error::Result;

/// More roles than this are never reached from one user or role; the bound also ends what should not be endless.
pub const REACHED_MAX: u32 = 1_000;

record! {
    struct IdRecord {
        id: Uuid,
    }
}

record! {
    struct DepthRecord {
        depth: i64,
    }
}

impl Store {
    /// Every role that a user is in, directly or by way of others, and every one that a role of the token leads to:
    /// `sources` are the names that its provider gives to roles. On SQLite nothing is read where nothing was committed
    /// since the same was asked.
    pub async fn roles_held(&self, user: &str, provider: &str, sources: &[String]) -> Result<Vec<RoleId>> {
        let Engine::Sqlite(embedded) = self.engine() else {
            return self.find_roles_held(user, provider, sources).await;
        };
        let Some(state) = embedded.sightings.state() else {
            return self.find_roles_held(user, provider, sources).await;
        };
        let bearer = Bearer { user, provider, sources };
        if let Some(roles) = embedded.sightings.recall_roles(state, bearer) {
            return Ok(roles);
        }
        let roles = self.find_roles_held(user, provider, sources).await?;
        embedded.sightings.keep_roles(state, bearer, &roles);
        Ok(roles)
    }

    async fn find_roles_held(&self, user: &str, provider: &str, sources: &[String]) -> Result<Vec<RoleId>> {
        let mut lease = self.read("roles_held").await?;
        let sources = serde_json::Value::from(sources).to_string();
        let found = match lease.on().dialect() {
            Dialect::Sqlite => rows!(
                lease,
                fetch_all,
                IdRecord,
                "WITH RECURSIVE held (id) AS (
                     SELECT role_id FROM role_users WHERE user_id = $1
                     UNION
                     SELECT id FROM roles WHERE provider_id = $2 AND source_id IN (SELECT value FROM json_each($3))
                     UNION
                     SELECT r.role_id FROM role_roles AS r JOIN held ON r.member_id = held.id
                 )
                 SELECT id FROM held ORDER BY id LIMIT $4",
                user,
                provider,
                sources.as_str(),
                i64::from(REACHED_MAX)
            )?,
            Dialect::Postgres => rows!(
                lease,
                fetch_all,
                IdRecord,
                "WITH RECURSIVE seed (id) AS (
                     SELECT role_id FROM role_users WHERE user_id = $1
                     UNION
                     SELECT id
                     FROM roles
                     WHERE provider_id = $2
                       AND source_id IN (SELECT value FROM jsonb_array_elements_text(CAST($3 AS JSONB)))
                 ), held (id) AS (
                     SELECT id FROM seed
                     UNION
                     SELECT r.role_id FROM role_roles AS r JOIN held ON r.member_id = held.id
                 )
                 SELECT id FROM held ORDER BY id LIMIT $4",
                user,
                provider,
                sources.as_str(),
                i64::from(REACHED_MAX)
            )?,
        };
        Ok(found.into_iter().map(|record| RoleId(record.id)).collect())
    }

    /// The roles that a role is in; all of them, or the ones directly above it.
    pub async fn roles_of_role(&self, id: RoleId, all: bool, after: Option<RoleId>, limit: u32) -> Result<Vec<Role>> {
        let mut lease = self.list("roles_of_role").await?;
        let found = rows!(
            lease,
            fetch_all,
            RoleRecord,
            "WITH RECURSIVE held (id) AS (
                 SELECT role_id FROM role_roles WHERE member_id = $1
                 UNION
                 SELECT r.role_id FROM role_roles AS r JOIN held ON r.member_id = held.id WHERE $2 = 1
             )
             SELECT r.id, r.project_id, r.name, r.description, r.provider_id, r.source_id, r.created_at_ms,
                    r.updated_at_ms
             FROM roles AS r
             JOIN held ON held.id = r.id
             WHERE r.id > $3
             ORDER BY r.id
             LIMIT $4",
            id.0,
            i64::from(all),
            after.map_or(Uuid::nil(), |id| id.0),
            i64::from(limit)
        )?;
        found.into_iter().map(RoleRecord::into_row).collect()
    }

    /// The roles that a user is in; all of them, or the ones that name the user.
    pub async fn roles_of_user(&self, id: &str, all: bool, after: Option<RoleId>, limit: u32) -> Result<Vec<Role>> {
        let mut lease = self.list("roles_of_user").await?;
        let found = rows!(
            lease,
            fetch_all,
            RoleRecord,
            "WITH RECURSIVE held (id) AS (
                 SELECT role_id FROM role_users WHERE user_id = $1
                 UNION
                 SELECT r.role_id FROM role_roles AS r JOIN held ON r.member_id = held.id WHERE $2 = 1
             )
             SELECT r.id, r.project_id, r.name, r.description, r.provider_id, r.source_id, r.created_at_ms,
                    r.updated_at_ms
             FROM roles AS r
             JOIN held ON held.id = r.id
             WHERE r.id > $3
             ORDER BY r.id
             LIMIT $4",
            id,
            i64::from(all),
            after.map_or(Uuid::nil(), |id| id.0),
            i64::from(limit)
        )?;
        found.into_iter().map(RoleRecord::into_row).collect()
    }

    /// The users in a role, after the given id; with `all` those of the roles in it, too.
    pub async fn users_in_role(&self, id: RoleId, all: bool, after: &str, limit: u32) -> Result<Vec<Member>> {
        let mut lease = self.list("users_in_role").await?;
        let found = rows!(
            lease,
            fetch_all,
            UserRecord,
            "WITH RECURSIVE inside (id) AS (
                 SELECT id FROM roles WHERE id = $1
                 UNION
                 SELECT r.member_id FROM role_roles AS r JOIN inside ON r.role_id = inside.id WHERE $2 = 1
             )
             SELECT u.id, u.name, u.email, u.kind, u.updated_with, u.created_at_ms, u.updated_at_ms
             FROM users AS u
             WHERE u.id IN (SELECT m.user_id FROM role_users AS m JOIN inside ON m.role_id = inside.id)
               AND u.id > $3
             ORDER BY u.id
             LIMIT $4",
            id.0,
            i64::from(all),
            after,
            i64::from(limit)
        )?;
        Ok(found.into_iter().map(|record| Member::User(User::from(record))).collect())
    }

    /// The roles in a role, after the given id; with `all` those in them, too.
    pub async fn roles_in_role(&self, id: RoleId, all: bool, after: Option<RoleId>, limit: u32) -> Result<Vec<Member>> {
        let mut lease = self.list("roles_in_role").await?;
        let found = rows!(
            lease,
            fetch_all,
            RoleRecord,
            "WITH RECURSIVE inside (id) AS (
                 SELECT member_id FROM role_roles WHERE role_id = $1
                 UNION
                 SELECT r.member_id FROM role_roles AS r JOIN inside ON r.role_id = inside.id WHERE $2 = 1
             )
             SELECT r.id, r.project_id, r.name, r.description, r.provider_id, r.source_id, r.created_at_ms,
                    r.updated_at_ms
             FROM roles AS r
             JOIN inside ON inside.id = r.id
             WHERE r.id > $3
             ORDER BY r.id
             LIMIT $4",
            id.0,
            i64::from(all),
            after.map_or(Uuid::nil(), |id| id.0),
            i64::from(limit)
        )?;
        found.into_iter().map(|record| record.into_row().map(Member::Role)).collect()
    }
}

impl Writer {
    /// Everybody who changes which role is in which waits here for the others: each sees what the one before did, so no
    /// two of them close a circle together.
    pub async fn lock_roles(&mut self) -> Result<()> {
        run!(
            self,
            "UPDATE server
             SET probes = probes
             WHERE only_row = 1"
        )
        .map(|_| ())
    }

    /// `false` where the role or the user has gone. Somebody who is in the role already stays there.
    pub async fn add_user_to_role(&mut self, role: RoleId, user: &str) -> Result<bool> {
        let added = run_guarded!(
            self,
            "INSERT INTO role_users (role_id, user_id)
             VALUES ($1, $2)
             ON CONFLICT DO NOTHING",
            role.0,
            user
        )?;
        Ok(matches!(added, Effect::Rows(_)))
    }

    /// The same for a role. Whether that closes a circle is for [`Writer::role_reaches`] to say before.
    pub async fn add_role_to_role(&mut self, role: RoleId, member: RoleId) -> Result<bool> {
        let added = run_guarded!(
            self,
            "INSERT INTO role_roles (role_id, member_id)
             VALUES ($1, $2)
             ON CONFLICT DO NOTHING",
            role.0,
            member.0
        )?;
        Ok(matches!(added, Effect::Rows(_)))
    }

    /// Whether `from` is in `to`, directly or by way of others.
    pub async fn role_reaches(&mut self, from: RoleId, to: RoleId) -> Result<bool> {
        let found = rows!(
            self,
            fetch_optional,
            IdRecord,
            "WITH RECURSIVE held (id) AS (
                 SELECT role_id FROM role_roles WHERE member_id = $1
                 UNION
                 SELECT r.role_id FROM role_roles AS r JOIN held ON r.member_id = held.id
             )
             SELECT id FROM held WHERE id = $2",
            from.0,
            to.0
        )?;
        Ok(found.is_some() || from == to)
    }

    /// How many roles lie above one another at most, upwards from this one or downwards, itself not counted.
    pub async fn role_depth(&mut self, id: RoleId, depth_max: u32) -> Result<(i64, i64)> {
        let above = rows!(
            self,
            fetch_one,
            DepthRecord,
            "WITH RECURSIVE held (id, depth) AS (
                 SELECT role_id, CAST(1 AS BIGINT) FROM role_roles WHERE member_id = $1
                 UNION
                 SELECT r.role_id, held.depth + 1
                 FROM role_roles AS r
                 JOIN held ON r.member_id = held.id
                 WHERE held.depth <= $2
             )
             SELECT COALESCE(MAX(depth), 0) FROM held",
            id.0,
            i64::from(depth_max)
        )?;
        let below = rows!(
            self,
            fetch_one,
            DepthRecord,
            "WITH RECURSIVE inside (id, depth) AS (
                 SELECT member_id, CAST(1 AS BIGINT) FROM role_roles WHERE role_id = $1
                 UNION
                 SELECT r.member_id, inside.depth + 1
                 FROM role_roles AS r
                 JOIN inside ON r.role_id = inside.id
                 WHERE inside.depth <= $2
             )
             SELECT COALESCE(MAX(depth), 0) FROM inside",
            id.0,
            i64::from(depth_max)
        )?;
        Ok((above.depth, below.depth))
    }

    pub async fn remove_user_from_role(&mut self, role: RoleId, user: &str) -> Result<bool> {
        let touched = run!(self, "DELETE FROM role_users WHERE role_id = $1 AND user_id = $2", role.0, user)?;
        Ok(touched == 1)
    }

    pub async fn remove_role_from_role(&mut self, role: RoleId, member: RoleId) -> Result<bool> {
        let touched = run!(self, "DELETE FROM role_roles WHERE role_id = $1 AND member_id = $2", role.0, member.0)?;
        Ok(touched == 1)
    }
}
