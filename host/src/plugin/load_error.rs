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
         `weir:plugin/contract@0.1.0`",
        quoted(found)
    )]
    Exports { found: Vec<String> },
    #[error("the component does not fit the interfaces of this host: {0}")]
    Shape(String),
    #[error("the limits cannot be kept: {}", .0.join("; "))]
    Limits(Vec<String>),
    #[error("the grants cannot be given: {}", .0.join("; "))]
    Grants(Vec<String>),
    #[error("the trial failed in `{step}`: {fault}")]
    Trial { step: &'static str, fault: PluginFault },
    #[error("the plugin refuses its settings: {}", told(.0))]
    Settings(Vec<Problem>),
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
