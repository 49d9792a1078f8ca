//! What `plugin!` expands to calls these; plugins do not.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use schemars::generate::SchemaSettings;

use crate::bindings::base::exports::weir::plugin::lifecycle::Description;
use crate::bindings::reviewing::weir::plugin::change;
use crate::bindings::storing::exports::weir::plugin::storage;
use crate::host::secrets::Secret;
use crate::{
    AccessGrant, Authorizer, Batch, Call, Check, Contract, Effect, Fault, Follower, Grant, Grants, Key, Listing,
    Object, Plan, Planner, Plugin, Problem, Profile, Proposal, SignRequest, Storage, Touched, TransactionContract,
    Verdict, Violation, Want, problem,
};

thread_local! {
    // An instance serves one call at a time.
    static PLUGIN: RefCell<Option<Rc<dyn Any>>> = const { RefCell::new(None) };
}

pub fn describe<P: Plugin>(name: &str, version: &str) -> Description {
    report_panics();
    let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<P::Settings>();
    Description {
        name: name.to_string(),
        version: version.to_string(),
        summary: P::SUMMARY.to_string(),
        settings_schema: serde_json::to_string(&schema).unwrap_or_else(|_| "{}".to_string()),
        secrets: owned(P::SECRETS),
        egress: owned(P::EGRESS),
        claims: owned(P::CLAIMS),
    }
}

pub fn configure<P: Plugin>(settings_json: &str) -> Result<(), Vec<Problem>> {
    report_panics();
    let plugin = P::configure(parse(settings_json)?)?;
    PLUGIN.with(|held| held.replace(Some(Rc::new(plugin))));
    Ok(())
}

/// Reads settings as the host hands them over.
pub fn parse<S: serde::de::DeserializeOwned>(settings_json: &str) -> Result<S, Vec<Problem>> {
    let settings_json = if settings_json.trim().is_empty() { "{}" } else { settings_json };
    let mut reader = serde_json::Deserializer::from_str(settings_json);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = error.path().iter().fold(String::new(), |pointer, step| pointer + &pointer_step(step));
        vec![problem(pointer, error.into_inner().to_string())]
    })
}

fn pointer_step(step: &serde_path_to_error::Segment) -> String {
    use serde_path_to_error::Segment;
    match step {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}

fn plugin<P: Plugin>() -> Result<Rc<P>, Fault> {
    let held = PLUGIN.with(|held| held.borrow().clone());
    held.and_then(|held| held.downcast::<P>().ok())
        .ok_or_else(|| Fault::internal("not_configured", "the host asked before it configured the plugin"))
}

pub fn authorize<P: Authorizer>(call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, Fault> {
    plugin::<P>()?.authorize(call, checks)
}

pub fn authorize_many<P: Authorizer>(call: &Call, batch: &Batch) -> Result<Vec<u8>, Fault> {
    let effects = plugin::<P>()?.authorize_many(call, batch)?;
    let code = |effect| match effect {
        Effect::Deny => 0,
        Effect::Allow => 1,
        Effect::Abstain => 2,
    };
    Ok(effects.into_iter().map(code).collect())
}

pub fn plan_list<P: Planner>(call: &Call, listing: &Listing) -> Result<Plan, Fault> {
    plugin::<P>()?.plan_list(call, listing)
}

pub fn on_change<P: Follower>(
    call: &Call,
    change: &str,
    object: &Object,
    before: Option<&Object>,
) -> Result<(), Fault> {
    plugin::<P>()?.on_change(call, change, object, before)
}

/// An instance that is not configured yet knows no privileges.
pub fn privileges<P: Grants>(kind: &str) -> Vec<String> {
    plugin::<P>().map(|plugin| plugin.privileges(kind)).unwrap_or_default()
}

pub fn read_grants<P: Grants>(
    call: &Call,
    object: &Object,
    cursor: Option<&str>,
) -> Result<(Vec<Grant>, Option<String>), Fault> {
    plugin::<P>()?.read(call, object, cursor)
}

pub fn write_grants<P: Grants>(call: &Call, add: &[Grant], remove: &[Grant]) -> Result<(), Fault> {
    plugin::<P>()?.write(call, add, remove)
}

pub fn known_objects<P: Grants>(call: &Call, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Fault> {
    plugin::<P>()?.known(call, cursor)
}

pub fn review<P: Contract>(
    call: &Call,
    subject: &Object,
    target: Option<&Object>,
    proposal: &Proposal,
) -> Result<Vec<Violation>, Fault> {
    plugin::<P>()?.review(call, subject, target, proposal)
}

pub fn review_transaction<P: TransactionContract>(
    call: &Call,
    changes: &[(Object, change::Proposal)],
) -> Result<Vec<Violation>, Fault> {
    let changes: Vec<_> = changes.iter().map(|(subject, proposal)| (subject, Proposal::from(proposal))).collect();
    plugin::<P>()?.review_transaction(call, &changes)
}

pub fn kinds<P: Storage>() -> Vec<String> {
    P::KINDS.iter().map(ToString::to_string).collect()
}

pub fn check_profile<P: Storage>(profile: &Profile) -> Result<(), Vec<storage::Problem>> {
    let held = plugin::<P>().map_err(|_| vec![])?;
    let problems = held.check_profile(profile).into_iter();
    let problems: Vec<_> = problems.map(|Problem { pointer, message }| storage::Problem { pointer, message }).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

pub fn vend<P: Storage>(call: &Call, want: &Want, key: Option<&Secret>) -> Result<AccessGrant, Fault> {
    plugin::<P>()?.vend(call, want, key.map(Key::lent))
}

pub fn sign<P: Storage>(
    call: &Call,
    want: &Want,
    (request, found): (&SignRequest, &Touched),
    key: &Secret,
) -> Result<storage::Signed, Fault> {
    let headers = plugin::<P>()?.sign(call, want, (request, found), Key::lent(key))?;
    Ok(storage::Signed { headers })
}

/// A panic ends the instance; its message would be lost without this.
fn report_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| crate::host::log::error(&panic.to_string(), &[])));
    });
}
