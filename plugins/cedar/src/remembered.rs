//! Answers that an instance remembers by all that they were made of, so that none is stale or another's.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use weir_plugin::{Call, Object, Parent, Value};

/// All answers of one kind with their keys: a table's properties may be long, the memory of an instance is bounded.
const BYTES_MAX: usize = 2 << 20;

pub struct Remembered<T> {
    answers: RefCell<HashMap<Key, T>>,
    bytes: Cell<usize>,
    most: usize,
}

impl<T: Clone> Remembered<T> {
    pub fn new(most: usize) -> Self {
        Self { answers: RefCell::default(), bytes: Cell::default(), most }
    }

    pub fn get(&self, key: &Key) -> Option<T> {
        self.answers.borrow().get(key).cloned()
    }

    /// Remembers an answer of about that many bytes; an instance that knows too much begins anew.
    pub fn insert(&self, key: Key, answer: T, bytes: usize) {
        let own = key.0.len() + bytes;
        if own > BYTES_MAX {
            return;
        }
        let mut answers = self.answers.borrow_mut();
        if answers.len() >= self.most || self.bytes.get() + own > BYTES_MAX {
            answers.clear();
            self.bytes.set(0);
        }
        self.bytes.set(self.bytes.get() + own);
        answers.insert(key, answer);
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

    /// The object with all that was told.
    pub fn and_object(mut self, object: &Object) -> Self {
        self.add(&object.id).add(&object.name);
        for attribute in &object.attributes {
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
