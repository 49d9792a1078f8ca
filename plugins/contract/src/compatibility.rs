//! Compatibility modes: which changes of a schema keep old or new readers working.

use weir_plugin::{Column, Proposal, Retype};

use crate::settings::Mode;

/// What a change breaks: a message with the column's path.
pub struct Break {
    pub path: Vec<String>,
    pub message: String,
}

impl Mode {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "none" => Self::None,
            "backward" => Self::Backward,
            "forward" => Self::Forward,
            "full" => Self::Full,
            _ => return None,
        })
    }

    fn backward(self) -> bool {
        matches!(self, Self::Backward | Self::Full)
    }

    fn forward(self) -> bool {
        matches!(self, Self::Forward | Self::Full)
    }

    pub fn breaks(self, proposal: &Proposal) -> Vec<Break> {
        let mut breaks = Vec::new();
        if self.backward() {
            breaks.extend(backward(proposal));
        }
        if self.forward() {
            breaks.extend(forward(proposal));
        }
        breaks
    }
}

fn backward(proposal: &Proposal) -> Vec<Break> {
    let tightened = proposal.tightened();
    let tightened = tightened.iter().map(|column| broken(column, "becomes required, what was written may lack it"));
    let added = proposal.added();
    let required = added.iter().filter(|column| column.required && column.default.is_none());
    let required =
        required.map(|column| broken(column, "is added as required without a default, what was written lacks it"));
    let narrowed = proposal.retyped();
    let narrowed =
        narrowed.iter().filter(|retype| !widens(retype)).map(|retype| retyped(retype, "cannot hold what was written"));
    tightened.chain(required).chain(narrowed).collect()
}

fn forward(proposal: &Proposal) -> Vec<Break> {
    let dropped = proposal.dropped();
    let dropped = dropped.iter().map(|column| broken(column, "is dropped, readers of the old schema ask for it"));
    let renamed = proposal.renamed();
    let renamed = renamed.iter().map(|(before, after)| {
        broken(before, &format!("is renamed to `{}`, readers of the old schema ask for it", after.path.join(".")))
    });
    let relaxed = proposal.relaxed();
    let relaxed = relaxed.iter().map(|column| broken(column, "becomes optional, readers of the old schema rely on it"));
    let widened = proposal.retyped();
    let widened = widened.iter().map(|retype| retyped(retype, "does not fit what readers of the old schema expect"));
    dropped.chain(renamed).chain(relaxed).chain(widened).collect()
}

fn broken(column: &Column, what: &str) -> Break {
    Break { path: column.path.clone(), message: format!("`{}` {what}", column.path.join(".")) }
}

fn retyped(retype: &Retype, why: &str) -> Break {
    let message = format!(
        "`{}` changes from {} to {}: {} {why}",
        retype.path.join("."),
        retype.before,
        retype.after,
        retype.after
    );
    Break { path: retype.path.clone(), message }
}

/// Promotions by which every old value stays what it was, <https://iceberg.apache.org/spec/#schema-evolution>.
fn widens(retype: &Retype) -> bool {
    match (retype.before.as_str(), retype.after.as_str()) {
        ("int", "long") | ("float", "double") | ("date", "timestamp" | "timestamp_ns") => true,
        (before, after) => match (decimal(before), decimal(after)) {
            (Some((precision, scale)), Some((wider, same))) => wider >= precision && same == scale,
            _ => false,
        },
    }
}

fn decimal(text: &str) -> Option<(u32, u32)> {
    let (precision, scale) = text.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}
