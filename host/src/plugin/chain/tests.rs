//! What a chain must keep to, whoever sits in it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::plugin::bindings::planning::exports::weir::plugin::authorizer_plan::Ids;
use crate::plugin::{Effect, Object, Parent, Principal};

/// How the double answers to a thing of some id.
#[derive(Clone, Debug)]
struct Double {
    /// By the number that ends the object's id.
    words: Vec<Word>,
    planning: Planning,
    /// Answers one verdict too few.
    lies: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planning {
    None,
    /// Only where no word is an abstention or a silence, as the contract of plans says.
    Ids,
    /// The first half of the ids alone (T57).
    Truncated,
}

impl Double {
    fn saying(word: Word) -> Self {
        Self { words: vec![word], planning: Planning::None, lies: false }
    }

    fn word(&self, id: &str) -> &Word {
        let number: usize = id.rsplit('-').next().and_then(|text| text.parse().ok()).unwrap_or_default();
        &self.words[number % self.words.len()]
    }

    fn silence(&self, ids: &[&str]) -> Option<Silence> {
        ids.iter().find_map(|id| match self.word(id) {
            Word::Silent(silence) => Some(silence.clone()),
            _ => None,
        })
    }
}

fn ready<T: Send>(value: T) -> impl Future<Output = T> + Send {
    std::future::ready(value)
}

impl Decider for Double {
    fn name(&self) -> &str {
        "double"
    }

    fn digest(&self) -> &str {
        "00"
    }

    fn deadline(&self) -> Duration {
        Duration::from_millis(100)
    }

    fn authorize(&self, _: &Call, checks: &[Check]) -> impl Future<Output = Result<Vec<Verdict>, Silence>> + Send {
        let ids: Vec<&str> = checks.iter().map(|check| check.object.id.as_str()).collect();
        if let Some(silence) = self.silence(&ids) {
            return ready(Err(silence));
        }
        let effect = |id: &&str| match self.word(id) {
            Word::Allow => Effect::Allow,
            Word::Deny => Effect::Deny,
            Word::Abstain | Word::Silent(_) => Effect::Abstain,
        };
        let count = ids.len() - usize::from(self.lies && !ids.is_empty());
        let verdict = |effect| Verdict { effect, rule: Some("r\u{7}1".into()), reason: Some("é".repeat(400)) };
        ready(Ok(ids.iter().take(count).map(effect).map(verdict).collect()))
    }

    fn authorize_many(&self, _: &Call, batch: &Batch) -> impl Future<Output = Result<Vec<u8>, Silence>> + Send {
        let ids: Vec<&str> = batch.ids.iter().map(String::as_str).collect();
        let code = |id: &&str| match self.word(id) {
            Word::Deny => 0,
            Word::Allow => 1,
            Word::Abstain | Word::Silent(_) => 2,
        };
        ready(self.silence(&ids).map_or_else(|| Ok(ids.iter().map(code).collect()), Err))
    }

