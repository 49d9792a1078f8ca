//! B2: forwarded headers, believed only from trusted proxies.

use crate::support::Server;

const FORWARDED: &str = "x-forwarded-host: catalog.example\r\nx-forwarded-proto: https\r\n";

async fn base_url(config: &str, headers: &str) -> String {
    let server = Server::start(config).await;
    let answer = server.get("/base-url", headers).await;
    answer.rsplit("\r\n").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_stranger_s_forwarded_headers_are_ignored() {
    assert_eq!(base_url("", FORWARDED).await, "untold");
    assert_eq!(base_url("[server]\ntrusted_proxies = [\"10.0.0.0/8\"]", FORWARDED).await, "untold");
}

#[tokio::test]
async fn a_trusted_proxy_s_forwarded_headers_are_believed() {
    let trusting = "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]";

    assert_eq!(base_url(trusting, FORWARDED).await, "https://catalog.example");
}

#[tokio::test]
async fn a_trusted_proxy_cannot_bring_in_another_scheme_or_user() {
    let trusting = "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]";

    assert_eq!(base_url(trusting, "x-forwarded-host: user@evil.example\r\n").await, "untold");
    let scheme = "x-forwarded-host: catalog.example\r\nx-forwarded-proto: javascript\r\n";
    assert_eq!(base_url(trusting, scheme).await, "http://catalog.example");
}

#[tokio::test]
async fn a_configured_base_url_beats_everything() {
    let text = "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\nbase_url = \"https://fixed.example/\"";

    assert_eq!(base_url(text, FORWARDED).await, "https://fixed.example");
}
