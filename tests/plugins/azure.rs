//! A second cloud: a storage plugin for Azure, on the interface as it is, on the host as it is.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::json;
use weir::catalog::location::Location;
use weir::plugin::storage::{Access, Audience, Bounds, Grant, KeyUse, Lent, Profile, Want};
use weir::plugin::{Guest, PluginFault, Secret};

use crate::ask::{call, limits, settings, shared, table};
use crate::guide::built;

const PLACE: &str = "abfss://lake@acc.dfs.core.windows.net/wh/t1";
/// As Azure shows keys: in base64.
const KEY: &[u8] = b"canary of an account's key, 32 by";

/// What the host writes: rights, begin, end, folder.
fn scope(folder: &str) -> String {
    let (begins, ends) = (time(0), time(3_600_000));
    format!("rl\n{begins}\n{ends}\n/blob/acc/lake/{folder}")
}

fn time(after_ms: u64) -> String {
    let ms = i64::try_from(call().now_ms + after_ms).expect("a time of this age");
    let time = time::OffsetDateTime::from_unix_timestamp(ms / 1_000).expect("a time");
    time.format(&time::format_description::well_known::Rfc3339).expect("a time")
}

fn want(scope: Option<String>) -> Want {
    Want {
        profile: Profile {
            kind: "adls".into(),
            settings_json: json!({"account-name": "acc"}).to_string(),
            location: "abfss://lake@acc.dfs.core.windows.net/wh".into(),
        },
        table: table("orders"),
        location: PLACE.into(),
        access: Access::Read,
        audience: Audience::Client,
        ttl_seconds_max: 3_600,
        scope_document: scope,
    }
}

async fn vend(guest: &Guest, asked: Option<String>, lent: &str) -> Result<Grant, PluginFault> {
    let secret = Secret::new(STANDARD.encode(KEY).as_bytes(), false);
    let lent = Lent { secret, for_use: KeyUse::Message { beginning: lent.to_owned() } };
    let bounds =
        Bounds { location: Location::parse(PLACE).expect("a location"), now_ms: call().now_ms, fixed: BTreeMap::new() };
    guest.vend(&call(), &want(asked), Some(lent), &bounds).await
}

/// The token as Azure reads it: by its parts, against the text that they make.
fn parts(token: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().expect("text").into_owned();
    let part = |part: &str| part.split_once('=').map(|(name, value)| (name.to_owned(), decoded(value)));
    token.split('&').map(|text| part(text).expect("a name with a value")).collect()
}

fn mac(message: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, KEY);
    STANDARD.encode(ring::hmac::sign(&key, message.as_bytes()))
}

/// S9, S12: neither a sibling, nor what is above, nor what is inside by another name.
#[tokio::test]
async fn a_signature_opens_exactly_the_folder_of_the_table() {
    let home = tempfile::tempdir().expect("a folder");
    let component = tokio::task::spawn_blocking({
        let home = home.path().to_owned();
        move || built("azure-storage", &home)
    });
    let bytes = std::fs::read(component.await.expect("it is built")).expect("the component");
    let compiled = shared().compile(bytes.into()).await.expect("it compiles");
    let guest = Guest::load(&shared(), &compiled, settings(json!({}), limits())).await.expect("the guest loads");
    assert!(guest.serves(&call(), "adls").await.expect("it says so"));

    let grant = vend(&guest, Some(scope("wh/t1")), &scope("wh/t1")).await.expect("a signature");

    let keys = &grant.keys[0];
    assert_eq!((grant.keys.len(), keys.prefix.as_str()), (1, PLACE));
    assert_eq!(keys.expires_at_ms / 1_000, (call().now_ms + 3_600_000) / 1_000);
    let token = parts(&keys.config["adls.sas-token.acc.dfs.core.windows.net"]);
    assert_eq!((token["sr"].as_str(), token["sdd"].as_str(), token["sp"].as_str()), ("d", "2", "rl"));
    assert_eq!((token["spr"].as_str(), &token["se"]), ("https", &time(3_600_000)));
    // What Azure computes from the parts and the folder that is opened, `sdd` names down from the container.
    let text = |folder: &str| {
        let (sp, st, se, sv, sr) = (&token["sp"], &token["st"], &token["se"], &token["sv"], &token["sr"]);
        format!("{sp}\n{st}\n{se}\n/blob/acc/lake/{folder}\n\n\nhttps\n{sv}\n{sr}\n\n\n\n\n\n\n")
    };
    assert_eq!(token["sig"], mac(&text("wh/t1")));
    for sibling in ["wh/t10", "wh", "wh/t1/x"] {
        assert_ne!(token["sig"], mac(&text(sibling)), "{sibling}");
    }

    // Without a scope there is nothing; for another folder than the host's the key computes nothing.
    assert!(vend(&guest, None, &scope("wh/t1")).await.expect("an answer").keys.is_empty());
    assert!(vend(&guest, Some(scope("wh/t1")), &scope("wh/t10")).await.is_err());
    assert!(vend(&guest, Some(scope("wh/t10")), &scope("wh/t10")).await.is_err());
}
