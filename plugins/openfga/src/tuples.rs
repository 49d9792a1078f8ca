//! Relationship tuples as they travel.

use serde::{Deserialize, Serialize};

/// One relationship: the user has the relation to the object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tuple {
    pub user: String,
    pub relation: String,
    pub object: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}

/// What a trail remembers: the names of all that lay above the granted object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    pub name: String,
    #[serde(default)]
    pub context: Context,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    pub above: Vec<String>,
}

impl Tuple {
    pub fn new(user: &str, relation: &str, object: &str) -> Self {
        Self { user: user.to_string(), relation: relation.to_string(), object: object.to_string(), condition: None }
    }

    /// That the user holds something on the object, which lies below these.
    pub fn trail(user: &str, object: &str, above: &[String]) -> Self {
        let condition = Condition { name: "place".to_string(), context: Context { above: above.to_vec() } };
        Self { condition: Some(condition), ..Self::new(user, "at", &trail(object)) }
    }

    /// The names above the granted object, where this is a trail.
    pub fn above(&self) -> &[String] {
        self.condition.as_ref().map_or(&[], |condition| &condition.context.above)
    }

    /// The same without what deletes must not carry.
    pub fn key(&self) -> Self {
        Self { condition: None, ..self.clone() }
    }
}

/// The trail of an object: `trail:table/<id>`.
pub fn trail(object: &str) -> String {
    format!("trail:{}", object.replacen(':', "/", 1))
}
