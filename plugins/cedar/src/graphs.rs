//! The graphs of entities that policies are evaluated over: what lies above an object is built once, then shared.

use std::rc::Rc;

use cedar_policy::{Context, Entities, Entity, Request};
use weir_plugin::{Call, Check, Fault, Object, Problem};

use crate::entities::{self, Model};
use crate::reads::Reads;
use crate::refused;
use crate::remembered::{Key, Remembered};

/// Places remembered an instance.
const GROUNDS_MAX: usize = 256;
/// What an action or a place takes in memory, roughly.
const ENTITY_BYTES: usize = 1_024;

pub struct Graphs {
    model: Model,
    grounds: Remembered<Rc<Entities>>,
}

impl Graphs {
    pub fn new() -> Result<Self, Vec<Problem>> {
        Ok(Self { model: Model::new()?, grounds: Remembered::new(GROUNDS_MAX) })
    }

    /// All that policies may look at when they decide about this object: it, its place, the caller, the actions.
    pub fn of(&self, call: &Call, actions: &[&str], object: &Object) -> Result<Entities, Fault> {
        let mut entities = self.model.principal(call)?;
        entities.push(self.model.object(object)?);
        joined(&*self.ground(actions, object)?, entities)
    }

    /// One graph for all these objects that lie together, for one action, with as much of each as the policies read.
    pub fn of_many(&self, call: &Call, checks: &[Check], reads: &Reads) -> Result<Entities, Fault> {
        let Some(first) = checks.first() else { return Ok(Entities::empty()) };
        let mut entities = self.model.principal(call)?;
        entities.reserve(checks.len());
        for check in checks {
            entities.push(self.model.object_as_read(&check.object, reads)?);
        }
        joined(&*self.ground(&[&first.action], &first.object)?, entities)
    }

    /// Who asks what of which object, with what is to happen as context. The context in which nothing is wished is made for
    /// one check of a call, and `plain` for the others.
    pub fn request(&self, call: &Call, check: &Check, plain: &mut Option<Context>) -> Result<Request, Fault> {
        let wishes = entities::wishes(&check.object);
        let context = match (plain.as_ref(), wishes.is_empty()) {
            (Some(plain), true) => plain.clone(),
            _ => self.model.context(call, &wishes)?,
        };
        if wishes.is_empty() && plain.is_none() {
            *plain = Some(context.clone());
        }
        self.model.request(call, check, context)
    }

    /// The actions and what lies above the object: the same for every caller.
    fn ground(&self, actions: &[&str], object: &Object) -> Result<Rc<Entities>, Fault> {
        let key = Key::ground(actions, object);
        if let Some(ground) = self.grounds.get(&key) {
            return Ok(ground);
        }
        let mut entities = Vec::new();
        for action in actions {
            entities.extend(self.model.action(action)?);
        }
        entities.extend(self.model.place(object)?);
        let bytes = entities.len() * ENTITY_BYTES;
        let ground = Rc::new(joined(&Entities::empty(), entities)?);
        self.grounds.insert(key, Rc::clone(&ground), bytes);
        Ok(ground)
    }
}

/// The last description of an entity counts: an object is described in full though it is there already, as a role that the
/// caller has, or the server.
fn joined(ground: &Entities, entities: Vec<Entity>) -> Result<Entities, Fault> {
    ground.clone().upsert_entities(entities, None).map_err(|error| refused("entities", &error))
}
