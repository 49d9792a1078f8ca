//! One question to the authorizers: an action, its object, what the request wishes.

use std::collections::HashSet;

use uuid::Uuid;

use super::object::Object;
use crate::catalog::action::Action;
use crate::catalog::ident::Namespace;
use crate::error::Error;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    pub action: Action,
    pub object: Object<'a>,
    pub wish: Wish<'a>,
    /// The id by which the caller named the object; an answer that hides it must not tell its name.
    by_id: Option<Uuid>,
    /// Asked beside the question that the request is about; its denial is no news.
    aside: bool,
    /// Nothing is to be changed, although the right to change it is what it takes.
    looks: bool,
}

/// What a request says beyond its object, as far as an authorizer may want to know it.
#[derive(Clone, Debug, Default)]
pub struct Wish<'a> {
    pub update_kinds: Vec<&'a str>,
    pub refs: Vec<&'a str>,
    pub changed_properties: Vec<&'a str>,
    /// The name of something new, or the new name.
    pub name: Option<&'a str>,
    pub namespace: Option<&'a Namespace>,
    pub force: Option<bool>,
    pub purge: Option<bool>,
    pub recursive: Option<bool>,
    /// What is to be given or taken away.
    pub privilege: Option<&'a str>,
}

impl<'a> Question<'a> {
    pub fn new(action: Action, object: Object<'a>) -> Self {
        Self { action, object, wish: Wish::default(), by_id: None, aside: false, looks: false }
    }

    pub fn wishing(self, wish: Wish<'a>) -> Self {
        Self { wish, ..self }
    }

    /// For something new of this name.
    pub fn naming(self, name: &'a str) -> Self {
        self.wishing(Wish { name: Some(name), ..Wish::default() })
    }

    pub fn by_id(self, id: Uuid) -> Self {
        Self { by_id: Some(id), ..self }
    }

    /// Another action on the same object.
    pub fn asking(self, action: Action) -> Self {
        Self { action, ..self }
    }

    pub fn aside(self) -> Self {
        Self { aside: true, ..self }
    }

    /// For a request that only looks at what those see who may change it: that goes on in maintenance.
    pub fn looking(self) -> Self {
        Self { looks: true, ..self }
    }

    pub(super) const fn would_change(&self) -> bool {
        !self.looks && !self.action.only_reads()
    }

    pub const fn is_aside(&self) -> bool {
        self.aside
    }

    pub fn is_sight(&self) -> bool {
        self.action == Action::sight(self.object.kind())
    }

    /// The question with the one whose denial hides the object, where that is another.
    pub(super) fn with_sight(&self) -> impl Iterator<Item = Self> {
        let sight = (!self.is_sight()).then(|| Self::new(Action::sight(self.object.kind()), self.object).aside());
        std::iter::once(self.clone()).chain(sight)
    }

    /// The object as messages show it.
    pub fn shown(&self) -> String {
        self.object.shown()
    }

    /// The answer to a caller who may not know that the object exists: the same as if it did not.
    pub fn hidden(&self) -> Error {
        match self.by_id {
            Some(id) => self.object.hidden_by_id(id),
            None => self.object.hidden(),
        }
    }
}

/// Each once, in the order of their first appearance.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = HashSet::new();
    names.filter(|name| known.insert(*name)).collect()
}
