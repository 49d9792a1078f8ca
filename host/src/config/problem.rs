//! What is wrong with a configuration, told so that it can be mended in one go.

use std::fmt;

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field, e.g. `server.listen`; empty where the file as a whole cannot be read.
    pub path: String,
    /// Where the value came from: a file, a variable, or `default`.
    pub origin: String,
    pub found: String,
    pub expected: String,
    /// A correct line for `weir.toml`.
    pub example: String,
}

impl Problem {
    /// A problem whose origin and example are filled in by the reader.
    pub(super) fn at(path: &str, found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            origin: String::new(),
            found: found.to_string(),
            expected: expected.to_string(),
            example: String::new(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the file" } else { &self.path };
        writeln!(f, "{path} ({})", self.origin)?;
        writeln!(f, "    found:    {}", self.found)?;
        write!(f, "    expected: {}", self.expected)?;
        if self.example.is_empty() {
            return Ok(());
        }
        write!(f, "\n    example:  {}", self.example)
    }
}

/// Everything that is wrong, in the order of discovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "problem" } else { "problems" };
        write!(f, "the configuration has {} {noun}:", self.0.len())?;
        for problem in &self.0 {
            write!(f, "\n\n  {}", problem.to_string().replace('\n', "\n  "))?;
        }
        Ok(())
    }
}
