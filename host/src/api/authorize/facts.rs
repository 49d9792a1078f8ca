//! Rows as authorizers see them: an object with all above it, by id with name, with the attributes of the action.

use serde_json::Value as Json;

use super::object::{Object, Within};
use super::places::Place;
use super::question::Question;
use crate::api::documents::Snapshots;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Fact;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::NamespaceId;
use crate::catalog::view::ViewMetadata;
use crate::error::Error;
use crate::plugin::{Attribute, Call, Check, Object as Fields, Parent, Principal, Value};
use crate::store::rows::{NamespaceRow, Properties, TabularKind};

impl App {
    /// Who asks when. The deadline is each plugin's own.
    pub(in crate::api) fn call(&self, caller: &Caller) -> Call {
        Call {
            request_id: caller.request_id().to_owned(),
            principal: self.principal(caller),
            now_ms: u64::try_from(self.clock.now_ms()).unwrap_or_default(),
            deadline_ms: 0,
        }
    }

    /// The same for plugins of other kinds.
    pub(in crate::api) fn plugin_call(&self, caller: &Caller) -> Call {
        self.call(caller)
    }

    /// An object with all above it, without the attributes of an action.
    pub(in crate::api) async fn object_for_plugins(&self, object: &Object<'_>) -> Result<Fields, Error> {
        self.fields(object).await
    }

    fn principal(&self, caller: &Caller) -> Principal {
        let shows_claims = self.plugins.current().shows_claims();
        Principal {
            id: caller.principal_id().to_owned(),
            kind: caller.kind().as_str().to_owned(),
            roles: caller.roles().to_vec(),
            claims: if shows_claims { claims(caller) } else { Vec::new() },
        }
    }

    /// The question as it crosses to the authorizers.
    pub(super) async fn check(&self, question: &Question<'_>) -> Result<Check, Error> {
        let mut object = self.fields(&question.object).await?;
        object.attributes = self.attributes(question).await?;
        Ok(Check { action: question.action.as_str().to_owned(), object })
    }

    /// The object as contracts see it: with what its row says, for its properties are in the change.
    pub(in crate::api) async fn subject(&self, object: &Object<'_>) -> Result<Fields, Error> {
        let mut fields = self.fields(object).await?;
        let told = [Fact::Protected, Fact::Location, Fact::FormatVersion].map(|fact| (fact, of_object(fact, object)));
        let attribute =
            |(fact, value): (Fact, Option<Value>)| Some(Attribute { key: fact.key().to_owned(), value: value? });
        fields.attributes = told.into_iter().filter_map(attribute).collect();
        Ok(fields)
    }

    /// The object as authorizers are told of it, without attributes.
    pub async fn fields(&self, object: &Object<'_>) -> Result<Fields, Error> {
        let kind = object.kind().as_str().to_owned();
        let place = |place: &Place, namespace, id, name| Fields {
            kind: kind.clone(),
            id,
            project: place.project.clone(),
            warehouse: Some(place.warehouse.clone()),
            namespace,
            name,
            attributes: Vec::new(),
        };
        Ok(match object {
            Object::Server => in_project(kind, nowhere(), (String::new(), String::new())),
            Object::Project(project) => {
                in_project(kind, nowhere(), (project.id.as_str().to_owned(), project.name.clone()))
            }
            Object::Warehouse(warehouse) => {
                let above = self.authorization.places.of_row(&self.store, warehouse).await?;
                in_project(kind, above.project.clone(), (above.warehouse.id.clone(), above.warehouse.name.clone()))
            }
            Object::Namespace(row) => {
                let above = self.place_of(row).await?;
                let mut path = parents(&row.lineage, &row.path);
                path.pop();
                place(&above, path, row.id.to_string(), row.path.name().to_owned())
            }
            Object::Tabular(row) => {
                let above = self.authorization.places.of(&self.store, row.warehouse_id, row.warehouse_version).await?;
                place(&above, parents(&row.lineage, &row.namespace), row.id.to_string(), row.name.clone())
            }
            Object::Role(role) => {
                let project = Parent { id: role.project_id.as_str().to_owned(), name: String::new() };
                in_project(kind, project, (role.id.to_string(), role.name.clone()))
            }
            Object::Absent { name, within, .. } => {
                let name = (*name).to_owned();
                match within {
                    Within::Server => in_project(kind, nowhere(), (String::new(), name)),
                    Within::Project(id) => {
                        let project = Parent { id: id.as_str().to_owned(), name: String::new() };
                        in_project(kind, project, (String::new(), name))
                    }
                    Within::Warehouse(warehouse) => {
                        let above = self.authorization.places.of_row(&self.store, warehouse).await?;
                        place(&above, Vec::new(), String::new(), name)
                    }
                    Within::Namespace(row) => {
                        let above = self.place_of(row).await?;
                        place(&above, parents(&row.lineage, &row.path), String::new(), name)
                    }
                }
            }
        })
    }

