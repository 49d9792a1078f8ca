//! Bodies that name what is deleted (S16).

use super::*;

fn delete(body: &str) -> Result<Examined, String> {
    examine_as("POST", "https://s3.test/lake?delete", &[], Some(body.as_bytes()))
}

fn objects(keys: &[&str]) -> String {
    let objects: String = keys.iter().map(|key| format!("<Object><Key>{key}</Key></Object>")).collect();
    format!("<Delete>{objects}</Delete>")
}

#[test]
fn s16_a_deletion_of_many_keys_is_bound_to_its_body() {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{}<Quiet>true</Quiet></Delete>",
        "<Object><Key>sales/t1/a&amp;b&#x20;c</Key></Object>"
    );
    let examined = delete(&body).unwrap();
    assert_eq!((examined.operation, examined.keys), (Operation::DeleteObjects, vec!["sales/t1/a&b c".to_owned()]));
    let hash = examined.payload_sha256;
    assert_eq!(hash.len(), 64, "the signature holds for this body alone");
    let told = |hash: &str| {
        let headers = [("x-amz-content-sha256", hash)];
        examine_as("POST", "https://s3.test/lake?delete", &headers, Some(body.as_bytes()))
    };
    assert_eq!(told(&hash).unwrap().payload_sha256, hash);
    assert_eq!(told("UNSIGNED-PAYLOAD").unwrap().payload_sha256, hash);
    told(&"0".repeat(64)).unwrap_err();
    plain("POST", "https://s3.test/lake?delete").expect_err("nobody knows what it deletes");
}

#[test]
fn s16_one_key_outside_refuses_the_whole_deletion() {
    delete(&objects(&["sales/t1/a", "sales/t1/b"])).unwrap();
    for keys in [
        &["sales/t1/a", "sales/t2/b"][..],
        &["sales/t10/b"],
        &["sales/t1/&#46;&#46;/t2/b"],
        &["sales&#47;t2/b"],
        &["sales/t1/%2e%2e/t2/b"],
        &[" sales/t1/a"],
        &["sales/t1/a&#10;"],
        &[""],
        &[],
    ] {
        delete(&objects(keys)).expect_err(&keys.join(","));
    }
    let keys: Vec<String> = (0..1_001).map(|i| format!("sales/t1/{i}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    delete(&objects(&keys[1..])).unwrap();
    delete(&objects(&keys)).unwrap_err();
}

/// Wherever two readers of XML could see two lists, nothing is signed.
#[test]
fn s16_a_body_that_can_be_read_in_two_ways_is_refused() {
    let object = "<Object><Key>sales/t1/a</Key></Object>";
    for body in [
        format!("<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Delete>{object}</Delete>"),
        "<Delete><Object><Key>sales/t1/&x;</Key></Object></Delete>".to_owned(),
        "<Delete><Object><Key><![CDATA[sales/t1/a]]></Key></Object></Delete>".to_owned(),
        "<Delete><Object><Key>sales/t1/<![CDATA[../t2]]></Key></Object></Delete>".to_owned(),
        "<Delete><Object><Key>sales/t1/a<!-- --></Key></Object></Delete>".to_owned(),
        format!("<Delete><!-- {object} -->{object}</Delete>"),
        "<Delete><Object><Key>sales/t1/a</Key><Key>sales/t2/a</Key></Object></Delete>".to_owned(),
        "<Delete><Object><Key>sales/t1/a</Key><VersionId>1</VersionId></Object></Delete>".to_owned(),
        "<Delete><Object Key=\"sales/t2/a\"><Key>sales/t1/a</Key></Object></Delete>".to_owned(),
        "<d:Delete xmlns:d=\"x\"><d:Object><d:Key>sales/t2/a</d:Key></d:Object></d:Delete>".to_owned(),
        format!("<Delete xmlns=\"elsewhere\">{object}</Delete>"),
        format!("<Delete>{object}</Delete><Delete>{object}</Delete>"),
        format!("<Delete>{object}"),
        format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?><Delete>{object}</Delete>"),
        format!("<Delete>text{object}</Delete>"),
        format!("<Delete><?php ?>{object}</Delete>"),
        "<Delete><Object><Key>sales/t1/&#xD800;</Key></Object></Delete>".to_owned(),
        "<Delete><Object><Key>sales/t1/&#99999999;</Key></Object></Delete>".to_owned(),
        "<Delete><Object><Key>sales/t1/&#+65;</Key></Object></Delete>".to_owned(),
        String::new(),
    ] {
        delete(&body).expect_err(&body);
    }
    delete(&format!("<Delete>{object}{}</Delete>", " ".repeat(BODY_BYTES_MAX))).unwrap_err();
    let utf16: Vec<u8> = objects(&["sales/t1/a"]).encode_utf16().flat_map(u16::to_le_bytes).collect();
    examine_as("POST", "https://s3.test/lake?delete", &[], Some(&utf16)).unwrap_err();
}
