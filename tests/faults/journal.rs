//! What a disk was told, change by change.

use std::path::PathBuf;

/// One change, once it was done.
pub struct Entry {
    /// Where it ends in the journal.
    pub end: u64,
    pub change: Change,
}

/// Files and folders are named by their inode, as after a removal the number may stand for another one.
pub enum Change {
    FolderMade {
        inode: u64,
        path: PathBuf,
    },
    FileMade {
        inode: u64,
        path: PathBuf,
    },
    Written {
        inode: u64,
        offset: u64,
        bytes: Vec<u8>,
    },
    Cut {
        inode: u64,
        length: u64,
    },
    Removed {
        path: PathBuf,
    },
    /// Covers what was done to the inode before the point `began` of the journal.
    Flushed {
        inode: u64,
        began: u64,
        failed: bool,
    },
}

/// Reads the journal that `faulty_disk.c` writes. The last entry may be cut off, as its writer was.
pub fn read(journal: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some(head) = journal.get(at..at + HEAD_BYTES) {
        let [inode, first, second] = [0, 8, 16].map(|place| number(&head[place..place + 8]));
        let [kind, path_length, data_length] = [24, 28, 32].map(|place| number(&head[place..place + 4]));
        let path_at = at + HEAD_BYTES;
        let data_at = path_at + usize::try_from(path_length).expect("a length");
        let end = data_at + usize::try_from(data_length).expect("a length");
        let (Some(path), Some(bytes)) = (journal.get(path_at..data_at), journal.get(data_at..end)) else { break };
        let path = PathBuf::from(String::from_utf8(path.to_vec()).expect("tests name their files in UTF-8"));
        let change = match u8::try_from(kind).expect("a letter") {
            b'D' => Change::FolderMade { inode, path },
            b'C' => Change::FileMade { inode, path },
            b'W' => Change::Written { inode, offset: first, bytes: bytes.to_vec() },
            b'T' => Change::Cut { inode, length: first },
            b'U' => Change::Removed { path },
            b'S' => Change::Flushed { inode, began: first, failed: second != 0 },
            other => panic!("the journal holds an unknown change {other}"),
        };
        entries.push(Entry { end: end as u64, change });
        at = end;
    }
    entries
}

/// `struct record`: three numbers of eight bytes, four of four.
const HEAD_BYTES: usize = 40;

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
