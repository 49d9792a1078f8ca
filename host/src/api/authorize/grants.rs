//! Grants that plugins keep: read, given, taken away.

use serde_json::{Value, json};

use super::object::Object;
use super::question::{Question, Wish, distinct};
use crate::api::record::{Happened, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::WarehouseId;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::permit::Permit;
use crate::plugin::{Call, Generation, Grant, Guest, GuestFault, Object as Fields, PluginFault};

/// As many grants on one object are read.
const GRANTS_MAX: usize = 10_000;
/// As many are given or taken with one request.
pub const CHANGES_MAX: usize = 100;

/// A privilege for somebody: `user:<id>` or `role:<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    pub principal: String,
    pub name: String,
}

impl App {
    /// What is granted on an object itself, not what is inherited.
    pub async fn grants_on(&self, caller: &Caller, question: Question<'_>) -> Result<Vec<Privilege>> {
        self.authorize_question(caller, &question).await?;
        let fields = self.fields(&question.object).await?;
        let (generation, call) = (self.plugins.current(), self.call(caller));
        let mut found = Vec::new();
        for guest in granters(&generation, &fields)? {
            let mut cursor = None;
            loop {
                let page =
                    guest.read_grants(&call, &fields, cursor.as_deref()).await.map_err(|fault| refused(&fault))?;
                found.extend(
                    page.0.into_iter().map(|grant| Privilege { principal: grant.principal, name: grant.privilege }),
                );
                if found.len() > GRANTS_MAX {
                    return Err(Error::Conflict(format!(
                        "more than {GRANTS_MAX} grants are kept on {}: grant to roles instead of users",
                        question.shown()
                    )));
                }
                cursor = page.1;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Gives and takes privileges, all of them or, where the caller may not do one of it, none. Who may is asked of the
    /// authorizers, one question for each privilege: nobody gives what he could not take (S23).
    pub async fn change_grants(
        &self,
        caller: &Caller,
        question: Question<'_>,
        add: &[Privilege],
        remove: &[Privilege],
    ) -> Result<()> {
        let names = distinct(add.iter().chain(remove).map(|privilege| privilege.name.as_str()));
        let questions: Vec<Question<'_>> = names
            .iter()
            .map(|&name| question.clone().wishing(Wish { privilege: Some(name), ..Wish::default() }))
            .collect();
        let permits = self.authorize_all(caller, &questions).await?;
        let Some(permit) = permits.into_iter().next() else {
            // Nothing to do is done; what the caller may not see stays hidden all the same.
            let sight = Action::sight(question.object.kind());
            return self.authorize_question(caller, &question.asking(sight)).await.map(|_| ());
        };
        let fields = self.fields(&question.object).await?;
        let (generation, call) = (self.plugins.current(), self.call(caller));
        let guest = granter(&granters(&generation, &fields)?, &call, &fields.kind, &names).await?;
        let grants = |some: &[Privilege]| -> Vec<Grant> { some.iter().map(|one| grant(one, &fields)).collect() };
        guest.write_grants(&call, &grants(add), &grants(remove)).await.map_err(|fault| refused(&fault))?;
        self.record_grants(&permit, &question.object, (add, remove)).await
    }

    async fn record_grants(
        &self,
        permit: &Permit,
        object: &Object<'_>,
        (add, remove): (&[Privilege], &[Privilege]),
    ) -> Result<()> {
        let told = |some: &[Privilege]| -> Value {
            some.iter().map(|one| json!({ "principal": one.principal, "privilege": one.name })).collect()
        };
        let (subject, warehouse) = subject(object);
        let data = json!({ "given": told(add), "taken": told(remove) });
        let happened = Happened { kind: EventKind::GrantsChanged, warehouse, subject, data };
        let mut writer = self.store.begin(permit).await?;
        record(&mut writer, permit, happened, self.clock.now_ms()).await?;
        writer.commit().await
    }
}

/// The plugins that keep grants on an object; without any there is nothing to read or to change.
fn granters<'a>(generation: &'a Generation, fields: &Fields) -> Result<Vec<&'a Guest>> {
    let governing = generation.granters().filter(|member| member.scope.governs(fields));
    let guests: Vec<&Guest> = governing.map(|member| member.guest.as_ref()).collect();
    if guests.is_empty() {
        return Err(Error::Unsupported(
            "no plugin here keeps grants: who may do what is decided by other rules; the plugin `openfga` keeps them"
                .into(),
        ));
    }
    Ok(guests)
}

/// The plugin that knows all of the privileges.
async fn granter<'a>(guests: &[&'a Guest], call: &Call, kind: &str, names: &[&str]) -> Result<&'a Guest> {
    let mut known = Vec::new();
    for guest in guests {
        let privileges = guest.privileges(call, kind).await.map_err(|fault| refused(&fault))?;
        if names.iter().all(|name| privileges.iter().any(|known| known == name)) {
            return Ok(guest);
        }
        known.extend(privileges);
    }
    Err(Error::BadRequest(format!(
        "`{}` are no privileges on a {kind} that one plugin keeps; there are `{}`",
        names.join("`, `"),
        known.join("`, `")
    )))
}

fn grant(privilege: &Privilege, object: &Fields) -> Grant {
    Grant { principal: privilege.principal.clone(), privilege: privilege.name.clone(), object: object.clone() }
}

fn refused(fault: &PluginFault) -> Error {
    match fault {
        PluginFault::Guest { kind: GuestFault::InvalidInput, message, .. } => Error::BadRequest(message.clone()),
        fault => {
            tracing::warn!(error = %fault, plugin.code = fault.code(), "a plugin that keeps grants gave no answer");
            let wait_s = u32::try_from(fault.retry_after().as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
            Error::Unavailable {
                message: format!("the grants cannot be reached now ({}); retry", fault.code()),
                retry_after_s: wait_s.clamp(1, 60),
            }
        }
    }
}

fn subject(object: &Object<'_>) -> (String, Option<WarehouseId>) {
    match object {
        Object::Server => ("server".into(), None),
        Object::Project(project) => (format!("project/{}", project.id), None),
        Object::Warehouse(warehouse) => (format!("warehouse/{}", warehouse.id), Some(warehouse.id)),
        Object::Namespace(row) => (format!("namespace/{}", row.id), Some(row.warehouse_id)),
        Object::Tabular(row) => (format!("{}/{}", row.kind.as_str(), row.id), Some(row.warehouse_id)),
        Object::Role(role) => (format!("role/{}", role.id), None),
        Object::Absent { kind, .. } => (kind.as_str().into(), None),
    }
}
