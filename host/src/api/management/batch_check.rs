//! Many questions in one request, in the words of Lakekeeper's API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::action_names::known;
use super::named_objects::{Found, ObjectName, is_absence};
use super::permissions::may_explain;
use super::users::without_nul;
use crate::api::authorize::{Asker, Object, Question};
use crate::api::extract::JsonBody;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::{Action, Kind};
use crate::error::{Error, Result};
use crate::plugin::chain::Outcome;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CatalogActionsBatchCheckRequest {
    /// At most 1,000.
    pub checks: Vec<CatalogActionCheckItem>,
    /// Whether something that is not there is a 404 for all; it counts as denied when left out.
    #[serde(default)]
    pub error_on_not_found: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct CatalogActionCheckItem {
    /// Comes back with the answer; the place in the list when left out.
    pub id: Option<String>,
    /// Whom the check is about; the caller when left out. About others only those may ask who may explain.
    pub identity: Option<UserOrRole>,
    pub operation: CatalogActionCheckOperation,
}

/// Exactly one of both.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub struct UserOrRole {
    pub user: Option<String>,
    pub role: Option<Uuid>,
}

/// The kind of the object with its name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CatalogActionCheckOperation {
    Server(CheckedAction),
    Project(CheckedAction),
    Warehouse(CheckedAction),
    Namespace(CheckedAction),
    Table(CheckedAction),
    View(CheckedAction),
    /// There are none here, so whatever is asked of one is denied.
    GenericTable {},
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckedAction {
    pub action: ActionName,
    #[serde(flatten)]
    pub object: ObjectName,
}

/// The name of an action, by itself or as a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ActionName {
    Plain(String),
    Tagged { action: String },
}

#[derive(Serialize, ToSchema)]
pub struct CatalogActionsBatchCheckResponse {
    pub results: Vec<CatalogActionsBatchCheckResult>,
}

#[derive(Serialize, ToSchema)]
pub struct CatalogActionsBatchCheckResult {
    pub id: Option<String>,
    pub allowed: bool,
}

const CHECKS_MAX: usize = 1_000;

