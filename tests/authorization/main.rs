//! Authorization by real guests: what they say is what callers get, in whatever way they fail.

mod chain;
mod decisions;
mod explain;
mod lists;
mod load;
mod routes;

use weir_tests::governed;
