//! The world as Cedar sees it: callers with roles, objects with all that lies above them.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{Context, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Expression};
use weir_plugin::{Attribute, Call, Check, Fault, Object, Problem, Value, problem};

use crate::reads::Reads;
use crate::refused;

/// The one server.
pub const SERVER: &str = "server";

/// The kind of a principal that somebody assumed, and of an object that is managed.
pub const ROLE: &str = "role";

/// What an object is; the rest of what comes with a check is what is to happen to it.
const OF_THE_OBJECT: &[&str] = &["protected", "status", "location", "format-version"];
const PROPERTY: &str = "property.";

const KINDS: &[(&str, &str)] = &[
    ("server", "Weir::Server"),
    ("project", "Weir::Project"),
    ("warehouse", "Weir::Warehouse"),
    ("namespace", "Weir::Namespace"),
    ("table", "Weir::Table"),
    ("view", "Weir::View"),
    ("role", "Weir::Role"),
    ("user", "Weir::User"),
];

/// The type of a kind of object.
pub fn type_of(kind: &str) -> Option<&'static str> {
    KINDS.iter().find(|(name, _)| *name == kind).map(|(_, name)| *name)
}

/// Whether two checks are about one object, whatever is known of it or is to happen to it.
pub fn is_one_object(one: &Object, other: &Object) -> bool {
    (&one.kind, &one.id, &one.name) == (&other.kind, &other.id, &other.name)
        && (&one.project, &one.warehouse, &one.namespace) == (&other.project, &other.warehouse, &other.namespace)
}

/// Whether two objects have the same above them.
pub fn lie_together(one: &Object, other: &Object) -> bool {
    (&one.kind, &one.project, &one.warehouse, &one.namespace)
        == (&other.kind, &other.project, &other.warehouse, &other.namespace)
}

/// What is to happen to an object, if more than the action's name is said of it.
pub fn wishes(object: &Object) -> Vec<&Attribute> {
    object.attributes.iter().filter(|attribute| is_wish(&attribute.key)).collect()
}

/// Whether the same is known of both.
pub fn have_same_facts(one: &Object, other: &Object) -> bool {
    facts(one).eq(facts(other))
}

/// How much is known of an object.
pub fn fact_count(object: &Object) -> usize {
    facts(object).count()
}

/// Whether a policy means something by this name that only some questions tell of their object.
pub fn is_fact(name: &str) -> bool {
    OF_THE_OBJECT.iter().any(|key| identifier(key) == name)
}

/// Whether it says what is to happen.
pub fn is_wish(key: &str) -> bool {
    !is_of_the_object(key)
}

/// The id by which policies name an object.
pub fn policies_id<'a>(kind: &str, id: &'a str) -> &'a str {
    if kind == "server" { SERVER } else { id }
}

/// What is known of an object.
pub fn facts(object: &Object) -> impl Iterator<Item = &Attribute> {
    object.attributes.iter().filter(|attribute| is_of_the_object(&attribute.key))
}

fn is_of_the_object(key: &str) -> bool {
    key.starts_with(PROPERTY) || OF_THE_OBJECT.contains(&key)
}

/// The groups that an action is in: `read`, `change` or `grants`, and its kind.
pub fn groups(action: &str) -> [&str; 2] {
    let (kind, verb) = action.split_once(':').unwrap_or(("", action));
    let reads = matches!(verb, "describe" | "read" | "report-metrics") || verb.starts_with("list-");
    let group = match verb {
        "grant" | "read-grants" => "grants",
        _ if reads => "read",
        _ => "change",
    };
    [group, kind]
}

/// The types, parsed once an instance.
pub struct Model {
    kinds: HashMap<&'static str, EntityTypeName>,
    action: EntityTypeName,
}

impl Model {
    pub fn new() -> Result<Self, Vec<Problem>> {
        let parse = |name: &str| EntityTypeName::from_str(name).map_err(|error| vec![problem("", error.to_string())]);
        let kinds = KINDS.iter().map(|(kind, name)| Ok((*kind, parse(name)?))).collect::<Result<_, Vec<Problem>>>()?;
        Ok(Self { kinds, action: parse("Weir::Action")? })
    }

