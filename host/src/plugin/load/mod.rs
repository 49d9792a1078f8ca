//! From a source to bytes that may be compiled: fetched, inflated, verified, each step on the same buffer.

pub mod baked;
pub mod bundle;
mod bundled;
mod cache;
mod digest;
mod fetch;
mod inflate;
mod refusal;
mod signature;
mod source;

use std::path::PathBuf;
use std::sync::Arc;

pub use bundled::BUNDLED;
pub use cache::CompileCache;
pub use digest::Digest;
pub use fetch::{Builtin, Fetcher};
pub use refusal::Refusal;
pub use signature::{Trust, TrustedKey};
pub use source::Source;

/// What the operator asks of the bytes of one plugin.
#[derive(Clone, Debug)]
pub struct Demand {
    pub source: Source,
    /// The digest that the inflated component must have.
    pub sha256: Option<Digest>,
    /// The file of the detached signature; without it one beside the source counts.
    pub signature: Option<PathBuf>,
}

/// A component whose bytes were verified; these very bytes are compiled (I4).
#[derive(Clone)]
pub struct Verified {
    pub bytes: Arc<[u8]>,
    pub digest: Digest,
    /// The key that signed it, where it is signed.
    pub signed_by: Option<TrustedKey>,
    /// Whether somebody vouches for these very bytes: who signed them, who pinned them, who built this program. Only
    /// then can they be native code.
    pub is_vouched_for: bool,
}

/// Fetches, inflates, verifies.
pub async fn verified(demand: &Demand, trust: &Trust, fetcher: &Fetcher) -> Result<Verified, Refusal> {
    let fetched = fetcher.fetch(demand).await?;
    let bytes = inflate::inflate(fetched.bytes, fetcher.component_bytes_max)?;
    let digest = Digest::of(&bytes);
    if let Some(wanted) = [demand.sha256, fetched.sha256].into_iter().flatten().find(|wanted| *wanted != digest) {
        return Err(Refusal::WrongDigest { wanted, found: digest });
    }
    let signed_by = trust.check(&demand.source, demand.sha256.is_some(), &bytes, fetched.signature.as_deref())?;
    let is_vouched_for = signed_by.is_some() || demand.sha256.is_some() || matches!(demand.source, Source::Builtin(_));
    Ok(Verified { bytes: Arc::from(&bytes[..]), digest, signed_by, is_vouched_for })
}
