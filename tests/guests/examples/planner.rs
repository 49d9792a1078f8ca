//! An authorizer that plans listings.
use weir_guests::Guest;

weir_plugin::plugin!(Guest: authorizer, planner);
