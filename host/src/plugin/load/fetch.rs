//! Getting the bytes: each source is read once, into one buffer, up to a limit.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{Demand, Digest, Refusal, Source, bundle};

/// A plugin inside this program.
pub type Builtin = (&'static str, &'static [u8]);

/// Reads sources.
#[derive(Clone, Debug)]
pub struct Fetcher {
    pub builtins: &'static [Builtin],
    /// The most bytes that a component may have, inflated or not.
    pub component_bytes_max: u64,
    /// Made for the first plugin that is fetched.
    http: OnceLock<reqwest::Client>,
}

/// What lay at a source.
pub struct Fetched {
    pub bytes: Bytes,
    /// The detached signature, in base64, where there is one.
    pub signature: Option<Vec<u8>>,
    /// The digest that a bundle's manifest gives for the inflated component.
    pub sha256: Option<Digest>,
}

impl Fetcher {
    /// A signature is 88 characters; a file that is much longer is something else.
    const SIGNATURE_BYTES_MAX: u64 = 4096;

    pub fn new(builtins: &'static [Builtin], component_bytes_max: u64) -> Self {
        Self { builtins, component_bytes_max, http: OnceLock::new() }
    }

    pub async fn fetch(&self, demand: &Demand) -> Result<Fetched, Refusal> {
        let mut sha256 = None;
        let bytes = match &demand.source {
            Source::Builtin(name) => self.builtin(name)?,
            Source::File(path) if bundle::is_manifest(path) => {
                let bundle = self.bundle(path.clone()).await?;
                sha256 = Some(bundle.sha256);
                bundle.bytes.into()
            }
            Source::File(path) => self.file(path.clone(), self.component_bytes_max).await?,
            Source::Http(url) => self.http(url.clone()).await?,
        };
        let signature = match (&demand.signature, &demand.source) {
            (Some(path), _) => Some(self.file(path.clone(), Self::SIGNATURE_BYTES_MAX).await?.to_vec()),
            (None, Source::File(path)) => self.beside(path).await?,
            (None, Source::Builtin(_) | Source::Http(_)) => None,
        };
        Ok(Fetched { bytes, signature, sha256 })
    }

    fn builtin(&self, name: &str) -> Result<Bytes, Refusal> {
        let found = self.builtins.iter().find(|(known, _)| *known == name);
        found.map(|(_, bytes)| Bytes::from_static(bytes)).ok_or_else(|| {
            let known: Vec<_> = self.builtins.iter().map(|(name, _)| *name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Refusal::NoSuchBuiltin { name: name.to_owned(), known }
        })
    }

    /// The signature that lies beside a component, if one does.
    async fn beside(&self, component: &Path) -> Result<Option<Vec<u8>>, Refusal> {
        let mut path = component.as_os_str().to_owned();
        path.push(".sig");
        let path = PathBuf::from(path);
        match tokio::fs::try_exists(&path).await {
            Ok(false) => Ok(None),
            Ok(true) | Err(_) => Ok(Some(self.file(path, Self::SIGNATURE_BYTES_MAX).await?.to_vec())),
        }
    }

    async fn file(&self, path: PathBuf, bytes_max: u64) -> Result<Bytes, Refusal> {
        let refusal = |why: String| Refusal::Fetch { source_name: format!("file:{}", path.display()), why };
        let from = path.clone();
        let read = tokio::task::spawn_blocking(move || read_file(&from, bytes_max)).await;
        match read {
            Ok(Ok(Some(bytes))) => Ok(bytes.into()),
            Ok(Ok(None)) => Err(Refusal::TooLarge { bytes_max }),
            Ok(Err(error)) => Err(refusal(error.to_string())),
            Err(error) => Err(refusal(error.to_string())),
        }
    }

    async fn bundle(&self, manifest: PathBuf) -> Result<bundle::Bundle, Refusal> {
        let bytes_max = self.component_bytes_max;
        let source_name = format!("file:{}", manifest.display());
        let read = tokio::task::spawn_blocking(move || bundle::read(&manifest, bytes_max)).await;
        read.unwrap_or_else(|error| Err(Refusal::Fetch { source_name, why: error.to_string() }))
    }

    async fn http(&self, url: url::Url) -> Result<Bytes, Refusal> {
        let refusal = |why: String| Refusal::Fetch { source_name: url.to_string(), why };
        let client = match self.http.get() {
            Some(client) => client,
            None => {
                let made = client().map_err(|error| refusal(causes(&error)))?;
                self.http.get_or_init(|| made)
            }
        };
        let mut answer = client.get(url.clone()).send().await.map_err(|error| refusal(causes(&error)))?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(refusal(format!("the answer is {}, not 200 (redirects are not followed)", answer.status())));
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| refusal(causes(&error)))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > self.component_bytes_max {
                return Err(Refusal::TooLarge { bytes_max: self.component_bytes_max });
            }
        }
        Ok(bytes.freeze())
    }
}

/// A client that follows no redirect, uses no proxy of the environment, and inflates nothing by itself.
fn client() -> reqwest::Result<reqwest::Client> {
    crate::tls::choose_ring();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .no_gzip()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(60))
        .build()
}

/// The whole file by one open, or `None` where it has more bytes than it may.
pub(super) fn read_file(path: &Path, bytes_max: u64) -> std::io::Result<Option<Vec<u8>>> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

/// The chain says whether the name, the connection or the certificate was at fault.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