    fn uid(&self, kind: &str, id: &str) -> Result<EntityUid, Fault> {
        let name = self
            .kinds
            .get(kind)
            .ok_or_else(|| Fault::invalid("unknown_kind", format!("no objects of kind `{kind}`")))?;
        Ok(EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id)))
    }

    fn action_uid(&self, action: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.action.clone(), EntityId::new(action))
    }

    /// The caller, with its roles as parents.
    pub fn principal(&self, call: &Call) -> Result<Vec<Entity>, Fault> {
        let principal = &call.principal;
        let roles = principal.roles.iter().map(|role| self.uid("role", role)).collect::<Result<HashSet<_>, _>>()?;
        let attributes = HashMap::from([
            ("id".to_string(), text(&principal.id)),
            ("kind".to_string(), text(&principal.kind)),
            ("claims".to_string(), record(&principal.claims)?),
        ]);
        let mut entities = Vec::with_capacity(roles.len() + 1);
        for role in &principal.roles {
            entities.push(entity(self.uid(ROLE, role)?, role_attributes(role, "")?, HashSet::new(), Vec::new())?);
        }
        if principal.kind != ROLE {
            entities.push(entity(self.uid("user", &principal.id)?, attributes, roles, Vec::new())?);
        }
        Ok(entities)
    }

    /// The action, with its groups as parents.
    pub fn action(&self, action: &str) -> Result<Vec<Entity>, Fault> {
        let parents: HashSet<EntityUid> = groups(action).iter().map(|group| self.action_uid(group)).collect();
        let mut entities: Vec<Entity> = parents.iter().cloned().map(Entity::with_uid).collect();
        entities.push(Entity::new_no_attrs(self.action_uid(action), parents));
        Ok(entities)
    }

    /// All that lies above an object, the server first.
    pub fn place(&self, object: &Object) -> Result<Vec<Entity>, Fault> {
        let server = self.uid("server", SERVER)?;
        let mut entities = vec![Entity::with_uid(server.clone())];
        let mut above = server;
        let mut add = |kind: &str, id: &str, name: &str| -> Result<(), Fault> {
            let uid = self.uid(kind, id)?;
            let attributes = HashMap::from([("name".to_string(), text(name))]);
            entities.push(entity(uid.clone(), attributes, HashSet::from([above.clone()]), Vec::new())?);
            above = uid;
            Ok(())
        };
        if !matches!(object.kind.as_str(), "server" | "project") {
            add("project", &object.project.id, &object.project.name)?;
        }
        if let Some(warehouse) = object.warehouse.as_ref().filter(|_| object.kind != "warehouse") {
            add("warehouse", &warehouse.id, &warehouse.name)?;
        }
        for namespace in &object.namespace {
            add("namespace", &namespace.id, &namespace.name)?;
        }
        Ok(entities)
    }

    fn object_uid(&self, object: &Object) -> Result<EntityUid, Fault> {
        self.uid(&object.kind, policies_id(&object.kind, &object.id))
    }

    fn above(&self, object: &Object) -> Result<HashSet<EntityUid>, Fault> {
        let uid = match (object.kind.as_str(), object.namespace.last(), &object.warehouse) {
            ("server", ..) => return Ok(HashSet::new()),
            ("project", ..) => self.uid("server", SERVER)?,
            ("role", ..) => self.uid("project", &object.project.id)?,
            (_, Some(namespace), _) => self.uid("namespace", &namespace.id)?,
            ("warehouse", ..) | (_, None, None) => self.uid("project", &object.project.id)?,
            (_, None, Some(warehouse)) => self.uid("warehouse", &warehouse.id)?,
        };
        Ok(HashSet::from([uid]))
    }

    /// The object, with its names and facts as attributes, its properties as tags.
    pub fn object(&self, object: &Object) -> Result<Entity, Fault> {
        let (mut attributes, tags) = (names(object, |_| true), tags(object));
        if object.kind == ROLE {
            let own = role_attributes(&object.id, &object.name)?;
            attributes.extend(own.into_iter().filter(|(name, _)| !NAMES.contains(&name.as_str())));
        }
        attributes.extend(plain_facts(object));
        entity(self.object_uid(object)?, attributes, self.above(object)?, tags)
    }

    /// The same with as much of it as these policies read. Not for roles, which have more attributes.
    pub fn object_as_read(&self, object: &Object, reads: &Reads) -> Result<Entity, Fault> {
        let mut attributes = names(object, |name| reads.attribute(name));
        attributes.extend(plain_facts(object).filter(|(name, _)| reads.attribute(name)));
        let above = if reads.place() { self.above(object)? } else { HashSet::new() };
        entity(self.object_uid(object)?, attributes, above, if reads.tags() { tags(object) } else { Vec::new() })
    }

    /// What is to happen, and when.
    pub fn context(&self, call: &Call, wishes: &[&Attribute]) -> Result<Context, Fault> {
        let mut context: HashMap<String, Expression> =
            wishes.iter().map(|wish| (identifier(&wish.key), expression(&wish.value))).collect();
        context.insert("now_ms".to_string(), Expression::new_long(i64::try_from(call.now_ms).unwrap_or(i64::MAX)));
        Context::from_pairs(context).map_err(|error| refused("context", &error))
    }

    /// Who asks what of which object.
    pub fn request(&self, call: &Call, check: &Check, context: Context) -> Result<Request, Fault> {
        // Somebody who assumed a role asks as the role.
        let kind = if call.principal.kind == ROLE { ROLE } else { "user" };
        let principal = self.uid(kind, &call.principal.id)?;
        Request::new(principal, self.action_uid(&check.action), self.object_uid(&check.object)?, context, None)
            .map_err(|error| refused("request", &error))
    }
}

