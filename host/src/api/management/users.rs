//! Users: whoever was seen, or was told of before they come.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::Ids;
use super::projects::checked_name;
use super::server::UserType;
use super::times::Timestamp;
use crate::api::authorize::{Object, missing};
use crate::api::extract::{JsonBody, QueryOf};
use crate::api::listing::{Listing, PageQuery};
use crate::api::record::{Happened, record};
use crate::app::App;
use crate::auth::{Caller, CallerKind};
use crate::catalog::action::Action;
use crate::catalog::page;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::store::rows::{self, UpdatedWith, UserKind};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    /// `<issuer>~<subject>`.
    pub id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub user_type: UserType,
    /// `create-endpoint`, `update-endpoint` or `config-call-creation`.
    pub last_updated_with: &'static str,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WhoamiResponse {
    #[serde(flatten)]
    pub user: User,
    /// Whether the configuration names the caller an administrator; never of somebody who assumed a role.
    pub is_instance_admin: bool,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CreateUserRequest {
    /// `<issuer>~<subject>`; the caller when left out, who is known then by what the token says.
    pub id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub user_type: Option<UserType>,
    #[serde(default)]
    pub update_if_exists: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UpdateUserRequest {
    pub name: String,
    pub email: Option<String>,
    pub user_type: UserType,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListUsersResponse {
    pub users: Vec<User>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct SearchUserRequest {
    /// A part of a name or an address, or an id.
    pub search: String,
}

#[derive(Serialize, ToSchema)]
pub struct SearchUserResponse {
    pub users: Vec<SearchUser>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SearchUser {
    pub id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub user_type: UserType,
}

#[derive(Debug, Default, Deserialize)]
pub struct UsersQuery {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    page: PageQuery,
}

impl From<rows::User> for User {
    fn from(user: rows::User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            user_type: user.kind.into(),
            last_updated_with: user.updated_with.as_str(),
            created_at: Timestamp(user.created_at_ms),
            updated_at: user.updated_at_ms.map(Timestamp),
        }
    }
}

impl From<UserKind> for UserType {
    fn from(kind: UserKind) -> Self {
        match kind {
            UserKind::Human => Self::Human,
            UserKind::Application => Self::Application,
        }
    }
}

impl From<UserType> for UserKind {
    fn from(kind: UserType) -> Self {
        match kind {
            UserType::Human => Self::Human,
            UserType::Application => Self::Application,
        }
    }
}

/// How many a search finds at the most, as in Lakekeeper.
const FOUND_MAX: u32 = 10;
const SEARCH_CHARS_MAX: usize = 64;
const ID_BYTES_MAX: usize = 600;

/// Who the token says that one is, as the catalog knows them. Whoever has no user is told so.
#[utoipa::path(get, path = "/management/v1/whoami", tag = "user", operation_id = "whoami", summary = "Whoami",
    responses((status = 200, body = WhoamiResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn whoami(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<WhoamiResponse>> {
    let user = app.store.user(own_id(&caller)?).await?.ok_or_else(|| missing::user(caller.id()))?;
    let is_instance_admin = caller.assumed_role().is_none() && app.authorization.is_administrator(caller.id());
    Ok(Json(WhoamiResponse { user: user.into(), is_instance_admin }))
}

#[utoipa::path(get, path = "/management/v1/user", tag = "user", operation_id = "list_user", summary = "List Users",
    params(("name" = Option<String>, Query, description = "a part of the name"),
        ("pageToken" = Option<String>, Query), ("pageSize" = Option<i64>, Query)),
    responses((status = 200, body = ListUsersResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_users(
    State(app): State<Arc<App>>,
    caller: Caller,
    QueryOf(query): QueryOf<UsersQuery>,
) -> Result<Json<ListUsersResponse>> {
    app.authorize(&caller, Action::ServerListUsers, Object::Server).await?;
    without_nul("name", &query.name)?;
    let narrowed = [query.name.as_str()];
    let of = page::Listing { what: "users", of: &narrowed, caller: caller.id() };
    let mut listing = Listing::start(&app, &query.page, of)?;
    while let Some(limit) = listing.wanted() {
        let users = app.store.users_page(&query.name, listing.after(), limit).await?;
        listing.take(limit, users.into_iter().map(|user| (user.id.clone(), user, true)).collect(), User::from);
    }
    let (users, next_page_token) = listing.finish();
    Ok(Json(ListUsersResponse { users, next_page_token }))
}

#[utoipa::path(get, path = "/management/v1/user/{user_id}", tag = "user", operation_id = "get_user",
    summary = "Get User by ID", params(("user_id" = String, Path)),
    responses((status = 200, body = User), (status = "4XX", body = ErrorResponse)))]
pub async fn get_user(State(app): State<Arc<App>>, caller: Caller, Ids(id): Ids<String>) -> Result<Json<User>> {
    may_read(&app, &caller, &id).await?;
    Ok(Json(app.store.user(&id).await?.ok_or_else(|| missing::user(&id))?.into()))
}

/// Everybody may read what is known of themselves.
pub async fn may_read(app: &App, caller: &Caller, id: &str) -> Result<()> {
    without_nul("user-id", id)?;
    if caller.kind() == CallerKind::User && caller.id() == id {
        return Ok(());
    }
    app.authorize(caller, Action::ServerListUsers, Object::Server).await.map(|_| ())
}

#[utoipa::path(post, path = "/management/v1/user", tag = "user", operation_id = "create_user",
    summary = "Provision User", request_body = CreateUserRequest,
    responses((status = 200, body = User, description = "known before"), (status = 201, body = User),
        (status = "4XX", body = ErrorResponse)))]
pub async fn create_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(request): JsonBody<CreateUserRequest>,
) -> Result<(StatusCode, Json<User>)> {
    if request.id.as_deref().is_none_or(|id| id == caller.id()) {
        // Seen by the token that came with this very request: what it says holds, not what the body says.
        let user = app.store.user(own_id(&caller)?).await?;
        return Ok((StatusCode::OK, Json(user.ok_or_else(|| missing::user(caller.id()))?.into())));
    }
    let permit = app.authorize(&caller, Action::ServerProvisionUsers, Object::Server).await?;
    let id = checked_id(request.id.unwrap_or_default())?;
    without_nul("email", request.email.as_deref().unwrap_or_default())?;
    let now_ms = app.clock.now_ms();
    let user = rows::User {
        name: checked_name("name", request.name.unwrap_or_else(|| id.clone()))?,
        id,
        email: request.email,
        kind: request.user_type.map_or(UserKind::Human, UserKind::from),
        updated_with: UpdatedWith::Creation,
        created_at_ms: now_ms,
        updated_at_ms: None,
    };
    let mut writer = app.store.begin(&permit).await?;
    let is_new = writer.insert_user(&user).await?;
    if !is_new && !request.update_if_exists {
        return Err(Error::AlreadyExists(format!(
            "User already exists: {}; `\"update-if-exists\": true` changes what is known",
            user.id
        )));
    }
    let mut user = user;
    if !is_new {
        user.updated_at_ms = Some(now_ms);
        writer.update_user(&user).await?;
    }
    let kind = if is_new { EventKind::UserCreated } else { EventKind::UserUpdated };
    record(&mut writer, &permit, happened(kind, &user), now_ms).await?;
    writer.commit().await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let known = app.store.user(&user.id).await?.unwrap_or(user);
    Ok((status, Json(known.into())))
}

#[utoipa::path(put, path = "/management/v1/user/{user_id}", tag = "user", operation_id = "update_user",
    summary = "Update User", params(("user_id" = String, Path)), request_body = UpdateUserRequest,
    responses((status = 200, description = "updated"), (status = "4XX", body = ErrorResponse)))]
pub async fn update_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<String>,
    JsonBody(request): JsonBody<UpdateUserRequest>,
) -> Result<StatusCode> {
    let permit = app.authorize(&caller, Action::ServerUpdateUsers, Object::Server).await?;
    without_nul("user-id", &id)?;
    without_nul("email", request.email.as_deref().unwrap_or_default())?;
    let now_ms = app.clock.now_ms();
    let user = rows::User {
        id,
        name: checked_name("name", request.name)?,
        email: request.email,
        kind: request.user_type.into(),
        updated_with: UpdatedWith::Update,
        created_at_ms: now_ms,
        updated_at_ms: Some(now_ms),
    };
    let mut writer = app.store.begin(&permit).await?;
    if !writer.update_user(&user).await? {
        return Err(missing::user(&user.id));
    }
    record(&mut writer, &permit, happened(EventKind::UserUpdated, &user), now_ms).await?;
    writer.commit().await?;
    Ok(StatusCode::OK)
}

