//! Questions to the server: checks in batches, listings in one go.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use weir_plugin::host::http::HttpFault;
use weir_plugin::{Call, Fault};

use crate::names;
use crate::server::{Server, Target, unreachable};
use crate::settings::Settings;
use crate::tuples::Tuple;

/// Roles that travel with one question; the server takes 100 tuples, the hierarchy needs some. A caller with more roles
/// is asked about in several questions, of which one yes is enough.
const ROLES_MAX: usize = 60;

/// Whether the caller has the relation to the object, which lies below these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ask {
    pub relation: &'static str,
    pub object: String,
    pub above: Vec<String>,
}

/// Who asks, as the server is told.
pub struct Who {
    pub subject: String,
    /// What is true of the caller without being stored: roles, administration. One list a question.
    pub known: Vec<Vec<Tuple>>,
}

impl Who {
    pub fn of(call: &Call, settings: &Settings) -> Result<Self, Fault> {
        let principal = &call.principal;
        let subject = names::subject(principal)?;
        let administers = settings.administrators.contains(&principal.id)
            || principal.roles.iter().any(|role| settings.administrator_roles.contains(role));
        // An assumed role is in itself; the server takes no tuple that says so.
        let others = principal.roles.iter().filter(|role| principal.kind != "role" || **role != principal.id);
        let roles = others.map(|role| Ok(Tuple::new(&subject, "assignee", &names::role(role)?)));
        let roles = roles.collect::<Result<Vec<Tuple>, Fault>>()?;
        let mut known: Vec<Vec<Tuple>> = roles.chunks(ROLES_MAX).map(<[Tuple]>::to_vec).collect();
        if known.is_empty() {
            known.push(Vec::new());
        }
        if administers {
            known[0].push(Tuple::new(&subject, "operator", names::SERVER));
        }
        Ok(Self { subject, known })
    }
}

#[derive(Serialize)]
struct BatchCheck<'a> {
    authorization_model_id: &'a str,
    consistency: &'a str,
    checks: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    correlation_id: String,
    tuple_key: Key<'a>,
    contextual_tuples: TupleKeys,
}

#[derive(Serialize)]
struct Key<'a> {
    user: &'a str,
    relation: &'a str,
    object: &'a str,
}

#[derive(Serialize)]
struct TupleKeys {
    tuple_keys: Vec<Tuple>,
}

#[derive(Deserialize)]
struct Answers {
    #[serde(default)]
    result: HashMap<String, Answer>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    allowed: bool,
    error: Option<serde_json::Value>,
}

impl Server {
    /// One answer for each question, in order. Equal questions are asked once; answers are found by their id, never by
    /// their place (S24).
    pub fn check(&self, who: &Who, asks: &[Ask]) -> Result<Vec<bool>, Fault> {
        let target = self.target()?;
        self.check_at(&target, self.consistency(), who, asks)
    }

    pub fn check_at(&self, at: &Target, consistency: &str, who: &Who, asks: &[Ask]) -> Result<Vec<bool>, Fault> {
        let mut places: HashMap<&Ask, usize> = HashMap::new();
        let mut distinct: Vec<&Ask> = Vec::new();
        for ask in asks {
            places.entry(ask).or_insert_with(|| {
                distinct.push(ask);
                distinct.len() - 1
            });
        }
        let mut allowed = vec![false; distinct.len()];
        for known in &who.known {
            for (chunk, few) in distinct.chunks(self.settings.checks_per_request).enumerate() {
                let first = chunk * self.settings.checks_per_request;
                let checks = few.iter().enumerate().map(|(n, ask)| item(who, known, ask, first + n)).collect();
                let body = BatchCheck { authorization_model_id: &at.model, consistency, checks };
                let answers: Answers = self.ask("POST", &format!("/stores/{}/batch-check", at.store), &body)?;
                for (n, allowed) in allowed.iter_mut().enumerate().skip(first).take(few.len()) {
                    *allowed |= answers.of(n)?;
                }
            }
        }
        Ok(asks.iter().map(|ask| places.get(ask).is_some_and(|at| allowed[*at])).collect())
    }

