//! The server as a whole: what it is, how its first administrator takes it over.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::users::without_nul;
use crate::api::authorize::Object;
use crate::api::extract::JsonBody;
use crate::api::record::{Happened, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::ProjectId;
use crate::error::Error;
use crate::events::EventKind;
use crate::store::rows::{UpdatedWith, User, UserKind};
use crate::tasks::queue::Queue;

/// The release of Lakekeeper whose management API this one follows; its clients read it to know what to expect.
const CONTRACT_VERSION: &str = "0.13.0";

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ServerInfo {
    /// Always equal to `lakekeeper-version`; kept for clients that read the plain field.
    #[schema(deprecated)]
    pub version: &'static str,
    /// The release of Lakekeeper's management API that this server follows.
    pub lakekeeper_version: &'static str,
    /// The release of Weir itself.
    pub weir_version: &'static str,
    pub bootstrapped: bool,
    pub server_id: Uuid,
    /// The project of requests that name none.
    pub default_project_id: Option<String>,
    /// Who decides what callers may do.
    pub authz_backend: &'static str,
    pub aws_system_identities_enabled: bool,
    pub azure_system_identities_enabled: bool,
    pub gcp_system_identities_enabled: bool,
    /// The queues of background work.
    pub queues: Vec<&'static str>,
    pub license_status: LicenseStatus,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LicenseStatus {
    pub license_type: &'static str,
    pub valid: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BootstrapRequest {
    /// Must be true.
    pub accept_terms_of_use: bool,
    #[serde(default)]
    pub is_operator: bool,
    pub user_name: Option<String>,
    pub user_email: Option<String>,
    pub user_type: Option<UserType>,
}

/// What is behind a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserType {
    Human,
    Application,
}

/// The version of the contract, whether the server is bootstrapped, which queues work here.
#[utoipa::path(get, path = "/management/v1/info", tag = "server", operation_id = "get_server_info",
    summary = "Get Server Info", responses((status = 200, body = ServerInfo), (status = "4XX", body = ErrorResponse)))]
pub async fn get_server_info(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<ServerInfo>, Error> {
    app.authorize(&caller, Action::ServerDescribe, Object::Server).await?;
    let server = app.store.server().await?;
    Ok(Json(ServerInfo {
        version: CONTRACT_VERSION,
        lakekeeper_version: CONTRACT_VERSION,
        weir_version: env!("CARGO_PKG_VERSION"),
        bootstrapped: server.bootstrapped_at_ms.is_some(),
        server_id: server.id,
        default_project_id: Some(ProjectId::unnamed().as_str().to_owned()),
        authz_backend: app.authorization_name(),
        aws_system_identities_enabled: false,
        azure_system_identities_enabled: false,
        gcp_system_identities_enabled: false,
        queues: Queue::ALL.iter().map(|queue| queue.as_str()).collect(),
        license_status: LicenseStatus { license_type: "Apache-2.0", valid: true },
    }))
}

/// What the one who took the server over says of themselves; what is left out stays as the token says.
fn first_user(caller: &Caller, request: &BootstrapRequest, now_ms: i64) -> User {
    let identity = caller.identity();
    let told = if identity.is_application { UserKind::Application } else { UserKind::Human };
    User {
        id: identity.id.clone(),
        name: request.user_name.clone().or_else(|| identity.name.clone()).unwrap_or_else(|| identity.id.clone()),
        email: request.user_email.clone().or_else(|| identity.email.clone()),
        kind: request.user_type.map_or(told, UserKind::from),
        updated_with: UpdatedWith::Creation,
        created_at_ms: now_ms,
        updated_at_ms: Some(now_ms),
    }
}

/// Takes the server over, once; of two callers at the same time exactly one succeeds.
#[utoipa::path(post, path = "/management/v1/bootstrap", tag = "server", summary = "Bootstrap",
    request_body = BootstrapRequest,
    responses((status = 204, description = "bootstrapped"), (status = "4XX", body = ErrorResponse)))]
pub async fn bootstrap(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(request): JsonBody<BootstrapRequest>,
) -> Result<StatusCode, Error> {
    let permit = app.authorize(&caller, Action::ServerBootstrap, Object::Server).await?;
    if !request.accept_terms_of_use {
        return Err(Error::bad_request("to bootstrap the server, accept the terms: `\"accept-terms-of-use\": true`"));
    }
    without_nul("user-name", request.user_name.as_deref().unwrap_or_default())?;
    without_nul("user-email", request.user_email.as_deref().unwrap_or_default())?;
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    if !writer.bootstrap(now_ms).await? {
        return Err(Error::AlreadyBootstrapped(
            "the server was bootstrapped before, which is possible once; there is nothing left to do".into(),
        ));
    }
    super::projects::insert_default(&mut writer, now_ms).await?;
    if caller.identity().issuer.is_some() {
        writer.update_user(&first_user(&caller, &request, now_ms)).await?;
    }
    let kind = EventKind::ServerBootstrapped;
    let told = json!({
        "is-operator": request.is_operator,
        "user-name": request.user_name,
        "user-email": request.user_email,
        "user-type": request.user_type,
    });
    let happened = Happened { kind, warehouse: None, subject: "server".into(), data: told };
    record(&mut writer, &permit, happened, now_ms).await?;
    writer.commit().await?;
    app.tell_bootstrapped(&caller).await;
    Ok(StatusCode::NO_CONTENT)
}