    pub(super) async fn place_of(&self, row: &NamespaceRow) -> Result<std::sync::Arc<Place>, Error> {
        self.authorization.places.of(&self.store, row.warehouse_id, row.warehouse_version).await
    }

    async fn attributes(&self, question: &Question<'_>) -> Result<Vec<Attribute>, Error> {
        let mut attributes = Vec::new();
        for fact in question.action.facts() {
            if *fact == Fact::Properties {
                self.add_properties(&mut attributes, &question.object).await?;
            } else if let Some(value) = of_object(*fact, &question.object).or_else(|| of_wish(*fact, question)) {
                attributes.push(Attribute { key: fact.key().to_owned(), value });
            }
        }
        Ok(attributes)
    }

    async fn add_properties(&self, attributes: &mut Vec<Attribute>, object: &Object<'_>) -> Result<(), Error> {
        let mut add = |properties: &Properties| {
            attributes.extend(properties.iter().map(|(key, value)| Attribute {
                key: format!("{}{key}", Fact::Properties.key()),
                value: Value::Text(value.clone()),
            }));
        };
        match object {
            Object::Namespace(row) => add(&row.properties),
            Object::Tabular(row) => {
                let cached = self.document_even_if_deleted(row).await?;
                match row.kind {
                    TabularKind::Table => add(cached.parsed()?.properties()),
                    TabularKind::View => add(ViewMetadata::parse(&cached.plain(Snapshots::All)?)?.properties()),
                }
            }
            Object::Server | Object::Project(_) | Object::Warehouse(_) | Object::Role(_) | Object::Absent { .. } => {}
        }
        Ok(())
    }
}

/// The claims of the caller's token as attributes; what has no plain value travels as its JSON.
pub(super) fn claims(caller: &Caller) -> Vec<Attribute> {
    let claims = caller.claims().into_iter().flatten();
    claims.map(|(key, value)| Attribute { key: key.clone(), value: claim(value) }).collect()
}

fn claim(value: &Json) -> Value {
    let texts = |items: &[Json]| items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    match value {
        Json::String(text) => Value::Text(text.clone()),
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Text(number.to_string()), Value::Integer),
        Json::Array(items) => texts(items).map_or_else(|| Value::Text(value.to_string()), Value::Texts),
        Json::Null | Json::Object(_) => Value::Text(value.to_string()),
    }
}

fn nowhere() -> Parent {
    Parent { id: String::new(), name: String::new() }
}

fn in_project(kind: String, project: Parent, (id, name): (String, String)) -> Fields {
    Fields { kind, id, project, warehouse: None, namespace: Vec::new(), name, attributes: Vec::new() }
}

/// A namespace from the top down, each part with its id.
pub(super) fn parents(lineage: &[NamespaceId], path: &Namespace) -> Vec<Parent> {
    let parts = lineage.iter().zip(path.parts());
    parts.map(|(id, name)| Parent { id: id.to_string(), name: name.clone() }).collect()
}

fn of_object(fact: Fact, object: &Object<'_>) -> Option<Value> {
    match (fact, object) {
        (Fact::Protected, Object::Warehouse(warehouse)) => Some(Value::Boolean(warehouse.protected)),
        (Fact::Protected, Object::Namespace(row)) => Some(Value::Boolean(row.protected)),
        (Fact::Protected, Object::Tabular(row)) => Some(Value::Boolean(row.protected)),
        (Fact::Status, Object::Warehouse(warehouse)) => Some(Value::Text(warehouse.status.as_str().to_owned())),
        (Fact::Location, Object::Warehouse(warehouse)) => Some(Value::Text(warehouse.root.to_string())),
        (Fact::Location, Object::Tabular(row)) => Some(Value::Text(row.location.to_string())),
        (Fact::FormatVersion, Object::Tabular(row)) => Some(Value::Integer(row.format_version.into())),
        _ => None,
    }
}

fn of_wish(fact: Fact, question: &Question<'_>) -> Option<Value> {
    let wish = &question.wish;
    let texts = |names: &[&str]| Some(Value::Texts(names.iter().map(|&name| name.to_owned()).collect()));
    match fact {
        Fact::UpdateKinds => texts(&wish.update_kinds),
        Fact::Refs => texts(&wish.refs),
        Fact::ChangedProperties => texts(&wish.changed_properties),
        Fact::NewName => wish.name.map(|name| Value::Text(name.to_owned())),
        Fact::NewNamespace => wish.namespace.map(|path| Value::Texts(path.parts().to_vec())),
        Fact::Force => wish.force.map(Value::Boolean),
        Fact::Purge => wish.purge.map(Value::Boolean),
        Fact::Recursive => wish.recursive.map(Value::Boolean),
        Fact::Privilege => wish.privilege.map(|name| Value::Text(name.to_owned())),
        Fact::Protected | Fact::Status | Fact::Location | Fact::FormatVersion | Fact::Properties => None,
    }
}
