//! What must hold for any bytes (B10), one function a fuzz target; it tells whether they were understood to the end.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use uuid::Uuid;
use weir::api::extract::{Named, namespace_of_path};
use weir::catalog::commit::{Base, Outcome, commit};
use weir::catalog::create::create;
use weir::catalog::ident::Namespace;
use weir::catalog::location::Location;
use weir::catalog::metadata::TableMetadata;
use weir::catalog::page::{Listing, PageKey, Start};
use weir::catalog::requests::{CommitTable, CommitTransaction, CreateTable, RegisterTable};
use weir::catalog::view::{CommitView, CreateView, RegisterView};
use weir::config::{Config, File};

const NOW_MS: i64 = 1_800_000_000_000;

/// The first line as a location, the second as another one. What is accepted has one form, without aliases; what lies
/// inside starts with what it lies in, behind a slash.
pub fn location(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let (one, other) = text.split_once('\n').unwrap_or((text, text));
    let Ok(one) = Location::parse(one) else { return false };
    assert_eq!(Location::parse(one.as_str()).ok().as_ref(), Some(&one), "the canonical form is not stable");
    assert!(!one.as_str().contains(['%', '\\', '?', '#', '*', '$', '\0']), "{one:?} can be read in two ways");
    assert!(one.path().split('/').skip(1).all(|part| !matches!(part, "" | "." | "..")), "{one:?} is an alias");
    assert!(!one.as_str().ends_with('/') && one.contains(&one) && one.overlaps(&one));
    if let Ok(inside) = one.join(other) {
        assert!(one.contains(&inside), "{one:?} joined with {other:?} led out, to {inside:?}");
    }
    let Ok(other) = Location::parse(other) else { return false };
    let is_inside = other == one || other.as_str().starts_with(&format!("{}/", one.as_str()));
    assert_eq!(one.contains(&other), is_inside, "{one:?} and {other:?}");
    assert_eq!(one.overlaps(&other), other.overlaps(&one));
    assert_eq!(one.overlaps(&other), one.contains(&other) || other.contains(&one));
    true
}

/// As a token nobody was given it is refused; as an entry it comes back from its token, for nobody else.
pub fn page_token(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let key = PageKey::new([7; 32]);
    let listing = Listing { what: "tables", of: &["a", "b"], caller: "alice" };
    match key.start(&listing, Some(text)) {
        Ok(start) => assert!(text.is_empty() && start == Start::First, "{text:?} was taken for a token"),
        Err(error) => assert!(error.to_string().contains("pageToken")),
    }
    let token = key.token(&listing, text);
    assert_eq!(key.start(&listing, Some(&token)).ok(), Some(Start::After(text.to_owned())));
    for other in [
        Listing { caller: text, ..listing },
        Listing { what: text, ..listing },
        Listing { of: &["a", "b", text], ..listing },
        Listing { of: &["ab"], ..listing },
    ] {
        let is_the_same = (other.what, other.caller, other.of) == (listing.what, listing.caller, listing.of);
        assert!(is_the_same || key.start(&other, Some(&token)).is_err(), "a token of {listing:?} serves {other:?}");
    }
    true
}

/// Metadata, an empty line, a commit to it. What is read is written back as it is; what a commit made can be read, says
/// the same, has lost nothing that it does not know.
pub fn metadata(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let (document, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let Ok(before) = TableMetadata::parse(document.as_bytes()) else { return false };
    // A number beyond what this test can hold, such as `1e400`, is JSON all the same.
    let Ok(given) = serde_json::from_slice::<Value>(document.as_bytes()) else { return false };
    let written = stable(&before);
    assert_eq!(given, json(&written), "reading alone has changed the document");
    let Ok(request) = CommitTable::parse(body.as_bytes()) else { return false };
    let base = Base { metadata: &before, metadata_location: "s3://lake/t/metadata/00001-a.metadata.json" };
    let Ok(Outcome::Changed(change)) = commit(base, &request.requirements, &request.updates, NOW_MS) else {
        return false;
    };
    let Ok(after) = serde_json::from_slice::<Value>(&stable(&change.after)) else { return false };
    for (name, value) in given.as_object().into_iter().flatten() {
        assert!(!name.starts_with("x-") || after.get(name) == Some(value), "the unknown member {name} is lost");
    }
    if before.check_consistency().is_ok() {
        let consistent = change.after.check_consistency();
        assert!(consistent.is_ok(), "a commit has broken the table: {consistent:?}");
    }
    assert_eq!(before.to_bytes().ok().as_ref(), Some(&written), "a commit has changed its base");
    true
}

/// The bytes of a document, which read as a document with the same bytes.
fn stable(metadata: &TableMetadata) -> Vec<u8> {
    let written = metadata.to_bytes().expect("metadata can be written");
    let again = TableMetadata::parse(&written).expect("what was written can be read");
    assert_eq!(again.to_bytes().expect("metadata can be written"), written);
    written
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("metadata is JSON")
}

/// The first line as a raw path segment, the second as the separator. A name has one spelling that leads back to it.
pub fn namespace_path(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let (raw, separator) = text.split_once('\n').unwrap_or((text, ""));
    let separator = Some(separator).filter(|separator| !separator.is_empty());
    let Ok(Named::Legal(namespace)) = namespace_of_path(raw, separator) else { return false };
    let encoded: Vec<String> =
        namespace.parts().iter().map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string()).collect();
    match namespace_of_path(&encoded.join("%1F"), None) {
        Ok(Named::Legal(again)) => assert_eq!(again, namespace),
        other => panic!("{namespace:?} does not come back from its path: {other:?}"),
    }
    assert_eq!(Namespace::from_key(&namespace.key()), namespace);
    true
}

/// Every body that the API reads, the configuration too: understood or refused with words, never a panic.
pub fn bodies(input: &[u8]) -> bool {
    let refusals = [
        CommitTable::parse(input).err(),
        CommitTransaction::parse(input).err(),
        RegisterTable::parse(input).err(),
        CreateView::parse(input).err(),
        CommitView::parse(input).err(),
        RegisterView::parse(input).err(),
    ];
    assert!(refusals.iter().flatten().all(|error| !error.to_string().is_empty()));
    let create_table = CreateTable::parse(input);
    if let Ok(request) = &create_table {
        let place = Location::parse("s3://lake/t").expect("a location");
        if let Ok(created) = create(request, &place, Uuid::from_u128(7), 2, NOW_MS) {
            stable(&created);
            let consistent = created.check_consistency();
            assert!(consistent.is_ok(), "a new table contradicts itself: {consistent:?}");
        }
    }
    let file = File { name: "weir.toml".to_owned(), text: String::from_utf8_lossy(input).into_owned() };
    let config = Config::read(Some(&file), []);
    assert!(config.as_ref().err().is_none_or(|problems| !problems.to_string().is_empty()));
    create_table.is_ok() || config.is_ok() || refusals.iter().any(Option::is_none)
}
