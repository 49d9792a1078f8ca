//! The numbers that Weir means to reach on two cores that it shares with this generator.

use std::fmt;

use crate::cases::Case;
use crate::report::Row;

/// Which database stands behind the measured catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// What a row is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    PerSecond(f64),
    /// Microseconds.
    Median(f64),
    /// Microseconds, the median before the 99th percentile.
    MedianAndTail(f64, f64),
}

impl Goal {
    /// The goal of a case with so many clients, where there is one.
    pub fn of(engine: Engine, case: Case, clients: usize) -> Option<Self> {
        use Engine::{Postgres, Sqlite};
        let goal = match (case, clients, engine) {
            (Case::Load { snapshots: 0, gzip: false }, 1, Sqlite) => Self::MedianAndTail(100.0, 500.0),
            (Case::Load { snapshots: 0, gzip: false }, 1, Postgres) => Self::Median(200.0),
            (Case::Load { snapshots: 0, gzip: false }, 32, Sqlite) => Self::PerSecond(20_000.0),
            (Case::Load { snapshots: 0, gzip: false }, 32, Postgres) => Self::PerSecond(10_000.0),
            (Case::Load { snapshots: 1_000, gzip: false }, 32, _) => Self::PerSecond(2_500.0),
            (Case::Load { snapshots: 1_000, gzip: true }, 32, _) => Self::PerSecond(10_000.0),
            (Case::Head, 32, _) => Self::PerSecond(30_000.0),
            (Case::ListMany { pages: false }, 1, _) => Self::Median(10_000.0),
            (Case::ListHidden, 1, _) => Self::Median(50_000.0),
            (Case::ListByPolicies(_), 1, _) => Self::Median(50_000.0),
            (Case::ListByGrants(_), 1, _) => Self::Median(100_000.0),
            (Case::LoadGoverned, 1, Sqlite) => Self::Median(130.0),
            (Case::Sign, 1, _) => Self::Median(1_000.0),
            (Case::Create, 8, Sqlite) => Self::PerSecond(2_500.0),
            (Case::CommitDistinct, 32, _) => Self::PerSecond(3_000.0),
            (Case::CommitOne | Case::CommitBranch, 8, Sqlite) => Self::PerSecond(800.0),
            (Case::CommitOne | Case::CommitBranch, 8, Postgres) => Self::PerSecond(400.0),
            _ => return None,
        };
        Some(goal)
    }

    /// No goal is met with answers that are the server's own failure.
    pub fn is_met(self, row: &Row) -> bool {
        let sound = row.successes > 0 && row.failed == 0 && row.broken == 0 && row.refused == 0;
        sound
            && match self {
                Self::PerSecond(least) => row.per_second >= least,
                Self::Median(most) => row.p50_us < most,
                Self::MedianAndTail(median, tail) => row.p50_us < median && row.p99_us < tail,
            }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(least) => write!(out, ">= {least}/s"),
            Self::Median(most) => write!(out, "p50 < {most} µs"),
            Self::MedianAndTail(median, tail) => write!(out, "p50 < {median} µs, p99 < {tail} µs"),
        }
    }
}
