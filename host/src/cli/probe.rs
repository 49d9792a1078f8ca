//! One question to the server that the configuration describes, without an HTTP client library.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::config::Config;
use crate::server::tls_to_ourselves;

const ANSWER_BYTES_MAX: usize = 4 << 20;

/// What is asked; it has no body.
pub(super) struct Request<'a> {
    pub method: Method,
    pub path: &'a str,
    /// The bearer token of the caller.
    pub token: Option<String>,
}

/// The status with the body of `GET path`.
pub(super) async fn ask(config: &Config, path: &str, patience: Duration) -> anyhow::Result<(StatusCode, String)> {
    send(config, &Request { method: Method::GET, path, token: None }, patience).await
}

/// The status with the body of the answer.
pub(super) async fn send(
    config: &Config,
    request: &Request<'_>,
    patience: Duration,
) -> anyhow::Result<(StatusCode, String)> {
    let address = reachable(config.server.listen);
    let asked = tokio::time::timeout(patience, connect_and_ask(config, address, request)).await;
    asked.map_err(anyhow::Error::from).flatten().with_context(|| format!("no answer from {address}"))
}

async fn connect_and_ask(
    config: &Config,
    address: SocketAddr,
    request: &Request<'_>,
) -> anyhow::Result<(StatusCode, String)> {
    let stream = TcpStream::connect(address).await?;
    match &config.server.tls {
        None => exchange(TokioIo::new(stream), request).await,
        Some(tls) => exchange(TokioIo::new(tls_to_ourselves(stream, &tls.certificate).await?), request).await,
    }
}

async fn exchange<I>(io: I, request: &Request<'_>) -> anyhow::Result<(StatusCode, String)>
where
    I: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(io).await?;
    let mut head = hyper::Request::builder().method(&request.method).uri(request.path).header("host", "localhost");
    if let Some(token) = &request.token {
        head = head.header("authorization", format!("Bearer {token}"));
    }
    let request = head.body(Empty::<Bytes>::new())?;
    let asking = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::select! {
        answer = asking => answer,
        Err(error) = connection => Err(error.into()),
    }
}

/// A server that listens everywhere is asked over loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
