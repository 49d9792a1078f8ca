//! Compiled code at the end of a program's own file, so that its first start compiles nothing.
//!
//! It is a part of the program, as trusted as what stands before it: whoever can change the one can change the other.
//! Each entry names the component that it was compiled from; what fits this engine is decided where it is revived.
//!
//! The layout: the program, the deflated entries, their index as JSON, the lengths of both, a mark.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::Digest;

const MARK: &[u8; 16] = b"weir baked code1";
/// Two lengths, then the mark.
const TRAILER_BYTES: u64 = 8 + 8 + MARK.len() as u64;
/// A few entries of some hundred bytes.
const INDEX_BYTES_MAX: u64 = 1 << 20;
/// Of one component; the largest of the bundled ones has a twentieth of it.
const CODE_BYTES_MAX: usize = 256 << 20;

/// Code that was compiled from a component.
pub struct Entry {
    pub component: Digest,
    /// For sandboxes that do without reserved address space.
    pub small: bool,
    pub code: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    component: String,
    small: bool,
    /// From the first entry on.
    offset: u64,
    packed_bytes: u64,
    code_bytes: usize,
}

/// A program's file, with where each entry lies.
struct Baked {
    file: File,
    entries_from: u64,
    entries_bytes: u64,
    places: Vec<Place>,
}

/// The code that this very program carries for a component, or `None` where it carries none.
pub fn code(component: Digest, small: bool) -> Option<Vec<u8>> {
    static OURS: OnceLock<Option<Baked>> = OnceLock::new();
    let ours = OURS.get_or_init(|| {
        // On Linux it leads to the file that runs, even after an upgrade put another one at its path.
        let path = Path::new("/proc/self/exe");
        let opened =
            if path.exists() { Baked::open(path) } else { std::env::current_exe().and_then(|path| Baked::open(&path)) };
        opened.unwrap_or_else(|error| {
            tracing::warn!(%error, "the compiled plugins at the end of this program cannot be read");
            None
        })
    });
    let ours = ours.as_ref()?;
    ours.read(component, small).unwrap_or_else(|error| {
        tracing::warn!(component = %component, %error, "the compiled plugin at the end of this program cannot be read");
        None
    })
}

/// The program with these entries in place of those that it carried before.
pub fn with_entries(program: &Path, entries: &[Entry]) -> io::Result<Vec<u8>> {
    let bare_bytes = Baked::open(program)?.map_or(u64::MAX, |baked| baked.entries_from);
    let mut whole = Vec::new();
    File::open(program)?.take(bare_bytes).read_to_end(&mut whole)?;
    let entries_from = whole.len();
    let mut places = Vec::new();
    for Entry { component, small, code } in entries {
        let offset = whole.len() - entries_from;
        let mut packer = DeflateEncoder::new(whole, Compression::best());
        packer.write_all(code)?;
        whole = packer.finish()?;
        places.push(Place {
            component: component.to_string(),
            small: *small,
            offset: offset as u64,
            packed_bytes: (whole.len() - entries_from - offset) as u64,
            code_bytes: code.len(),
        });
    }
    let entries_bytes = (whole.len() - entries_from) as u64;
    let index = serde_json::to_vec(&places)?;
    whole.extend_from_slice(&index);
    whole.extend_from_slice(&entries_bytes.to_le_bytes());
    whole.extend_from_slice(&(index.len() as u64).to_le_bytes());
    whole.extend_from_slice(MARK);
    Ok(whole)
}

