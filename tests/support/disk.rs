//! A disk that fails when told to, in front of a real `weir serve`; it remembers every change of its files.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::process::{Installation, Weir};

/// As `struct rule` in `faulty_disk.c`.
const RULE_BYTES: usize = 128;
const RULES: usize = 4;
const WORDS_BYTES: usize = 20;

/// "no space left on device"
pub const ENOSPC: u32 = 28;
/// "input/output error"
pub const EIO: u32 = 5;

/// What the server asks of the operating system.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    /// Data for a file.
    Write = 1,
    /// A file's data to be made durable.
    Sync = 2,
    /// Something for a connection, such as a statement for Postgres.
    Send = 3,
    /// The first answer after something was sent.
    Answer = 4,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub enum Doom {
    Fail(u32),
    KillBefore,
    KillAfter,
    /// It is not done, yet said to be.
    Lie,
}

/// One call that does not go well: those on files whose path ends in `of`, or that carry `of` over a connection.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub call: Call,
    pub of: &'static str,
    pub doom: Doom,
    /// How many such calls go well first.
    pub skip: u32,
}

impl Rule {
    pub const fn new(call: Call, of: &'static str, doom: Doom) -> Self {
        Self { call, of, doom, skip: 0 }
    }

    fn bytes(self) -> [u8; RULE_BYTES] {
        let (action, error) = match self.doom {
            Doom::Fail(error) => (1, error),
            Doom::KillBefore => (2, 0),
            Doom::KillAfter => (3, 0),
            Doom::Lie => (4, 0),
        };
        let mut bytes = [0; RULE_BYTES];
        for (at, word) in [self.call as u32, action, error, self.skip].into_iter().enumerate() {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&word.to_ne_bytes());
        }
        bytes[WORDS_BYTES..WORDS_BYTES + self.of.len()].copy_from_slice(self.of.as_bytes());
        bytes
    }
}

/// The disk under an installation's ledger, its lake.
pub struct Disk {
    folder: PathBuf,
    journal: PathBuf,
    control: File,
}

impl Disk {
    /// Whether there is such a disk for this system; said aloud where there is none.
    pub fn is_available() -> bool {
        let available = cfg!(target_os = "linux");
        if !available {
            eprintln!("skipped: disks fail on demand under Linux only");
        }
        available
    }

    /// Puts everything that later processes of this installation keep onto a disk that is empty yet.
    pub fn under(installation: &mut Installation) -> Self {
        let home = installation.home().canonicalize().expect("a folder");
        let (folder, journal, control) = (home.join("disk"), home.join("disk.journal"), home.join("disk.control"));
        fs::create_dir(&folder).expect("a folder in the temporary folder");
        fs::write(&control, [0; RULE_BYTES * RULES]).expect("a file in the temporary folder");
        for (name, value) in [
            ("LD_PRELOAD", library()),
            ("WEIR_DISK_ROOT", &folder),
            ("WEIR_DISK_JOURNAL", &journal),
            ("WEIR_DISK_CONTROL", &control),
            ("WEIR__BOOTSTRAP__WAREHOUSE_ROOT", &folder.join("lake")),
        ] {
            installation.set(name, path_text(value));
        }
        if installation.database_url().starts_with("sqlite:") {
            installation.reach_store_by(&format!("sqlite:{}", path_text(&folder.join("data/weir.db"))));
        }
        let control = File::options().write(true).open(&control).expect("the control file opens");
        Self { folder, journal, control }
    }

    /// The folder that is the disk.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ledger on it.
    pub fn ledger(&self) -> PathBuf {
        self.folder.join("data/weir.db")
    }

    /// Everything that was done to the disk, in the format of `struct record` in `faulty_disk.c`.
    pub fn journal(&self) -> Vec<u8> {
        fs::read(&self.journal).expect("the journal is there")
    }

    /// How much has been done to the disk: a point in its journal.
    pub fn now(&self) -> u64 {
        fs::metadata(&self.journal).map_or(0, |journal| journal.len())
    }

    /// Puts these rules in force, no others.
    pub fn obey(&self, rules: &[Rule]) {
        let mut all = [0; RULE_BYTES * RULES];
        for (place, rule) in all.chunks_mut(RULE_BYTES).zip(rules) {
            place.copy_from_slice(&rule.bytes());
        }
        self.control.write_all_at(&all, 0).expect("the control file is written");
    }

    /// Ends the process at its next write, whatever rules are in force, and forgets them. A process that is killed
    /// from outside may die between a change and its note in the journal; what it notes next would be misread.
    pub async fn kill(&self, weir: &mut Weir) {
        let rule = Rule::new(Call::Write, "", Doom::KillBefore);
        let last = RULE_BYTES * (RULES - 1);
        self.control.write_all_at(&rule.bytes(), last as u64).expect("the control file is written");
        for _ in 0..6_000 {
            if weir.has_ended() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(weir.has_ended(), "the process writes nothing, so it goes on");
        self.obey(&[]);
    }
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("temporary folders are UTF-8")
}

/// The compiled `faulty_disk.c`, beside the tests.
fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let test = std::env::current_exe().expect("a test knows its own file");
        let folder = test.parent().expect("a test lies in a folder");
        let (library, draft) =
            (folder.join("faulty_disk.so"), folder.join(format!("faulty_disk.{}", std::process::id())));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/support/faulty_disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", source, "-ldl", "-lpthread", "-o"]);
        let compiled = compiler.arg(&draft).status().expect("a C compiler runs; apt-get install build-essential");
        assert!(compiled.success(), "{source} does not compile");
        // Another test program may be doing the same.
        fs::rename(&draft, &library).expect("the library takes its name");
        library
    })
}
