//! An evaluator of IAM policies, written from AWS's own pages, that shares nothing with the code under test.

use serde_json::Value;

/// A policy document that was understood.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Vec<Value>,
}

/// May somebody do this: an action, on a resource, with facts that conditions look at.
pub struct Asked<'a> {
    /// E.g. `s3:GetObject`.
    pub action: &'a str,
    /// E.g. `arn:aws:s3:::lake/t1/data/x`.
    pub resource: String,
    /// E.g. `("s3:prefix", "t1/")`.
    pub facts: Vec<(&'a str, String)>,
}

const KNOWN: [&str; 8] = ["Sid", "Effect", "Action", "Resource", "Condition", "Principal", "NotAction", "NotResource"];

impl Policy {
    /// Refuses what it does not understand, as AWS does: a policy that is read in part is a hole.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
        if document["Version"] != "2012-10-17" {
            return Err("without version 2012-10-17 variables are not understood".to_owned());
        }
        let statements = many(&document["Statement"]);
        if statements.is_empty() {
            return Err("it has no statement".to_owned());
        }
        for statement in &statements {
            let members = statement.as_object().ok_or("a statement is an object")?;
            if let Some(unknown) = members.keys().find(|key| !KNOWN.contains(&key.as_str())) {
                return Err(format!("a statement has no `{unknown}`"));
            }
            for refused in ["Principal", "NotAction", "NotResource"] {
                if members.contains_key(refused) {
                    return Err(format!("`{refused}` has no place in a session policy here"));
                }
            }
            let texts = |name: &str| many(&statement[name]).iter().all(Value::is_string);
            if !(texts("Action") && texts("Resource"))
                || statement["Action"].is_null()
                || statement["Resource"].is_null()
            {
                return Err("a statement has actions and resources".to_owned());
            }
            if !matches!(statement["Effect"].as_str(), Some("Allow" | "Deny")) {
                return Err("a statement allows or denies".to_owned());
            }
        }
        Ok(Self { statements })
    }

    /// Deny beats allow, silence is no.
    pub fn allows(&self, asked: &Asked<'_>) -> bool {
        let matching =
            |effect: &str| self.statements.iter().filter(|one| one["Effect"] == effect).any(|one| matches(one, asked));
        matching("Allow") && !matching("Deny")
    }
}

fn matches(statement: &Value, asked: &Asked<'_>) -> bool {
    let denies = statement["Effect"] == "Deny";
    let action =
        texts(&statement["Action"]).iter().any(|pattern| like(&pattern.to_lowercase(), &asked.action.to_lowercase()));
    let resource = texts(&statement["Resource"]).iter().any(|pattern| like(pattern, &asked.resource));
    let conditions = statement["Condition"].as_object();
    let conditions = conditions.into_iter().flatten().all(|(operator, keys)| {
        let keys = keys.as_object();
        // What is not understood must neither allow nor fail to deny.
        keys.into_iter().flatten().all(|(key, wanted)| condition(operator, key, wanted, asked).unwrap_or(denies))
    });
    action && resource && conditions
}

fn condition(operator: &str, key: &str, wanted: &Value, asked: &Asked<'_>) -> Option<bool> {
    let found = asked.facts.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str());
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let wanted = texts(wanted);
    if operator == "Null" {
        return Some(wanted.iter().any(|one| (one == "true") == found.is_none()));
    }
    let Some(found) = found else { return Some(if_exists || operator.contains("Not")) };
    match operator {
        "StringEquals" => Some(wanted.iter().any(|one| literal(one) == found)),
        "StringNotEquals" => Some(!wanted.iter().any(|one| literal(one) == found)),
        "StringLike" => Some(wanted.iter().any(|one| like(one, found))),
        "StringNotLike" => Some(!wanted.iter().any(|one| like(one, found))),
        _ => None,
    }
}

fn many(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(all) => all.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn texts(value: &Value) -> Vec<String> {
    many(value).iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// One step of a pattern.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    One(char),
    Any,
    Many,
}

/// `*` and `?` are wildcards, `${*}`, `${?}`, `${$}` are the characters themselves; other variables match nothing.
fn steps(pattern: &str) -> Option<Vec<Step>> {
    let mut rest = pattern;
    let mut steps = Vec::new();
    while let Some(first) = rest.chars().next() {
        if let Some(variable) = rest.strip_prefix("${") {
            let (name, after) = variable.split_once('}')?;
            let mut characters = name.chars();
            match (characters.next(), characters.next()) {
                (Some(character @ ('*' | '?' | '$')), None) => steps.push(Step::One(character)),
                _ => return None,
            }
            rest = after;
            continue;
        }
        steps.push(match first {
            '*' => Step::Many,
            '?' => Step::Any,
            character => Step::One(character),
        });
        rest = &rest[first.len_utf8()..];
    }
    Some(steps)
}

fn literal(text: &str) -> String {
    let one = |step: Step| match step {
        Step::One(character) => character,
        Step::Any => '?',
        Step::Many => '*',
    };
    steps(text).map(|steps| steps.into_iter().map(one).collect()).unwrap_or_else(|| text.to_owned())
}

fn like(pattern: &str, text: &str) -> bool {
    let Some(steps) = steps(pattern) else { return false };
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match steps.get(at) {
            Some(Step::Many) => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(Step::Any) => (at, in_text) = (at + 1, in_text + 1),
            Some(Step::One(one)) if *one == text[in_text] => (at, in_text) = (at + 1, in_text + 1),
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    (at, in_text) = (star_at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    steps[at..].iter().all(|step| *step == Step::Many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_unless_they_are_escaped() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "ab", false),
            ("a?c", "abc", true),
            ("a${*}c", "abc", false),
            ("a${*}c", "a*c", true),
            ("a${$}{x}", "a${x}", true),
            ("t1/*", "t10/x", false),
            ("t1/*", "t1/", true),
            ("${aws:username}/*", "root/x", false),
            ("*", "", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn silence_is_no_and_deny_beats_allow() {
        let policy = Policy::parse(
            r#"{"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::lake/t1/*"},
                {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::lake",
                 "Condition": {"StringLike": {"s3:prefix": ["t1/*"]}}},
                {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}]}"#,
        )
        .expect("a policy");
        let ask = |action, resource: &str, prefix: Option<&str>| {
            let facts = prefix.map(|prefix| ("s3:prefix", prefix.to_owned())).into_iter().collect();
            policy.allows(&Asked { action, resource: format!("arn:aws:s3:::{resource}"), facts })
        };
        assert!(ask("s3:GetObject", "lake/t1/x", None));
        assert!(!ask("s3:GetObject", "lake/t10/x", None));
        assert!(!ask("s3:DeleteObject", "lake/t1/x", None));
        assert!(ask("s3:ListBucket", "lake", Some("t1/data")));
        assert!(!ask("s3:ListBucket", "lake", Some("")));
        assert!(!ask("s3:ListBucket", "lake", None));
    }
}
