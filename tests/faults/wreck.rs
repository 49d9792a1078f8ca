//! What a power loss leaves on a disk: all that was flushed, of the rest whatever chance had brought there.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::journal::{Change, Entry};

/// How much of what was not flushed reached the disk before the power went.
#[derive(Clone, Copy, Debug)]
pub struct Luck {
    /// The chance of each piece, 0.0 to 1.0.
    pub kept: f64,
    /// The unit in which written data reaches the disk.
    pub unit_bytes: u64,
}

/// One file or folder.
#[derive(Default)]
struct Node<'a> {
    is_folder: bool,
    steps: Vec<Step<'a>>,
}

/// One change of a file or folder.
struct Step<'a> {
    end: u64,
    fate: Fate,
    what: What<'a>,
}

/// INVARIANT: once doomed, always doomed: after a failed flush the system forgets that the pages were not written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pending,
    Durable,
    Doomed,
}

enum What<'a> {
    Bytes {
        offset: u64,
        bytes: &'a [u8],
    },
    Length(u64),
    /// A name that leads to a node from now on, or nowhere.
    Name(&'a OsStr, Option<usize>),
}

/// The disk as its changes up to a cut describe it.
pub struct Wreck<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Wreck<'a> {
    /// The changes that were done by the point `cut` of the journal.
    pub fn at(cut: u64, entries: &'a [Entry]) -> Self {
        let mut growing = Growing { nodes: Vec::new(), of_inode: HashMap::new(), of_path: HashMap::new() };
        for entry in entries.iter().take_while(|entry| entry.end <= cut) {
            growing.apply(entry);
        }
        Self { nodes: growing.nodes }
    }

    /// Builds what is left of it at `folder`, in the place of whatever is there.
    pub fn build(&self, folder: &Path, luck: Luck, chance: &mut StdRng) {
        fs::remove_dir_all(folder).expect("the old disk goes");
        self.build_node(0, folder, luck, chance);
    }

    fn build_node(&self, node: usize, path: &Path, luck: Luck, chance: &mut StdRng) {
        let node = &self.nodes[node];
        if !node.is_folder {
            return fs::write(path, content(&node.steps, luck, chance)).expect("a file is rebuilt");
        }
        fs::create_dir(path).expect("a folder is rebuilt");
        let mut names = BTreeMap::new();
        for step in &node.steps {
            if let What::Name(name, leads_to) = &step.what
                && is_there(step, luck, chance)
            {
                names.insert(name, *leads_to);
            }
        }
        for (name, leads_to) in names {
            if let Some(child) = leads_to {
                self.build_node(child, &path.join(name), luck, chance);
            }
        }
    }
}

fn is_there(step: &Step<'_>, luck: Luck, chance: &mut StdRng) -> bool {
    step.fate == Fate::Durable || chance.random_bool(luck.kept)
}

fn content(steps: &[Step<'_>], luck: Luck, chance: &mut StdRng) -> Vec<u8> {
    let mut content = Vec::new();
    for step in steps {
        match &step.what {
            What::Bytes { offset, bytes } if step.fate == Fate::Durable => put(&mut content, *offset, bytes),
            What::Bytes { offset, bytes } => {
                for (at, piece) in pieces(*offset, bytes, luck.unit_bytes) {
                    if chance.random_bool(luck.kept) {
                        put(&mut content, at, piece);
                    }
                }
            }
            What::Length(length) if is_there(step, luck, chance) => content.resize(index(*length), 0),
            What::Length(_) | What::Name(..) => {}
        }
    }
    content
}

/// The parts of a write that lie in different units of the disk.
fn pieces(offset: u64, bytes: &[u8], unit_bytes: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = offset + at as u64;
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let piece = &rest[..rest.len().min(index(unit_bytes - start % unit_bytes))];
        at += piece.len();
        Some((start, piece))
    })
}

fn put(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (index(offset), index(offset) + bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    content[start..end].copy_from_slice(bytes);
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("files of tests fit in memory")
}

/// A disk while its journal is read.
struct Growing<'a> {
    nodes: Vec<Node<'a>>,
    of_inode: HashMap<u64, usize>,
    of_path: HashMap<&'a Path, usize>,
}

impl<'a> Growing<'a> {
    fn apply(&mut self, entry: &'a Entry) {
        match &entry.change {
            // Each process of the journal tells its root anew.
            Change::FolderMade { path, .. } if self.of_path.contains_key(path.as_path()) => {}
            Change::FolderMade { inode, path } => self.make(*inode, path, true, entry.end),
            Change::FileMade { inode, path } => self.make(*inode, path, false, entry.end),
            Change::Written { inode, offset, bytes } => {
                self.add(self.of_inode[inode], entry.end, What::Bytes { offset: *offset, bytes });
            }
            Change::Cut { inode, length } => self.add(self.of_inode[inode], entry.end, What::Length(*length)),
            Change::Removed { path } => {
                self.of_path.remove(path.as_path());
                self.name(path, None, entry.end);
            }
            Change::Flushed { inode, began, failed } => self.flush(self.of_inode[inode], *began, *failed),
        }
    }

    fn make(&mut self, inode: u64, path: &'a Path, is_folder: bool, end: u64) {
        let node = self.nodes.len();
        self.nodes.push(Node { is_folder, steps: Vec::new() });
        self.of_inode.insert(inode, node);
        self.of_path.insert(path, node);
        self.name(path, Some(node), end);
    }

    fn name(&mut self, path: &'a Path, leads_to: Option<usize>, end: u64) {
        // The root has neither: it was there before.
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
        let folder = self.of_path[folder];
        self.add(folder, end, What::Name(name, leads_to));
    }

    fn add(&mut self, node: usize, end: u64, what: What<'a>) {
        self.nodes[node].steps.push(Step { end, fate: Fate::Pending, what });
    }

    /// A flush that succeeds covers what was done before it began; one that fails loses all there is.
    fn flush(&mut self, node: usize, began: u64, failed: bool) {
        let covered = self.nodes[node].steps.iter_mut().rev().take_while(|step| step.fate != Fate::Durable);
        for step in covered.filter(|step| step.fate == Fate::Pending && (failed || step.end <= began)) {
            step.fate = if failed { Fate::Doomed } else { Fate::Durable };
        }
    }
}