#[utoipa::path(post, path = "/management/v1/action/batch-check", tag = "authorization",
    summary = "Batch Check Catalog Actions", request_body = CatalogActionsBatchCheckRequest,
    responses((status = 200, body = CatalogActionsBatchCheckResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn batch_check(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(request): JsonBody<CatalogActionsBatchCheckRequest>,
) -> Result<Json<CatalogActionsBatchCheckResponse>> {
    if request.checks.len() > CHECKS_MAX {
        return Err(Error::BadRequest(format!(
            "one request holds at most {CHECKS_MAX} checks, found {}",
            request.checks.len()
        )));
    }
    let mut found = Vec::with_capacity(request.checks.len());
    for check in &request.checks {
        found.push(find(&app, &caller, check, request.error_on_not_found).await?);
    }
    if request.error_on_not_found {
        refuse_hidden(&app, &caller, &request.checks, &found).await?;
    }
    let mut allowed = vec![false; request.checks.len()];
    for about in identities(&request.checks) {
        let asker = asker(&app, &caller, about).await?;
        let places: Vec<usize> = (0..found.len())
            .filter(|at| request.checks[*at].identity.as_ref() == about && found[*at].is_some())
            .collect();
        let questions: Vec<Question<'_>> = places
            .iter()
            .filter_map(|at| found[*at].as_ref())
            .map(|(action, found)| Question::new(*action, found.object()))
            .collect();
        let outcomes = app.outcomes_for(&caller, &asker, &questions).await?;
        for (at, outcome) in places.into_iter().zip(outcomes) {
            let is_there = found[at].as_ref().is_some_and(|(_, found)| found.is_there());
            allowed[at] = decided(outcome)? && is_there;
        }
    }
    let results = request.checks.into_iter().zip(allowed).enumerate().map(|(at, (check, allowed))| {
        CatalogActionsBatchCheckResult { id: Some(check.id.unwrap_or_else(|| at.to_string())), allowed }
    });
    Ok(Json(CatalogActionsBatchCheckResponse { results: results.collect() }))
}

/// What cannot be decided is neither yes nor no.
pub fn decided(outcome: Outcome) -> Result<bool> {
    match outcome {
        Outcome::Allow => Ok(true),
        Outcome::Deny => Ok(false),
        Outcome::Unable(silence) => {
            Err(Error::unavailable(format_args!("the checks could not be decided ({}); retry", silence.code)))
        }
    }
}

/// The action with its object; `None` where it is denied without a look at any rule. What is not there is asked about,
/// too: an authorizer that is slow or broken would tell it from what is hidden.
async fn find(
    app: &App,
    caller: &Caller,
    check: &CatalogActionCheckItem,
    error_on_not_found: bool,
) -> Result<Option<(Action, Found)>> {
    let Some((kind, checked)) = check.operation.parts() else { return Ok(None) };
    let name = checked.action.name();
    let known =
        known(kind, name).ok_or_else(|| Error::BadRequest(format!("`{name}` is no action on a {}", kind.as_str())))?;
    if check.identity.is_some() {
        may_explain(app, caller, kind, &checked.object).await?;
    }
    match checked.object.find(app, kind).await {
        Ok(found) => Ok(known.map(|action| (action, found))),
        Err(error) if is_absence(&error) => {
            let absent = match app.plugins.authorizers().decides() {
                true => checked.object.absent(app, kind).await?,
                false => None,
            };
            if !error_on_not_found {
                let asked = known.and(absent);
                return Ok(asked.map(|absent| (Action::sight(absent.object().kind()), absent)));
            }
            if let Some(absent) = &absent {
                app.sees(caller, &[absent.object()]).await?;
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// What the caller may not see is as little found as what is not there.
async fn refuse_hidden(
    app: &App,
    caller: &Caller,
    checks: &[CatalogActionCheckItem],
    found: &[Option<(Action, Found)>],
) -> Result<()> {
    let named = checks.iter().zip(found).filter_map(|(check, found)| {
        let object = found.as_ref()?.1.object();
        let id = check.operation.parts().and_then(|(kind, checked)| checked.object.id(kind));
        let question = Question::new(Action::sight(object.kind()), object);
        Some(id.map_or_else(|| question.clone(), |id| question.clone().by_id(id)))
    });
    let named: Vec<Question<'_>> = named.filter(|question| !matches!(question.object, Object::Server)).collect();
    let objects: Vec<Object<'_>> = named.iter().map(|question| question.object).collect();
    let seen = app.sees(caller, &objects).await?;
    match named.iter().zip(seen).find(|(_, seen)| !seen) {
        Some((hidden, _)) => Err(hidden.hidden()),
        None => Ok(()),
    }
}

/// Everybody whom the checks are about, each once.
fn identities(checks: &[CatalogActionCheckItem]) -> Vec<Option<&UserOrRole>> {
    let mut identities = Vec::new();
    for check in checks {
        if !identities.contains(&check.identity.as_ref()) {
            identities.push(check.identity.as_ref());
        }
    }
    identities
}

async fn asker(app: &App, caller: &Caller, identity: Option<&UserOrRole>) -> Result<Asker> {
    match identity {
        None => Ok(Asker::caller(caller)),
        Some(identity) => for_identity(app, identity.user.as_deref(), identity.role).await,
    }
}

/// Somebody else: a user in the roles that the catalog keeps for them, or a role. What only their tokens say is not known.
pub async fn for_identity(app: &App, user: Option<&str>, role: Option<Uuid>) -> Result<Asker> {
    match (user, role) {
        (Some(user), None) => {
            without_nul("user", user)?;
            let held = app.store.roles_held(user, "", &[]).await?;
            let roles = held.iter().map(ToString::to_string).collect();
            Ok(Asker { id: user.to_owned(), kind: "user".into(), roles, claims: Vec::new() })
        }
        (None, Some(role)) => {
            let id = role.to_string();
            Ok(Asker { roles: vec![id.clone()], id, kind: "role".into(), claims: Vec::new() })
        }
        _ => Err(Error::bad_request("an identity has either `user` or `role`")),
    }
}

impl CatalogActionCheckOperation {
    fn parts(&self) -> Option<(Kind, &CheckedAction)> {
        match self {
            Self::Server(checked) => Some((Kind::Server, checked)),
            Self::Project(checked) => Some((Kind::Project, checked)),
            Self::Warehouse(checked) => Some((Kind::Warehouse, checked)),
            Self::Namespace(checked) => Some((Kind::Namespace, checked)),
            Self::Table(checked) => Some((Kind::Table, checked)),
            Self::View(checked) => Some((Kind::View, checked)),
            Self::GenericTable {} => None,
        }
    }
}

impl ActionName {
    fn name(&self) -> &str {
        match self {
            Self::Plain(name) | Self::Tagged { action: name } => name,
        }
    }
}
