//! Property tests that reading a document, then writing it, loses nothing.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::FOREIGN;
use crate::catalog::metadata::TableMetadata;

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| json!(number))),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".{0,6}", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unknown_members_of_any_shape_come_back_as_they_were(
        members in prop::collection::vec(("x-.{1,8}", any_value()), 0..6),
        properties in prop::collection::hash_map(".{0,20}", ".{0,40}", 0..20),
        pretty in any::<bool>(),
    ) {
        let mut document: Value = serde_json::from_str(FOREIGN).unwrap();
        document["properties"] = json!(properties);
        for (name, value) in members {
            document[name] = value;
        }
        let text = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };

        // What a reader sees is compared, because serde_json reads the last digit of a double as it likes.
        let document: Value = serde_json::from_str(&text).unwrap();
        let once = TableMetadata::parse(text.as_bytes()).unwrap().to_bytes().unwrap();
        let twice = TableMetadata::parse(&once).unwrap().to_bytes().unwrap();

        let read: Value = serde_json::from_slice(&once).unwrap();
        prop_assert_eq!(&read, &document);
        prop_assert_eq!(read.as_object().unwrap().keys().collect::<Vec<_>>(), document.as_object().unwrap().keys().collect::<Vec<_>>());
        prop_assert_eq!(once, twice);
    }

    /// B3: whatever the bytes, reading them ends with a table or with 400.
    #[test]
    fn b3_any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..FOREIGN.len()) {
        prop_assert!(TableMetadata::parse(&bytes).is_err());
        prop_assert!(TableMetadata::parse(&FOREIGN.as_bytes()[..cut]).is_err());
    }
}
