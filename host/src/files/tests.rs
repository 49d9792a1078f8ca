//! The promises of the file room, against a real disk.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

struct Disk {
    directory: tempfile::TempDir,
    files: Storage,
}

impl Disk {
    /// `lake` is an allowed root, `other` is not.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("other")).unwrap();
        let local_roots = vec![directory.path().join("lake")];
        let files = Files::open(&FilesSettings { local_roots, ..Default::default() }).unwrap().local();
        Self { directory, files }
    }

    fn path(&self, relative: &str) -> std::path::PathBuf {
        self.directory.path().join(relative)
    }

    fn place(&self, relative: &str) -> Location {
        Location::parse(&format!("file://{}", self.path(relative).display())).unwrap()
    }

    async fn write(&self, relative: &str, bytes: &'static [u8]) -> Result<(), FileError> {
        self.files.write_new(&self.place(relative), Bytes::from_static(bytes)).await
    }

    async fn read(&self, relative: &str) -> Result<Vec<u8>, FileError> {
        self.files.read(&self.place(relative), 1_000).await
    }
}

fn names(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let disk = Disk::new();
    disk.write("lake/t1/metadata/v1.json", b"{}").await.unwrap();
    assert_eq!(disk.read("lake/t1/metadata/v1.json").await.unwrap(), b"{}");
    assert!(disk.files.exists(&disk.place("lake/t1/metadata/v1.json")).await.unwrap());
    assert!(!disk.files.exists(&disk.place("lake/t1/metadata/v2.json")).await.unwrap());
}

#[tokio::test]
async fn r25_a_file_is_never_overwritten() {
    let disk = Disk::new();
    disk.write("lake/v1.json", b"first").await.unwrap();
    assert!(matches!(disk.write("lake/v1.json", b"second").await, Err(FileError::Exists(_))));
    assert_eq!(disk.read("lake/v1.json").await.unwrap(), b"first");
}

