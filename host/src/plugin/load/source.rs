//! Where a plugin's component comes from.

use std::fmt;
use std::path::PathBuf;

use url::Url;

/// A parsed `source` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Shipped inside this program.
    Builtin(String),
    File(PathBuf),
    /// Fetched over HTTP, always together with a digest.
    Http(Url),
}

impl Source {
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("builtin:") {
            return Ok(Self::Builtin(name.to_owned()));
        }
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err("`file:` without a path".into()) } else { Ok(Self::File(path.into())) };
        }
        let url = Url::parse(text).map_err(|error| format!("`{text}`: {error}"))?;
        match url.scheme() {
            "http" | "https" if url.username().is_empty() && url.password().is_none() => Ok(Self::Http(url)),
            "http" | "https" => Err("a URL with a user or password in it".into()),
            scheme => Err(format!("`{scheme}:` is no kind of source; `builtin:`, `file:`, `https:` are")),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(f, "builtin:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Http(url) => write!(f, "{url}"),
        }
    }
}
