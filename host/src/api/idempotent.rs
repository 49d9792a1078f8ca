//! Requests that carry an `Idempotency-Key` happen once, however often they are sent.

use std::future::Future;

use axum::http::header::{CONTENT_TYPE, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::respond;
use super::tables::Shape;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ids::{TabularId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::Error;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{Idempotency, Tabular, TabularKind};

const HEADER: &str = "idempotency-key";

/// How an answer is given again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replay {
    /// Without a body.
    Empty,
    /// With this JSON text.
    Body(String),
    /// With the table as it is by then.
    #[serde(rename = "tabular")]
    Table(TabularId),
    /// With the table as it is by then, in the shape of a commit's answer.
    Committed(TabularId),
    /// With the view as it is by then.
    View(TabularId),
    /// With the metadata in this file: its table is in the catalog no more.
    Unregistered(Location),
    Refusal {
        kind: String,
        message: String,
    },
}

/// What is asked, as far as two requests with one key must agree.
pub struct Asked<'a> {
    warehouse: WarehouseId,
    /// The operation with the names in its path and its query.
    operation: String,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl Replay {
    pub fn loaded(kind: TabularKind, id: TabularId) -> Self {
        match kind {
            TabularKind::Table => Self::Table(id),
            TabularKind::View => Self::View(id),
        }
    }
}

impl<'a> Asked<'a> {
    pub fn new(warehouse: WarehouseId, operation: String, headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { warehouse, operation, headers, body }
    }

    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update((self.operation.len() as u64).to_be_bytes());
        hash.update(self.operation.as_bytes());
        hash.update(self.body);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// One request with (or, without the header, in place of) its key; the change records itself through it.
#[derive(Clone, Debug)]
pub struct Attempt {
    key: Option<Uuid>,
    caller: String,
    warehouse: WarehouseId,
    fingerprint: String,
    now_ms: i64,
    expires_at_ms: i64,
}

/// Runs `change` unless it has run before; then its answer is given again.
///
/// Successes are recorded by the change, in its own transaction ([`Attempt::record`]). Refusals that will not go away by
/// waiting are recorded here; 401, 403, 429 and 5xx never are.
pub async fn once<F, Fut>(app: &App, caller: &Caller, asked: Asked<'_>, change: F) -> Result<Response, Error>
where
    F: FnOnce(Attempt) -> Fut,
    Fut: Future<Output = Result<Response, Error>>,
{
    let now_ms = app.clock.now_ms();
    let key = key(asked.headers)?;
    let attempt = Attempt {
        key,
        caller: caller.id().to_owned(),
        warehouse: asked.warehouse,
        fingerprint: key.map(|_| asked.fingerprint()).unwrap_or_default(),
        now_ms,
        expires_at_ms: now_ms + app.config.catalog.idempotency_lifetime_ms(),
    };
    if let Some(row) = attempt.earlier(app).await? {
        return attempt.replay(app, caller, row, asked.headers).await;
    }
    let outcome = change(attempt.clone()).await;
    let Err(error) = &outcome else { return outcome };
    // What stood in the way may be the work of a first request with this key that has ended meanwhile. A refusal would
    // then be untrue, and a client would delete the files that its own commit has just brought in.
    if let Some(row) = attempt.overtaken(app, error).await {
        return attempt.replay(app, caller, row, asked.headers).await;
    }
    attempt.record_refusal(app, error).await;
    outcome
}

/// The header's key: absent or empty is none, two or none-UUIDs are refused.
fn key(headers: &HeaderMap) -> Result<Option<Uuid>, Error> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::bad_request("Idempotency-Key comes twice; send one"));
    }
    let text = value.to_str().map_err(|_| Error::bad_request("Idempotency-Key is not plain text: expected a UUID"))?;
    if text.is_empty() {
        return Ok(None);
    }
    Uuid::parse_str(text).map(Some).map_err(|_| {
        Error::BadRequest(format!("Idempotency-Key `{text}` is not a UUID; send a new UUIDv7 for each operation"))
    })
}

impl Attempt {
    pub fn warehouse(&self) -> WarehouseId {
        self.warehouse
    }

    /// What a request with this key was answered before, if that still counts.
    async fn earlier(&self, app: &App) -> Result<Option<Idempotency>, Error> {
        let Some(key) = self.key else { return Ok(None) };
        let row = app.store.idempotency(self.warehouse, &self.caller, &key.to_string()).await?;
        Ok(row.filter(|row| row.expires_at_ms > self.now_ms))
    }

