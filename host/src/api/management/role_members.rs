//! Who is in a role, which roles somebody is in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::extract::Ids;
use super::roles::{happened, role_for};
use super::server::UserType;
use super::users::{may_read, without_nul};
use crate::api::authorize::missing;
use crate::api::extract::{JsonBody, QueryOf};
use crate::api::listing::{Listing, PageQuery};
use crate::api::record::{Happened, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::RoleId;
use crate::catalog::page;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::store::Writer;
use crate::store::rows::{self, Member};

/// Whether a member is a user or a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoleMemberType {
    User,
    Role,
}

/// A member by its id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RoleMemberRef {
    User { id: String },
    Role { id: Uuid },
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct AddRoleMembersRequest {
    /// All of them become members, or none. At most 1,000.
    pub members: Vec<RoleMemberRef>,
}

#[derive(Serialize, ToSchema)]
pub struct AddRoleMembersResponse {
    pub members: Vec<RoleMemberRef>,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RoleMember {
    User(UserMembership),
    Role(RoleMembership),
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UserMembership {
    pub id: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub user_type: Option<UserType>,
}

#[derive(Serialize, ToSchema)]
pub struct RoleMembership {
    pub id: Uuid,
    pub ident: String,
    pub name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListRoleMembersResponse {
    pub members: Vec<RoleMember>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListRoleMembershipsResponse {
    pub roles: Vec<RoleMembership>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct MembersQuery {
    #[serde(rename = "type")]
    kind: Option<RoleMemberType>,
    #[serde(flatten)]
    page: PageQuery,
}

const MEMBERS_MAX: usize = 1_000;
/// How many roles may lie inside one another.
const DEPTH_MAX: u32 = 10;

impl From<Member> for RoleMember {
    fn from(member: Member) -> Self {
        match member {
            Member::User(user) => Self::User(UserMembership {
                id: user.id,
                name: Some(user.name),
                email: user.email,
                user_type: Some(user.kind.into()),
            }),
            Member::Role(role) => Self::Role(role.into()),
        }
    }
}

impl From<rows::Role> for RoleMembership {
    fn from(role: rows::Role) -> Self {
        Self { id: role.id.0, ident: role.ident(), name: role.name }
    }
}

#[utoipa::path(get, path = "/management/v1/role/{role_id}/members", tag = "role",
    operation_id = "list_role_members", summary = "List Role Members",
    params(("role_id" = Uuid, Path), ("type" = Option<RoleMemberType>, Query), ("pageToken" = Option<String>, Query),
        ("pageSize" = Option<i64>, Query), ("x-project-id" = Option<String>, Header)),
    responses((status = 200, body = ListRoleMembersResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_role_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<RoleId>,
    QueryOf(query): QueryOf<MembersQuery>,
) -> Result<Json<ListRoleMembersResponse>> {
    role_for(&app, &caller, id, Action::RoleListMembers).await?;
    members(&app, &caller, id, &query, false).await
}

#[utoipa::path(get, path = "/management/v1/role/{role_id}/members/transitive", tag = "role",
    operation_id = "list_role_transitive_members", summary = "List Transitive Role Members",
    params(("role_id" = Uuid, Path), ("type" = Option<RoleMemberType>, Query), ("pageToken" = Option<String>, Query),
        ("pageSize" = Option<i64>, Query), ("x-project-id" = Option<String>, Header)),
    responses((status = 200, body = ListRoleMembersResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_role_transitive_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<RoleId>,
    QueryOf(query): QueryOf<MembersQuery>,
) -> Result<Json<ListRoleMembersResponse>> {
    role_for(&app, &caller, id, Action::RoleListMembers).await?;
    members(&app, &caller, id, &query, true).await
}

async fn members(
    app: &App,
    caller: &Caller,
    id: RoleId,
    query: &MembersQuery,
    all: bool,
) -> Result<Json<ListRoleMembersResponse>> {
    let text = id.to_string();
    let narrowed = format!("{:?}", query.kind);
    let below = [text.as_str(), narrowed.as_str(), if all { "all" } else { "direct" }];
    let of = page::Listing { what: "role-members", of: &below, caller: caller.id() };
    let mut listing = Listing::start(app, &query.page, of)?;
    while let Some(limit) = listing.wanted() {
        let found = members_after(app, id, query.kind, all, (listing.after(), limit)).await?;
        let rows = found.into_iter().map(|member| (member.key(), member, true)).collect();
        listing.take(limit, rows, RoleMember::from);
    }
    let (members, next_page_token) = listing.finish();
    Ok(Json(ListRoleMembersResponse { members, next_page_token }))
}

/// Users first, then roles; the first letter of a key tells which of both it is.
async fn members_after(
    app: &App,
    id: RoleId,
    kind: Option<RoleMemberType>,
    all: bool,
    (after, limit): (Option<&str>, u32),
) -> Result<Vec<Member>> {
    let after_role = after.and_then(|key| key.strip_prefix('v'));
    let mut found = Vec::new();
    if kind != Some(RoleMemberType::Role) && after_role.is_none() {
        let after_user = after.and_then(|key| key.strip_prefix('u')).unwrap_or_default();
        found = app.store.users_in_role(id, all, after_user, limit).await?;
    }
    let rest = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
    if kind != Some(RoleMemberType::User) && rest > 0 {
        let after_role = after_role.map(str::parse).transpose()?;
        found.extend(app.store.roles_in_role(id, all, after_role, rest).await?);
    }
    Ok(found)
}

/// Puts users and roles into a role. Whoever is in it already stays there.
#[utoipa::path(post, path = "/management/v1/role/{role_id}/members", tag = "role",
    operation_id = "add_role_members", summary = "Add Role Members",
    params(("role_id" = Uuid, Path), ("x-project-id" = Option<String>, Header)), request_body = AddRoleMembersRequest,
    responses((status = 200, body = AddRoleMembersResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn add_role_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<RoleId>,
    JsonBody(request): JsonBody<AddRoleMembersRequest>,
) -> Result<Json<AddRoleMembersResponse>> {
    let (role, permit) = role_for(&app, &caller, id, Action::RoleManageMembers).await?;
    if request.members.len() > MEMBERS_MAX {
        return Err(Error::BadRequest(format!(
            "one request adds at most {MEMBERS_MAX} members, found {}",
            request.members.len()
        )));
    }
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    writer.lock_roles().await?;
    for member in &request.members {
        add(&mut writer, &role, member).await?;
    }
    let told = json!({ "added": request.members });
    record(&mut writer, &permit, changed_members(&role, told), now_ms).await?;
    writer.commit().await?;
    Ok(Json(AddRoleMembersResponse { members: request.members }))
}

async fn add(writer: &mut Writer, role: &rows::Role, member: &RoleMemberRef) -> Result<()> {
    let member = match member {
        RoleMemberRef::User { id } => {
            without_nul("id", id)?;
            let added = writer.add_user_to_role(role.id, id).await?;
            return added.then_some(()).ok_or_else(|| missing::user(id));
        }
        RoleMemberRef::Role { id } => RoleId(*id),
    };
    if writer.role_reaches(role.id, member).await? {
        return Err(Error::Conflict(format!(
            "role {member} cannot be in role {}: that role is in it already, directly or by way of others",
            role.id
        )));
    }
    if !writer.add_role_to_role(role.id, member).await? {
        return Err(missing::role(member));
    }
    let (above, below) = writer.role_depth(member, DEPTH_MAX).await?;
    if above + below > i64::from(DEPTH_MAX) {
        return Err(Error::Conflict(format!(
            "with role {member} in role {} more than {DEPTH_MAX} roles would lie inside one another; put it higher up",
            role.id
        )));
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
pub struct MemberPath {
    role_id: RoleId,
    member_type: RoleMemberType,
    member_id: String,
}

/// Takes somebody out of a role; whoever is not in it stays out.
#[utoipa::path(delete, path = "/management/v1/role/{role_id}/members/{member_type}/{member_id}", tag = "role",
    operation_id = "remove_role_member", summary = "Remove Role Member",
    params(("role_id" = Uuid, Path), ("member_type" = RoleMemberType, Path), ("member_id" = String, Path),
        ("x-project-id" = Option<String>, Header)),
    responses((status = 204, description = "removed"), (status = "4XX", body = ErrorResponse)))]
pub async fn remove_role_member(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(path): Ids<MemberPath>,
) -> Result<StatusCode> {
    let (role, permit) = role_for(&app, &caller, path.role_id, Action::RoleManageMembers).await?;
    without_nul("member-id", &path.member_id)?;
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    let removed = match path.member_type {
        RoleMemberType::User => writer.remove_user_from_role(role.id, &path.member_id).await?,
        RoleMemberType::Role => writer.remove_role_from_role(role.id, path.member_id.parse()?).await?,
    };
    if removed {
        let told = json!({ "removed": [{ "type": path.member_type, "id": path.member_id }] });
        record(&mut writer, &permit, changed_members(&role, told), now_ms).await?;
        writer.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn changed_members(role: &rows::Role, told: serde_json::Value) -> Happened {
    Happened { data: told, ..happened(EventKind::RoleMembersChanged, role) }
}

#[utoipa::path(get, path = "/management/v1/role/{role_id}/member-of", tag = "role",
    operation_id = "list_role_member_of", summary = "List Roles a Role Is a Member Of",
    params(("role_id" = Uuid, Path), ("pageToken" = Option<String>, Query), ("pageSize" = Option<i64>, Query),
        ("x-project-id" = Option<String>, Header)),
    responses((status = 200, body = ListRoleMembershipsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_role_member_of(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<RoleId>,
    QueryOf(page): QueryOf<PageQuery>,
) -> Result<Json<ListRoleMembershipsResponse>> {
    role_for(&app, &caller, id, Action::RoleListMembers).await?;
    memberships(&app, &caller, &Whose::Role(id), &page, false).await
}

#[utoipa::path(get, path = "/management/v1/role/{role_id}/member-of/transitive", tag = "role",
    operation_id = "list_role_transitive_member_of", summary = "List Transitive Role Member-Of",
    params(("role_id" = Uuid, Path), ("pageToken" = Option<String>, Query), ("pageSize" = Option<i64>, Query),
        ("x-project-id" = Option<String>, Header)),
    responses((status = 200, body = ListRoleMembershipsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_role_transitive_member_of(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<RoleId>,
    QueryOf(page): QueryOf<PageQuery>,
) -> Result<Json<ListRoleMembershipsResponse>> {
    role_for(&app, &caller, id, Action::RoleListMembers).await?;
    memberships(&app, &caller, &Whose::Role(id), &page, true).await
}

#[utoipa::path(get, path = "/management/v1/user/{user_id}/roles", tag = "user", operation_id = "list_user_roles",
    summary = "List a User's Roles",
    params(("user_id" = String, Path), ("pageToken" = Option<String>, Query), ("pageSize" = Option<i64>, Query),
        ("x-project-id" = Option<String>, Header)),
    responses((status = 200, body = ListRoleMembershipsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_user_roles(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<String>,
    QueryOf(page): QueryOf<PageQuery>,
) -> Result<Json<ListRoleMembershipsResponse>> {
    may_read(&app, &caller, &id).await?;
    memberships(&app, &caller, &Whose::User(id), &page, false).await
}

#[utoipa::path(get, path = "/management/v1/user/{user_id}/roles/transitive", tag = "user",
    operation_id = "list_user_transitive_roles", summary = "List a User's Transitive Roles",
    params(("user_id" = String, Path), ("pageToken" = Option<String>, Query), ("pageSize" = Option<i64>, Query),
        ("x-project-id" = Option<String>, Header)),
    responses((status = 200, body = ListRoleMembershipsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_user_transitive_roles(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<String>,
    QueryOf(page): QueryOf<PageQuery>,
) -> Result<Json<ListRoleMembershipsResponse>> {
    may_read(&app, &caller, &id).await?;
    memberships(&app, &caller, &Whose::User(id), &page, true).await
}

/// Whose memberships are listed.
#[derive(Debug)]
enum Whose {
    User(String),
    Role(RoleId),
}

async fn memberships(
    app: &App,
    caller: &Caller,
    whose: &Whose,
    page: &PageQuery,
    all: bool,
) -> Result<Json<ListRoleMembershipsResponse>> {
    let text = format!("{whose:?}");
    let below = [text.as_str(), if all { "all" } else { "direct" }];
    let of = page::Listing { what: "memberships", of: &below, caller: caller.id() };
    let mut listing = Listing::start(app, page, of)?;
    while let Some(limit) = listing.wanted() {
        let after = listing.after().map(str::parse).transpose()?;
        let roles = match whose {
            Whose::User(id) => app.store.roles_of_user(id, all, after, limit).await?,
            Whose::Role(id) => app.store.roles_of_role(*id, all, after, limit).await?,
        };
        let rows = roles.into_iter().map(|role| (role.id.to_string(), role, true)).collect();
        listing.take(limit, rows, RoleMembership::from);
    }
    let (roles, next_page_token) = listing.finish();
    Ok(Json(ListRoleMembershipsResponse { roles, next_page_token }))
}
