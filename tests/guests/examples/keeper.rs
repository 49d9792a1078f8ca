//! An authorizer that keeps grants, hears of changes: all of it in the memory of its instance.
use std::cell::RefCell;

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{Authorizer, Call, Check, Fault, Follower, Grant, Grants, Object, Plugin, Problem, Verdict, plugin};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

#[derive(Default)]
struct Keeper {
    grants: RefCell<Vec<Grant>>,
}

impl Plugin for Keeper {
    type Settings = NoSettings;
    const SUMMARY: &'static str = "Keeps grants until its instance goes";

    fn configure(_: NoSettings) -> Result<Self, Vec<Problem>> {
        Ok(Self::default())
    }
}

impl Authorizer for Keeper {
    fn decide(&self, _: &Call, _: &Check) -> Result<Verdict, Fault> {
        Ok(Verdict::allow())
    }
}

impl Follower for Keeper {
    /// What is dropped loses its grants.
    fn on_change(&self, _: &Call, change: &str, object: &Object, _: Option<&Object>) -> Result<(), Fault> {
        if change == "dropped" {
            self.grants.borrow_mut().retain(|grant| grant.object.id != object.id);
        }
        Ok(())
    }
}

impl Grants for Keeper {
    fn privileges(&self, kind: &str) -> Vec<String> {
        vec![format!("keep-{kind}")]
    }

    fn read(&self, _: &Call, object: &Object, _: Option<&str>) -> Result<(Vec<Grant>, Option<String>), Fault> {
        let grants = self.grants.borrow();
        Ok((grants.iter().filter(|grant| grant.object.id == object.id).cloned().collect(), None))
    }

    fn write(&self, _: &Call, add: &[Grant], remove: &[Grant]) -> Result<(), Fault> {
        let mut grants = self.grants.borrow_mut();
        grants.retain(|grant| !remove.contains(grant));
        grants.extend_from_slice(add);
        Ok(())
    }

    fn known(&self, _: &Call, _: Option<&str>) -> Result<(Vec<String>, Option<String>), Fault> {
        let grants = self.grants.borrow();
        let about = |grant: &Grant| format!("{}/{}", grant.object.kind, grant.object.id);
        Ok((grants.iter().map(about).collect(), None))
    }
}

plugin!(Keeper: authorizer, follower, grants);
