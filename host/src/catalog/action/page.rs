//! The catalogue as a page for authors of plugins.

use std::fmt::Write;

use super::{Action, Fact, Kind};

const HEAD: &str = "# Actions

What an authorizer is asked, and what it is told with each question. This page is made from `host/src/catalog/action`; a
test keeps it current (`WEIR_WRITE=1 cargo test -p weir-tests --test tidy actions` writes it anew).

Actions are strings that grow: a plugin that does not know an action or a kind of object must not allow it. It abstains: what
nobody allows is denied.

## Who asks

`principal.id` is `<issuer>~<subject>` where `principal.kind` is `user`, the issuer by its name in the configuration; the id
of a role of the catalog where somebody assumed one (`role`); `anonymous` where nobody had to say who they are. `roles` are
the ids of the catalog's roles that the caller is in, directly or by way of others, and `<issuer>~<role>` for each role that
the token names. `claims` are those of the token that the plugin asks for in `describe` (`*` asks for whatever is granted)
and the operator grants it.

## Where an object lies

`project`, `warehouse` and `namespace` of an object are what is above it, never the object itself:

| kind | `id` | `name` | `project` | `warehouse` | `namespace` |
|---|---|---|---|---|---|
| `server` | empty | empty | empty | none | empty |
| `project` | its id | its name | empty | none | empty |
| `warehouse` | its id | its name | its project | none | empty |
| `namespace` | its id | its last part | its project | its warehouse | the namespaces above, from the top |
| `role` | its id | its name | its project | none | empty |
| `table`, `view` | its id | its name | its project | its warehouse | its namespace, from the top |

Ids never change and never come back; names do both. An object without an id is not there: it is asked about so that a
caller cannot tell by the time of the answer whether something is hidden or absent.

## Seeing

The actions marked with * decide whether the caller may know that the object exists: denied, everything about it is
answered with 404; allowed, another denied action is answered with 403. They carry the same attributes in a listing as
for a single object, so a listing shows exactly what can be loaded.
A plan of a listing (`plan-list`) speaks for the whole: what is not in it is denied, so a plugin that would abstain on
some items answers `per-item`. Ids with `complete` unset are the first of many; whatever is not among them is asked
about one by one.
";

/// The page, in Markdown.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for kind in Kind::ALL {
        let _ = write!(page, "\n## {}\n\n| Action | Meaning | Attributes |\n|---|---|---|\n", kind.as_str());
        for action in Action::ALL.iter().filter(|action| action.kind() == *kind) {
            let mark = if *action == Action::sight(*kind) { " *" } else { "" };
            let facts: Vec<String> = action.facts().iter().map(|fact| format!("`{}`", shown(*fact))).collect();
            let _ = writeln!(page, "| `{action}`{mark} | {} | {} |", action.summary(), facts.join(", "));
        }
    }
    page.push_str("\n## Attributes\n\n| Key | Value | Meaning |\n|---|---|---|\n");
    for fact in Fact::ALL {
        let _ = writeln!(page, "| `{}` | `{}` | {} |", shown(*fact), fact.value(), fact.summary());
    }
    page
}

fn shown(fact: Fact) -> String {
    match fact {
        Fact::Properties => format!("{}<key>", fact.key()),
        _ => fact.key().to_owned(),
    }
}
