//! Authorizers with a memory of their own: they follow changes, keep grants.

use crate::{Authorizer, Call, Fault, Grant, Object};

/// Hears what happened to the objects of the catalog, at least once and in order for one object: an optional ability.
pub trait Follower: Authorizer {
    /// `change` is `created`, `renamed`, `moved`, `soft-deleted`, `undropped`, `dropped`, `bootstrapped`, `present` (it is
    /// there, said by whoever compares) or one that comes later; `call` names who did it. An error has the change told again after a while. Hearing twice must be harmless.
    fn on_change(&self, call: &Call, change: &str, object: &Object, before: Option<&Object>) -> Result<(), Fault>;
}

/// Keeps grants that the management API reads and changes: an optional ability.
pub trait Grants: Authorizer {
    /// What can be granted on objects of a kind.
    fn privileges(&self, kind: &str) -> Vec<String>;

    /// The grants on an object itself, page by page: some of them with where the next page begins.
    fn read(&self, call: &Call, object: &Object, cursor: Option<&str>) -> Result<(Vec<Grant>, Option<String>), Fault>;

    /// Adds, removes. Whether the caller may was asked of the authorizers before. Writing twice must be harmless.
    fn write(&self, call: &Call, add: &[Grant], remove: &[Grant]) -> Result<(), Fault>;

    /// The objects about which anything is stored, `<kind>/<id>`, page by page. One may come on several pages.
    fn known(&self, call: &Call, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Fault>;
}
