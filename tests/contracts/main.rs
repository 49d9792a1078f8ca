//! Data contracts by real guests: every change is put before them, what they refuse leaves no trace.

mod changes;
mod check;
mod judging;
mod measured;
mod moves;
mod mutations;
mod shadows;
mod transactions;

use weir_tests::governed;