impl Baked {
    /// `None` where the file carries nothing.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let Some(trailer_from) = bytes.checked_sub(TRAILER_BYTES) else { return Ok(None) };
        file.seek(SeekFrom::Start(trailer_from))?;
        let (entries_bytes, index_bytes) = (number(&mut file)?, number(&mut file)?);
        let mut mark = [0; MARK.len()];
        file.read_exact(&mut mark)?;
        if mark != *MARK {
            return Ok(None);
        }
        let index_from = trailer_from.checked_sub(index_bytes).filter(|_| index_bytes <= INDEX_BYTES_MAX);
        let entries_from = index_from.and_then(|from| from.checked_sub(entries_bytes));
        let (Some(index_from), Some(entries_from)) = (index_from, entries_from) else {
            return Err(io::Error::other("its lengths are more than the file has"));
        };
        file.seek(SeekFrom::Start(index_from))?;
        let places = serde_json::from_reader((&mut file).take(index_bytes))?;
        Ok(Some(Self { file, entries_from, entries_bytes, places }))
    }

    fn read(&self, component: Digest, small: bool) -> io::Result<Option<Vec<u8>>> {
        let component = component.to_string();
        let Some(place) = self.places.iter().find(|place| place.component == component && place.small == small) else {
            return Ok(None);
        };
        let outside = || io::Error::other("its place is outside of the file");
        let end = place.offset.checked_add(place.packed_bytes).filter(|end| *end <= self.entries_bytes);
        end.filter(|_| place.code_bytes <= CODE_BYTES_MAX).ok_or_else(outside)?;
        let mut packed = vec![0; usize::try_from(place.packed_bytes).map_err(|_| outside())?];
        // Without moving a position that other threads would share.
        self.file.read_exact_at(&mut packed, self.entries_from + place.offset)?;
        let mut code = Vec::with_capacity(place.code_bytes);
        DeflateDecoder::new(&packed[..]).take(place.code_bytes as u64 + 1).read_to_end(&mut code)?;
        if code.len() != place.code_bytes {
            return Err(io::Error::other(format!("{} bytes instead of {}", code.len(), place.code_bytes)));
        }
        Ok(Some(code))
    }
}

fn number(file: &mut File) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, small: bool) -> Entry {
        Entry {
            component: Digest::of(name.as_bytes()),
            small,
            code: format!("code of {name}, {small}").repeat(99).into(),
        }
    }

    fn written(folder: &Path, bytes: &[u8]) -> std::path::PathBuf {
        let path = folder.join("program");
        std::fs::write(&path, bytes).expect("writable");
        path
    }

    #[test]
    fn a_program_gives_out_what_it_carries_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let bare = written(folder.path(), b"\x7fELF, then whatever a program consists of");
        assert!(Baked::open(&bare).expect("readable").is_none());

        let entries = [entry("cedar", false), entry("cedar", true), entry("s3", false)];
        let whole = with_entries(&bare, &entries).expect("readable");
        let baked = Baked::open(&written(folder.path(), &whole)).expect("readable").expect("it carries something");

        for entry in &entries {
            let code = baked.read(entry.component, entry.small).expect("readable");
            assert_eq!(code.as_deref(), Some(&entry.code[..]));
        }
        assert!(baked.read(entries[2].component, true).expect("readable").is_none());
        assert!(baked.read(Digest::of(b"another"), false).expect("readable").is_none());
    }

    #[test]
    fn what_a_program_carried_before_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let bare = written(folder.path(), b"a program");
        let once = with_entries(&bare, &[entry("s3", false)]).expect("readable");
        let again = written(folder.path(), &with_entries(&bare, &[entry("cedar", false)]).expect("readable"));

        assert_eq!(with_entries(&again, &[entry("s3", false)]).expect("readable"), once);
    }

    /// A file that was cut, or bent behind its program, costs a compilation at most.
    #[test]
    fn what_is_bent_is_an_error_or_other_code_but_never_a_panic() {
        let folder = tempfile::tempdir().expect("a folder");
        let bare = written(folder.path(), b"a program");
        let carried = entry("s3", false);
        let whole = with_entries(&bare, std::slice::from_ref(&carried)).expect("readable");

        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] ^= 0xff;
            for bytes in [&bent[..], &whole[..at]] {
                if let Ok(Some(baked)) = Baked::open(&written(folder.path(), bytes)) {
                    let _ = baked.read(carried.component, false);
                }
            }
        }
    }
}
