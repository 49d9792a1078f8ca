//! The bodies of view requests.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::json::{self, Text};
use crate::error::Error;

/// `POST …/views`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CreateView {
    pub name: String,
    #[serde(default)]
    pub location: Option<String>,
    pub schema: Text,
    pub view_version: Text,
    #[serde(default)]
    pub properties: Option<IndexMap<String, String>>,
}

/// `POST …/views/{view}`.
#[derive(Debug)]
pub struct CommitView {
    pub identifier: Option<TableIdent>,
    pub requirements: Vec<ViewRequirement>,
    pub updates: Vec<ViewUpdate>,
}

/// `POST …/register-view`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RegisterView {
    pub name: String,
    pub metadata_location: String,
}

/// What a client asks to hold before its updates are applied.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ViewRequirement {
    AssertViewUuid { uuid: String },
}

/// One change of a view; schemas and versions carry their text as it was sent.
#[derive(Clone, Debug)]
pub enum ViewUpdate {
    AssignUuid { uuid: String },
    UpgradeFormatVersion { format_version: i32 },
    AddSchema { schema: Text },
    SetLocation { location: String },
    SetProperties { updates: IndexMap<String, String> },
    RemoveProperties { removals: Vec<String> },
    AddViewVersion { view_version: Text },
    SetCurrentViewVersion { view_version_id: i32 },
}

impl CreateView {
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        read(body, "create view")
    }
}

impl RegisterView {
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        read(body, "register view")
    }
}

impl CommitView {
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(default)]
            identifier: Option<Identifier>,
            #[serde(default, borrow)]
            requirements: Option<Vec<&'a RawValue>>,
            #[serde(borrow)]
            updates: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Identifier {
            namespace: Vec<String>,
            name: String,
        }
        let body: Body<'_> = read(body, "commit view")?;
        let identifier = body
            .identifier
            .map(|named| Namespace::parse(named.namespace).and_then(|above| TableIdent::parse(above, named.name)));
        Ok(Self {
            identifier: identifier.transpose()?,
            requirements: each("requirements", &body.requirements.unwrap_or_default(), ViewRequirement::parse)?,
            updates: each("updates", &body.updates, ViewUpdate::parse)?,
        })
    }
}

impl ViewRequirement {
    /// 400 for anything but `assert-view-uuid`; a requirement on tables cannot hold for a view.
    fn parse(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|error| Error::BadRequest(format!("Cannot validate this requirement against a view: {error}")))
    }
}

impl ViewUpdate {
    /// 400 naming an unknown action or the field that is wrong.
    fn parse(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Action {
            action: String,
        }
        let Action { action } = field(text)?;
        match action.as_str() {
            "assign-uuid" => field(text).map(|AssignUuid { uuid }| Self::AssignUuid { uuid }),
            "upgrade-format-version" => {
                field(text).map(|Upgrade { format_version }| Self::UpgradeFormatVersion { format_version })
            }
            "add-schema" => field(text).map(|AddSchema { schema }| Self::AddSchema { schema }),
            "set-location" => field(text).map(|SetLocation { location }| Self::SetLocation { location }),
            "set-properties" => field(text).map(|SetProperties { updates }| Self::SetProperties { updates }),
            "remove-properties" => field(text).map(|Remove { removals }| Self::RemoveProperties { removals }),
            "add-view-version" => field(text).map(|AddVersion { view_version }| Self::AddViewVersion { view_version }),
            "set-current-view-version" => {
                field(text).map(|SetCurrent { view_version_id }| Self::SetCurrentViewVersion { view_version_id })
            }
            other => Err(Error::BadRequest(format!("Cannot apply update `{other}` to a view"))),
        }
    }

    /// The `action` of the update.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::AssignUuid { .. } => "assign-uuid",
            Self::UpgradeFormatVersion { .. } => "upgrade-format-version",
            Self::AddSchema { .. } => "add-schema",
            Self::SetLocation { .. } => "set-location",
            Self::SetProperties { .. } => "set-properties",
            Self::RemoveProperties { .. } => "remove-properties",
            Self::AddViewVersion { .. } => "add-view-version",
            Self::SetCurrentViewVersion { .. } => "set-current-view-version",
        }
    }
}

#[derive(Deserialize)]
struct AssignUuid {
    uuid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Upgrade {
    format_version: i32,
}

#[derive(Deserialize)]
struct AddSchema {
    schema: Text,
}

#[derive(Deserialize)]
struct SetLocation {
    location: String,
}

/// `updated` is what Java wrote before the spec was fixed, and still reads.
#[derive(Deserialize)]
struct SetProperties {
    #[serde(alias = "updated")]
    updates: IndexMap<String, String>,
}

#[derive(Deserialize)]
struct Remove {
    #[serde(alias = "removed")]
    removals: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct AddVersion {
    view_version: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SetCurrent {
    view_version_id: i32,
}

fn field<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::BadRequest(format!("not a view update: {error}")))
}

fn each<T>(list: &str, texts: &[&RawValue], parse: impl Fn(&str) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let element = |(at, text): (usize, &&RawValue)| {
        parse(text.get()).map_err(|error| Error::BadRequest(format!("{list}[{at}]: {error}")))
    };
    texts.iter().enumerate().map(element).collect()
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8], what: &str) -> Result<T, Error> {
    let text = json::check(body)?;
    serde_json::from_str(text).map_err(|error| Error::BadRequest(format!("this is not a {what} request: {error}")))
}
