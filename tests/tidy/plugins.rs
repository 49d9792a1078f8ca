//! What the plugins say of the host is true.

use std::fs;

use crate::{assert_none, top};

/// The texts in quotes that look like an action, `table:commit`.
fn actions(text: &str) -> Vec<&str> {
    let like = |part: &&str| {
        let mut halves = part.split(':');
        let mut word = || {
            let letters = |half: &str| half.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            halves.next().is_some_and(|half| !half.is_empty() && letters(half))
        };
        word() && word() && halves.next().is_none()
    };
    text.split('"').skip(1).step_by(2).filter(like).collect()
}

#[test]
fn the_schema_of_cedar_knows_every_action() {
    let catalogue = fs::read_to_string(top().join("host/src/catalog/action.rs")).expect("the catalogue of actions");
    let schema =
        fs::read_to_string(top().join("plugins/cedar/weir.cedarschema")).expect("the schema of Cedar policies");
    let known = actions(&schema);
    let catalogue = actions(&catalogue);
    assert!(catalogue.len() > 20, "the catalogue is written in another way now: {catalogue:?}");
    let missing = catalogue.iter().filter(|action| !known.contains(action)).map(ToString::to_string).collect();
    assert_none(missing, "plugins/cedar/weir.cedarschema needs a line for each of these");
}
