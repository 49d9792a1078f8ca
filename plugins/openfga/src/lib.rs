//! Authorization by relationships that an OpenFGA server keeps.
#![doc = include_str!("../README.md")]

mod actions;
mod books;
mod model;
mod names;
mod questions;
mod self_test;
mod server;
mod settings;
mod tuples;

use weir_plugin::host::secrets;
use weir_plugin::{
    Authorizer, Batch, Call, Check, Effect, Fault, Follower, Grant, Grants, Ids, Listing, Object, Plan, Planner,
    Plugin, Problem, Verdict, problem,
};

pub use crate::actions::{Need, need, privileges};
use crate::questions::{Ask, Who};
use crate::server::Server;
pub use crate::settings::{Consistency, Settings};

/// As many as a plan names; who may see more is asked about one by one.
const IDS_MAX: usize = 10_000;

pub struct OpenFga {
    server: Server,
}

impl Plugin for OpenFga {
    type Settings = Settings;
    const SUMMARY: &'static str = "Authorization by relationships that an OpenFGA server keeps";

    /// The server is looked for with the first question: one that is down must not keep the plugin from its place.
    ///
    /// The secret `token` is not among `SECRETS`, because only servers that ask for it make it necessary.
    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        let mut problems = settings.problems();
        if settings.token && secrets::open("token").is_err() {
            problems.push(problem("/token", "requests are to carry the secret `token`: name it in `secrets`"));
        }
        if problems.is_empty() { Ok(Self { server: Server::new(settings) }) } else { Err(problems) }
    }
}

impl Authorizer for OpenFga {
    fn decide(&self, call: &Call, check: &Check) -> Result<Verdict, Fault> {
        let mut verdicts = self.authorize(call, std::slice::from_ref(check))?;
        verdicts.pop().ok_or_else(|| Fault::internal("no_verdict", "one check has one verdict"))
    }

    fn authorize(&self, call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, Fault> {
        let who = Who::of(call, &self.server.settings)?;
        let needs: Vec<Need> = checks.iter().map(need).collect();
        let mut asks = Vec::new();
        for (check, need) in checks.iter().zip(&needs) {
            if let Need::Relation(relation) = need {
                asks.push(ask(relation, &check.object)?);
            }
        }
        let answers = if asks.is_empty() { Vec::new() } else { self.server.check(&who, &asks)? };
        let mut answers = answers.into_iter();
        Ok(checks.iter().zip(&needs).map(|(check, need)| verdict(check, need, &mut answers)).collect())
    }

    fn authorize_many(&self, call: &Call, batch: &Batch) -> Result<Vec<Effect>, Fault> {
        let who = Who::of(call, &self.server.settings)?;
        let checks = (0..batch.ids.len()).map(|item| batch.check(item)).collect::<Result<Vec<Check>, Fault>>()?;
        let Some(Need::Relation(relation)) = checks.first().map(need) else {
            return checks.iter().map(|check| Ok(self.decide(call, check)?.effect)).collect();
        };
        let mut asks = checks.iter().map(|check| ask(relation, &check.object)).collect::<Result<Vec<Ask>, Fault>>()?;
        if relation == "can_see" {
            // What is inherited is inherited by all of one namespace: asked once, it need not be asked of each.
            let mut above: Vec<Vec<String>> = asks.iter().map(|ask| ask.above.clone()).collect();
            above.sort();
            above.dedup();
            let mut inherited = Vec::new();
            for path in above {
                if self.inherits(&who, &path)? {
                    inherited.push(path);
                }
            }
            if asks.iter().all(|ask| inherited.contains(&ask.above)) {
                return Ok(vec![Effect::Allow; asks.len()]);
            }
            asks.iter_mut().filter(|ask| !inherited.contains(&ask.above)).for_each(|ask| ask.above.clear());
        }
        Ok(self.server.check(&who, &asks)?.into_iter().map(effect).collect())
    }
}

impl Planner for OpenFga {
    /// Everything where the sight is inherited, else what is granted one by one: one question, one listing.
    fn plan_list(&self, call: &Call, listing: &Listing) -> Result<Plan, Fault> {
        // Who sees a project does not see its roles for that.
        if listing.kind == "role" || listing.action != format!("{}:describe", listing.kind) {
            return Ok(Plan::PerItem);
        }
        let who = Who::of(call, &self.server.settings)?;
        if self.inherits(&who, &names::within(&listing.within)?)? {
            return Ok(Plan::Everything);
        }
        Ok(match self.server.list(&who, &listing.kind, "can_see")? {
            Some(ids) if ids.is_empty() => Plan::Nothing,
            Some(ids) => {
                let complete = ids.len() <= IDS_MAX;
                Plan::Ids(Ids { ids: ids.into_iter().take(IDS_MAX).collect(), complete })
            }
            None => Plan::PerItem,
        })
    }
}

impl Follower for OpenFga {
    fn on_change(&self, call: &Call, change: &str, object: &Object, _: Option<&Object>) -> Result<(), Fault> {
        let name = names::object(object)?;
        match change {
            "created" | "bootstrapped" => {
                let Some(relation) = owner(&object.kind) else { return Ok(()) };
                self.server.own(&names::subject(&call.principal)?, relation, &name, &names::above(object)?)
            }
            "moved" | "present" => self.server.follow(&name, &names::above(object)?),
            "dropped" => self.server.forget(&name),
            // Ids do not change with names; what can be brought back keeps its grants.
            _ => Ok(()),
        }
    }
}

impl Grants for OpenFga {
    fn privileges(&self, kind: &str) -> Vec<String> {
        privileges(kind).iter().map(ToString::to_string).collect()
    }

