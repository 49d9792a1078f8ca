//! Answers that an instance remembers by all that they were made of, so that none is stale or another's.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use weir_plugin::{Attribute, Call, Fault, Object, Parent, Value};

use crate::entities;

/// The text of all keys of one kind together: a table's properties may be long, the memory of an instance is bounded.
const KEYS_BYTES_MAX: usize = 2 << 20;

pub struct Remembered<T> {
    answers: RefCell<HashMap<Key, T>>,
    keys_bytes: Cell<usize>,
    most: usize,
}

impl<T: Clone> Remembered<T> {
    pub fn new(most: usize) -> Self {
        Self { answers: RefCell::default(), keys_bytes: Cell::default(), most }
    }

    pub fn get(&self, key: &Key) -> Option<T> {
        self.answers.borrow().get(key).cloned()
    }

    pub fn insert(&self, key: Key, answer: T) {
        let mut answers = self.answers.borrow_mut();
        let bytes = self.keys_bytes.get() + key.0.len();
        if answers.len() < self.most && bytes <= KEYS_BYTES_MAX {
            self.keys_bytes.set(bytes);
        } else {
            answers.clear();
            self.keys_bytes.set(key.0.len());
        }
        answers.insert(key, answer);
    }

    pub fn get_or(&self, key: Key, make: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        if let Some(answer) = self.get(&key) {
            return Ok(answer);
        }
        let answer = make()?;
        self.insert(key, answer.clone());
        Ok(answer)
    }
}

/// All that an answer was made of, in one row of bytes. Lengths and counts keep `["a", "bc"]` and `["ab", "c"]` apart.
#[derive(PartialEq, Eq, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    pub fn ground(actions: &[&str], object: &Object) -> Self {
        let mut key = Self(Vec::with_capacity(512));
        key.count(actions.len());
        actions.iter().for_each(|action| _ = key.add(action));
        key.add(&object.kind).parent(&object.project).count(usize::from(object.warehouse.is_some()));
        object.warehouse.iter().for_each(|warehouse| _ = key.parent(warehouse));
        key.count(object.namespace.len());
        object.namespace.iter().for_each(|namespace| _ = key.parent(namespace));
        key
    }

    pub fn and_caller(mut self, call: &Call) -> Self {
        let principal = &call.principal;
        self.add(&principal.kind).add(&principal.id).count(principal.roles.len());
        principal.roles.iter().for_each(|role| _ = self.add(role));
        self.count(principal.claims.len());
        for claim in &principal.claims {
            self.add(&claim.key).value(&claim.value);
        }
        self
    }

    /// The object with what is known of it.
    pub fn and_facts(self, object: &Object) -> Self {
        self.and_attributes(object, entities::facts(object))
    }

    /// The object with all that was told.
    pub fn and_object(self, object: &Object) -> Self {
        self.and_attributes(object, object.attributes.iter())
    }

    fn and_attributes<'a>(mut self, object: &Object, attributes: impl Iterator<Item = &'a Attribute>) -> Self {
        self.add(&object.id).add(&object.name);
        for attribute in attributes {
            self.add(&attribute.key).value(&attribute.value);
        }
        self
    }

    fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Text(text) => self.add("text").add(text),
            other => self.add(&format!("{other:?}")),
        }
    }

    fn parent(&mut self, parent: &Parent) -> &mut Self {
        self.add(&parent.id).add(&parent.name)
    }

    fn add(&mut self, part: &str) -> &mut Self {
        self.count(part.len());
        self.0.extend_from_slice(part.as_bytes());
        self
    }

    fn count(&mut self, parts: usize) -> &mut Self {
        self.0.extend_from_slice(&parts.to_le_bytes());
        self
    }
}
