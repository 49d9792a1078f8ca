//! The graphs of entities that policies are evaluated over: what lies around an object is built once, then shared.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::rc::Rc;

use cedar_policy::{Entities, Entity, Request};
use weir_plugin::{Call, Check, Fault, Object, Parent, Problem};

use crate::entities::{self, Model};
use crate::refused;

/// Graphs remembered an instance, of surroundings and of whole worlds. They are pure: what each was built from is its key.
const AROUND_MAX: usize = 256;
const WHOLE_MAX: usize = 1_024;
/// The text of all keys of one kind together: a table's properties may be long, the memory of an instance is bounded.
const KEYS_BYTES_MAX: usize = 2 << 20;

pub struct Graphs {
    model: Model,
    around: Remembered,
    whole: Remembered,
}

impl Graphs {
    pub fn new() -> Result<Self, Vec<Problem>> {
        Ok(Self { model: Model::new()?, around: Remembered::new(AROUND_MAX), whole: Remembered::new(WHOLE_MAX) })
    }

    /// All that policies may look at when they decide about this object: it, its place, the caller, the actions.
    pub fn of(&self, call: &Call, actions: &[&str], object: &Object) -> Result<Rc<Entities>, Fault> {
        let key = Key::around(call, actions, object).and_object(object);
        self.whole.get_or(key, || {
            let around = self.around(call, actions, object)?;
            joined(&around, vec![self.model.object(object)?])
        })
    }

    /// One graph for all these objects: what lies above them is built, its ancestors are found, only once.
    pub fn of_many(&self, call: &Call, action: &str, checks: &[Check]) -> Result<Entities, Fault> {
        let Some(first) = checks.first() else { return Ok(Entities::empty()) };
        let around = self.around(call, &[action], &first.object)?;
        let (mut place, mut entities) = (&first.object, Vec::with_capacity(checks.len()));
        for check in checks {
            if !entities::lie_together(place, &check.object) {
                place = &check.object;
                entities.extend(self.model.place(place)?);
            }
        }
        for check in checks {
            entities.push(self.model.object(&check.object)?);
        }
        joined(&around, entities)
    }

    /// Who asks what of which object, with what is to happen as context.
    pub fn request(&self, call: &Call, check: &Check) -> Result<Request, Fault> {
        let context = self.model.context(call, &entities::wishes(&check.object))?;
        self.model.request(call, check, context)
    }

    /// One request for each check, in order.
    pub fn requests(&self, call: &Call, checks: &[Check]) -> Result<Vec<Request>, Fault> {
        let nothing_wished = self.model.context(call, &[])?;
        checks
            .iter()
            .map(|check| {
                let wishes = entities::wishes(&check.object);
                let context =
                    if wishes.is_empty() { nothing_wished.clone() } else { self.model.context(call, &wishes)? };
                self.model.request(call, check, context)
            })
            .collect()
    }

    fn around(&self, call: &Call, actions: &[&str], object: &Object) -> Result<Rc<Entities>, Fault> {
        self.around.get_or(Key::around(call, actions, object), || {
            let mut entities = Vec::new();
            for action in actions {
                entities.extend(self.model.action(action)?);
            }
            entities.extend(self.model.place(object)?);
            entities.extend(self.model.principal(call)?);
            joined(&Entities::empty(), entities)
        })
    }
}

/// The last description of an entity counts: an object is described in full though it lies around, as a role that the caller
/// has, or the server.
fn joined(around: &Entities, entities: Vec<Entity>) -> Result<Entities, Fault> {
    around.clone().upsert_entities(entities, None).map_err(|error| refused("entities", &error))
}

struct Remembered {
    graphs: RefCell<HashMap<Key, Rc<Entities>>>,
    keys_bytes: Cell<usize>,
    most: usize,
}

impl Remembered {
    fn new(most: usize) -> Self {
        Self { graphs: RefCell::default(), keys_bytes: Cell::default(), most }
    }

    fn get_or(&self, key: Key, build: impl FnOnce() -> Result<Entities, Fault>) -> Result<Rc<Entities>, Fault> {
        if let Some(graph) = self.graphs.borrow().get(&key) {
            return Ok(Rc::clone(graph));
        }
        let graph = Rc::new(build()?);
        let mut graphs = self.graphs.borrow_mut();
        let bytes = self.keys_bytes.get() + key.0.len();
        if graphs.len() < self.most && bytes <= KEYS_BYTES_MAX {
            self.keys_bytes.set(bytes);
        } else {
            graphs.clear();
            self.keys_bytes.set(key.0.len());
        }
        graphs.insert(key, Rc::clone(&graph));
        Ok(graph)
    }
}

/// All that a graph is built from, in one text. Lengths and counts keep `["a", "bc"]` and `["ab", "c"]` apart.
#[derive(PartialEq, Eq, Hash)]
struct Key(String);

impl Key {
    fn around(call: &Call, actions: &[&str], object: &Object) -> Self {
        let mut key = Self(String::with_capacity(512));
        let principal = &call.principal;
        key.add(&principal.kind).add(&principal.id).count(principal.roles.len());
        principal.roles.iter().for_each(|role| _ = key.add(role));
        key.count(principal.claims.len());
        for claim in &principal.claims {
            key.add(&claim.key).add(&format!("{:?}", claim.value));
        }
        key.count(actions.len());
        actions.iter().for_each(|action| _ = key.add(action));
        key.add(&object.kind).parent(&object.project).count(usize::from(object.warehouse.is_some()));
        object.warehouse.iter().for_each(|warehouse| _ = key.parent(warehouse));
        key.count(object.namespace.len());
        object.namespace.iter().for_each(|namespace| _ = key.parent(namespace));
        key
    }

    fn and_object(mut self, object: &Object) -> Self {
        self.add(&object.id).add(&object.name);
        for fact in entities::facts(object) {
            self.add(&fact.key).add(&format!("{:?}", fact.value));
        }
        self
    }

    fn parent(&mut self, parent: &Parent) -> &mut Self {
        self.add(&parent.id).add(&parent.name)
    }

    fn add(&mut self, part: &str) -> &mut Self {
        self.write(part.len(), ':');
        self.0.push_str(part);
        self
    }

    fn count(&mut self, parts: usize) -> &mut Self {
        self.write(parts, ';')
    }

    fn write(&mut self, number: impl Display, mark: char) -> &mut Self {
        // A text takes whatever is written to it.
        let _ = write!(self.0, "{number}{mark}");
        self
    }
}
