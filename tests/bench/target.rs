//! Where the measured catalog is.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use hyper::Uri;
use serde_json::Value;

use crate::tokens::Tokens;
use crate::wire::{Connection, Request};

/// A catalog's address with the paths of one warehouse.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    headers: String,
    /// `/catalog/v1/<prefix>`, without a slash at its end.
    base: String,
    tokens: Option<Tokens>,
}

/// How the catalog is reached.
#[derive(Clone, Debug)]
pub struct Door {
    pub uri: String,
    pub warehouse: String,
    /// `Name: value` lines for every request, e.g. an `Authorization`.
    pub headers: Vec<String>,
    /// Whether an address that is not this machine's own may be loaded.
    pub anywhere: bool,
    /// What signs tokens that the catalog believes, where the generator started it.
    pub tokens: Option<Tokens>,
}

impl Target {
    /// Asks the catalog's `/v1/config` for the warehouse's prefix.
    pub async fn find(door: &Door) -> Result<Self> {
        let uri: Uri = door.uri.parse().with_context(|| format!("`{}` is not a URI", door.uri))?;
        if uri.scheme_str() != Some("http") {
            bail!("`{}` is not plain HTTP: the generator measures a catalog, not its TLS", door.uri);
        }
        let authority = uri.authority().with_context(|| format!("`{}` names no host", door.uri))?;
        let address = resolve(authority.host(), uri.port_u16().unwrap_or(80), door.anywhere).await?;
        let mut headers = format!("Host: {authority}\r\nAccept: application/json\r\n");
        for header in &door.headers {
            headers.push_str(header);
            headers.push_str("\r\n");
        }
        let base = format!("{}/v1", uri.path().trim_end_matches('/'));
        let mut target = Self { address, headers, base, tokens: door.tokens.clone() };
        let config = target.get(&format!("/config?warehouse={}", encode(&door.warehouse)));
        let config = target.json(&config).await.context("the catalog's configuration")?;
        let prefix = ["overrides", "defaults"].iter().find_map(|group| config[group]["prefix"].as_str());
        if let Some(prefix) = prefix {
            target.base = format!("{}/{prefix}", target.base);
        }
        Ok(target)
    }

    /// `path` begins with a slash and follows the warehouse's prefix.
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path, "")
    }

    /// Like `get`, from a client that understands gzip.
    pub fn get_gzip(&self, path: &str) -> Request {
        let headers = format!("{}Accept-Encoding: gzip\r\n", self.headers);
        Request::new("GET", &format!("{}{path}", self.base), &headers, "")
    }

    /// Like `get`, from a client that asks for keys to the files.
    pub fn get_with_keys(&self, path: &str) -> Request {
        let headers = format!("{}X-Iceberg-Access-Delegation: vended-credentials\r\n", self.headers);
        Request::new("GET", &format!("{}{path}", self.base), &headers, "")
    }

    pub fn head(&self, path: &str) -> Request {
        self.request("HEAD", path, "")
    }

    /// The same from the bearer of a token; each number makes another one.
    pub fn head_as(&self, path: &str, number: usize) -> Result<Request> {
        let tokens = self.tokens.as_ref();
        let tokens = tokens.context("only a catalog that this generator starts believes its tokens")?;
        let headers = format!("{}{}", self.headers, tokens.header(number)?);
        Ok(Request::new("HEAD", &format!("{}{path}", self.base), &headers, ""))
    }

    /// The same catalog, asked by the bearer of a token.
    pub fn bearing(&self, number: usize) -> Result<Self> {
        let tokens = self.tokens.as_ref();
        let tokens = tokens.context("only a catalog that this generator starts believes its tokens")?;
        Ok(Self { headers: format!("{}{}", self.headers, tokens.header(number)?), ..self.clone() })
    }

    /// The same, asked by one of many people, who belongs to a team.
    pub fn bearing_member(&self, person: usize, team: usize) -> Result<Self> {
        let tokens = self.tokens.as_ref();
        let tokens = tokens.context("only a catalog that this generator starts believes its tokens")?;
        Ok(Self { headers: format!("{}{}", self.headers, tokens.header_of_member(person, team)?), ..self.clone() })
    }

    /// The id of the warehouse, which is its prefix.
    pub fn warehouse(&self) -> &str {
        self.base.rsplit('/').next().unwrap_or_default()
    }

    pub fn post(&self, path: &str, body: &str) -> Request {
        self.request("POST", path, body)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path, "")
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Request {
        Request::new(method, &format!("{}{path}", self.base), &self.headers, body)
    }

    /// Sends one request over a connection of its own; anything but a 2xx with JSON is an error that quotes the answer.
    pub async fn json(&self, request: &Request) -> Result<Value> {
        let mut body = Vec::new();
        let head = Connection::new(self.address).fetch(request, &mut body).await?;
        expect_success(head.status, &body)?;
        serde_json::from_slice(&body).context("the answer is not JSON")
    }
}

/// An error that quotes the answer's body unless the status is 2xx.
pub fn expect_success(status: u16, body: &[u8]) -> Result<()> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(body);
    bail!("the catalog answered {status}: {}", text.chars().take(400).collect::<String>())
}

async fn resolve(host: &str, port: u16, anywhere: bool) -> Result<SocketAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses =
        tokio::net::lookup_host((host, port)).await.with_context(|| format!("`{host}` has no address"))?;
    let address = addresses.next().with_context(|| format!("`{host}` has no address"))?;
    if !address.ip().is_loopback() && !anywhere {
        bail!("{address} is not this machine: loading somebody's server takes `--anywhere`");
    }
    Ok(address)
}

/// A path segment or query value, percent-encoded.
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
