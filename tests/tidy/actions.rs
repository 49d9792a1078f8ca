//! The page of actions that authors of plugins read is the catalogue that handlers use.

use std::fs;

use weir::catalog::action::page;

use crate::top;

#[test]
fn the_page_of_actions_is_current() {
    let path = top().join("wit/ACTIONS.md");
    if std::env::var_os("WEIR_WRITE").is_some() {
        fs::write(&path, page()).expect("the page can be written");
    }

    let written = fs::read_to_string(&path).unwrap_or_default();

    assert!(
        written == page(),
        "wit/ACTIONS.md is not what the catalogue says; `WEIR_WRITE=1 cargo test -p weir-tests --test tidy actions`"
    );
}
