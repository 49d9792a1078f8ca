//! Who hears of events how far, what nobody takes: for those who manage the server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::extract::Ids;
use super::times::Timestamp;
use super::users::without_nul;
use crate::api::authorize::Object;
use crate::api::extract::{JsonBody, QueryOf};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::error::{Error, Result};
use crate::store::rows::{DeadLetter, Relay};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListRelaysResponse {
    /// The position of the newest event that has one.
    pub head: i64,
    pub relays: Vec<RelayState>,
}

/// One listener: a plugin that keeps grants (`plugin:<name>`) or a sink (`log`, `nats`, `webhook:<name>`).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RelayState {
    pub name: String,
    /// Of the last event that was delivered.
    pub position: i64,
    /// How many events it has not heard.
    pub lag: i64,
    /// Since the last delivery.
    pub failures: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub retry_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub struct MoveRelayRequest {
    /// The events after this position are delivered again; 0 for all that are still there.
    pub position: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListDeadLettersResponse {
    pub dead_letters: Vec<DeadLetterBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// An event that a listener refused until it was tried no more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DeadLetterBody {
    pub id: Uuid,
    pub relay: String,
    pub position: i64,
    pub attempts: i64,
    pub error: String,
    #[schema(value_type = String)]
    pub died_at: Timestamp,
    /// The CloudEvent as it would have been delivered.
    #[schema(value_type = Object)]
    pub event: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Page {
    pub page_token: Option<Uuid>,
    pub page_size: Option<u32>,
}

const PAGE_SIZE: u32 = 100;
const PAGE_SIZE_MAX: u32 = 1_000;

impl RelayState {
    fn new(relay: Relay, head: i64) -> Self {
        Self {
            lag: (head - relay.position).max(0),
            name: relay.name,
            position: relay.position,
            failures: relay.failures,
            retry_at: (relay.retry_at_ms > 0).then_some(Timestamp(relay.retry_at_ms)),
            last_error: relay.last_error,
        }
    }
}

impl DeadLetterBody {
    fn new(letter: DeadLetter) -> Result<Self> {
        Ok(Self {
            id: letter.id,
            relay: letter.relay,
            position: letter.position,
            attempts: letter.attempts,
            error: letter.error,
            died_at: Timestamp(letter.died_at_ms),
            event: serde_json::from_str(&letter.body).map_err(Error::internal)?,
        })
    }
}

#[utoipa::path(get, path = "/management/v1/relays", tag = "events", summary = "List who hears of events",
    responses((status = 200, body = ListRelaysResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_relays(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<ListRelaysResponse>> {
    app.authorize_look(&caller, Action::ServerManage, Object::Server).await?;
    let head = app.store.head_position().await?;
    let relays = app.store.relays().await?.into_iter().filter(|relay| relay.name != "outbox");
    Ok(Json(ListRelaysResponse { head, relays: relays.map(|relay| RelayState::new(relay, head)).collect() }))
}

#[utoipa::path(post, path = "/management/v1/relays/{name}/position", tag = "events",
    summary = "Deliver again from a position", params(("name" = String, Path)), request_body = MoveRelayRequest,
    responses((status = 204, description = "moved"), (status = "4XX", body = ErrorResponse)))]
pub async fn move_relay(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(name): Ids<String>,
    JsonBody(request): JsonBody<MoveRelayRequest>,
) -> Result<StatusCode> {
    let permit = app.authorize(&caller, Action::ServerManage, Object::Server).await?;
    without_nul("name", &name)?;
    let head = app.store.head_position().await?;
    if !(0..=head).contains(&request.position) {
        return Err(Error::BadRequest(format!("`position` is {}; events have 1 to {head}", request.position)));
    }
    let mut writer = app.store.begin(&permit).await?;
    if !writer.move_relay(&name, request.position, app.clock.now_ms()).await? {
        return Err(Error::NotFound(format!("Relay does not exist: {name}; `/management/v1/relays` lists them")));
    }
    writer.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/management/v1/dead-letters", tag = "events", summary = "List events that nobody takes",
    params(("pageToken" = Option<String>, Query), ("pageSize" = Option<u32>, Query)),
    responses((status = 200, body = ListDeadLettersResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_dead_letters(
    State(app): State<Arc<App>>,
    caller: Caller,
    QueryOf(page): QueryOf<Page>,
) -> Result<Json<ListDeadLettersResponse>> {
    app.authorize_look(&caller, Action::ServerManage, Object::Server).await?;
    let limit = page.page_size.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE_MAX);
    let mut letters = app.store.dead_letters_page(page.page_token, limit + 1).await?;
    let more = letters.len() > limit as usize;
    letters.truncate(limit as usize);
    let next_page_token = letters.last().filter(|_| more).map(|letter| letter.id.to_string());
    let dead_letters = letters.into_iter().map(DeadLetterBody::new).collect::<Result<Vec<_>>>()?;
    Ok(Json(ListDeadLettersResponse { dead_letters, next_page_token }))
}

#[utoipa::path(delete, path = "/management/v1/dead-letters/{id}", tag = "events", summary = "Forget a dead letter",
    params(("id" = Uuid, Path)),
    responses((status = 204, description = "forgotten"), (status = "4XX", body = ErrorResponse)))]
pub async fn delete_dead_letter(State(app): State<Arc<App>>, caller: Caller, Ids(id): Ids<Uuid>) -> Result<StatusCode> {
    let permit = app.authorize(&caller, Action::ServerManage, Object::Server).await?;
    let mut writer = app.store.begin(&permit).await?;
    if !writer.delete_dead_letter(id).await? {
        return Err(Error::NotFound(format!("Dead letter does not exist: {id}")));
    }
    writer.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
