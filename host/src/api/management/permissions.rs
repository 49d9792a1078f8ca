//! Why somebody may or may not do something: what each authorizer of the chain says.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErrorResponse;
use super::named_objects::ObjectName;
use crate::api::authorize::{Asker, Explained, Object, Question, Wish};
use crate::api::extract::JsonBody;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::{Action, Kind};
use crate::catalog::ident::Namespace;
use crate::error::{Error, Result};
use crate::plugin::chain::{Opinion, Outcome, Word};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ExplainRequest {
    /// Whom the question is about; the caller when left out.
    pub principal: Option<PrincipalName>,
    /// An action of the catalogue, e.g. `table:commit`.
    pub action: String,
    #[serde(default)]
    pub object: ObjectName,
    /// What the request in question would wish, as far as a policy looks at it.
    #[serde(default)]
    pub wish: WishedFor,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PrincipalName {
    pub id: String,
    /// `user` when left out.
    pub kind: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
}

/// The attributes that a request carries beyond its object; see the catalogue of actions.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct WishedFor {
    pub update_kinds: Vec<String>,
    pub refs: Vec<String>,
    pub changed_properties: Vec<String>,
    pub new_name: Option<String>,
    pub new_namespace: Option<Vec<String>>,
    pub force: Option<bool>,
    pub purge: Option<bool>,
    pub recursive: Option<bool>,
    pub privilege: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ExplainResponse {
    /// The answer to the action: `allow`, `deny`, or `error` where it cannot be decided.
    pub verdict: &'static str,
    /// What a request would be answered: `allowed`, `forbidden` (403), `hidden` (404) or `undecided` (503, on commits
    /// 429).
    pub answer: &'static str,
    /// The host's own rule, where it decides before any authorizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_rule: Option<&'static str>,
    pub generation: u64,
    /// What each authorizer says to the action, in the order of the chain.
    pub authorizers: Vec<AuthorizerOpinion>,
    /// What each says to the question whether the object may be seen.
    pub sight: Vec<AuthorizerOpinion>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AuthorizerOpinion {
    pub plugin: String,
    pub digest: String,
    /// `enforce` or `shadow`.
    pub mode: &'static str,
    /// `allow`, `deny`, `abstain`, `error`, or `out-of-scope` where it is not asked about such an object.
    pub verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it gave no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

#[utoipa::path(post, path = "/management/v1/permissions/explain", tag = "authorization",
    summary = "Explain what a principal may do, and who decides it", request_body = ExplainRequest,
    responses((status = 200, body = ExplainResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn explain(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(request): JsonBody<ExplainRequest>,
) -> Result<Json<ExplainResponse>> {
    let action = Action::parse(&request.action).ok_or_else(|| {
        Error::BadRequest(format!("`{}` is no action; the catalogue of actions names them all", request.action))
    })?;
    may_explain(&app, &caller, action.kind(), &request.object).await?;
    let found = request.object.find(&app, action.kind()).await?;
    let namespace = request.wish.new_namespace.clone().map(Namespace::parse).transpose()?;
    let asker = request.principal.map_or_else(|| Asker::caller(&caller), Asker::from);
    let questions = [
        Question::new(action, found.object()).wishing(request.wish.of(namespace.as_ref())),
        Question::new(Action::sight(action.kind()), found.object()),
    ];
    let mut explained = app.explain(&caller, &asker, &questions).await?.into_iter();
    match (explained.next(), explained.next()) {
        (Some(verdict), Some(sight)) => Ok(Json(ExplainResponse::new(verdict, sight))),
        _ => Err(Error::internal(anyhow::anyhow!("two questions have two explanations"))),
    }
}

/// Whoever manages the server may see all reasons; others those of a warehouse that they may explain.
pub async fn may_explain(app: &App, caller: &Caller, kind: Kind, object: &ObjectName) -> Result<()> {
    let refused = match app.authorize_look(caller, Action::ServerManage, Object::Server).await {
        Ok(()) => return Ok(()),
        Err(error @ (Error::Unavailable { .. } | Error::Internal(_))) => return Err(error),
        Err(refused) => refused,
    };
    if matches!(kind, Kind::Server | Kind::Project | Kind::Role) {
        return Err(refused);
    }
    let warehouse = app.warehouse_if_there(caller, object.warehouse_id()?).await?;
    app.authorize(caller, Action::WarehouseExplain, Object::Warehouse(&warehouse)).await.map(|_| ())
}

impl From<PrincipalName> for Asker {
    fn from(name: PrincipalName) -> Self {
        Self { id: name.id, kind: name.kind.unwrap_or_else(|| "user".into()), roles: name.roles, claims: Vec::new() }
    }
}

impl WishedFor {
    fn of<'a>(&'a self, namespace: Option<&'a Namespace>) -> Wish<'a> {
        fn texts(list: &[String]) -> Vec<&str> {
            list.iter().map(String::as_str).collect()
        }
        Wish {
            update_kinds: texts(&self.update_kinds),
            refs: texts(&self.refs),
            changed_properties: texts(&self.changed_properties),
            name: self.new_name.as_deref(),
            namespace,
            force: self.force,
            purge: self.purge,
            recursive: self.recursive,
            privilege: self.privilege.as_deref(),
        }
    }
}

impl ExplainResponse {
    fn new(verdict: Explained, sight: Explained) -> Self {
        let answer = match (&verdict.outcome, &sight.outcome) {
            (Outcome::Allow, _) => "allowed",
            (_, Outcome::Deny) => "hidden",
            (Outcome::Unable(_), _) | (_, Outcome::Unable(_)) => "undecided",
            (Outcome::Deny, Outcome::Allow) => "forbidden",
        };
        Self {
            verdict: verdict.outcome.as_str(),
            answer,
            host_rule: verdict.ruled,
            generation: verdict.generation,
            authorizers: verdict.opinions.into_iter().map(AuthorizerOpinion::from).collect(),
            sight: sight.opinions.into_iter().map(AuthorizerOpinion::from).collect(),
        }
    }
}

impl From<Opinion> for AuthorizerOpinion {
    fn from(opinion: Opinion) -> Self {
        let voice = opinion.voice;
        let code = voice.as_ref().and_then(|voice| match &voice.word {
            Word::Silent(silence) => Some(silence.code),
            _ => None,
        });
        Self {
            plugin: opinion.plugin,
            digest: opinion.digest,
            mode: if opinion.shadow { "shadow" } else { "enforce" },
            verdict: voice.as_ref().map_or("out-of-scope", |voice| voice.word.as_str()),
            code,
            rule: voice.as_ref().and_then(|voice| voice.rule.clone()),
            reason: voice.and_then(|voice| voice.reason),
        }
    }
}