/// Forgets a user with all memberships. With a token that still is good, the user comes back as somebody new.
#[utoipa::path(delete, path = "/management/v1/user/{user_id}", tag = "user", operation_id = "delete_user",
    summary = "Delete User", params(("user_id" = String, Path)),
    responses((status = 204, description = "forgotten"), (status = "4XX", body = ErrorResponse)))]
pub async fn delete_user(State(app): State<Arc<App>>, caller: Caller, Ids(id): Ids<String>) -> Result<StatusCode> {
    let permit = app.authorize(&caller, Action::ServerDeleteUsers, Object::Server).await?;
    without_nul("user-id", &id)?;
    let user = app.store.user(&id).await?.ok_or_else(|| missing::user(&id))?;
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    if !writer.delete_user(&id).await? {
        return Err(missing::user(&id));
    }
    record(&mut writer, &permit, happened(EventKind::UserDeleted, &user), now_ms).await?;
    writer.commit().await?;
    app.people.forget(&id);
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/management/v1/search/user", tag = "user", operation_id = "search_user",
    summary = "Search User", request_body = SearchUserRequest,
    responses((status = 200, body = SearchUserResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn search_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(request): JsonBody<SearchUserRequest>,
) -> Result<Json<SearchUserResponse>> {
    app.authorize(&caller, Action::ServerListUsers, Object::Server).await?;
    let search = checked_search(&request.search)?;
    let mut found = app.store.users_like(&search, FOUND_MAX).await?;
    // Whose id it is comes first, once.
    if let Some(user) = app.store.user(&request.search).await? {
        found.retain(|other| other.id != user.id);
        found.insert(0, user);
    }
    let users = found.into_iter().map(|user| SearchUser {
        id: user.id,
        name: user.name,
        email: user.email,
        user_type: user.kind.into(),
    });
    Ok(Json(SearchUserResponse { users: users.collect() }))
}

/// A text to search for, cut to what names can hold.
pub fn checked_search(text: &str) -> Result<String> {
    without_nul("search", text)?;
    Ok(text.chars().take(SEARCH_CHARS_MAX).collect())
}

/// Postgres keeps no NUL in a text.
pub fn without_nul(field: &str, text: &str) -> Result<()> {
    match text.contains('\0') {
        true => Err(Error::BadRequest(format!("`{field}` must not contain NUL; no name does"))),
        false => Ok(()),
    }
}

fn own_id(caller: &Caller) -> Result<&str> {
    match caller.identity().issuer {
        Some(_) => Ok(caller.id()),
        None => Err(Error::NotFound("an anonymous caller is no user; send a token of a configured issuer".into())),
    }
}

/// An id as tokens make it.
fn checked_id(id: String) -> Result<String> {
    let is_legal = id.len() <= ID_BYTES_MAX && !id.chars().any(char::is_control);
    let is_whole = id.split_once('~').is_some_and(|(issuer, subject)| !issuer.is_empty() && !subject.is_empty());
    match is_legal && is_whole {
        true => Ok(id),
        false => Err(Error::BadRequest(format!(
            "`{id}` is no user id: expected `<issuer>~<subject>` as in `oidc~alice`, where the issuer is its name in the \
             configuration"
        ))),
    }
}

fn happened(kind: EventKind, user: &rows::User) -> Happened {
    let data = json!({ "name": user.name, "user-type": user.kind.as_str() });
    Happened { kind, warehouse: None, subject: format!("user/{}", user.id), data }
}
