//! A component that is compiled, with what it imports, what it exports.

use std::collections::BTreeSet;
use std::sync::Arc;

use wasmtime::component::Component;

use super::ahead;
use super::engine::Sandbox;
use super::load::{CompileCache, Digest, Verified};
use super::load_error::LoadError;

/// Of the plain component, before compiling. A JavaScript guest with its engine has 12 MB, a Python one 18 MB.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;
const TRACK: &str = "@0.1.0";
const PACKAGE: &str = "weir:plugin/";
/// What a component may import; a new name means a newer host.
const LOANS: [&str; 6] = ["types", "log", "secrets", "http", "cache", "change"];

/// What a plugin is able to do: the interfaces that it exports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    pub lifecycle: bool,
    pub authorizer: bool,
    pub authorizer_plan: bool,
    pub authorizer_events: bool,
    pub authorizer_grants: bool,
    pub contract: bool,
    pub storage: bool,
    pub contract_transaction: bool,
}

/// Compiled code with the digest of the very bytes that it was compiled from.
#[derive(Clone)]
pub struct Compiled {
    pub(super) component: Component,
    sha256: String,
    abilities: Abilities,
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

impl Sandbox {
    /// Compiles off the request path, one component at a time. What the program itself carries is not compiled again.
    pub async fn compile(self: &Arc<Self>, bytes: Arc<[u8]>) -> Result<Compiled, LoadError> {
        self.compile_cached(bytes, None).await
    }

    /// What was verified: a component, or code that was compiled ahead of time where somebody vouches for it. What the
    /// cache holds is not compiled again.
    pub async fn compile_verified(
        self: &Arc<Self>,
        verified: &Verified,
        cache: Option<Arc<CompileCache>>,
    ) -> Result<Compiled, LoadError> {
        if !ahead::is_native(&verified.bytes) {
            return self.compile_cached(Arc::clone(&verified.bytes), cache).await;
        }
        if !verified.is_vouched_for {
            return Err(LoadError::NativeUnvouched);
        }
        let component = self.revive_vouched(&verified.bytes)?;
        Compiled::describe(self, component, verified.digest)
    }

    async fn compile_cached(
        self: &Arc<Self>,
        bytes: Arc<[u8]>,
        cache: Option<Arc<CompileCache>>,
    ) -> Result<Compiled, LoadError> {
        look(&bytes)?;
        // The semaphore is never closed.
        let turn = self.compiling.clone().acquire_owned().await.ok();
        let sandbox = self.clone();
        let compiling = tokio::task::spawn_blocking(move || {
            // Held until the end, even where nobody waits for it any more.
            let _turn = turn;
            sandbox.compile_here(&bytes, cache.as_deref())
        });
        compiling.await.map_err(|panic| LoadError::Compile(format!("the compiler broke off: {panic}")))?
    }

    fn compile_here(&self, bytes: &[u8], cache: Option<&CompileCache>) -> Result<Compiled, LoadError> {
        let digest = Digest::of(bytes);
        let component = match self.revive_baked(digest) {
            Some(component) => component,
            None => self.compile_anew(bytes, digest, cache)?,
        };
        Compiled::describe(self, component, digest)
    }

    #[cfg(not(feature = "compiler"))]
    fn compile_anew(&self, _: &[u8], _: Digest, _: Option<&CompileCache>) -> Result<Component, LoadError> {
        Err(LoadError::NoCompiler)
    }

