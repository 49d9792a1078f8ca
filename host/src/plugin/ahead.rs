//! Code that was compiled before: by this host, or ahead of time by somebody who is trusted.
//!
//! Compiled code is native code: it can only be trusted, not checked.

use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

use super::engine::Sandbox;
use super::load::{Digest, baked};
use super::load_error::LoadError;

/// Whether bytes are code of this engine's kind; it says nothing about what they do.
pub(super) fn is_native(bytes: &[u8]) -> bool {
    matches!(Engine::detect_precompiled(bytes), Some(Precompiled::Component))
}

impl Sandbox {
    /// The code of a component, for the processors that the settings name; this machine need not be one of them.
    #[cfg(feature = "compiler")]
    pub fn compile_ahead(&self, component: &[u8]) -> Result<Vec<u8>, LoadError> {
        self.engine.precompile_component(component).map_err(|error| LoadError::Compile(format!("{error:#}")))
    }

    #[cfg(not(feature = "compiler"))]
    pub fn compile_ahead(&self, _component: &[u8]) -> Result<Vec<u8>, LoadError> {
        Err(LoadError::NoCompiler)
    }

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

    /// Code that this program carries for a component, or `None` where it carries none that this machine can run.
    pub(super) fn revive_baked(&self, component: Digest) -> Option<Component> {
        let code = baked::code(component, self.settings.small)?;
        match self.revive(&code) {
            Ok(revived) => Some(revived),
            Err(error) => {
                tracing::warn!(%component, %error, "the compiled code inside this program does not fit this machine");
                None
            }
        }
    }

    #[allow(
        unsafe_code,
        reason = "compiled code can only be trusted, not checked; each caller says who vouches for it"
    )]
    fn revive(&self, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the code was made by `Component::serialize`: the cache gives out only what carries a tag of this host
        // over this component and this engine; what comes from elsewhere has been signed by a trusted key, pinned by
        // its digest, or is part of this program.
        unsafe { Component::deserialize(&self.engine, code) }
    }
}
