//! Both engines have the same migrations.

use std::collections::BTreeSet;
use std::fs;

use crate::top;

fn names(engine: &str) -> BTreeSet<String> {
    let folder = top().join("migrations").join(engine);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{} is not readable: {error}", folder.display()));
    entries
        .map(|entry| entry.expect("the folder is listed").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".sql"))
        .collect()
}

#[test]
fn both_engines_have_the_same_migrations() {
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    assert!(!sqlite.is_empty(), "migrations/sqlite holds no .sql file");
    assert_eq!(sqlite, postgres, "migrations/sqlite must hold the same numbers, named alike, as migrations/postgres");
}