    /// Compiled, or out of the cache.
    #[cfg(feature = "compiler")]
    fn compile_anew(&self, bytes: &[u8], digest: Digest, cache: Option<&CompileCache>) -> Result<Component, LoadError> {
        super::inspect::bounded(bytes)?;
        let engine = format!("{:016x}", self.compatibility_hash());
        if let Some(component) = cache.and_then(|cache| self.revive_cached(&cache.get(digest, &engine)?)) {
            return Ok(component);
        }
        let compile = |error: wasmtime::Error| LoadError::Compile(format!("{error:#}"));
        let component = Component::from_binary(&self.engine, bytes).map_err(compile)?;
        if let Some(cache) = cache {
            cache.put(digest, &engine, &component.serialize().map_err(compile)?);
        }
        Ok(component)
    }
}

impl Compiled {
    /// Looks at the interfaces; a component that asks for what no host lends is refused here.
    fn describe(sandbox: &Sandbox, component: Component, digest: Digest) -> Result<Self, LoadError> {
        let shape = component.component_type();
        let names = |items: &mut dyn Iterator<Item = &str>| items.map(str::to_owned).collect::<BTreeSet<String>>();
        let imports = names(&mut shape.imports(&sandbox.engine).map(|(name, _)| name));
        let exports = names(&mut shape.exports(&sandbox.engine).map(|(name, _)| name));
        let strange: Vec<String> = imports.iter().filter(|name| !is_lent(name)).cloned().collect();
        if !strange.is_empty() {
            return Err(LoadError::Imports { asked: strange, lent: LOANS.map(interface).to_vec() });
        }
        let exported = |name: &str| exports.contains(&interface(name));
        let abilities = Abilities {
            lifecycle: exported("lifecycle"),
            authorizer: exported("authorizer"),
            authorizer_plan: exported("authorizer-plan"),
            authorizer_events: exported("authorizer-events"),
            authorizer_grants: exported("authorizer-grants"),
            contract: exported("contract"),
            storage: exported("storage"),
            contract_transaction: exported("contract-transaction"),
        };
        if !abilities.lifecycle {
            return Err(LoadError::Exports { found: exports.into_iter().collect() });
        }
        Ok(Self { component, sha256: digest.to_string(), abilities, imports, exports })
    }

    /// Of the plain component, in lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    /// The compiled code, for a program without the compiler.
    pub fn code(&self) -> Result<Vec<u8>, LoadError> {
        self.component.serialize().map_err(|error| LoadError::Compile(format!("{error:#}")))
    }

    /// The interfaces that the component exports, with their versions.
    pub fn exports(&self) -> &BTreeSet<String> {
        &self.exports
    }

    /// The interfaces that the component imports, with their versions.
    pub fn imports(&self) -> &BTreeSet<String> {
        &self.imports
    }
}

fn interface(name: &str) -> String {
    format!("{PACKAGE}{name}{TRACK}")
}

fn is_lent(import: &str) -> bool {
    LOANS.iter().any(|name| interface(name) == import) || super::imports::is_lent_by_wasi(import)
}

/// What the first bytes already tell.
fn look(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge { bytes: bytes.len(), bytes_max: COMPONENT_BYTES_MAX });
    }
    match bytes {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(LoadError::NotAComponent("a core WebAssembly module")),
        [0, b'a', b's', b'm', ..] => Err(LoadError::NotAComponent("WebAssembly of a version that is not known")),
        [] => Err(LoadError::NotAComponent("empty")),
        [0x7f, b'E', b'L', b'F', ..] => Err(LoadError::NotAComponent("native code")),
        [0x1f, 0x8b, ..] => Err(LoadError::NotAComponent("compressed with gzip")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(LoadError::NotAComponent("compressed with zstd")),
        _ => Err(LoadError::NotAComponent("no WebAssembly at all")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t13_the_first_bytes_tell_what_is_not_a_component() {
        for (bytes, found) in [
            (&b""[..], "empty"),
            (b"\0asm\x01\0\0\0", "a core WebAssembly module"),
            (b"\0asm\x0e\0\x01\0", "WebAssembly of a version that is not known"),
            (b"hello", "no WebAssembly at all"),
            (b"\x7fELF\x02", "native code"),
        ] {
            let LoadError::NotAComponent(what) = look(bytes).unwrap_err() else { panic!("another error") };
            assert_eq!(what, found);
        }
        assert!(matches!(look(&vec![0; COMPONENT_BYTES_MAX + 1]), Err(LoadError::TooLarge { .. })));
    }
}
