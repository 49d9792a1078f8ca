//! Why a plugin cannot be loaded.

use super::Problem;
use super::faults::PluginFault;

/// A plugin is refused; the text says what it is, what the host wants.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the file is {0}; a plugin is a WebAssembly component (`weir plugin new` makes one)")]
    NotAComponent(&'static str),
    #[error("the component has {bytes} bytes, at most {bytes_max} are read")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("the component is too much to compile: {0}")]
    TooComplex(String),
    #[error("the component does not compile: {0}")]
    Compile(String),
    #[error("the component imports {}; this host lends {}", quoted(asked), quoted(lent))]
    Imports { asked: Vec<String>, lent: Vec<String> },
    #[error(
        "the component exports {}; a plugin exports `weir:plugin/lifecycle@0.1.0`, and `weir:plugin/authorizer@0.1.0` or \
         `weir:plugin/contract@0.1.0` or `weir:plugin/storage@0.1.0`",
        quoted(found)
    )]
    Exports { found: Vec<String> },
    #[error("the component does not fit the interfaces of this host: {0}")]
    Shape(String),
    #[error(
        "the file is compiled ahead of time, which is native code: it is taken only with a signature by a trusted key, or \
         with the `sha256` of this very file pinned"
    )]
    NativeUnvouched,
    #[error("the file is compiled ahead of time for another program: {0}")]
    NativeMisfit(String),
    #[error("the file is a component, but this program was built without the compiler")]
    NoCompiler,
    #[error("the limits cannot be kept: {}", .0.join("; "))]
    Limits(Vec<String>),
    #[error("the grants cannot be given: {}", .0.join("; "))]
    Grants(Vec<String>),
    #[error("the trial failed in `{step}`: {fault}")]
    Trial { step: &'static str, fault: PluginFault },
    #[error("the plugin refuses its settings: {}", told(.0))]
    Settings(Vec<Problem>),
}

impl LoadError {
    /// What the author or the operator does next.
    pub const fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotAComponent(_) => {
                "`weir plugin pack <module>` makes a component of the module that cargo left; `weir plugin new` writes a crate"
            }
            Self::TooLarge { .. } | Self::TooComplex(_) => {
                "build it smaller: `opt-level = \"s\"`, `lto = true`, `strip = true`"
            }
            Self::Imports { .. } | Self::Exports { .. } | Self::Shape(_) => {
                "build it against the interface of this program: `weir plugin wit` prints it"
            }
            Self::NativeUnvouched => "pin it by `sha256`, or sign it and name the key in `plugins.trusted_keys`",
            Self::NativeMisfit(_) => "compile it again: `weir plugin compile` of this version, on this kind of machine",
            Self::NoCompiler => "compile it with a full build of this version: `weir plugin compile`",
            Self::Trial { .. } => "what it logged before tells more; so does the message of a panic",
            Self::Settings(_) => "`weir plugin inspect` prints the schema of its settings",
            Self::Compile(_) | Self::Limits(_) | Self::Grants(_) => return None,
        })
    }
}

fn quoted(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("`{}`: {}", problem.pointer, problem.message)).collect::<Vec<_>>().join("; ")
}
