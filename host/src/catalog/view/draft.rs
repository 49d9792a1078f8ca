//! A view's metadata while updates are applied to it, with what the rules remember between updates.

use std::collections::{BTreeSet, HashSet};

use super::metadata::{Element, FORMAT_VERSION_MAX, SchemaHeader, ViewMetadata};
use super::version::{HistoryEntry, Version};
use crate::catalog::json::{self, Text};
use crate::catalog::location::Location;
use crate::catalog::schema::Schema;
use crate::error::Error;

/// In a request: the schema or version that this request added last.
const LAST_ADDED: i32 = -1;
const HISTORY_SIZE: &str = "version.history.num-entries";
const HISTORY_SIZE_DEFAULT: usize = 10;
const DROP_DIALECT_ALLOWED: &str = "replace.drop-dialect.allowed";

/// The metadata to be, beside what only matters until it is finished.
pub(super) struct Draft {
    pub after: ViewMetadata,
    /// The members that differ from the base; all others keep their text.
    touched: BTreeSet<Member>,
    now_ms: i64,
    /// The version that was current before; none while a view is created.
    previous: Option<Version>,
    /// The schemas in the order of the document, parsed once one is added.
    schemas: Option<Vec<Schema>>,
    last_added_schema: Option<i32>,
    last_added_version: Option<i32>,
    added_versions: HashSet<i32>,
    history_entry: Option<HistoryEntry>,
}

impl Draft {
    pub fn of(base: &ViewMetadata, now_ms: i64) -> Self {
        Self {
            after: base.clone(),
            touched: BTreeSet::new(),
            now_ms,
            previous: base.version(base.current_version_id).cloned(),
            schemas: None,
            last_added_schema: None,
            last_added_version: None,
            added_versions: HashSet::new(),
            history_entry: None,
        }
    }

    pub fn is_changed(&self) -> bool {
        !self.touched.is_empty()
    }

    pub fn assign_uuid(&mut self, uuid: &str) -> Result<(), Error> {
        if uuid.eq_ignore_ascii_case(&self.after.uuid.to_string()) {
            return Ok(());
        }
        Err(Error::BadRequest(format!(
            "Cannot reassign uuid: the view has {}, the update says {uuid}",
            self.after.uuid
        )))
    }

    pub fn upgrade_format_version(&mut self, format_version: i32) -> Result<(), Error> {
        let current = self.after.format_version;
        if format_version < current {
            return Err(Error::BadRequest(format!("Cannot downgrade v{current} view to v{format_version}")));
        }
        if format_version > FORMAT_VERSION_MAX {
            return Err(Error::BadRequest(format!("Unsupported format version: {format_version}")));
        }
        Ok(())
    }

    /// The canonical form is what is kept, unless it is the place where the view is already.
    pub fn set_location(&mut self, location: &str) -> Result<(), Error> {
        let location = Location::parse(location)?;
        if Location::parse(&self.after.location).is_ok_and(|current| current == location) {
            return Ok(());
        }
        self.after.location = location.to_string();
        self.touched.insert(Member::Location);
        Ok(())
    }