type Attributes = HashMap<String, Expression>;

/// The attributes that every object has.
const NAMES: &[&str] = &["name", "path", "namespace", "warehouse", "project"];

fn names(object: &Object, wanted: impl Fn(&str) -> bool) -> Attributes {
    let namespace = || object.namespace.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(".");
    let value = |name| match name {
        "path" if object.namespace.is_empty() => text(&object.name),
        "path" => text(&format!("{}.{}", namespace(), object.name)),
        "namespace" => text(&namespace()),
        "warehouse" if object.kind != "warehouse" => text(object.warehouse.as_ref().map_or("", |above| &above.name)),
        "project" if object.kind != "project" => text(&object.project.name),
        _ => text(&object.name),
    };
    NAMES.iter().filter(|name| wanted(name)).map(|name| ((*name).to_string(), value(*name))).collect()
}

/// What is known of an object beyond its properties.
fn plain_facts(object: &Object) -> impl Iterator<Item = (String, Expression)> {
    let known = object.attributes.iter().filter(|attribute| OF_THE_OBJECT.contains(&attribute.key.as_str()));
    known.map(|attribute| (identifier(&attribute.key), expression(&attribute.value)))
}

/// Its properties.
fn tags(object: &Object) -> Vec<(String, Expression)> {
    let property =
        |attribute: &Attribute| Some((attribute.key.strip_prefix(PROPERTY)?.to_string(), expression(&attribute.value)));
    object.attributes.iter().filter_map(property).collect()
}

/// What policies may read of a role, whether it asks or is asked about. Its name is known of the one that is asked about.
fn role_attributes(id: &str, name: &str) -> Result<Attributes, Fault> {
    let mut attributes = HashMap::from([
        ("id".to_string(), text(id)),
        ("kind".to_string(), text(ROLE)),
        ("claims".to_string(), record(&[])?),
        ("name".to_string(), text(name)),
    ]);
    for key in NAMES.iter().filter(|key| **key != "name") {
        attributes.insert((*key).to_string(), text(""));
    }
    Ok(attributes)
}

fn entity(
    uid: EntityUid,
    attributes: Attributes,
    parents: HashSet<EntityUid>,
    tags: Vec<(String, Expression)>,
) -> Result<Entity, Fault> {
    Entity::new_with_tags(uid, attributes, parents, tags).map_err(|error| refused("entity", &error))
}

fn text(value: &str) -> Expression {
    Expression::new_string(value.to_string())
}

/// `update-kinds` is `context.update_kinds` in a policy.
fn identifier(key: &str) -> String {
    key.replace('-', "_")
}

fn record(attributes: &[Attribute]) -> Result<Expression, Fault> {
    let fields: HashMap<String, Expression> =
        attributes.iter().map(|attribute| (attribute.key.clone(), expression(&attribute.value))).collect();
    Expression::new_record(fields).map_err(|error| refused("claims", &error))
}

fn expression(value: &Value) -> Expression {
    match value {
        Value::Text(value) => text(value),
        Value::Integer(value) => Expression::new_long(*value),
        Value::Boolean(value) => Expression::new_bool(*value),
        Value::Bytes(value) => Expression::new_string(value.iter().map(|byte| format!("{byte:02x}")).collect()),
        Value::Texts(values) => Expression::new_set(values.iter().map(|value| text(value))),
    }
}
