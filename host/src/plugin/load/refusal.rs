//! Why a plugin's bytes are not compiled.

use thiserror::Error;

use super::Digest;
use crate::plugin::LoadError;

/// A refusal names what was asked, what was found, and what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("{source_name} could not be fetched: {why}")]
    Fetch { source_name: String, why: String },
    #[error("this program has no built-in plugin `{name}`; it has {known}")]
    NoSuchBuiltin { name: String, known: String },
    #[error("the {format} stream cannot be inflated: {why}; write the file again, then put it in place by a rename")]
    Inflate { format: &'static str, why: String },
    #[error("the component has more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error("the component's sha256 is {found}, but {wanted} is pinned; pin the new digest if you trust these bytes")]
    WrongDigest { wanted: Digest, found: Digest },
    #[error("{0}")]
    Bundle(String),
    #[error("{0}")]
    Untrusted(String),
    #[error("{0}")]
    NotAPlugin(String),
    #[error("{0}")]
    NotGranted(String),
    #[error("{0}")]
    Trial(String),
    /// The trial was cut off by what the host had for it at that moment: time, memory, room.
    #[error("{0}")]
    TrialCutOff(String),
    #[error("{0}")]
    Configuration(String),
    #[error("version {found} is older than {floor}, {whose}; set `allow_downgrade = true` to load it all the same")]
    Downgrade { found: String, floor: String, whose: &'static str },
}

impl Refusal {
    /// The stable word for status answers and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Fetch { .. } => "fetch_failed",
            Self::NoSuchBuiltin { .. } => "no_such_builtin",
            Self::Inflate { .. } => "inflate_failed",
            Self::TooLarge { .. } => "too_large",
            Self::WrongDigest { .. } => "wrong_digest",
            Self::Bundle(_) => "bad_bundle",
            Self::Untrusted(_) => "untrusted",
            Self::NotAPlugin(_) => "not_a_plugin",
            Self::NotGranted(_) => "not_granted",
            Self::Trial(_) | Self::TrialCutOff(_) => "trial_failed",
            Self::Configuration(_) => "bad_configuration",
            Self::Downgrade { .. } => "downgrade",
        }
    }

    /// Whether trying again later may help without a change of the configuration or the file.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Fetch { .. } | Self::Bundle(_) | Self::TrialCutOff(_))
    }
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Self {
        let why = error.to_string();
        match error {
            LoadError::TooLarge { bytes_max, .. } => Self::TooLarge { bytes_max: bytes_max as u64 },
            LoadError::NotAComponent(_)
            | LoadError::TooComplex(_)
            | LoadError::Compile(_)
            | LoadError::Imports { .. }
            | LoadError::Exports { .. }
            | LoadError::NativeMisfit(_)
            | LoadError::NoCompiler
            | LoadError::Shape(_) => Self::NotAPlugin(why),
            LoadError::NativeUnvouched => Self::Untrusted(why),
            LoadError::Limits(_) | LoadError::Grants(_) | LoadError::Settings(_) => Self::Configuration(why),
            LoadError::Trial { fault, .. } if fault.may_pass() => Self::TrialCutOff(why),
            LoadError::Trial { .. } => Self::Trial(why),
        }
    }
}