    /// The objects of a kind that the caller has the relation to by a grant on themselves; `None` where the server does
    /// not say all of them in time. A cut answer is no answer (T57).
    pub fn list(&self, who: &Who, kind: &str, relation: &str) -> Result<Option<HashSet<String>>, Fault> {
        let target = self.target()?;
        let mut ids = HashSet::new();
        for known in &who.known {
            let body = serde_json::json!({
                "authorization_model_id": target.model, "type": kind, "relation": relation, "user": who.subject,
                "contextual_tuples": { "tuple_keys": known }, "consistency": self.consistency(),
            });
            let path = format!("/stores/{}/streamed-list-objects", target.store);
            let response = match self.send("POST", &path, &body, self.settings.list_ms) {
                Ok(response) if response.status == 200 => response,
                Ok(response) => return Err(self.refused(&response)),
                Err(HttpFault::Timeout | HttpFault::TooLarge) => return Ok(None),
                Err(fault) => return Err(unreachable(&fault)),
            };
            if !read_stream(&response.body, kind, &mut ids) {
                return Ok(None);
            }
        }
        Ok(Some(ids))
    }
}

fn item<'a>(who: &'a Who, known: &[Tuple], ask: &'a Ask, number: usize) -> Item<'a> {
    let mut tuple_keys = names::hierarchy(&ask.above, &ask.object);
    tuple_keys.extend_from_slice(known);
    Item {
        correlation_id: number.to_string(),
        tuple_key: Key { user: &who.subject, relation: ask.relation, object: &ask.object },
        contextual_tuples: TupleKeys { tuple_keys },
    }
}

impl Answers {
    fn of(&self, number: usize) -> Result<bool, Fault> {
        match self.result.get(&number.to_string()) {
            Some(Answer { error: None, allowed }) => Ok(*allowed),
            Some(Answer { error: Some(error), .. }) => {
                Err(Fault::unavailable("openfga_check", format!("OpenFGA could not check: {error}"), 1_000))
            }
            None => Err(Fault::unavailable("openfga_answer", "OpenFGA left a check without an answer", 1_000)),
        }
    }
}

/// Lines of JSON, one an object; `false` where one of them is an error, or was cut.
fn read_stream(body: &[u8], kind: &str, ids: &mut HashSet<String>) -> bool {
    #[derive(Deserialize)]
    struct Line {
        result: Found,
    }
    #[derive(Deserialize)]
    struct Found {
        object: String,
    }
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return false };
        let Some(id) = line.result.object.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')) else {
            return false;
        };
        ids.insert(names::plain(id));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(body: &str) -> Option<Vec<String>> {
        let mut ids = HashSet::new();
        let whole = read_stream(body.as_bytes(), "table", &mut ids);
        let mut ids: Vec<String> = ids.into_iter().collect();
        ids.sort();
        whole.then_some(ids)
    }

    #[test]
    fn t57_a_stream_that_is_cut_or_ends_in_an_error_is_no_list() {
        let whole = "{\"result\":{\"object\":\"table:a\"}}\n{\"result\":{\"object\":\"table:b%20c\"}}\n";
        assert_eq!(stream(whole).unwrap(), ["a", "b c"]);
        assert_eq!(stream("").unwrap(), Vec::<String>::new());
        assert!(stream(&whole[..whole.len() - 4]).is_none());
        assert!(stream(&format!("{whole}{{\"error\":{{\"code\":2000}}}}\n")).is_none());
        assert!(stream("{\"result\":{\"object\":\"tablet:a\"}}").is_none());
    }

    #[test]
    fn s24_an_answer_is_found_by_its_id_or_is_a_fault() {
        let text =
            r#"{"result": {"1": {"allowed": true}, "0": {"allowed": false}, "3": {"error": {"message": "no"}}}}"#;
        let answers: Answers = serde_json::from_str(text).unwrap();
        assert_eq!((answers.of(0).unwrap(), answers.of(1).unwrap()), (false, true));
        assert!(answers.of(2).is_err() && answers.of(3).is_err());
    }

    #[test]
    fn a_caller_with_many_roles_is_asked_about_in_several_questions() {
        let roles: Vec<String> = (0..150).map(|n| format!("r{n}")).collect();
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        let call = weir_plugin::testing::call("ann", &roles);
        let who = Who::of(&call, &Settings::default()).unwrap();
        assert_eq!(who.known.iter().map(Vec::len).collect::<Vec<_>>(), [60, 60, 30]);
        assert_eq!(who.known[0][0], Tuple::new("user:ann", "assignee", "role:r0"));
    }
}
