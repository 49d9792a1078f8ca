//! The authorization model: read from `model.fga`, written as the JSON that the server takes.

use serde_json::{Map, Value, json};

const TEXT: &str = include_str!("../model.fga");

/// The model as the server takes it. A type without relations, named after the digest of the text, marks it, so that every
/// replica finds the very same model again.
pub fn document() -> Result<Value, String> {
    let mut types = Vec::new();
    for line in TEXT.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("type ") {
            types.push(json!({ "type": name, "relations": {}, "metadata": { "relations": {} } }));
        } else if let Some(definition) = line.strip_prefix("define ") {
            let last = types.last_mut().ok_or_else(|| format!("`{line}` belongs to no type"))?;
            define(last, definition)?;
        }
    }
    types.push(json!({ "type": marker() }));
    Ok(json!({ "schema_version": "1.1", "type_definitions": types, "conditions": conditions() }))
}

/// The name of the type that marks this very model.
pub fn marker() -> String {
    format!("weir-model-{:016x}", digest(TEXT))
}

/// FNV-1a: it tells versions of one file apart, nothing else.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn conditions() -> Value {
    json!({ "place": {
        "name": "place",
        "expression": "above.size() >= 0",
        "parameters": { "above": {
            "type_name": "TYPE_NAME_LIST", "generic_types": [{ "type_name": "TYPE_NAME_STRING" }]
        } }
    } })
}

fn define(of_type: &mut Value, definition: &str) -> Result<(), String> {
    let (relation, terms) = definition.split_once(": ").ok_or_else(|| format!("`{definition}` has no colon"))?;
    if let Some(direct) = terms.strip_prefix('[').and_then(|terms| terms.strip_suffix(']')) {
        let who: Vec<Value> = direct.split(", ").map(assignable).collect();
        of_type["metadata"]["relations"][relation] = json!({ "directly_related_user_types": who });
    }
    of_type["relations"][relation] = rewrite(terms);
    Ok(())
}

/// `user`, `role#assignee`, `user with place`.
fn assignable(text: &str) -> Value {
    let (who, condition) = text.split_once(" with ").map_or((text, None), |(who, with)| (who, Some(with)));
    let (kind, relation) = who.split_once('#').map_or((who, None), |(kind, relation)| (kind, Some(relation)));
    let mut assignable = Map::from_iter([("type".to_string(), json!(kind))]);
    assignable.extend(relation.map(|relation| ("relation".to_string(), json!(relation))));
    assignable.extend(condition.map(|condition| ("condition".to_string(), json!(condition))));
    Value::Object(assignable)
}

fn rewrite(terms: &str) -> Value {
    let children = |joint: &str| terms.split(joint).map(term).collect::<Vec<Value>>();
    if terms.starts_with('[') {
        json!({ "this": {} })
    } else if terms.contains(" and ") {
        json!({ "intersection": { "child": children(" and ") } })
    } else if terms.contains(" or ") {
        json!({ "union": { "child": children(" or ") } })
    } else {
        term(terms)
    }
}

fn term(text: &str) -> Value {
    match text.split_once(" from ") {
        Some((relation, parent)) => json!({ "tupleToUserset": {
            "tupleset": { "relation": parent }, "computedUserset": { "relation": relation }
        } }),
        None => json!({ "computedUserset": { "relation": text } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_the_server_is_told() {
        let model = document().unwrap();
        let types = model["type_definitions"].as_array().unwrap();
        let table = types.iter().find(|one| one["type"] == "table").unwrap();
        assert_eq!(table["relations"]["select"], json!({ "this": {} }));
        assert_eq!(
            table["metadata"]["relations"]["select"]["directly_related_user_types"],
            json!([{ "type": "user" }, { "type": "role", "relation": "assignee" }])
        );
        assert_eq!(
            table["relations"]["passes_select"],
            json!({ "intersection": { "child": [
                { "computedUserset": { "relation": "can_pass_grants" } },
                { "computedUserset": { "relation": "can_select" } }
            ] } })
        );
        assert_eq!(
            table["relations"]["can_modify"]["union"]["child"][2],
            json!({ "tupleToUserset": {
                "tupleset": { "relation": "parent" }, "computedUserset": { "relation": "can_modify" }
            } })
        );
    }

    #[test]
    fn every_term_is_a_relation_of_its_type() {
        let model = document().unwrap();
        for one in model["type_definitions"].as_array().unwrap() {
            let Some(relations) = one["relations"].as_object() else { continue };
            for (name, rewrite) in relations {
                for relation in computed(rewrite) {
                    assert!(relations.contains_key(relation), "{} {name} names {relation}", one["type"]);
                }
            }
        }
    }

    /// The relations of its own type that a term names; those of a parent are the parent's.
    fn computed(term: &Value) -> Vec<&str> {
        match term {
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| *name != "tupleToUserset")
                .flat_map(|(name, inner)| match inner["relation"].as_str() {
                    Some(relation) if name == "computedUserset" => vec![relation],
                    _ => computed(inner),
                })
                .collect(),
            Value::Array(items) => items.iter().flat_map(computed).collect(),
            _ => Vec::new(),
        }
    }
}
