//! Sealing, opening, renewing; what must not open does not.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn keyring(key: &str, previous: Option<&str>) -> Secrets {
    let settings = serde_json::json!({"key": key, "previous_key": previous});
    Secrets::open(&serde_json::from_value(settings).unwrap(), None).unwrap()
}

fn owner() -> Owner {
    Owner { warehouse: WarehouseId::new(), version: 1 }
}

const KEY: &str = "a key of at least thirty-two characters";
const OTHER: &str = "another key of more than 32 characters";

#[tokio::test]
async fn what_was_kept_is_revealed_to_its_owner() {
    let (secrets, owner, plain) = (keyring(KEY, None), owner(), Plain::new(*b"canary"));

    let kept = secrets.keep(owner, &plain, 0).await.unwrap();

    assert_eq!(secrets.reveal(owner, &kept, 0).await.unwrap(), plain);
    assert!(!kept.sealed.windows(6).any(|window| window == b"canary"));
    assert_ne!(secrets.keep(owner, &plain, 0).await.unwrap().sealed, kept.sealed, "each has a nonce of its own");
}

#[tokio::test]
async fn a_secret_opens_in_no_other_place() {
    let (secrets, owner) = (keyring(KEY, None), owner());
    let kept = secrets.keep(owner, &Plain::new(*b"canary"), 0).await.unwrap();

    let next_version = Owner { version: 2, ..owner };
    let neighbour = Owner { warehouse: WarehouseId::new(), ..owner };
    assert!(secrets.reveal(next_version, &kept, 0).await.is_err());
    assert!(secrets.reveal(neighbour, &kept, 0).await.is_err());
    for at in 0..kept.sealed.len() {
        let mut changed = kept.clone();
        changed.sealed[at] ^= 1;
        assert!(secrets.reveal(owner, &changed, 0).await.is_err(), "byte {at}");
    }
    for length in [0, 5, 12, 20] {
        let short = Kept { sealed: kept.sealed[..length].to_vec(), ..kept.clone() };
        assert!(secrets.reveal(owner, &short, 0).await.is_err(), "{length} bytes");
    }
}

#[tokio::test]
async fn a_new_key_opens_what_the_previous_one_sealed() {
    let owner = owner();
    let kept = keyring(KEY, None).keep(owner, &Plain::new(*b"canary"), 0).await.unwrap();

    let renewed = keyring(OTHER, Some(KEY));
    assert!(!renewed.keyring().is_current(&kept));
    let plain = renewed.reveal(owner, &kept, 0).await.unwrap();
    let anew = renewed.keep(owner, &plain, 0).await.unwrap();
    assert!(renewed.keyring().is_current(&anew));

    let alone = keyring(OTHER, None);
    assert_eq!(alone.reveal(owner, &anew, 0).await.unwrap(), plain);
    let refusal = alone.reveal(owner, &kept, 0).await.unwrap_err();
    assert!(matches!(refusal, Error::Unavailable { .. }), "{refusal}");
}

#[tokio::test]
async fn without_a_key_nothing_is_kept() {
    let secrets = Secrets::open(&config::Secrets::default(), None).unwrap();

    let refusal = secrets.keep(owner(), &Plain::new(*b"canary"), 0).await.unwrap_err().to_string();

    assert!(refusal.contains("WEIR__SECRETS__KEY_FILE"), "{refusal}");
    assert!(!refusal.contains("canary"));
}

#[tokio::test]
async fn an_embedded_ledger_gets_a_key_file_of_its_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let ledger = home.path().join("weir.db");
    let open = || Secrets::open(&config::Secrets::default(), Some(&ledger)).unwrap();
    let (owner, file) = (owner(), home.path().join("weir.key"));
    let secrets = open();
    assert!(!file.exists(), "a key is made only when it is needed");

    let kept = secrets.keep(owner, &Plain::new(*b"canary"), 0).await.unwrap();

    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(open().reveal(owner, &kept, 0).await.unwrap().expose(), b"canary");

    assert!(secrets.keyring().renew_file().unwrap());
    let anew = secrets.keep(owner, &secrets.reveal(owner, &kept, 0).await.unwrap(), 0).await.unwrap();
    assert_eq!(
        open().reveal(owner, &kept, 0).await.unwrap(),
        open().reveal(owner, &anew, 0).await.unwrap(),
        "both keys are there"
    );
    secrets.keyring().settle_file().unwrap();
    assert!(open().reveal(owner, &kept, 0).await.is_err());
    assert_eq!(open().reveal(owner, &anew, 0).await.unwrap().expose(), b"canary");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn s8_debug_shows_neither_key_nor_secret() {
    let secrets = keyring(KEY, Some(OTHER));

    let shown = format!("{secrets:?} {:?}", Plain::new(*b"canary"));

    assert!(!shown.contains("canary") && !shown.contains("characters"), "{shown}");
}
