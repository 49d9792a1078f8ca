//! Files that change under the host's hands, or never were whole.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weir::plugin::load::{self, Demand, Digest, Fetcher, Refusal, Source, Trust};
use weir_tests::guests::guest;
use weir_tests::tools::is_full_lane;

use crate::ask::{bytes, shared};

fn demand(path: &Path, sha256: Option<Digest>) -> Demand {
    Demand { source: Source::File(path.to_owned()), sha256, signature: None }
}

/// T33, I4: a link that is swapped while the host reads never gets other bytes past the pin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t33_only_the_pinned_bytes_come_out_while_the_file_is_swapped() {
    let home = tempfile::tempdir().expect("a folder");
    let at = |name: &str| home.path().join(name);
    fs::write(at("good"), "the pinned bytes").expect("writable");
    fs::write(at("evil"), "other bytes").expect("writable");
    std::os::unix::fs::symlink(at("good"), at("plugin.wasm")).expect("writable");
    let over = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (over, home) = (over.clone(), home.path().to_owned());
        move || {
            for turn in 0_u64.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let next = home.join("next");
                let to = if turn % 2 == 0 { "evil" } else { "good" };
                std::os::unix::fs::symlink(home.join(to), &next).expect("writable");
                fs::rename(&next, home.join("plugin.wasm")).expect("renamed");
            }
        }
    });
    let pinned = Digest::of(b"the pinned bytes");
    let (trust, fetcher) = (Trust::default(), Fetcher::new(&[], 1_000));
    let (mut good, mut refused) = (0, 0);
    let rounds = if is_full_lane() { 10_000 } else { 1_000 };
    while good + refused < rounds || good == 0 || refused == 0 {
        match load::verified(&demand(&at("plugin.wasm"), Some(pinned)), &trust, &fetcher).await {
            Ok(verified) => {
                assert_eq!((&*verified.bytes, verified.digest), (&b"the pinned bytes"[..], pinned));
                good += 1;
            }
            Err(Refusal::WrongDigest { wanted, found }) => {
                assert_eq!((wanted, found), (pinned, Digest::of(b"other bytes")));
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    over.store(true, Ordering::Relaxed);
    swapper.join().expect("no panic");
}

/// P11: what is cut off anywhere, what has a bit flipped near its beginning, is refused or works; nothing panics.
#[tokio::test]
async fn p11_a_broken_component_is_refused_in_an_orderly_way() {
    let whole = bytes("no-ability");
    for at in (0..whole.len()).step_by(whole.len() / 97) {
        let cut: Arc<[u8]> = whole[..at].into();
        shared().compile(cut).await.err().unwrap_or_else(|| panic!("cut at {at}, it compiles"));
    }
    for at in 0..64 {
        let mut bent = whole.to_vec();
        bent[at] ^= 0x40;
        let _ = shared().compile(bent.into()).await;
    }
}

/// T30: the digest is that of the inflated component, and the message shows both.
#[tokio::test]
async fn t30_a_digest_is_that_of_the_inflated_component() {
    let home = tempfile::tempdir().expect("a folder");
    let plain = fs::read(guest("core-module")).expect("built");
    let path = home.path().join("p.wasm.gz");
    let mut packer =
        flate2::write::GzEncoder::new(fs::File::create(&path).expect("writable"), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, &plain).expect("writable");
    packer.finish().expect("writable");
    let (trust, fetcher) = (Trust::default(), Fetcher::new(&[], 1 << 20));

    let inflated = Digest::of(&plain);
    let verified = load::verified(&demand(&path, Some(inflated)), &trust, &fetcher).await.expect("it is the one");
    assert_eq!(&*verified.bytes, &plain[..]);

    let packed = Digest::of(&fs::read(&path).expect("there"));
    let refusal =
        load::verified(&demand(&path, Some(packed)), &trust, &fetcher).await.err().expect("refused").to_string();
    assert!(refusal.contains(&packed.to_string()) && refusal.contains(&inflated.to_string()), "{refusal}");
}
