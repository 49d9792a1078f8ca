//! Listings: planned once where an authorizer can, else checked in columns, chunk by chunk.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::pace::Pace;
use super::{Chain, Decider, Decision, Outcome, PlanAsked, Seat, Silence, Tally, Voice, Word};
use crate::plugin::{Batch, Call, Check, Parent, Place, Plan};

/// What is listed: the question that each item must pass, and the place that all of them lie in.
#[derive(Clone, Debug)]
pub struct Listed {
    pub action: String,
    pub kind: String,
    pub project: Parent,
    pub warehouse: Option<Parent>,
    pub namespace: Vec<Parent>,
}

/// Some of the rows of a listing.
pub enum Items<'a> {
    /// Thousands of tables in one namespace: ids with names are all that tells them apart.
    Columns { ids: Vec<String>, names: Vec<String> },
    /// Objects that carry more than their names.
    Checks(&'a [Check]),
}

/// A listing for one caller by one generation: plans are made once, however many chunks of rows follow.
pub struct Listing<D> {
    chain: Arc<Chain<D>>,
    call: Call,
    of: Listed,
    plans: Vec<(usize, Planned)>,
}

/// A plan as items are held against it.
enum Planned {
    Nothing,
    Everything,
    /// All that may be seen, or with `complete` unset only the first of them.
    Ids {
        ids: HashSet<String>,
        complete: bool,
    },
    Namespaces(Vec<Vec<String>>),
    Prefixes(Vec<String>),
    PerItem,
    Abstain,
    Silent(Silence),
}

impl<D: Decider> Listing<D> {
    pub async fn plan(chain: Arc<Chain<D>>, call: Call, of: Listed) -> Self {
        let mut plans = Vec::new();
        let within =
            Place { project: of.project.clone(), warehouse: of.warehouse.clone(), namespace: of.namespace.clone() };
        let warehouse = of.warehouse.as_ref().map(|warehouse| warehouse.id.as_str());
        let asked = PlanAsked { action: &of.action, kind: &of.kind, within: &within };
        for (number, seat) in chain.seats().iter().enumerate().filter(|(_, seat)| !seat.shadow) {
            if !seat.scope.covers(&of.project.id, warehouse) {
                continue;
            }
            let plan = match seat.decider.plan_list(&call, &asked).await {
                Ok(Some(plan)) => Planned::from(plan),
                Ok(None) => Planned::PerItem,
                Err(silence) => Planned::Silent(silence),
            };
            plans.push((number, plan));
        }
        Self { chain, call, of, plans }
    }

    /// Whether no row can be seen, so that none needs to be read.
    pub fn is_nothing(&self) -> bool {
        self.plans.is_empty()
            || self.plans.iter().any(|(_, plan)| plan.admits_nothing())
            || self.plans.iter().all(|(_, plan)| matches!(plan, Planned::Abstain))
    }

    /// Whether each item may be seen, in order; the decision that nobody could make, where one could not be made.
    pub async fn sees(&self, items: &Items<'_>) -> Result<Vec<bool>, Box<Decision>> {
        let started = Instant::now();
        let mut tallies = vec![Tally::default(); items.len()];
        for (number, plan) in &self.plans {
            let mut open = Vec::new();
            for (at, tally) in tallies.iter_mut().enumerate().filter(|(_, tally)| !tally.is_settled()) {
                match plan.word(items, at, &self.of.namespace) {
                    Some(word) => tally.hear(*number, Voice::plain(word)),
                    None => open.push(at),
                }
            }
            for (at, word) in self.ask_all(*number, items, &open).await {
                tallies[at].hear(*number, Voice::plain(word));
            }
        }
        let unable = tallies.iter().find(|tally| matches!(tally.outcome(), Outcome::Unable(_)));
        match unable {
            None => Ok(tallies.iter().map(|tally| tally.outcome() == Outcome::Allow).collect()),
            Some(tally) => Err(Box::new(Decision { duration: started.elapsed(), ..self.chain.decision(tally) })),
        }
    }

    /// Asks about as many items at a time as the authorizer answers well within its deadline.
    async fn ask_all(&self, seat: usize, items: &Items<'_>, mut open: &[usize]) -> Vec<(usize, Word)> {
        let Some(seat) = self.chain.seats().get(seat) else { return Vec::new() };
        let (mut pace, mut heard) = (Pace::within(seat.decider.deadline()), Vec::with_capacity(open.len()));
        while !open.is_empty() {
            let (places, later) = open.split_at(pace.items().min(open.len()));
            let asked = Instant::now();
            heard.extend(self.ask(seat, items, places).await);
            pace.learn(asked.elapsed());
            open = later;
            // Who is silent now is not asked again and again: the list cannot be told any more.
            if let Some((_, Word::Silent(silence))) = heard.last().cloned() {
                heard.extend(later.iter().map(|at| (*at, Word::Silent(silence.clone()))));
                break;
            }
        }
        heard
    }

