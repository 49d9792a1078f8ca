//! Grants compared with the catalog: what plugins keep about things that are gone, or lie elsewhere now.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::api::authorize::Object as Asked;
use crate::app::App;
use crate::catalog::ids::{NamespaceId, ProjectId, TabularId, WarehouseId};
use crate::error::{Error, Result};
use crate::plugin::{Call, Guest, Object, Parent, PluginFault, Principal};

/// What was found.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Objects about which something is kept.
    pub known: usize,
    /// Those that the catalog does not have any more, `<plugin>: <kind>/<id>`.
    pub gone: Vec<String>,
}

/// Compares; where asked, has the plugins forget what is gone, mend their books of the rest.
///
/// Ids never come back, so what is not there now is gone for good, however long all this takes.
pub async fn reconcile(app: &App, repair: bool) -> Result<Reconciled> {
    let generation = app.plugins.current();
    let mut found = Reconciled::default();
    for member in generation.granters() {
        let guest = member.guest.as_ref();
        for known in known(app, guest).await? {
            found.known += 1;
            let (kind, id) = known.split_once('/').unwrap_or((&known, ""));
            let (change, object) = match object(app, kind, id).await? {
                Some(object) => ("present", object),
                None => {
                    found.gone.push(format!("{}: {known}", guest.name()));
                    ("dropped", bare(kind, id))
                }
            };
            if repair && guest.abilities().authorizer_events {
                guest.on_change(&call(app), change, &object, None).await.map_err(|fault| failed(guest, &fault))?;
            }
        }
    }
    Ok(found)
}

/// All of it before anything is changed, so that no page shifts under the reader.
async fn known(app: &App, guest: &Guest) -> Result<BTreeSet<String>> {
    let (mut all, mut cursor) = (BTreeSet::new(), None);
    loop {
        let page = guest.known_objects(&call(app), cursor.as_deref()).await.map_err(|fault| failed(guest, &fault))?;
        all.extend(page.0);
        cursor = page.1;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

/// The object as the catalog has it now; `None` where it is gone. An id of no form the catalog has never made.
async fn object(app: &App, kind: &str, id: &str) -> Result<Option<Object>> {
    let uuid = Uuid::try_parse(id).unwrap_or(Uuid::nil());
    let (project, warehouse, namespace, tabular);
    let asked = match kind {
        "project" => {
            project = match ProjectId::parse(id) {
                Ok(id) => app.store.project(&id).await?,
                Err(_) => None,
            };
            project.as_ref().map(Asked::Project)
        }
        "warehouse" => {
            warehouse = app.store.warehouse(WarehouseId(uuid)).await?;
            warehouse.as_ref().map(Asked::Warehouse)
        }
        "namespace" => {
            namespace = app.store.namespace_of_any_warehouse(NamespaceId(uuid)).await?;
            namespace.as_ref().map(Asked::Namespace)
        }
        "table" | "view" => {
            tabular =
                app.store.tabular_of_any_warehouse(TabularId(uuid)).await?.filter(|row| row.kind.as_str() == kind);
            tabular.as_ref().map(Asked::Tabular)
        }
        // What the catalog does not hold by itself is not for it to judge.
        _ => return Ok(Some(bare(kind, id))),
    };
    match asked {
        Some(asked) => app.fields(&asked).await.map(Some),
        None => Ok(None),
    }
}

fn bare(kind: &str, id: &str) -> Object {
    Object {
        kind: kind.to_owned(),
        id: id.to_owned(),
        project: Parent { id: String::new(), name: String::new() },
        warehouse: None,
        namespace: Vec::new(),
        name: String::new(),
        attributes: Vec::new(),
    }
}

fn call(app: &App) -> Call {
    Call {
        request_id: "reconcile".to_owned(),
        principal: Principal {
            id: "weir:reconcile".to_owned(),
            kind: "user".to_owned(),
            roles: Vec::new(),
            claims: Vec::new(),
        },
        now_ms: u64::try_from(app.clock.now_ms()).unwrap_or_default(),
        deadline_ms: 0,
    }
}

fn failed(guest: &Guest, fault: &PluginFault) -> Error {
    Error::unavailable(format_args!("the plugin `{}` could not be asked: {fault}", guest.name()))
}
