//! What a listing may show, where the scopes of the policies say so already.

use cedar_policy::{Effect, EntityUid, Policy, PolicySet, ResourceConstraint};
use weir_plugin::{Listing, Plan};

use crate::settings::Otherwise;

/// Everything where one permit covers the place without conditions and no forbid is left, nothing where no permit is left,
/// else item by item.
pub fn plan(slice: &PolicySet, listing: &Listing, otherwise: Otherwise) -> Plan {
    let permits: Vec<&Policy> = slice.policies().filter(|policy| policy.effect() == Effect::Permit).collect();
    let forbids = slice.policies().any(|policy| policy.effect() == Effect::Forbid);
    if permits.is_empty() && (!forbids || otherwise == Otherwise::Deny) {
        return match otherwise {
            Otherwise::Abstain => Plan::Abstain,
            Otherwise::Deny => Plan::Nothing,
        };
    }
    if !forbids && permits.iter().any(|permit| !permit.has_non_scope_constraint() && covers(permit, listing)) {
        return Plan::Everything;
    }
    Plan::PerItem
}

/// Whether all that the listing can hold is in the policy's scope. Its kind fits already: the slice holds no other.
fn covers(policy: &Policy, listing: &Listing) -> bool {
    match policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        ResourceConstraint::Eq(_) => false,
        ResourceConstraint::In(place) | ResourceConstraint::IsIn(_, place) => lies_in(listing, &place),
    }
}

fn lies_in(listing: &Listing, place: &EntityUid) -> bool {
    let id = place.id().unescaped();
    match place.type_name().to_string().as_str() {
        "Weir::Server" => id == crate::entities::SERVER,
        "Weir::Warehouse" => listing.within.warehouse.as_ref().is_some_and(|warehouse| warehouse.id == id),
        _ => false,
    }
}