    async fn ask(&self, seat: &Seat<D>, items: &Items<'_>, places: &[usize]) -> Vec<(usize, Word)> {
        let said = match items {
            Items::Columns { ids, names } => {
                let batch = self.batch(ids, names, places);
                seat.decider
                    .authorize_many(&self.call, &batch)
                    .await
                    .and_then(|codes| codes.into_iter().map(word).collect())
            }
            Items::Checks(checks) => {
                let some: Vec<Check> = places.iter().map(|at| checks[*at].clone()).collect();
                let verdicts = seat.decider.authorize(&self.call, &some).await;
                verdicts
                    .map(|verdicts| verdicts.into_iter().map(|verdict| Voice::from(verdict).word).collect::<Vec<_>>())
            }
        };
        let silence = match said {
            Ok(words) if words.len() == places.len() => return places.iter().copied().zip(words).collect(),
            Ok(_) => Silence::BAD_OUTPUT,
            Err(silence) => silence,
        };
        places.iter().map(|at| (*at, Word::Silent(silence.clone()))).collect()
    }

    fn batch(&self, ids: &[String], names: &[String], places: &[usize]) -> Batch {
        Batch {
            action: self.of.action.clone(),
            kind: self.of.kind.clone(),
            project: self.of.project.clone(),
            warehouse: self.of.warehouse.clone(),
            namespaces: vec![self.of.namespace.clone()],
            namespace_of: vec![0; places.len()],
            ids: places.iter().map(|at| ids[*at].clone()).collect(),
            names: places.iter().map(|at| names[*at].clone()).collect(),
            columns: Vec::new(),
        }
    }
}

fn word(code: u8) -> Result<Word, Silence> {
    match code {
        0 => Ok(Word::Deny),
        1 => Ok(Word::Allow),
        2 => Ok(Word::Abstain),
        _ => Err(Silence::BAD_OUTPUT),
    }
}

impl Items<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Columns { ids, names } => ids.len().min(names.len()),
            Self::Checks(checks) => checks.len(),
        }
    }

    fn id(&self, at: usize) -> &str {
        match self {
            Self::Columns { ids, .. } => &ids[at],
            Self::Checks(checks) => &checks[at].object.id,
        }
    }

    fn name(&self, at: usize) -> &str {
        match self {
            Self::Columns { names, .. } => &names[at],
            Self::Checks(checks) => &checks[at].object.name,
        }
    }

    fn is_namespace(&self, at: usize) -> bool {
        matches!(self, Self::Checks(checks) if checks[at].object.kind == "namespace")
    }
}

impl From<Plan> for Planned {
    fn from(plan: Plan) -> Self {
        match plan {
            Plan::Nothing => Self::Nothing,
            Plan::Everything => Self::Everything,
            Plan::Ids(few) => Self::Ids { ids: few.ids.into_iter().collect(), complete: few.complete },
            Plan::Namespaces(paths) => Self::Namespaces(paths),
            Plan::NamePrefixes(prefixes) => Self::Prefixes(prefixes),
            Plan::PerItem => Self::PerItem,
            Plan::Abstain => Self::Abstain,
        }
    }
}

impl Planned {
    /// What the plan says of one item; `None` where its author must be asked.
    fn word(&self, items: &Items<'_>, at: usize, namespace: &[Parent]) -> Option<Word> {
        let inside = match self {
            Self::PerItem => return None,
            Self::Abstain => return Some(Word::Abstain),
            Self::Silent(silence) => return Some(Word::Silent(silence.clone())),
            Self::Nothing => false,
            Self::Everything => true,
            Self::Ids { ids, complete } => match ids.contains(items.id(at)) {
                // A list that was cut says nothing about what is not in it (T57).
                false if !complete => return None,
                inside => inside,
            },
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| items.name(at).starts_with(prefix.as_str())),
            Self::Namespaces(paths) => {
                let own = items.is_namespace(at).then(|| items.name(at));
                let path: Vec<&str> = namespace.iter().map(|parent| parent.name.as_str()).chain(own).collect();
                paths.iter().any(|named| lies_in(&path, named))
            }
        };
        Some(if inside { Word::Allow } else { Word::Deny })
    }

    fn admits_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Ids { ids, complete } => *complete && ids.is_empty(),
            Self::Namespaces(paths) => paths.is_empty(),
            Self::Prefixes(prefixes) => prefixes.is_empty(),
            _ => false,
        }
    }
}

/// Whether a path is the named namespace or lies in it.
fn lies_in(path: &[&str], named: &[String]) -> bool {
    !named.is_empty() && path.len() >= named.len() && path.iter().zip(named).all(|(part, name)| *part == name)
}
