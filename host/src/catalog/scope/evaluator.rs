//! A judge of policies for tests, written from Amazon's documentation, knowing nothing of how Weir writes them.
//!
//! Deny unless allowed, an explicit deny wins, `*` and `?` are wildcards in actions, resources and `…Like` conditions,
//! `${*}`, `${?}`, `${$}` are the plain characters. Any other variable is taken for the worst: it stands for anything.

use serde_json::Value;

/// One request, as the cloud sees it.
pub struct Request<'a> {
    pub action: &'a str,
    pub resource: &'a str,
    /// `s3:prefix`, which only a listing carries.
    pub prefix: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    Exactly(char),
    One,
    Any,
}

pub fn allows(policy: &str, request: &Request<'_>) -> bool {
    let policy: Value = serde_json::from_str(policy).expect("a policy is JSON");
    assert_eq!(policy["Version"], "2012-10-17", "older versions know no variables");
    let applies = |statement: &&Value| applies(statement, request);
    let effects: Vec<&Value> =
        list(&policy["Statement"]).into_iter().filter(applies).map(|one| &one["Effect"]).collect();
    !effects.contains(&&Value::from("Deny")) && effects.contains(&&Value::from("Allow"))
}

fn applies(statement: &Value, request: &Request<'_>) -> bool {
    let known = ["Effect", "Action", "Resource", "Condition", "Sid"];
    assert!(statement.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{statement}");
    let action = request.action.to_lowercase();
    list(&statement["Action"]).iter().any(|one| like(&text(one).to_lowercase(), &action))
        && list(&statement["Resource"]).iter().any(|one| like(text(one), request.resource))
        && conditions(&statement["Condition"]).all(|(operator, key, patterns)| {
            assert_eq!(key, "s3:prefix", "an unknown condition key");
            let Some(value) = request.prefix else { return false };
            patterns.iter().any(|pattern| match operator {
                "StringLike" => like(pattern, value),
                "StringEquals" => *pattern == value,
                other => panic!("an unknown operator {other}"),
            })
        })
}

fn conditions(block: &Value) -> impl Iterator<Item = (&str, &str, Vec<&str>)> {
    let operators = block.as_object().into_iter().flatten();
    operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().expect("an operator has keys");
        keys.iter().map(|(key, values)| (operator.as_str(), key.as_str(), list(values).into_iter().map(text).collect()))
    })
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn like(pattern: &str, value: &str) -> bool {
    let value: Vec<char> = value.chars().collect();
    // Which tails of the value can still be matched, after each token.
    let mut starts = vec![false; value.len() + 1];
    starts[0] = true;
    for token in tokens(pattern) {
        let mut next = vec![false; value.len() + 1];
        for at in (0..=value.len()).filter(|at| starts[*at]) {
            match token {
                Token::Any => next[at..].fill(true),
                Token::One if at < value.len() => next[at + 1] = true,
                Token::Exactly(wanted) if value.get(at) == Some(&wanted) => next[at + 1] = true,
                _ => {}
            }
        }
        starts = next;
    }
    starts[value.len()]
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let variable = rest.strip_prefix("${").and_then(|after| after.split_once('}'));
        rest = match variable {
            Some((name, after)) => {
                tokens.push(match name {
                    "*" | "?" | "$" => Token::Exactly(name.chars().next().unwrap()),
                    _ => Token::Any,
                });
                after
            }
            None => {
                tokens.push(match first {
                    '*' => Token::Any,
                    '?' => Token::One,
                    plain => Token::Exactly(plain),
                });
                &rest[first.len_utf8()..]
            }
        };
    }
    tokens
}

#[test]
fn the_judge_knows_the_language() {
    assert!(like("a*c", "abbbc") && like("a?c", "abc") && like("*", "") && like("a/*", "a/"));
    assert!(!like("a?c", "ac") && !like("a*c", "abd") && !like("a/*", "a"));
    assert!(like("${*}x", "*x") && !like("${*}x", "yx"));
    assert!(like("${aws:username}x", "whatever-x"), "a variable is taken for the worst");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"},
                     {"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/secret"}]}"#;
    let get = |resource| Request { action: "s3:GetObject", resource, prefix: None };
    assert!(allows(policy, &get("arn:aws:s3:::b/x")) && !allows(policy, &get("arn:aws:s3:::b/secret")));
}
