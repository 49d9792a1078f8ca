//! Remote signing: a client's request to the storage, examined, then signed with the key that the client never sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::authorize::{Access, missing};
use super::engines::Through;
use super::extract::{InWarehouse, JsonBody, OfTable, QueryOf, no_such_warehouse};
use super::vending::{Means, TablePlace};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{TabularId, WarehouseId};
use crate::catalog::scope::Verbs;
use crate::catalog::signing::{self, Examined};
use crate::error::Error;
use crate::plugin::storage::{SignRequest, Touched};
use crate::store::rows::{Tabular, TabularKind};

#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct RemoteSignRequest {
    pub region: String,
    pub uri: String,
    pub method: String,
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    pub headers: BTreeMap<String, Vec<String>>,
    /// Static properties of the configuration, which this catalog gives none of.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub properties: Option<BTreeMap<String, String>>,
    /// The body, where it names what is touched.
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub provider: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RemoteSignResult {
    pub uri: String,
    /// What the client adds to its request.
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    pub headers: BTreeMap<String, Vec<String>>,
}

/// `POST …/tables/{table}/sign`.
pub async fn table(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    QueryOf(through): QueryOf<Through>,
    JsonBody(request): JsonBody<RemoteSignRequest>,
) -> Result<Response, Error> {
    let acting = app.on_behalf(&caller, target.warehouse, through.views.as_deref()).await?;
    let row = app.table(&acting, target).await?;
    sign(&app, &acting, &row, &request).await
}

/// `POST /v1/signer/{prefix}/tabular-id/{id}/v1/aws/s3/sign`: the table by its id, as `s3.signer.endpoint` names it.
pub async fn tabular(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((warehouse, id)): Path<(String, Uuid)>,
    QueryOf(through): QueryOf<Through>,
    JsonBody(request): JsonBody<RemoteSignRequest>,
) -> Result<Response, Error> {
    let warehouse = warehouse.parse::<WarehouseId>().map_err(|_| no_such_warehouse(&warehouse))?;
    app.warehouse_if_there(&caller, warehouse).await?;
    let acting = app.on_behalf(&caller, warehouse, through.views.as_deref()).await?;
    let row = app.store.tabular_by_id(warehouse, TabularId(id), false).await?;
    let row = row.filter(|row| row.kind == TabularKind::Table).ok_or_else(|| missing::table(id))?;
    match sign(&app, &acting, &row, &request).await {
        // Whoever may not see the table must not learn its name from its id.
        Err(Error::NoSuchTable(_)) => Err(missing::table(id)),
        answer => answer,
    }
}

/// `POST /v1/{prefix}/v1/aws/s3/sign`, of clients that name no table: the key tells which one it is.
pub async fn warehouse(
    State(app): State<Arc<App>>,
    caller: Caller,
    InWarehouse(warehouse): InWarehouse,
    JsonBody(request): JsonBody<RemoteSignRequest>,
) -> Result<Response, Error> {
    by_key(&app, &caller, Some(warehouse), &request).await
}

/// `POST /v1/aws/s3/sign`, of clients that know nothing but the catalog's URI.
pub async fn anywhere(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(request): JsonBody<RemoteSignRequest>,
) -> Result<Response, Error> {
    by_key(&app, &caller, None, &request).await
}

/// What lies at a key that the caller may not see is answered as if nothing lay there.
async fn by_key(
    app: &App,
    caller: &Caller,
    warehouse: Option<WarehouseId>,
    request: &RemoteSignRequest,
) -> Result<Response, Error> {
    let nowhere = || Error::Forbidden("this request is not signed: no table lies there".to_owned());
    for place in signing::places(&request.uri) {
        if let Some(row) = app.store.table_around(warehouse, &place).await? {
            return match sign(app, caller, &row, request).await {
                Err(Error::NoSuchTable(_)) => Err(nowhere()),
                answer => answer,
            };
        }
    }
    Err(nowhere())
}

