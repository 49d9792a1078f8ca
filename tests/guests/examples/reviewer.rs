//! A contract.
use weir_guests::Guest;

weir_plugin::plugin!(Guest: contract);
