//! Compiled components on disk, so that a start does not compile again what an earlier one did.
//!
//! Compiled code is native code. What lies in the folder counts only when its tag was made with this host's key over
//! these very bytes, this component's digest and this engine; everything else is as good as absent (T34).

use std::io::Write;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use super::Digest;

const TAG_BYTES: usize = 32;

/// The folder and the key that authenticates what lies in it.
#[derive(Clone)]
pub struct CompileCache {
    folder: PathBuf,
    key: [u8; 32],
}

impl CompileCache {
    /// A cache whose key is made from a secret that lies elsewhere than the folder.
    pub fn new(folder: impl Into<PathBuf>, secret: &[u8; 32]) -> Self {
        let key = Sha256::new().chain_update(b"weir: compiled plugins").chain_update(secret).finalize().into();
        Self { folder: folder.into(), key }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The compiled code of a component, if it lies here untouched.
    pub fn get(&self, component: Digest, engine: &str) -> Option<Vec<u8>> {
        let mut file = std::fs::read(self.path(component, engine)).ok()?;
        let code = file.split_off(TAG_BYTES.min(file.len()));
        if self.mac(component, engine, &code)?.verify_slice(&file).is_err() {
            tracing::warn!(component = %component, "the compiled code in the cache is not what was put there; compiling again");
            return None;
        }
        Some(code)
    }

    /// Keeps compiled code. A cache that cannot be written costs time at the next start, nothing else, so this warns.
    pub fn put(&self, component: Digest, engine: &str, code: &[u8]) {
        if let Err(error) = self.write(component, engine, code) {
            tracing::warn!(folder = %self.folder.display(), %error, "compiled plugins cannot be kept");
        }
    }

    fn write(&self, component: Digest, engine: &str, code: &[u8]) -> std::io::Result<()> {
        let mac = self.mac(component, engine, code).ok_or_else(|| std::io::Error::other("the key cannot be used"))?;
        std::fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&mac.finalize().into_bytes())?;
        file.write_all(code)?;
        file.persist(self.path(component, engine)).map_err(|error| error.error)?;
        Ok(())
    }

    fn path(&self, component: Digest, engine: &str) -> PathBuf {
        self.folder.join(format!("{component}-{engine}.cwasm"))
    }

    fn mac(&self, component: Digest, engine: &str, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(component.to_string().as_bytes());
        mac.update(&(engine.len() as u64).to_le_bytes());
        mac.update(engine.as_bytes());
        mac.update(code);
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T34: bit flips, another plugin's code under this name, another host's key: none is ever given out.
    #[test]
    fn only_what_this_host_put_comes_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = CompileCache::new(folder.path(), &[7; 32]);
        let (ours, other) = (Digest::of(b"ours"), Digest::of(b"other"));
        cache.put(ours, "engine", b"code");
        assert_eq!(cache.get(ours, "engine").as_deref(), Some(&b"code"[..]));

        assert_eq!(cache.get(other, "engine"), None);
        assert_eq!(cache.get(ours, "other-engine"), None);
        assert_eq!(CompileCache::new(folder.path(), &[8; 32]).get(ours, "engine"), None);

        let path = cache.path(ours, "engine");
        std::fs::copy(&path, cache.path(other, "engine")).expect("copied");
        assert_eq!(cache.get(other, "engine"), None);

        let whole = std::fs::read(&path).expect("readable");
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            std::fs::write(&path, bent).expect("writable");
            assert_eq!(cache.get(ours, "engine"), None, "a flip of byte {at} is noticed");
        }
        std::fs::write(&path, &whole[..10]).expect("writable");
        assert_eq!(cache.get(ours, "engine"), None);
    }
}
