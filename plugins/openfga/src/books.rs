//! What is stored: grants, with the books that keep what lies above them visible.
//!
//! A grant on a table lets its holder see the namespaces above, one `visitor` tuple each. Its trail remembers which those
//! were, so that they go with the last grant below them, also after the table has moved.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};
use weir_plugin::Fault;

use crate::names::SERVER;
use crate::server::Server;
use crate::tuples::{Tuple, trail};

/// The server takes 100 tuples a request.
const TUPLES_PER_WRITE: usize = 50;

/// Some tuples, with where the next ones begin.
pub struct Page {
    pub tuples: Vec<Tuple>,
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    tuples: Vec<Stored>,
    #[serde(default)]
    continuation_token: String,
}

#[derive(Deserialize)]
struct Stored {
    key: Tuple,
}

/// Whether a tuple is a right, not an entry in the books.
fn is_grant(tuple: &Tuple) -> bool {
    tuple.relation != "visitor" && tuple.relation != "creator"
}

impl Server {
    /// Lets somebody have a relation to an object, which lies below these.
    pub fn grant(&self, user: &str, relation: &str, object: &str, above: &[String]) -> Result<(), Fault> {
        let mut tuples = vec![Tuple::new(user, relation, object)];
        tuples.extend(self.entries(user, object, above)?);
        self.write(&tuples, &[])
    }

    /// Takes it away, with the sight of what lies above where nothing below is left.
    pub fn revoke(&self, user: &str, relation: &str, object: &str) -> Result<(), Fault> {
        self.write(&[], &[Tuple::new(user, relation, object)])?;
        let left = self.read_all(&json!({ "user": user, "object": object }))?;
        if left.iter().any(is_grant) {
            return Ok(());
        }
        let trails = self.read_all(&json!({ "user": user, "relation": "at", "object": trail(object) }))?;
        trails.iter().try_for_each(|tuple| self.leave(tuple))
    }

    /// Makes the creator of a new object its owner, once: told a second time, whatever became of the right since stays.
    pub fn own(&self, user: &str, relation: &str, object: &str, above: &[String]) -> Result<(), Fault> {
        let mark = Tuple::new(user, "creator", object);
        if !self.read_all(&json!(mark))?.is_empty() {
            return Ok(());
        }
        self.write(&self.entries(user, object, above)?, &[])?;
        // Both or neither, and only for the first who comes.
        let tuples = [mark.clone(), Tuple::new(user, relation, object)];
        let model = self.target()?.model;
        self.note_write();
        let body = json!({ "authorization_model_id": model, "writes": { "tuple_keys": tuples } });
        match self.of_store::<Value>("write", &body) {
            Err(fault) if self.read_all(&json!(mark))?.is_empty() => Err(fault),
            _ => Ok(()),
        }
    }

    /// The object is gone: nothing about it stays.
    pub fn forget(&self, object: &str) -> Result<(), Fault> {
        let trails = self.read_all(&json!({ "object": trail(object) }))?;
        let tuples = self.read_all(&json!({ "object": object }))?;
        self.write(&[], &tuples)?;
        trails.iter().try_for_each(|tuple| self.leave(tuple))
    }

    /// The object lies elsewhere: what is granted on it stays, what it made visible is visible no more.
    pub fn follow(&self, object: &str, above: &[String]) -> Result<(), Fault> {
        for old in self.read_all(&json!({ "object": trail(object) }))? {
            if old.above() != above {
                self.leave(&old)?;
            }
        }
        // From the grants, not from the trails: told again after a breakdown, the new books are still made.
        let holders: HashSet<String> =
            self.read_all(&json!({ "object": object }))?.into_iter().filter(is_grant).map(|tuple| tuple.user).collect();
        for user in holders {
            self.write(&self.entries(&user, object, above)?, &[])?;
        }
        Ok(())
    }

    /// A page of what is stored about an object itself.
    pub fn read_page(&self, object: &str, cursor: Option<&str>) -> Result<Page, Fault> {
        self.read(&json!({ "object": object }), cursor.unwrap_or_default())
    }

    /// A page of all that is stored, about whatever object.
    pub fn read_everything(&self, cursor: Option<&str>) -> Result<Page, Fault> {
        self.read(&Value::Null, cursor.unwrap_or_default())
    }

    /// What a grant needs in the books: the trail, the sight of what lies above.
    fn entries(&self, user: &str, object: &str, above: &[String]) -> Result<Vec<Tuple>, Fault> {
        let visible: Vec<&String> = above.iter().filter(|one| *one != SERVER).collect();
        if visible.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = Tuple::trail(user, object, above);
        let old = self.read_all(&json!(wanted.key()))?;
        // A trail cannot be written over: one of another place goes first.
        for stale in old.iter().filter(|old| old.above() != above) {
            self.leave(stale)?;
        }
        let known = old.iter().any(|old| old.above() == above);
        let sights = visible.into_iter().map(|one| Tuple::new(user, "visitor", one));
        Ok(sights.chain((!known).then_some(wanted)).collect())
    }

    /// Removes a trail, then the sight of whatever no other trail of the same holder passes.
    fn leave(&self, old: &Tuple) -> Result<(), Fault> {
        let trails = self.read_all(&json!({ "user": old.user, "object": "trail:" }))?;
        let passed: HashSet<&String> =
            trails.iter().filter(|other| other.object != old.object).flat_map(Tuple::above).collect();
        let lost = old.above().iter().filter(|one| *one != SERVER && !passed.contains(one));
        let mut tuples: Vec<Tuple> = lost.map(|one| Tuple::new(&old.user, "visitor", one)).collect();
        // The trail goes last: what is cut off half-way can be done again.
        tuples.push(old.key());
        self.write(&[], &tuples)
    }

    fn read_all(&self, key: &Value) -> Result<Vec<Tuple>, Fault> {
        let mut all = Vec::new();
        let mut token = String::new();
        loop {
            let page = self.read(key, &token)?;
            all.extend(page.tuples);
            match page.next {
                Some(next) => token = next,
                None => return Ok(all),
            }
        }
    }

    fn read(&self, key: &Value, token: &str) -> Result<Page, Fault> {
        let mut body = json!({
            "page_size": 100, "continuation_token": token, "consistency": "HIGHER_CONSISTENCY",
        });
        if !key.is_null() {
            body["tuple_key"] = key.clone();
        }
        let read: Read = self.of_store("read", &body)?;
        let next = (!read.continuation_token.is_empty()).then_some(read.continuation_token);
        Ok(Page { tuples: read.tuples.into_iter().map(|stored| stored.key).collect(), next })
    }

    /// In the order given; what is there already, or is not there any more, is no fault.
    fn write(&self, add: &[Tuple], remove: &[Tuple]) -> Result<(), Fault> {
        let model = self.target()?.model;
        let keys: Vec<Tuple> = remove.iter().map(Tuple::key).collect();
        let writes =
            add.chunks(TUPLES_PER_WRITE).map(|few| ("writes", json!({ "tuple_keys": few, "on_duplicate": "ignore" })));
        let deletes =
            keys.chunks(TUPLES_PER_WRITE).map(|few| ("deletes", json!({ "tuple_keys": few, "on_missing": "ignore" })));
        for (what, tuples) in deletes.chain(writes) {
            // Noted before as well: whoever asks meanwhile must not be answered from a cache afterwards.
            self.note_write();
            let _: Value = self.of_store("write", &json!({ "authorization_model_id": model, what: tuples }))?;
        }
        self.note_write();
        Ok(())
    }
}
