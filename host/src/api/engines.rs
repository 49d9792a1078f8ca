//! Trusted engines: views that run with the rights of their owners, for those who come through them.
//!
//! A caller that is no trusted engine gains nothing by saying `referenced-by`; it is asked about as itself.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde::Deserialize;

use super::authorize::{Object, missing};
use super::documents::Snapshots;
use super::extract::decoded_parts;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::WarehouseId;
use crate::catalog::view::ViewMetadata;
use crate::config::Engine;
use crate::error::Error;
use crate::store::rows::TabularKind;

/// The longest chain of views.
const VIEWS_MAX: usize = 10;

/// The query of whatever is loaded through views.
#[derive(Debug, Default, Deserialize)]
pub struct Through {
    #[serde(rename = "referenced-by")]
    pub views: Option<String>,
}

impl App {
    /// On whose behalf something is loaded: the caller's, or that of the owner of the innermost view with an owner.
    ///
    /// Each view is asked about on behalf of the owner of the one that refers to it, so a chain opens no more than each of
    /// its owners could open.
    pub async fn on_behalf(
        &self,
        caller: &Caller,
        warehouse: WarehouseId,
        views: Option<&str>,
    ) -> Result<Caller, Error> {
        let Some(engine) = self.engine_of(caller) else { return Ok(caller.clone()) };
        let mut acting = caller.clone();
        for ident in chain(views, self.namespace_separator())? {
            let row = self.tabular(&acting, warehouse, &ident, TabularKind::View).await?;
            self.authorize(&acting, Action::ViewDescribe, Object::Tabular(&row)).await?;
            let (_, cached) = self.document(&row).await?;
            let view = ViewMetadata::parse(&cached.plain(Snapshots::All)?)?;
            if let Some(owner) = view.properties().get(&engine.owner_property) {
                acting = self.owner(&acting, engine, owner).await?;
            }
        }
        Ok(acting)
    }

    /// The owner of a view, in the roles that the catalog keeps for them. One who is forgotten has no rights to lend.
    async fn owner(&self, acting: &Caller, engine: &Engine, name: &str) -> Result<Caller, Error> {
        let id = match name.contains('~') {
            true => name.to_owned(),
            false => format!("{}~{name}", engine.owner_issuer),
        };
        if self.store.user(&id).await?.is_none() {
            return Err(Error::Forbidden(format!("the owner of the view, {id}, is not known to this catalog")));
        }
        let held = self.store.roles_held(&id, "", &[]).await?;
        Ok(acting.clone().acting_for(&id, held.iter().map(ToString::to_string)))
    }

    /// The trusted engine that a caller is.
    fn engine_of(&self, caller: &Caller) -> Option<&Engine> {
        let engines = &self.config.authorization.engines;
        let by_client = caller.identity().engine.as_ref().and_then(|name| engines.get(name));
        by_client.or_else(|| engines.values().find(|engine| engine.callers.iter().any(|id| id == caller.id())))
    }

    /// S27: whoever could name the owner of a view, or change a view that has one, would borrow the owner's rights.
    pub fn guard_owner(
        &self,
        caller: &Caller,
        before: Option<&ViewMetadata>,
        after: &ViewMetadata,
    ) -> Result<(), Error> {
        let own = self.engine_of(caller).map(|engine| engine.owner_property.as_str());
        for engine in self.config.authorization.engines.values() {
            let property = engine.owner_property.as_str();
            let names = |view: &ViewMetadata| like(view.properties(), property);
            let (had, has) = (before.map(names).unwrap_or_default(), names(after));
            if own == Some(property) {
                // A key that only looks like it would say two things to two readers.
                if let Some((key, _)) = has.iter().find(|(key, _)| key != property) {
                    return Err(Error::BadRequest(format!("`{key}` is not `{property}`; set the one property")));
                }
                continue;
            }
            if had != has {
                return Err(Error::Forbidden(format!(
                    "`{property}` names with whose rights a view runs; nobody but the engine itself may set it"
                )));
            }
            if !has.is_empty() {
                return Err(Error::Forbidden(format!(
                    "the view runs with the rights of its owner (`{property}`); it is changed through the engine alone"
                )));
            }
        }
        Ok(())
    }
}

/// The properties whose key reads like this one, in whatever case.
fn like(properties: &IndexMap<String, String>, wanted: &str) -> Vec<(String, String)> {
    let same = properties.iter().filter(|(key, _)| key.trim().eq_ignore_ascii_case(wanted));
    same.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The views of `referenced-by`, from the outside in. In the value, as it stands once the query is decoded, commas separate
/// views; a comma of a name is `%2C`.
fn chain(value: Option<&str>, separator: Option<&str>) -> Result<Vec<TableIdent>, Error> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(Vec::new()) };
    let items: Vec<&str> = value.split(',').collect();
    if items.len() > VIEWS_MAX {
        return Err(Error::BadRequest(format!("`referenced-by` names {} views, at most {VIEWS_MAX} go", items.len())));
    }
    let mut seen = HashSet::new();
    let mut views = Vec::with_capacity(items.len());
    for item in items {
        let ident = view(item, separator)?;
        if !seen.insert(ident.to_string()) {
            return Err(Error::BadRequest(format!("`referenced-by` names {ident} twice; no view refers to itself")));
        }
        views.push(ident);
    }
    Ok(views)
}

fn view(item: &str, separator: Option<&str>) -> Result<TableIdent, Error> {
    let mut parts = decoded_parts(item, separator)?;
    let name = parts.pop().unwrap_or_default();
    let shown = || format!("{}.{name}", parts.join("."));
    match Namespace::parse(parts.clone()) {
        Ok(namespace) => match TableIdent::parse(namespace, name.clone()) {
            Ok(ident) => Ok(ident),
            Err(_) => Err(missing::view(shown())),
        },
        Err(_) => Err(missing::view(shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(value: &str) -> Vec<String> {
        chain(Some(value), None).unwrap().iter().map(|ident| format!("{}|{}", ident.namespace, ident.name)).collect()
    }

    #[test]
    fn s23_views_are_split_before_their_names_are_decoded() {
        assert_eq!(names("a\u{1f}b\u{1f}outer,a\u{1f}inner"), ["a.b|outer", "a|inner"]);
        // As a client writes it that encodes the names and then the whole query.
        assert_eq!(names("a%1Fouter,a%1Finner"), ["a|outer", "a|inner"]);
        assert_eq!(names("a%1Fwith%2Ccomma"), ["a|with,comma"]);
        assert!(names("").is_empty());
    }

    #[test]
    fn s23_a_chain_is_bounded_and_has_no_circle() {
        let long: Vec<String> = (0..=VIEWS_MAX).map(|number| format!("a%1Fv{number}")).collect();
        assert!(chain(Some(&long.join(",")), None).is_err());
        assert!(chain(Some("a%1Fv,a%1Fv"), None).is_err());
        assert!(chain(Some("alone"), None).is_err());
    }
}
