//! Code that was compiled before: by this host, or ahead of time by somebody who is trusted.
//!
//! Compiled code is native code: it can only be trusted, not checked.

use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

use super::engine::Sandbox;
use super::load_error::LoadError;

/// Whether bytes are code of this engine's kind; it says nothing about what they do.
pub(super) fn is_native(bytes: &[u8]) -> bool {
    matches!(Engine::detect_precompiled(bytes), Some(Precompiled::Component))
}

impl Sandbox {
    /// Code that somebody vouches for, by a signature or a pinned digest.
    pub(super) fn revive_vouched(&self, code: &[u8]) -> Result<Component, LoadError> {
        self.revive(code).map_err(|error| LoadError::NativeMisfit(format!("{error:#}")))
    }

    /// Code as it came out of the cache, or `None` where this engine cannot run it.
    #[cfg(feature = "compiler")]
    pub(super) fn revive_cached(&self, code: &[u8]) -> Option<Component> {
        match self.revive(code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%error, "compiled code from the cache does not fit this engine; compiling again");
                None
            }
        }
    }

    #[allow(
        unsafe_code,
        reason = "compiled code can only be trusted, not checked; both callers say who vouches for it"
    )]
    fn revive(&self, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the code was made by `Component::serialize`: the cache gives out only what carries a tag of this host
        // over this component and this engine; what comes from elsewhere has been signed by a trusted key, pinned by
        // its digest, or is part of this program.
        unsafe { Component::deserialize(&self.engine, code) }
    }
}
