//! What is signed, what is not (S16).

mod bodies;

use proptest::prelude::*;

use super::*;

const INSIDE: &str = "https://s3.test/lake/sales/t1/data/x.parquet";

fn location() -> Location {
    Location::parse("s3://lake/sales/t1").unwrap()
}

fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::parse("https://s3.test").unwrap(), Endpoint::parse("http://minio:9000/").unwrap()]
}

fn examine_as(method: &str, uri: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Examined, String> {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Request { method, uri, region: "eu", headers: &headers, body };
    let (location, endpoints) = (location(), endpoints());
    match examine(&request, &Place { location: &location, endpoints: &endpoints, region: "eu" }) {
        Ok(examined) => Ok(examined),
        Err(Error::Forbidden(message)) => Err(message),
        Err(other) => panic!("a refusal is 403, not {other:?}"),
    }
}

fn plain(method: &str, uri: &str) -> Result<Examined, String> {
    examine_as(method, uri, &[], None)
}

#[test]
fn s16_every_operation_of_readers_and_writers_is_known() {
    for (method, rest, operation, writes) in [
        ("GET", "/data/x", "GetObject", false),
        ("GET", "/data/x?x-id=GetObject", "GetObject", false),
        ("HEAD", "/data/x", "HeadObject", false),
        ("PUT", "/data/x", "PutObject", true),
        ("POST", "/data/x?uploads", "CreateMultipartUpload", true),
        ("POST", "/data/x?uploads=", "CreateMultipartUpload", true),
        ("PUT", "/data/x?partNumber=1&uploadId=a%2Fb", "UploadPart", true),
        ("POST", "/data/x?uploadId=u", "CompleteMultipartUpload", true),
        ("DELETE", "/data/x?uploadId=u", "AbortMultipartUpload", true),
        ("GET", "/data/x?uploadId=u&max-parts=5", "ListParts", true),
        ("DELETE", "/data/x", "DeleteObject", true),
    ] {
        for place in
            ["https://s3.test/lake/sales/t1", "https://lake.s3.test/sales/t1", "http://minio:9000/lake/sales/t1"]
        {
            let examined = plain(method, &format!("{place}{rest}")).unwrap();
            assert_eq!((examined.operation.as_str(), examined.operation.writes()), (operation, writes));
            assert_eq!(examined.keys, ["sales/t1/data/x"]);
        }
    }
}

#[test]
fn s16_a_listing_stays_inside_the_table() {
    let list = |prefix: &str| plain("GET", &format!("https://s3.test/lake?list-type=2{prefix}"));
    let examined = list("&prefix=sales%2Ft1%2F&delimiter=%2F&max-keys=5").unwrap();
    assert_eq!((examined.operation, examined.keys), (Operation::ListObjectsV2, vec!["sales/t1/".to_owned()]));
    list("&prefix=sales/t1/data").unwrap();
    for outside in [
        "",
        "&prefix=",
        "&prefix=sales/",
        "&prefix=sales/t1",
        "&prefix=sales/t10/",
        "&prefix=/sales/t1/",
        "&prefix=s&delimiter=/",
    ] {
        list(outside).unwrap_err();
    }
    plain("GET", "https://s3.test/lake?prefix=sales/t1/").unwrap_err();
    plain("GET", "https://s3.test/lake?list-type=1&prefix=sales/t1/").unwrap_err();
    plain("GET", "https://s3.test/lake?list-type=2&prefix=sales/t1/&prefix=").unwrap_err();
    plain("GET", "https://s3.test/lake?list-type=2&prefix=sales/t1/&PREFIX=").unwrap_err();
}

/// S9, S10, S16: outside, whichever way it is spelled.
#[test]
fn s16_nothing_outside_the_table_is_signed() {
    for uri in [
        "https://s3.test/lake/sales/t10/x",
        "https://s3.test/lake/sales/t1-/x",
        "https://s3.test/lake/sales/T1/x",
        "https://s3.test/lake/sales/t1",
        "https://s3.test/lake/sales/t1/../t2/x",
        "https://s3.test/lake/sales/t1/%2e%2e/t2/x",
        "https://s3.test/lake/sales/t1/%2E./t2/x",
        "https://s3.test/lake/sales/t1/%252e%252e/t2/x",
        "https://s3.test/lake/sales/t1/%25252e%25252e/t2/x",
        "https://s3.test/lake/sales/t1%2f..%2ft2/x",
        "https://s3.test/lake/sales/t1/x%252F..%252F..%252Ft2",
        "https://s3.test/lake/sales/t1/%5c..%5cx",
        "https://s3.test/lake/sales/t1//x",
        "https://s3.test/lake//sales/t1/x",
        "https://s3.test//lake/sales/t1/x",
        "https://s3.test/lake/sales/t1/./x",
        "https://s3.test/lake/sales/t1/a+b",
        "https://s3.test/lake/sales/t1/a%0ab",
        "https://s3.test/lake/sales/t1/%c0%ae%c0%ae/x",
        "https://s3.test/lake/sales/t1/%zz",
        "https://s3.test/lake/sales/t1/x%",
        "https://s3.test/lake/sales/t1/é",
        "https://s3.test/lake/sales/t1/x#fragment",
        "https://s3.test/lake/sales/t1/x\\y",
        "https://s3.test/other/sales/t1/x",
        "https://s3.test/Lake/sales/t1/x",
        "https://other.s3.test/sales/t1/x",
        "https://lake.s3.test/lake/sales/t1/x",
        "https://lake.s3.test.evil/sales/t1/x",
        "https://lake.evil.s3.test/sales/t1/x",
        "https://s3.test@evil/lake/sales/t1/x",
        "https://evil/lake/sales/t1/x",
        "https://s3.test:443/lake/sales/t1/x",
        "https://s3.test:8443/lake/sales/t1/x",
        "https://s3.test./lake/sales/t1/x",
        "https://lake-123.s3-accesspoint.eu.amazonaws.com/sales/t1/x",
        "http://s3.test/lake/sales/t1/x",
        "ftp://s3.test/lake/sales/t1/x",
        "https:s3.test/lake/sales/t1/x",
        "HTTPS://s3.test/lake/sales/t1/x",
        "/lake/sales/t1/x",
        "",
    ] {
        plain("GET", uri).expect_err(uri);
        plain("PUT", uri).expect_err(uri);
    }
    let long = format!("{INSIDE}{}", "a".repeat(1_100));
    plain("GET", &long).unwrap_err();
}

#[test]
fn keys_that_iceberg_writes_are_signed() {
    for (path, key) in [
        ("data/day%3D2026-01-01/x.parquet", "data/day=2026-01-01/x.parquet"),
        ("data/day=2026-01-01/x.parquet", "data/day=2026-01-01/x.parquet"),
        ("data/name%3Da%252Fb/x", "data/name=a%2Fb/x"),
        ("data/name%3D50%25/x", "data/name=50%/x"),
        ("data/%C3%A9%20%2B/x", "data/é +/x"),
        ("metadata/v1.metadata.json", "metadata/v1.metadata.json"),
        ("data/..x/...", "data/..x/..."),
        ("data/", "data/"),
    ] {
        let examined = plain("GET", &format!("https://s3.test/lake/sales/t1/{path}")).expect(path);
        assert_eq!(examined.keys, [format!("sales/t1/{key}")]);
    }
}

/// Row 48: what no table needs is not signed, whatever it is.
#[test]
fn s16_operations_and_parameters_that_are_not_listed_are_refused() {
    for (method, query) in [
        ("GET", "acl"),
        ("GET", "tagging"),
        ("GET", "versionId=1"),
        ("GET", "torrent"),
        ("GET", "attributes"),
        ("GET", "retention"),
        ("GET", "uploads"),
        ("GET", "X-Amz-Signature=a"),
        ("GET", "response-content-type=text%2Fhtml"),
        ("GET", "x-id=PutObject"),
        ("GET", "partNumber=1&partNumber=2"),
        ("GET", "partNumber=1&p%61rtNumber=2"),
        ("GET", "made-up"),
        ("PUT", "acl"),
        ("PUT", "tagging"),
        ("PUT", "legal-hold"),
        ("PUT", "uploadId=u"),
        ("PUT", "partNumber=1"),
        ("POST", ""),
        ("POST", "restore"),
        ("POST", "select&select-type=2"),
        ("POST", "uploads=1"),
        ("DELETE", "tagging"),
        ("DELETE", "versionId=1"),
        ("HEAD", "versionId=1"),
        ("PATCH", ""),
        ("OPTIONS", ""),
        ("get", ""),
        ("GET\r\nX: y", ""),
        ("CONNECT", ""),
    ] {
        plain(method, &format!("{INSIDE}?{query}")).expect_err(query);
    }
    for (method, query) in [
        ("GET", ""),
        ("GET", "policy"),
        ("GET", "acl"),
        ("GET", "versions&prefix=sales/t1/"),
        ("GET", "uploads&prefix=sales/t1/"),
        ("GET", "location"),
        ("PUT", ""),
        ("PUT", "policy"),
        ("DELETE", ""),
        ("HEAD", ""),
        ("POST", ""),
        ("PUT", "lifecycle"),
    ] {
        plain(method, &format!("https://s3.test/lake?{query}")).expect_err(query);
    }
}

#[test]
fn s16_copies_come_from_inside_the_table() {
    let copy = |source: &str| examine_as("PUT", INSIDE, &[("X-Amz-Copy-Source", source)], None);
    let examined = copy("/lake/sales/t1/data/a%20b").unwrap();
    assert_eq!(examined.operation, Operation::CopyObject);
    assert_eq!(examined.keys, ["sales/t1/data/x.parquet", "sales/t1/data/a b"]);
    copy("lake/sales/t1/data/a").unwrap();
    for source in [
        "",
        "/other/sales/t1/a",
        "/lake/sales/t2/a",
        "/lake/sales/t10/a",
        "/lake/sales/t1/../t2/a",
        "/lake/sales/t1/%2e%2e/t2/a",
        "/lake/sales/t1/a?versionId=1",
        "//lake/sales/t1/a",
        "arn:aws:s3:eu:1:accesspoint/lake/object/sales/t1/a",
        "%2Flake%2Fsales%2Ft2%2Fa",
    ] {
        copy(source).expect_err(source);
    }
    let part = format!("{INSIDE}?partNumber=1&uploadId=u");
    let parts = |source| examine_as("PUT", &part, &[("x-amz-copy-source", source)], None);
    assert_eq!(parts("/lake/sales/t1/a").unwrap().operation, Operation::UploadPartCopy);
    parts("/lake/sales/t2/a").unwrap_err();
    examine_as("GET", INSIDE, &[("x-amz-copy-source", "/lake/sales/t1/a")], None).unwrap_err();
}

#[test]
fn s16_headers_that_are_not_listed_are_refused() {
    for (name, value) in [
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-read", "id=1"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-security-token", "t"),
        ("x-amz-website-redirect-location", "https://evil"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        ("x-amz-bypass-governance-retention", "true"),
        ("x-amz-made-up", "1"),
        ("X_Amz_Acl", "public-read"),
        ("x-http-method-override", "DELETE"),
        ("X-Original-URL", "/lake/sales/t2/x"),
        ("Host", "evil"),
        ("x-amz-content-sha256", "abc"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-meta-a", "1\r\nx-amz-acl: public-read"),
        ("x amz", "1"),
        ("", "1"),
    ] {
        examine_as("PUT", INSIDE, &[(name, value)], None).expect_err(name);
    }
    examine_as("PUT", INSIDE, &[("x-amz-meta-a", "1"), ("X-Amz-Meta-A", "2")], None).unwrap_err();
}

#[test]
fn headers_that_say_how_an_object_is_written_are_signed() {
    let hash = "a".repeat(64);
    let headers = [
        ("Host", "S3.test"),
        ("User-Agent", "pyiceberg"),
        ("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("x-amz-checksum-crc32", "AAAAAA=="),
        ("X-Amz-Content-SHA256", hash.as_str()),
        ("X-Amz-Date", "20260101T000000Z"),
        ("Authorization", "Bearer canary"),
    ];
    let examined = examine_as("PUT", INSIDE, &headers, None).unwrap();
    let names: Vec<&str> = examined.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-md5", "x-amz-checksum-crc32"]);
    assert_eq!(examined.payload_sha256, hash);
    assert_eq!(plain("PUT", INSIDE).unwrap().payload_sha256, "UNSIGNED-PAYLOAD");
    let streamed = examine_as("PUT", INSIDE, &[("x-amz-trailer", "x-amz-checksum-crc32")], None).unwrap();
    assert_eq!(streamed.payload_sha256, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
}

#[test]
fn s16_another_region_than_the_storage_s_is_refused() {
    let (location, endpoints) = (location(), endpoints());
    let request = Request { method: "GET", uri: INSIDE, region: "us", headers: &[], body: None };
    examine(&request, &Place { location: &location, endpoints: &endpoints, region: "eu" }).unwrap_err();
}

#[test]
fn amazon_s_own_names_are_endpoints() {
    let location = location();
    let endpoints = Endpoint::of_amazon("us-east-1", "amazonaws.com");
    let place = Place { location: &location, endpoints: &endpoints, region: "us-east-1" };
    for host in ["s3.us-east-1.amazonaws.com/lake", "lake.s3.us-east-1.amazonaws.com", "lake.s3.amazonaws.com"] {
        let uri = format!("https://{host}/sales/t1/x");
        let request = Request { method: "GET", uri: &uri, region: "us-east-1", headers: &[], body: None };
        examine(&request, &place).expect(host);
    }
    let uri = "https://lake.s3.eu-west-1.amazonaws.com/sales/t1/x";
    let request = Request { method: "GET", uri, region: "us-east-1", headers: &[], body: None };
    examine(&request, &place).unwrap_err();
}

proptest! {
    #[test]
    fn s16_what_is_signed_lies_inside_however_it_is_spelled(
        method in "GET|PUT|HEAD|DELETE|POST",
        path in "(/|%2f|%2F|%252f|\\.|%2e|%252e|\\\\|%5c|a|t1|t2|sales|lake|%00|\\+|%20|;|é){0,12}",
        query in "(|\\?(delete|uploads|list-type=2|prefix=sales/t1/|prefix=|uploadId=u|&|=|acl){0,6})",
    ) {
        let uri = format!("https://s3.test/lake/sales/t1{path}{query}");
        if let Ok(examined) = plain(&method, &uri) {
            for key in &examined.keys {
                prop_assert!(key.starts_with("sales/t1/"), "{} signs {}", uri, key);
            }
            // A reader that resolves dots sees the same place.
            let resolved = url::Url::parse(&uri).unwrap();
            prop_assert!(resolved.path().starts_with("/lake/sales/t1") || examined.operation == Operation::ListObjectsV2);
        }
    }
}
