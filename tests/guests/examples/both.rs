//! An authorizer that is a contract, too.
use weir_guests::Guest;

weir_plugin::plugin!(Guest: authorizer, contract);