#[tokio::test]
async fn r25_of_many_writers_of_one_name_exactly_one_wins() {
    let disk = Disk::new();
    let place = disk.place("lake/new/dir/v1.json");
    let writers = (0..16).map(|number: u8| {
        let (files, place) = (disk.files.clone(), place.clone());
        tokio::spawn(async move { files.write_new(&place, Bytes::from(vec![number; 50_000])).await })
    });
    let mut won = Vec::new();
    for (number, writer) in writers.collect::<Vec<_>>().into_iter().enumerate() {
        match writer.await.unwrap() {
            Ok(()) => won.push(number as u8),
            Err(error) => assert!(matches!(error, FileError::Exists(_)), "{error}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(disk.files.read(&place, 50_000).await.unwrap(), vec![won[0]; 50_000]);
}

#[tokio::test]
async fn s10_places_outside_the_roots_are_refused() {
    let disk = Disk::new();
    std::fs::write(disk.path("other/secret"), "x").unwrap();
    for relative in ["other/secret", "other/new", "lake-2/new", "other/deep/new"] {
        let place = disk.place(relative);
        assert!(matches!(disk.write(relative, b"x").await, Err(FileError::Outside { .. })), "{relative}");
        assert!(matches!(disk.read(relative).await, Err(FileError::Outside { .. })), "{relative}");
        assert!(matches!(disk.files.exists(&place).await, Err(FileError::Outside { .. })), "{relative}");
        assert!(matches!(disk.files.delete(&place).await, Err(FileError::Outside { .. })), "{relative}");
        assert!(matches!(disk.files.delete_tree(&place).await, Err(FileError::Outside { .. })), "{relative}");
    }
    assert_eq!(names(&disk.path("other")), ["secret"]);
    assert!(!disk.path("lake-2").exists());
}

#[tokio::test]
async fn s10_a_link_does_not_lead_out_of_a_root() {
    let disk = Disk::new();
    std::fs::write(disk.path("other/secret"), "x").unwrap();
    symlink(disk.path("other"), disk.path("lake/way-out")).unwrap();
    symlink(disk.path("other/secret"), disk.path("lake/file-out")).unwrap();
    symlink(disk.path("other/later"), disk.path("lake/broken")).unwrap();
    for relative in ["lake/way-out/secret", "lake/way-out/new", "lake/way-out/a/b", "lake/broken/new"] {
        assert!(matches!(disk.write(relative, b"y").await, Err(FileError::Outside { .. })), "{relative}");
        assert!(matches!(disk.read(relative).await, Err(FileError::Outside { .. })), "{relative}");
    }
    assert!(matches!(disk.read("lake/file-out").await, Err(FileError::Outside { .. })));
    assert!(matches!(disk.write("lake/broken", b"y").await, Err(FileError::Exists(_))));
    assert_eq!(names(&disk.path("other")), ["secret"]);
}

/// Somebody lets a folder's link lead out and in again while files are written, read and deleted through it.
#[tokio::test]
async fn s10_a_link_that_turns_between_check_and_use_does_not_lead_out() {
    let disk = Disk::new();
    disk.write("lake/inside/secret", b"ours").await.unwrap();
    std::fs::write(disk.path("other/secret"), "theirs").unwrap();
    symlink("inside", disk.path("lake/t")).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let turner = std::thread::spawn({
        let (over, outside, inside) = (over.clone(), disk.path("other"), disk.path("lake/inside"));
        let (link, draft) = (disk.path("lake/t"), disk.path("lake/draft"));
        move || {
            for target in [outside, inside].iter().cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
                symlink(target, &draft).unwrap();
                std::fs::rename(&draft, &link).unwrap();
            }
        }
    });

    let mut ways_in = 0;
    for round in 0..2_000 {
        if let Ok(read) = disk.read("lake/t/secret").await {
            assert_eq!(read, b"ours");
            ways_in += 1;
        }
        let new = format!("lake/t/{round}");
        drop(disk.write(&new, b"x").await);
        drop(disk.files.delete(&disk.place(&new)).await);
        drop(disk.files.delete_tree(&disk.place("lake/t/secret")).await);
        drop(disk.write("lake/t/secret", b"ours").await);
    }

    over.store(true, Ordering::Relaxed);
    turner.join().unwrap();
    assert!(ways_in > 0);
    assert_eq!(names(&disk.path("other")), ["secret"]);
    assert_eq!(std::fs::read(disk.path("other/secret")).unwrap(), b"theirs");
}

#[tokio::test]
async fn r15_deleting_a_tree_stays_inside_it() {
    let disk = Disk::new();
    for relative in ["lake/t1/data/a", "lake/t1/metadata/v1.json", "lake/t10/data/b"] {
        disk.write(relative, b"x").await.unwrap();
    }
    std::fs::write(disk.path("other/secret"), "x").unwrap();
    symlink(disk.path("other"), disk.path("lake/t1/way-out")).unwrap();

    disk.files.delete_tree(&disk.place("lake/t1")).await.unwrap();
    disk.files.delete_tree(&disk.place("lake/t1")).await.unwrap();

    assert_eq!(names(&disk.path("lake")), ["t10"]);
    assert_eq!(names(&disk.path("other")), ["secret"]);
    for root in ["lake", ""] {
        let place = Location::parse(&format!("file://{}", disk.path(root).display())).unwrap();
        assert!(matches!(disk.files.delete_tree(&place).await, Err(FileError::Outside { .. })), "{root:?}");
    }
    assert_eq!(disk.read("lake/t10/data/b").await.unwrap(), b"x");
}

#[tokio::test]
async fn a_removal_that_nobody_waits_for_ends() {
    let disk = Disk::new();
    disk.write("lake/t1/data/a", b"x").await.unwrap();
    let local = LocalFiles::open(&[disk.path("lake")]).unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();

    let removed = local.delete_tree(&disk.place("lake/t1"), &stop);

    assert!(matches!(removed, Err(FileError::Failed { .. })), "{removed:?}");
    assert_eq!(disk.read("lake/t1/data/a").await.unwrap(), b"x");
}

#[tokio::test]
async fn deleting_twice_is_success() {
    let disk = Disk::new();
    disk.write("lake/v1.json", b"x").await.unwrap();
    for _ in 0..2 {
        disk.files.delete(&disk.place("lake/v1.json")).await.unwrap();
    }
    disk.files.delete(&disk.place("lake/never/was/v1.json")).await.unwrap();
    assert!(matches!(disk.read("lake/v1.json").await, Err(FileError::Missing(_))));
}

#[tokio::test]
async fn r26_what_cannot_be_read_says_why() {
    let disk = Disk::new();
    std::fs::write(disk.path("lake/big"), vec![0; 1_001]).unwrap();
    std::fs::write(disk.path("lake/bad.gz.metadata.json"), "not gzip").unwrap();
    let bomb = disk.place("lake/bomb.metadata.json.gz");
    std::fs::write(bomb.path(), Codec::Gzip.encode(&vec![0; 100_000], &bomb).unwrap()).unwrap();
    std::fs::create_dir(disk.path("lake/directory")).unwrap();

    assert!(matches!(disk.read("lake/big").await, Err(FileError::TooLarge { bytes_max: 1_000, .. })));
    assert!(matches!(disk.read("lake/directory").await, Err(FileError::Corrupt { .. })));
    assert!(matches!(disk.read("lake/big/inside").await, Err(FileError::Outside { .. })));
    let bad = disk.files.read_metadata(&disk.place("lake/bad.gz.metadata.json"), 1_000).await;
    assert!(matches!(bad, Err(FileError::Corrupt { .. })));
    let bomb = disk.files.read_metadata(&bomb, 1_000).await;
    assert!(matches!(bomb, Err(FileError::TooLarge { .. })));
}

#[tokio::test]
async fn metadata_is_packed_as_its_name_says() {
    let disk = Disk::new();
    let json = Bytes::from("{\"a\":1}".repeat(20));
    for (name, packed) in [("v1.metadata.json", false), ("v2.gz.metadata.json", true), ("v3.metadata.json.gz", true)] {
        let place = disk.place(&format!("lake/{name}"));
        disk.files.write_metadata(&place, json.clone()).await.unwrap();
        assert_eq!(std::fs::read(place.path()).unwrap().starts_with(&[0x1F, 0x8B]), packed, "{name}");
        assert_eq!(disk.files.read_metadata(&place, 1_000).await.unwrap(), json, "{name}");
    }
}

#[tokio::test]
async fn r6_a_file_that_a_crash_damaged_is_restored_from_its_durable_copy() {
    let disk = Disk::new();
    let json = Bytes::from_static(b"{\"format-version\":2}");
    for (name, damage) in [
        ("short.metadata.json", Some(&b"{\"form"[..])),
        ("zeros.metadata.json", Some(&[0; 20][..])),
        ("empty.gz.metadata.json", Some(&b""[..])),
        ("lost/and/gone.metadata.json", None),
    ] {
        let place = disk.place(&format!("lake/{name}"));
        if let Some(damage) = damage {
            std::fs::write(place.path(), damage).unwrap();
        }
        assert_eq!(disk.files.restore_metadata(&place, json.clone()).await.unwrap(), Restored::Rewritten, "{name}");
        assert_eq!(disk.files.restore_metadata(&place, json.clone()).await.unwrap(), Restored::Intact, "{name}");
        assert_eq!(disk.files.read_metadata(&place, 1_000).await.unwrap(), json, "{name}");
    }
    let elsewhere = disk.files.restore_metadata(&disk.place("other/v1.json"), json).await;
    assert!(matches!(elsewhere, Err(FileError::Outside { .. })));
}

#[tokio::test]
async fn a_probe_proves_a_root_without_leaving_a_trace() {
    let disk = Disk::new();
    disk.files.probe(&disk.place("lake/warehouse")).await.unwrap();
    assert_eq!(names(&disk.path("lake/warehouse")), Vec::<String>::new());
    let Err(FileError::Unusable { source, .. }) = disk.files.probe(&disk.place("other")).await else {
        panic!("a place outside the roots was tried out")
    };
    assert!(matches!(*source, FileError::Outside { .. }), "{source}");
    disk.files.admit_root(&disk.place("lake/not/yet")).await.unwrap();
    assert!(disk.files.admit_root(&disk.place("other")).await.is_err());
    assert!(disk.files.admit_root(&Location::parse("s3://bucket").unwrap()).await.is_err());
}

#[tokio::test]
async fn without_a_root_nothing_is_allowed() {
    let files = Files::open(&FilesSettings::default()).unwrap().local();
    let place = Location::parse("file:///tmp/weir-never").unwrap();
    assert!(matches!(files.write_new(&place, Bytes::new()).await, Err(FileError::Outside { .. })));
}
