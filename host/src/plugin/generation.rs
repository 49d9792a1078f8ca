//! The set of plugins that decides now, swapped as a whole.

use std::sync::{Arc, PoisonError, RwLock};

use super::chain::{Chain, Holder, Seat};
use super::guest::Guest;
use super::panel::Panel;
use super::{Abilities, Object};

/// The chain of authorizers that a generation makes.
pub type Authorizers = Chain<Holder>;

/// Whether a plugin's answers count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Enforce,
    /// It is asked, its answers are compared, they change nothing.
    Shadow,
}

/// Which projects and warehouses a plugin governs, by their ids; everything where both are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub projects: Vec<String>,
    pub warehouses: Vec<String>,
}

impl Scope {
    pub fn is_everywhere(&self) -> bool {
        self.projects.is_empty() && self.warehouses.is_empty()
    }

    /// Whether an object of this project, of this warehouse where it has one, is governed.
    pub fn covers(&self, project_id: &str, warehouse_id: Option<&str>) -> bool {
        self.is_everywhere()
            || self.projects.iter().any(|id| id == project_id)
            || warehouse_id.is_some_and(|warehouse_id| self.warehouses.iter().any(|id| id == warehouse_id))
    }
}

impl Scope {
    /// Whether an object is governed: what lies in a project, in a warehouse, or is one itself.
    pub fn governs(&self, object: &Object) -> bool {
        let project = if object.kind == "project" { &object.id } else { &object.project.id };
        let warehouse = match &object.warehouse {
            Some(warehouse) => Some(warehouse.id.as_str()),
            None if object.kind == "warehouse" => Some(object.id.as_str()),
            None => None,
        };
        self.covers(project, warehouse)
    }
}

/// A plugin in its place.
#[derive(Clone)]
pub struct Member {
    pub guest: Arc<Guest>,
    pub mode: Mode,
    pub scope: Scope,
}

/// A plugin that should decide, but of which no version is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vacancy {
    pub name: String,
    pub scope: Scope,
}

/// One immutable set of active plugins, in their order; a request takes one and uses it to its end.
#[derive(Default)]
pub struct Generation {
    pub number: u64,
    pub members: Vec<Member>,
    /// Whoever is missing: what lies in their scopes cannot be decided, which is never an allow (I1).
    pub vacancies: Vec<Vacancy>,
}

impl Generation {
    /// Those whose verdicts count.
    pub fn authorizers(&self) -> impl Iterator<Item = &Member> {
        self.enforced().filter(|member| member.guest.abilities().authorizer)
    }

    /// Those whose violations count.
    pub fn contracts(&self) -> impl Iterator<Item = &Member> {
        self.enforced().filter(|member| member.guest.abilities().contract)
    }

    /// Those that give access to files, in their order.
    pub fn storages(&self) -> impl Iterator<Item = &Member> {
        self.enforced().filter(|member| member.guest.abilities().storage)
    }

    /// Those that hear of changes.
    pub fn followers(&self) -> impl Iterator<Item = &Member> {
        self.enforced().filter(|member| member.guest.abilities().authorizer_events)
    }

    /// Those that keep grants.
    pub fn granters(&self) -> impl Iterator<Item = &Member> {
        self.enforced().filter(|member| member.guest.abilities().authorizer_grants)
    }

    /// Those that are only watched.
    pub fn shadows(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.mode == Mode::Shadow)
    }

    /// Whether any member is shown claims of callers' tokens.
    pub fn shows_claims(&self) -> bool {
        self.members.iter().any(|member| !member.guest.claims().is_empty())
    }

    /// All that decide, the shadows beside them, and the places that nobody holds, as one chain.
    fn chain(&self) -> Authorizers {
        Chain::new(self.number, self.seats(|abilities| abilities.authorizer))
    }

    /// The same for those that judge changes.
    fn panel(&self) -> Panel {
        Panel::new(self.number, self.seats(|abilities| abilities.contract))
    }

    /// Nobody knows what a plugin that is missing would have been, so it is missed in every place.
    fn seats(&self, has: impl Fn(&Abilities) -> bool) -> Vec<Seat<Holder>> {
        let members = self.members.iter().filter(|member| has(member.guest.abilities()));
        let held = members.map(|member| Seat {
            decider: Holder::Guest(Arc::clone(&member.guest)),
            scope: member.scope.clone(),
            shadow: member.mode == Mode::Shadow,
        });
        let vacant = self.vacancies.iter().map(|vacancy| Seat {
            decider: Holder::Nobody(vacancy.name.clone()),
            scope: vacancy.scope.clone(),
            shadow: false,
        });
        held.chain(vacant).collect()
    }

    fn enforced(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.mode == Mode::Enforce)
    }
}

/// Holds the generation that decides now.
#[derive(Default)]
pub struct Plugins {
    current: RwLock<Active>,
}

struct Active {
    generation: Arc<Generation>,
    authorizers: Arc<Authorizers>,
    contracts: Arc<Panel>,
}

impl Active {
    fn new(generation: Generation) -> Self {
        let (authorizers, contracts) = (Arc::new(generation.chain()), Arc::new(generation.panel()));
        Self { generation: Arc::new(generation), authorizers, contracts }
    }
}

impl Default for Active {
    fn default() -> Self {
        Self::new(Generation::default())
    }
}

impl Plugins {
    pub fn new(first: Generation) -> Self {
        Self { current: RwLock::new(Active::new(first)) }
    }

    pub fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).generation)
    }

    /// The authorizers of the current generation.
    pub fn authorizers(&self) -> Arc<Authorizers> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).authorizers)
    }

    /// The contracts of the current generation.
    pub fn contracts(&self) -> Arc<Panel> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).contracts)
    }

    /// Makes another generation the current one; requests under way keep theirs.
    pub fn swap(&self, next: Generation) -> Arc<Generation> {
        let next = Active::new(next);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, next).generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_its_projects_and_warehouses() {
        let scope = Scope { projects: vec!["p".into()], warehouses: vec!["w".into()] };
        assert!(scope.covers("p", None) && scope.covers("q", Some("w")));
        assert!(!scope.covers("q", None) && !scope.covers("q", Some("v")));
        assert!(Scope::default().covers("q", None));
    }

    #[test]
    fn a_swap_leaves_the_generation_of_requests_under_way_alone() {
        let plugins = Plugins::default();
        let of_request = plugins.current();
        let before = plugins.swap(Generation { number: 1, ..Generation::default() });
        assert_eq!((of_request.number, before.number, plugins.current().number), (0, 0, 1));
    }
}