    pub fn set_properties<'a>(&mut self, updates: impl Iterator<Item = (&'a String, &'a String)>) {
        for (key, value) in updates {
            if self.after.properties.get(key) != Some(value) {
                self.after.properties.insert(key.clone(), value.clone());
                self.touched.insert(Member::Properties);
            }
        }
    }

    pub fn remove_properties(&mut self, removals: &[String]) {
        for key in removals {
            if self.after.properties.shift_remove(key).is_some() {
                self.touched.insert(Member::Properties);
            }
        }
    }

    /// The id of the schema: of the same one that is there already, its own if that is free, or one above the highest.
    pub fn add_schema(&mut self, text: &Text) -> Result<i32, Error> {
        let schema = Schema::parse(text)?;
        let known = match self.schemas.take() {
            Some(known) => known,
            None => self.after.schemas.iter().map(|known| Schema::parse(&known.text)).collect::<Result<_, _>>()?,
        };
        let same = known.iter().position(|known| known.same_as(&schema));
        let known = self.schemas.insert(known);
        if let Some(same) = same.and_then(|at| self.after.schemas.get(at)) {
            self.last_added_schema = Some(same.header.schema_id);
            return Ok(same.header.schema_id);
        }
        let highest = self.after.schemas.iter().map(|known| known.header.schema_id).max();
        let schema_id = free_id("schema", schema.schema_id.unwrap_or(0), highest)?;
        let text = match schema.schema_id == Some(schema_id) {
            true => text.clone(),
            false => text.with_member("schema-id", &Text::of(&schema_id)?)?,
        };
        known.push(schema);
        self.after.schemas.push(Element { header: SchemaHeader { schema_id }, text });
        self.last_added_schema = Some(schema_id);
        self.touched.insert(Member::Schemas);
        Ok(schema_id)
    }

    /// The id of the version: of one that behaves the same, its own if that is free, or one above the highest.
    pub fn add_version(&mut self, text: &Text) -> Result<i32, Error> {
        let mut version = Version::parse(text)?;
        version.check()?;
        let sent = (version.version_id, version.schema_id);
        if version.schema_id == LAST_ADDED {
            version.schema_id = self
                .last_added_schema
                .ok_or_else(|| Error::bad_request("Cannot set last added schema: no schema has been added"))?;
        }
        if let Some(same) = self.after.versions.iter().find(|known| known.header.same_as(&version)) {
            self.last_added_version = Some(same.header.version_id);
            return Ok(same.header.version_id);
        }
        if !self.after.schemas.iter().any(|schema| schema.header.schema_id == version.schema_id) {
            return Err(Error::BadRequest(format!("Cannot add version with unknown schema: {}", version.schema_id)));
        }
        let highest = self.after.versions.iter().map(|known| known.header.version_id).max();
        version.version_id = free_id("version", version.version_id, highest)?;
        let mut text = text.clone();
        if sent.0 != version.version_id {
            text = text.with_member("version-id", &Text::of(&version.version_id)?)?;
        }
        if sent.1 != version.schema_id {
            text = text.with_member("schema-id", &Text::of(&version.schema_id)?)?;
        }
        let version_id = version.version_id;
        self.after.versions.push(Element { header: version, text });
        self.added_versions.insert(version_id);
        self.last_added_version = Some(version_id);
        self.touched.insert(Member::Versions);
        Ok(version_id)
    }

    pub fn set_current_version(&mut self, version_id: i32) -> Result<(), Error> {
        let version_id = match version_id {
            LAST_ADDED => self
                .last_added_version
                .ok_or_else(|| Error::bad_request("Cannot set last version id: no current version id has been set"))?,
            given => given,
        };
        let Some(version) = self.after.version(version_id) else {
            return Err(Error::BadRequest(format!("Cannot set current version to unknown version: {version_id}")));
        };
        if self.after.current_version_id == version_id && self.previous.is_some() {
            return Ok(());
        }
        // A version of the past that is taken up again became current now, not when it was made.
        let is_new = self.added_versions.contains(&version_id);
        let timestamp_ms = if is_new { version.timestamp_ms } else { self.now_ms };
        self.history_entry = Some(HistoryEntry { timestamp_ms, version_id });
        self.after.current_version_id = version_id;
        self.touched.extend([Member::CurrentVersionId, Member::VersionLog]);
        Ok(())
    }

    /// The metadata with its history cut to size, or the rule that the result breaks.
    pub fn finish(mut self) -> Result<ViewMetadata, Error> {
        if let Some(header) = self.history_entry {
            self.after.log.push(Element { header, text: Text::of(&header)? });
        }
        self.check_dialects()?;
        self.expire_versions()?;
        for member in std::mem::take(&mut self.touched) {
            let text = member.text(&self.after)?;
            self.after.members.insert(member.name().to_owned(), text);
        }
        Ok(self.after)
    }

    /// A replaced view keeps every dialect, or engines that speak the lost one would fail from now on.
    fn check_dialects(&self) -> Result<(), Error> {
        let allowed = self.after.property(DROP_DIALECT_ALLOWED).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let (Some(previous), Some(current)) = (&self.previous, self.after.version(self.after.current_version_id))
        else {
            return Ok(());
        };
        let (before, now) = (previous.dialects(), current.dialects());
        if allowed || before.is_subset(&now) {
            return Ok(());
        }
        let shown = |dialects: BTreeSet<String>| Vec::from_iter(dialects).join(", ");
        Err(Error::BadRequest(format!(
            "Cannot replace view due to loss of view dialects ({DROP_DIALECT_ALLOWED}=false):\nPrevious dialects: \
             [{}]\nNew dialects: [{}]",
            shown(before),
            shown(now)
        )))
    }

    /// Keeps the current version with the highest ids beside it, as many as the property says or as were added now.
    fn expire_versions(&mut self) -> Result<(), Error> {
        let keep = self.history_size()?.max(self.added_versions.len());
        if self.after.versions.len() <= keep {
            return Ok(());
        }
        let current = self.after.current_version_id;
        self.after.versions.sort_by_key(|each| {
            let version_id = each.header.version_id;
            (version_id != current, std::cmp::Reverse(version_id))
        });
        self.after.versions.truncate(keep);
        self.touched.extend([Member::Versions, Member::VersionLog]);
        let kept: HashSet<i32> = self.after.versions.iter().map(|each| each.header.version_id).collect();
        // Time travel must not jump over a version that is gone, so the log begins behind the last of them.
        if let Some(gone) = self.after.log.iter().rposition(|entry| !kept.contains(&entry.header.version_id)) {
            self.after.log.drain(..=gone);
        }
        Ok(())
    }

    fn history_size(&self) -> Result<usize, Error> {
        let Some(text) = self.after.property(HISTORY_SIZE) else { return Ok(HISTORY_SIZE_DEFAULT) };
        match text.trim().parse::<i32>() {
            Ok(size @ 1..) => Ok(size as usize),
            _ => Err(Error::BadRequest(format!("{HISTORY_SIZE} must be positive but was {text}"))),
        }
    }
}