    /// The same after `error`: what another request with this key has come to in the meantime.
    async fn overtaken(&self, app: &App, error: &Error) -> Option<Idempotency> {
        self.key?;
        let found = async {
            if matches!(error, Error::Conflict(_)) {
                // On SQLite the other one may wait for its flush still; an empty transaction ends no earlier.
                app.store.begin(&Permit::operator("idempotency")).await?.commit().await?;
            }
            self.earlier(app).await
        };
        found.await.unwrap_or_else(|problem| {
            tracing::warn!(error = %problem, "nobody knows whether an Idempotency-Key was answered meanwhile");
            None
        })
    }

    /// Records the change's success in the change's own transaction; `replay` says how to answer again.
    ///
    /// 409 where the same key is being used at this very moment.
    pub async fn record(&self, writer: &mut Writer, status: StatusCode, replay: Replay) -> Result<(), Error> {
        let Some(key) = self.key else { return Ok(()) };
        if writer.insert_idempotency(&self.row(key, status, &replay)?).await? {
            return Ok(());
        }
        Err(Error::Conflict(format!(
            "a request with Idempotency-Key {key} is still running; ask again when it is done"
        )))
    }

    fn row(&self, key: Uuid, status: StatusCode, replay: &Replay) -> Result<Idempotency, Error> {
        Ok(Idempotency {
            warehouse_id: self.warehouse,
            caller: self.caller.clone(),
            key: key.to_string(),
            request_digest: self.fingerprint.clone(),
            status: i32::from(status.as_u16()),
            answer: serde_json::to_vec(replay).map_err(Error::internal)?,
            created_at_ms: self.now_ms,
            expires_at_ms: self.expires_at_ms,
        })
    }

    /// A refusal that stays true is worth remembering; failing to do so loses nothing but the memory. In maintenance
    /// nothing is written, and what is refused then may be allowed later.
    async fn record_refusal(&self, app: &App, error: &Error) {
        let Some(key) = self.key else { return };
        let (status, kind) = respond::class(error);
        let lasting = matches!(status.as_u16(), 400 | 404 | 409 | 422) && !matches!(error, Error::Conflict(_));
        if !lasting || app.config.catalog.read_only {
            return;
        }
        let replay = Replay::Refusal { kind: kind.to_owned(), message: error.to_string() };
        let permit = Permit::operator("idempotency");
        let recorded = async {
            let mut writer = app.store.begin(&permit).await?;
            writer.insert_idempotency(&self.row(key, status, &replay)?).await?;
            writer.commit().await
        };
        if let Err(problem) = recorded.await {
            tracing::warn!(error = %problem, "an answer could not be kept for its Idempotency-Key");
        }
    }

    async fn replay(
        &self,
        app: &App,
        caller: &Caller,
        row: Idempotency,
        headers: &HeaderMap,
    ) -> Result<Response, Error> {
        if row.request_digest != self.fingerprint {
            return Err(Error::UnprocessableEntity(format!(
                "Idempotency-Key {} was used for another request; send a new key for each operation",
                row.key
            )));
        }
        let warehouse = app.warehouse(caller, self.warehouse).await?;
        // The first answer was whole, whatever its client knew.
        let mut headers = headers.clone();
        headers.remove(IF_NONE_MATCH);
        let status = u16::try_from(row.status).ok().and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or_else(|| Error::internal(anyhow::anyhow!("a stored status is {}", row.status)))?;
        match serde_json::from_slice(&row.answer).map_err(Error::internal)? {
            Replay::Empty => Ok(StatusCode::NO_CONTENT.into_response()),
            Replay::Body(body) => Ok((status, [(CONTENT_TYPE, "application/json")], body).into_response()),
            Replay::Table(id) => {
                let row = self.still_there(app, TabularKind::Table, id).await?;
                super::tables::answer_again(app, caller, (&row, Shape::Load), &headers).await
            }
            Replay::Committed(id) => {
                let row = self.still_there(app, TabularKind::Table, id).await?;
                super::tables::answer_again(app, caller, (&row, Shape::Commit), &headers).await
            }
            Replay::View(id) => {
                let row = self.still_there(app, TabularKind::View, id).await?;
                super::views::answer_load(app, caller, &row, &headers).await
            }
            Replay::Unregistered(file) => super::leave::answer_again(app, &warehouse, file, &headers).await,
            Replay::Refusal { kind, message } => Ok(respond::body(status, &kind, &message)),
        }
    }

    /// The row by now: a replay may answer with a newer state than the first answer did.
    async fn still_there(&self, app: &App, kind: TabularKind, id: TabularId) -> Result<Tabular, Error> {
        let what = if kind == TabularKind::Table { "Table" } else { "View" };
        let gone = || format!("{what} does not exist: it was there when this key was used first, then dropped");
        app.store.tabular_by_id(self.warehouse, id, false).await?.ok_or_else(|| match kind {
            TabularKind::Table => Error::NoSuchTable(gone()),
            TabularKind::View => Error::NoSuchView(gone()),
        })
    }
}
