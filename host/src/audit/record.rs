//! One decision in the words of the audit.

use std::io;

use serde::Serialize;
use uuid::Uuid;

/// One decision. No token is part of it, nor is any value that a request carries: only names.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// Who is accountable; `unknown` where no token was believed.
    pub caller: String,
    pub caller_kind: &'static str,
    /// Who vouched for the caller, by the name in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The program that the token was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The trusted engine whose program that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// The token's own name for itself (`jti`), which proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// As whom the caller asked: an assumed role, the owner of a view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acting_as: Option<String>,
    pub action: String,
    pub object_kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    pub object: String,
    #[serde(skip_serializing_if = "Wished::is_empty")]
    pub wished: Wished,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What was decided, by whom.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// `allow`, `deny`, or `error` where it could not be decided.
    pub verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The plugin whose word it was; none where the host decided by itself, or where nobody spoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Why it could not be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

/// What the request said beyond its object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Wished {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privilege: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purge: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recursive: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_kinds: Vec<String>,
}

impl Wished {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A record with the request that asked, and what became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// The id of its event, however often it is stored: with the change, then with the answer.
    #[serde(skip)]
    pub id: Uuid,
    /// In RFC 3339.
    pub at: String,
    pub request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_address: Option<String>,
    /// As the client calls itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
    #[serde(flatten)]
    pub record: Record,
    /// The status of the answer; `abandoned` where the client did not wait for it, so that nobody can say; `committed` where
    /// the record was stored with the change that it allowed.
    pub outcome: String,
}

impl Entry {
    /// One line of JSON.
    pub fn line(&self) -> io::Result<String> {
        serde_json::to_string(self).map_err(io::Error::other)
    }

    pub(super) fn log(&self) {
        let Record { caller, action, object, verdict, .. } = &self.record;
        tracing::info!(
            target: "weir::audit",
            outcome = self.outcome,
            request.id = self.request_id,
            client.address = self.client_address,
            user_agent = self.user_agent,
            caller.id = caller,
            caller.kind = self.record.caller_kind,
            caller.issuer = self.record.issuer,
            caller.client = self.record.client,
            caller.engine = self.record.engine,
            caller.token_id = self.record.token_id,
            caller.acting_as = self.record.acting_as,
            action,
            object,
            object.kind = self.record.object_kind,
            object.id = self.record.object_id,
            verdict = verdict.verdict,
            rule = verdict.rule,
            plugin.name = verdict.plugin,
            plugin.digest = verdict.digest,
            plugin.code = verdict.code,
            "{caller} {}: {action} on {object}, answered {}", verdict.verdict, self.outcome
        );
    }
}
