//! Events as plugins hear them: what happened to which object, who did it.

use serde::Deserialize;
use uuid::Uuid;

use crate::api::authorize::Object as Asked;
use crate::app::App;
use crate::catalog::ids::{NamespaceId, ProjectId, WarehouseId};
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::plugin::{Call, Object, Parent, Principal};
use crate::store::rows::Event;

/// One change.
pub struct Change {
    pub call: Call,
    pub what: &'static str,
    pub object: Object,
    pub before: Option<Object>,
}

/// The parts of a body that name the object.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    data: Names,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Names {
    name: String,
    project_id: String,
    namespace: Vec<String>,
    namespace_ids: Vec<Uuid>,
    to: Option<Box<Names>>,
}

/// The changes that an event tells of; none for what no authorizer has to know.
pub async fn of(app: &App, event: &Event) -> Result<Vec<Change>> {
    let kind = EventKind::parse(&event.kind);
    if kind == Some(EventKind::NamespaceMoved) {
        return of_moved_namespace(app, event).await;
    }
    let Some(what) = kind.and_then(word) else { return Ok(Vec::new()) };
    let body: Body = serde_json::from_str(&event.body).map_err(Error::internal)?;
    let object = object(app, event, &body.data).await?;
    let (what, object, before) = match &body.data.to {
        Some(to) if what == "renamed" => {
            let moved = to.namespace_ids != body.data.namespace_ids;
            let after = Object { name: to.name.clone(), namespace: parents(to), ..object.clone() };
            (if moved { "moved" } else { what }, after, Some(object))
        }
        _ => (what, object, None),
    };
    // What the host does by itself makes nobody an owner.
    if what == "created" && body.actor.starts_with("weir:") {
        return Ok(Vec::new());
    }
    Ok(vec![Change { call: call(event, body.actor), what, object, before }])
}

fn call(event: &Event, actor: String) -> Call {
    Call {
        request_id: event.id.to_string(),
        principal: Principal { id: actor, kind: "user".to_owned(), roles: Vec::new(), claims: Vec::new() },
        now_ms: u64::try_from(event.at_ms).unwrap_or_default(),
        deadline_ms: 0,
    }
}

/// A namespace takes with it what lies in it: each of that has moved, to where it lies now. What was dropped meanwhile has
/// an event of its own.
async fn of_moved_namespace(app: &App, event: &Event) -> Result<Vec<Change>> {
    let id = event.subject.strip_prefix("namespace/").and_then(|id| Uuid::try_parse(id).ok());
    let row = match id {
        Some(id) => app.store.namespace_of_any_warehouse(NamespaceId(id)).await?,
        None => None,
    };
    let Some(row) = row else { return Ok(Vec::new()) };
    let subtree = app.store.subtree(row.warehouse_id, &row.path).await?;
    let namespaces = subtree.namespaces.iter().map(Asked::Namespace);
    let mut changes = Vec::new();
    for asked in namespaces.chain(subtree.tabulars.iter().map(Asked::Tabular)) {
        let object = app.fields(&asked).await?;
        changes.push(Change { call: call(event, "weir:relay".to_owned()), what: "moved", object, before: None });
    }
    Ok(changes)
}

/// The word for a change that concerns who may do what.
fn word(kind: EventKind) -> Option<&'static str> {
    use EventKind as E;
    Some(match kind {
        E::ServerBootstrapped => "bootstrapped",
        E::ProjectCreated | E::WarehouseCreated | E::NamespaceCreated => "created",
        E::TableCreated | E::TableRegistered | E::ViewCreated | E::ViewRegistered => "created",
        E::ProjectRenamed | E::TableRenamed | E::ViewRenamed => "renamed",
        E::TableSoftDeleted | E::ViewSoftDeleted => "soft-deleted",
        E::TableUndropped | E::ViewUndropped => "undropped",
        E::ProjectDeleted | E::WarehouseDeleted | E::NamespaceDropped | E::TableDropped | E::ViewDropped => "dropped",
        _ => return None,
    })
}

async fn object(app: &App, event: &Event, data: &Names) -> Result<Object> {
    let (kind, id) = event.subject.split_once('/').unwrap_or((event.subject.as_str(), ""));
    let warehouse = match event.warehouse_id {
        Some(id) => Some(place(app, id).await?),
        None => None,
    };
    let mut object = Object {
        kind: kind.to_owned(),
        id: id.to_owned(),
        project: Parent { id: String::new(), name: String::new() },
        warehouse: None,
        namespace: Vec::new(),
        name: data.name.clone(),
        attributes: Vec::new(),
    };
    match kind {
        "warehouse" => object.project = project(app, &data.project_id).await?,
        "namespace" => {
            object.namespace = parents(data);
            object.name = object.namespace.pop().map(|parent| parent.name).unwrap_or_default();
        }
        _ => object.namespace = parents(data),
    }
    if let Some((above, itself)) = warehouse.filter(|_| kind != "warehouse") {
        (object.project, object.warehouse) = (above, Some(itself));
    }
    Ok(object)
}

fn parents(names: &Names) -> Vec<Parent> {
    let pairs = names.namespace_ids.iter().zip(&names.namespace);
    pairs.map(|(id, name)| Parent { id: id.to_string(), name: name.clone() }).collect()
}

/// A warehouse with its project, as far as they are still there.
async fn place(app: &App, id: WarehouseId) -> Result<(Parent, Parent)> {
    match app.store.warehouse(id).await? {
        Some(row) => {
            let above = project(app, row.project_id.as_str()).await?;
            Ok((above, Parent { id: id.to_string(), name: row.name }))
        }
        None => {
            Ok((Parent { id: String::new(), name: String::new() }, Parent { id: id.to_string(), name: String::new() }))
        }
    }
}

async fn project(app: &App, id: &str) -> Result<Parent> {
    let name = match ProjectId::parse(id) {
        Ok(id) => app.store.project(&id).await?.map(|row| row.name).unwrap_or_default(),
        Err(_) => String::new(),
    };
    Ok(Parent { id: id.to_owned(), name })
}
