//! Authorization by real guests: what they say is what callers get, in whatever way they fail.

mod audit;
mod chain;
mod clusters;
mod decisions;
mod engines;
mod explain;
mod issued;
mod lists;
mod load;
mod matrix;
mod openfga;
mod people;
mod replays;
mod routes;
mod tokens;
mod users;

use weir_tests::governed;
