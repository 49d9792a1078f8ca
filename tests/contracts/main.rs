//! Data contracts by real guests: every change is put before them, what they refuse leaves no trace.

mod changes;
mod check;
mod checks_of_all;
mod judging;
mod measured;
mod moves;
mod moving_meanwhile;
mod mutations;
mod shadows;
mod transactions;

use weir_tests::governed;