    fn plan_list(&self, _: &Call, _: &PlanAsked<'_>) -> impl Future<Output = Result<Option<Plan>, Silence>> + Send {
        let plain = self.words.iter().all(|word| matches!(word, Word::Allow | Word::Deny));
        let ids: Vec<String> = (0..ITEMS).map(id).filter(|id| *self.word(id) == Word::Allow).collect();
        ready(Ok(match self.planning {
            Planning::Ids if plain => Some(Plan::Ids(Ids { ids, complete: true })),
            Planning::Truncated if plain => {
                Some(Plan::Ids(Ids { ids: ids.iter().take(ids.len() / 2).cloned().collect(), complete: false }))
            }
            _ => None,
        }))
    }
}

const ITEMS: usize = 9;

fn id(number: usize) -> String {
    format!("t-{number}")
}

fn timeout() -> Silence {
    Silence { code: "plugin_timeout", retry_after_ms: Some(500) }
}

fn call() -> Call {
    let principal = Principal { id: "anonymous".into(), kind: "anonymous".into(), roles: vec![], claims: vec![] };
    Call { request_id: "r".into(), principal, now_ms: 0, deadline_ms: 100 }
}

fn parent(id: &str) -> Parent {
    Parent { id: id.into(), name: id.into() }
}

fn check(number: usize) -> Check {
    let object = Object {
        kind: "table".into(),
        id: id(number),
        project: parent("p"),
        warehouse: Some(parent("w")),
        namespace: vec![parent("n")],
        name: format!("name-{number}"),
        attributes: vec![],
    };
    Check { action: "table:describe".into(), object }
}

fn chain(doubles: Vec<Double>) -> Chain<Double> {
    Chain::new(7, doubles.into_iter().map(|decider| Seat { decider, scope: Scope::default(), shadow: false }).collect())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn outcomes(chain: &Chain<Double>, checks: &[Check]) -> Vec<Outcome> {
    run(chain.decide(&call(), checks)).into_iter().map(|decision| decision.outcome).collect()
}

fn a_word() -> impl Strategy<Value = Word> {
    prop_oneof![Just(Word::Deny), Just(Word::Silent(timeout())), Just(Word::Allow), Just(Word::Abstain)]
}

fn a_plain_word() -> impl Strategy<Value = Word> {
    prop_oneof![Just(Word::Deny), Just(Word::Allow), Just(Word::Abstain)]
}

fn a_double() -> impl Strategy<Value = Double> {
    let planning = prop_oneof![Just(Planning::None), Just(Planning::Ids), Just(Planning::Truncated)];
    let words = prop_oneof![vec(a_plain_word(), 1..5), vec(prop_oneof![Just(Word::Deny), Just(Word::Allow)], 1..5)];
    (words, planning).prop_map(|(words, planning)| Double { words, planning, lies: false })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i3_t53_deny_beats_error_beats_allow_beats_abstain(words in vec(a_word(), 0..6)) {
        let outcome = outcomes(&chain(words.iter().cloned().map(Double::saying).collect()), &[check(0)]).remove(0);
        let expected = if words.contains(&Word::Deny) {
            Outcome::Deny
        } else if words.contains(&Word::Silent(timeout())) {
            Outcome::Unable(timeout())
        } else if words.contains(&Word::Allow) {
            Outcome::Allow
        } else {
            Outcome::Deny
        };
        prop_assert_eq!(outcome, expected);
    }

    #[test]
    fn t53_the_order_of_a_chain_changes_no_outcome(words in vec(a_word(), 1..6).prop_shuffle(), turn in 0usize..6) {
        let mut turned = words.clone();
        turned.rotate_left(turn % words.len());
        let of = |words: Vec<Word>| outcomes(&chain(words.into_iter().map(Double::saying).collect()), &[check(0)]);
        prop_assert_eq!(of(words), of(turned));
    }

    #[test]
    fn t53_one_more_authorizer_turns_no_deny_or_error_into_an_allow(words in vec(a_word(), 1..5), more in a_word()) {
        let of = |words: Vec<Word>| outcomes(&chain(words.into_iter().map(Double::saying).collect()), &[check(0)]).remove(0);
        let strict = words.iter().any(|word| matches!(word, Word::Deny | Word::Silent(_)));
        let after = of([words, vec![more]].concat());
        prop_assert!(!strict || after != Outcome::Allow);
    }

    #[test]
    fn s24_answers_align_with_their_checks_in_any_order(double in a_double(), order in vec(0..ITEMS, 1..30)) {
        let chain = chain(vec![double]);
        let checks: Vec<Check> = order.iter().copied().map(check).collect();
        let together = outcomes(&chain, &checks);
        let alone: Vec<Outcome> = checks.iter().flat_map(|one| outcomes(&chain, std::slice::from_ref(one))).collect();
        prop_assert_eq!(together, alone);
    }

    #[test]
    fn t55_a_listing_is_what_single_checks_allow(doubles in vec(a_double(), 1..4), size in 1..ITEMS) {
        let chain = Arc::new(chain(doubles));
        let single: Vec<bool> =
            (0..ITEMS).map(|at| outcomes(&chain, &[check(at)]) == [Outcome::Allow]).collect();
        let listing = run(Listing::plan(Arc::clone(&chain), call(), listed()));
        for columns in [true, false] {
            let mut seen = Vec::new();
            for chunk in (0..ITEMS).collect::<Vec<_>>().chunks(size) {
                let checks: Vec<Check> = chunk.iter().copied().map(check).collect();
                let items = match columns {
                    true => Items::Columns {
                        ids: checks.iter().map(|check| check.object.id.clone()).collect(),
                        names: checks.iter().map(|check| check.object.name.clone()).collect(),
                    },
                    false => Items::Checks(&checks),
                };
                seen.extend(run(listing.sees(&items)).unwrap());
            }
            prop_assert_eq!(&seen, &single);
            prop_assert!(!listing.is_nothing() || single.iter().all(|seen| !seen));
        }
    }

    #[test]
    fn a_shadow_changes_no_outcome(words in vec(a_word(), 0..4), shadow in a_word()) {
        let live = chain(words.iter().cloned().map(Double::saying).collect());
        let mut shadowed = chain(words.into_iter().map(Double::saying).collect());
        shadowed.seats.insert(0, Seat { decider: Double::saying(shadow), scope: Scope::default(), shadow: true });
        prop_assert_eq!(outcomes(&live, &[check(0)]), outcomes(&shadowed, &[check(0)]));
    }
}

fn listed() -> Listed {
    Listed {
        action: "table:describe".into(),
        kind: "table".into(),
        project: parent("p"),
        warehouse: Some(parent("w")),
        namespace: vec![parent("n")],
    }
}

#[test]
fn t15_an_answer_of_another_length_is_an_error_for_the_whole_batch() {
    let lying = Double { lies: true, ..Double::saying(Word::Allow) };

    let outcomes = outcomes(&chain(vec![lying]), &[check(0), check(1)]);

    assert_eq!(outcomes, vec![Outcome::Unable(Silence::BAD_OUTPUT); 2]);
}

#[test]
fn i1_a_listing_that_cannot_be_decided_is_no_listing() {
    let chain = Arc::new(chain(vec![Double::saying(Word::Silent(timeout()))]));
    let listing = run(Listing::plan(chain, call(), listed()));

    let refused = run(listing.sees(&Items::Checks(&[check(0)]))).unwrap_err();

    assert_eq!((refused.outcome, refused.generation), (Outcome::Unable(timeout()), 7));
}

#[test]
fn an_authorizer_hears_nothing_from_outside_its_scope() {
    let mut chain = chain(vec![Double::saying(Word::Deny), Double::saying(Word::Allow)]);
    chain.seats[0].scope.warehouses = vec!["another".into()];

    let outside = outcomes(&chain, &[check(0)]);
    chain.seats[0].scope.warehouses.push("w".into());
    let inside = outcomes(&chain, &[check(0)]);

    assert_eq!((outside, inside), (vec![Outcome::Allow], vec![Outcome::Deny]));
}

#[test]
fn where_no_authorizer_governs_nobody_is_allowed() {
    let mut chain = chain(vec![Double::saying(Word::Allow)]);
    chain.seats[0].scope.projects = vec!["another".into()];

    let decision = run(chain.decide(&call(), &[check(0)])).remove(0);

    assert_eq!((decision.outcome, decision.plugin), (Outcome::Deny, None));
}

#[test]
fn a_guest_s_words_are_cut_before_they_reach_a_log() {
    let decision = run(chain(vec![Double::saying(Word::Deny)]).decide(&call(), &[check(0)])).remove(0);

    assert_eq!(decision.rule.as_deref(), Some("r1"));
    assert_eq!(decision.reason.map(|reason| reason.len()), Some(512));
}

#[test]
fn a_shadow_s_difference_is_told() {
    let mut chain = chain(vec![Double::saying(Word::Allow)]);
    chain.seats.push(Seat { decider: Double::saying(Word::Deny), scope: Scope::default(), shadow: true });
    let live = run(chain.decide(&call(), &[check(0)]));

    let differences = run(chain.differences(&call(), &[check(0)], &live));

    assert_eq!(differences, vec![("double".to_owned(), 0, Outcome::Deny)]);
}
