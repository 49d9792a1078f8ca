//! A contract in ten lines: columns stay.

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{Call, Contract, Fault, Object, Plugin, Problem, Proposal, Violation, plugin};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnsStay {}

impl Plugin for ColumnsStay {
    type Settings = Self;
    const SUMMARY: &'static str = "Columns stay: none is dropped";

    fn configure(settings: Self) -> Result<Self, Vec<Problem>> {
        Ok(settings)
    }
}

// The ten lines.
impl Contract for ColumnsStay {
    fn review(&self, _: &Call, _: &Object, _: Option<&Object>, change: &Proposal) -> Result<Vec<Violation>, Fault> {
        let mut violations = Vec::new();
        for column in change.dropped() {
            let path = column.path.join(".");
            violations.push(Violation::block("columns-stay", format!("`{path}` is read by others")).at(path));
        }
        Ok(violations)
    }
}

plugin!(ColumnsStay: contract);

#[cfg(test)]
mod tests {
    use weir_plugin::testing::{Change, call, column, object};

    use super::*;

    #[test]
    fn a_dropped_column_is_named() {
        let change = Change { dropped: vec![column(7, "address.street", "string")], ..Change::default() };
        let review =
            ColumnsStay {}.review(&call("alice", &[]), &object("table", "sales.orders"), None, &change.proposal());
        assert_eq!(review.unwrap()[0].path.as_deref(), Some("address.street"));
    }
}
