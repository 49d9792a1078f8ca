//! An authorizer without a plan: `{"behaviour": "…", "at": "…"}`.
use weir_guests::Guest;

weir_plugin::plugin!(Guest: authorizer);