    fn read(&self, _: &Call, object: &Object, cursor: Option<&str>) -> Result<(Vec<Grant>, Option<String>), Fault> {
        let page = self.server.read_page(&names::object(object)?, cursor)?;
        let known = privileges(&object.kind);
        let grants =
            page.tuples.into_iter().filter(|tuple| known.contains(&tuple.relation.as_str())).filter_map(|tuple| {
                let principal = names::principal(&tuple.user)?;
                let object = Object { attributes: Vec::new(), ..object.clone() };
                Some(Grant { principal, privilege: tuple.relation, object })
            });
        Ok((grants.collect(), page.next))
    }

    fn write(&self, _: &Call, add: &[Grant], remove: &[Grant]) -> Result<(), Fault> {
        for grant in add.iter().chain(remove) {
            if !privileges(&grant.object.kind).contains(&grant.privilege.as_str()) {
                let message = format!("`{}` is no privilege of a {}", grant.privilege, grant.object.kind);
                return Err(Fault::invalid("no_such_privilege", message));
            }
            names::grantee(&grant.principal)?;
        }
        for grant in remove {
            let user = names::grantee(&grant.principal)?;
            self.server.revoke(&user, &grant.privilege, &names::object(&grant.object)?)?;
        }
        for grant in add {
            let (user, object) = (names::grantee(&grant.principal)?, names::object(&grant.object)?);
            self.server.grant(&user, &grant.privilege, &object, &names::above(&grant.object)?)?;
        }
        Ok(())
    }

    fn known(&self, _: &Call, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Fault> {
        let page = self.server.read_everything(cursor)?;
        let mut known: Vec<String> = page.tuples.iter().filter_map(|tuple| names::stored(&tuple.object)).collect();
        known.sort();
        known.dedup();
        Ok((known, page.next))
    }
}

impl OpenFga {
    /// Whether the caller may describe a place, and so all that lies in it.
    fn inherits(&self, who: &Who, path: &[String]) -> Result<bool, Fault> {
        let Some((place, above)) = path.split_last() else { return Ok(false) };
        if above.is_empty() {
            return Ok(false);
        }
        let ask = Ask { relation: "can_describe", object: place.clone(), above: above.to_vec() };
        Ok(self.server.check(who, &[ask])?.first() == Some(&true))
    }
}

fn ask(relation: &'static str, object: &Object) -> Result<Ask, Fault> {
    Ok(Ask { relation, object: names::object(object)?, above: names::above(object)? })
}

fn verdict(check: &Check, need: &Need, answers: &mut impl Iterator<Item = bool>) -> Verdict {
    match need {
        Need::Nothing => Verdict::allow().by("everybody"),
        Need::Unheard => Verdict::deny(format!("the model knows no `{}`", check.action)).by("unknown"),
        Need::Relation(relation) if answers.next() == Some(true) => Verdict::allow().by(*relation),
        Need::Relation(relation) => Verdict::deny("no grant gives it").by(*relation),
    }
}

fn effect(allowed: bool) -> Effect {
    if allowed { Effect::Allow } else { Effect::Deny }
}

/// What the creator of an object gets.
fn owner(kind: &str) -> Option<&'static str> {
    match kind {
        "server" => Some("operator"),
        "project" => Some("project_admin"),
        "warehouse" | "namespace" | "table" | "view" | "role" => Some("ownership"),
        _ => None,
    }
}

weir_plugin::plugin!(OpenFga: authorizer, planner, follower, grants);