/// A member of the document that updates may change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Location,
    Properties,
    Schemas,
    CurrentVersionId,
    Versions,
    VersionLog,
}

impl Member {
    const fn name(self) -> &'static str {
        match self {
            Self::Location => "location",
            Self::Properties => "properties",
            Self::Schemas => "schemas",
            Self::CurrentVersionId => "current-version-id",
            Self::Versions => "versions",
            Self::VersionLog => "version-log",
        }
    }

    fn text(self, view: &ViewMetadata) -> Result<Text, Error> {
        match self {
            Self::Location => Text::of(&view.location),
            Self::Properties => Text::of(&view.properties),
            Self::CurrentVersionId => Text::of(&view.current_version_id),
            Self::Schemas => Ok(json::array(view.schemas.iter().map(|each| &each.text))),
            Self::Versions => Ok(json::array(view.versions.iter().map(|each| &each.text))),
            Self::VersionLog => Ok(json::array(view.log.iter().map(|each| &each.text))),
        }
    }
}

/// `wanted` when it is above every id in use, otherwise the next one.
fn free_id(what: &str, wanted: i32, highest: Option<i32>) -> Result<i32, Error> {
    let next = match highest {
        Some(highest) => highest.checked_add(1),
        None => Some(0),
    };
    match next {
        Some(next) => Ok(next.max(wanted)),
        None => Err(Error::BadRequest(format!("the view has no free {what} id above {}", i32::MAX))),
    }
}