/// Who asks, what is touched, who allows it, what is signed.
async fn sign(app: &App, caller: &Caller, row: &Tabular, asked: &RemoteSignRequest) -> Result<Response, Error> {
    let (_permit, access) = app.authorize_load(caller, row).await?;
    let allowed = match access {
        Access::None => return Err(refused(caller, row, "read")),
        Access::Read => Verbs::Read,
        Access::ReadWrite => Verbs::ReadWrite,
    };
    if asked.provider.as_deref().is_some_and(|provider| provider != "s3") {
        return Err(Error::bad_request("only requests to `s3` are signed"));
    }
    let place = app.table_place(row, allowed).await?;
    let place =
        place.ok_or_else(|| Error::bad_request("the files of this table lie on a local disk: nothing is signed"))?;
    if !place.profile.remote_signing_enabled {
        return Err(Error::Forbidden("remote signing is switched off for this warehouse".to_owned()));
    }
    let examined = examine(asked, &place)?;
    if examined.verbs() == Verbs::ReadWrite {
        app.refuse_in_maintenance(Action::TableCommit)?;
    }
    if examined.verbs() == Verbs::ReadWrite && allowed == Verbs::Read {
        return Err(refused(caller, row, "write"));
    }
    let headers = signed(app, caller, &place, (asked, &examined)).await?;
    Ok(answer(asked, headers, &examined))
}

fn refused(caller: &Caller, row: &Tabular, what: &str) -> Error {
    Error::Forbidden(format!("{} may not {what} the files of {}.{}", caller.id(), row.namespace, row.name))
}

pub(super) fn examine(asked: &RemoteSignRequest, place: &TablePlace) -> Result<Examined, Error> {
    let headers: Vec<(String, String)> = asked
        .headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name.clone(), value.clone())))
        .collect();
    let request = signing::Request {
        method: &asked.method,
        uri: &asked.uri,
        region: &asked.region,
        headers: &headers,
        body: asked.body.as_deref().map(str::as_bytes),
    };
    let endpoints = place.endpoints();
    let at = signing::Place { location: &place.table.location, endpoints: &endpoints, region: &place.profile.region };
    signing::examine(&request, &at)
}

async fn signed(
    app: &App,
    caller: &Caller,
    place: &TablePlace,
    asked: (&RemoteSignRequest, &Examined),
) -> Result<Vec<(String, String)>, Error> {
    let means = app.means(caller, place, false).await?;
    signed_by(app, caller, (place, &means), asked).await
}

/// The headers that the plugin has the host compute for the one request that was examined.
pub(super) async fn signed_by(
    app: &App,
    caller: &Caller,
    (place, means): (&TablePlace, &Means<'_>),
    (asked, examined): (&RemoteSignRequest, &Examined),
) -> Result<Vec<(String, String)>, Error> {
    let secret = app.signing_key(place).await?;
    let secret = secret.ok_or_else(|| Error::Forbidden("this warehouse has no key to sign with".to_owned()))?;
    let request = SignRequest { method: asked.method.clone(), uri: asked.uri.clone(), region: asked.region.clone() };
    let touched = Touched {
        operation: examined.operation.as_str().to_owned(),
        keys: examined.keys.clone(),
        write: examined.verbs() == Verbs::ReadWrite,
        headers: examined.headers.clone(),
        payload_sha256: examined.payload_sha256.clone(),
    };
    let signed = means.guest.sign(&app.plugin_call(caller), &means.want, (&request, &touched), secret).await;
    signed.map_err(|fault| super::vending::unable(&means.guest, fault))
}

/// The client adds these headers to its own; one that it has already with the same value is not told again, because some
/// clients would send it twice.
fn answer(asked: &RemoteSignRequest, headers: Vec<(String, String)>, examined: &Examined) -> Response {
    let has = |name: &str, value: &str| {
        let same = |(other, values): (&String, &Vec<String>)| {
            other.eq_ignore_ascii_case(name) && values.iter().any(|other| other == value)
        };
        asked.headers.iter().any(same)
    };
    let headers = headers.into_iter().filter(|(name, value)| !has(name, value));
    let result = RemoteSignResult {
        uri: asked.uri.clone(),
        headers: headers.map(|(name, value)| (name, vec![value])).collect(),
    };
    let mut response = Json(result).into_response();
    // A signature to read may be used again by the same client while it is valid.
    let caching = if examined.operation.writes() { "no-cache" } else { "private" };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
