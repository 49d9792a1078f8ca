//! Requests of guests: to granted origins, at checked addresses, of bounded size.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use tokio::sync::Semaphore;
use url::Host as UrlHost;

use super::super::bindings::base::weir::plugin::http::{Auth, Host, HttpFault, Request, Response as GuestResponse};
use super::super::instance::State;
use super::super::limits::Limits;
use super::super::stats::Capability;
use super::super::storage::{Loan, Outgoing};
use super::egress::{Egress, granted};
use super::http_auth;
use super::http_head;
use crate::reach::{self, AddressRefused, Origin, admissible};

/// Where nothing else bounds it.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// One plugin's way out, with connections that are used again.
pub(super) struct Client {
    origins: BTreeSet<Origin>,
    allow_private: bool,
    /// Absent where nothing is granted: then there is not even a socket.
    client: Option<reqwest::Client>,
    connections: Semaphore,
    for_storage: StorageClients,
}

impl Client {
    pub(super) fn new(egress: &Egress, limits: &Limits) -> Result<Self, Vec<String>> {
        let origins = egress.parse()?;
        let client = if origins.is_empty() { None } else { Some(client(egress.allow_private)?) };
        let connections = Semaphore::new(limits.http_connections_max as usize);
        Ok(Self {
            origins,
            allow_private: egress.allow_private,
            client,
            connections,
            for_storage: StorageClients::default(),
        })
    }

    /// The request's URL and the client, if the grant covers it.
    fn admit(&self, url: &str) -> Result<(url::Url, reqwest::Client), String> {
        let url = granted(url, &self.origins)?;
        admit_literal(&url, self.allow_private)?;
        let client = self.client.clone().ok_or("no origin is granted")?;
        Ok((url, client))
    }
}

/// An address in place of a name is checked here, because nothing is resolved.
fn admit_literal(url: &url::Url, allow_private: bool) -> Result<(), String> {
    let address = match url.host() {
        Some(UrlHost::Ipv4(address)) => IpAddr::V4(address),
        Some(UrlHost::Ipv6(address)) => IpAddr::V6(address),
        _ => return Ok(()),
    };
    admissible(address, allow_private).map_err(|refusal| refusal.to_string())
}

fn client(allow_private: bool) -> Result<reqwest::Client, Vec<String>> {
    reach::client(allow_private, http_head::HEADERS_MAX)
        .map_err(|error| vec![format!("the HTTP client does not start: {error}")])
}

impl Host for State {
    async fn send(&mut self, request: Request, auth: Auth) -> wasmtime::Result<Result<GuestResponse, HttpFault>> {
        self.count_host_call()?;
        let prepared = match self.prepare(request, &auth)? {
            Ok(prepared) => prepared,
            Err(fault) => {
                if matches!(fault, HttpFault::Denied(_)) {
                    self.loans.counters.denied(Capability::Http);
                }
                return Ok(Err(fault));
            }
        };
        let loans = self.loans.clone();
        let (bytes_max, bytes_read) = (prepared.answer_bytes_max, AtomicU64::new(0));
        let exchange = async {
            let Prepared { client, request, within, .. } = prepared;
            let connected = async {
                // The semaphore is never closed.
                let _connection = loans.http.connections.acquire().await;
                exchange(&client, request, bytes_max, &bytes_read).await
            };
            tokio::time::timeout(within, connected).await.unwrap_or(Err(HttpFault::Timeout))
        };
        let answer = match self.invocation.turn.clone() {
            Some(turn) => turn.outside(exchange).await,
            None => exchange.await,
        };
        // What was read counts, also where it came to nothing.
        let budget = &mut self.invocation.budget;
        budget.http_bytes = budget.http_bytes.saturating_sub(bytes_read.into_inner());
        match &answer {
            Ok(answer) => {
                // From here on the guest may have seen keys.
                if let Some(loan) = self.invocation.loan.as_mut().filter(|_| answer.status < 300) {
                    loan.note_answer(&answer.body);
                }
            }
            Err(HttpFault::Denied(_)) => self.loans.counters.denied(Capability::Http),
            Err(_) => {}
        }
        Ok(answer)
    }
}

/// Both kinds of clients that storages' calls use, made with the first one.
#[derive(Default)]
struct StorageClients {
    public: OnceLock<reqwest::Client>,
    private: OnceLock<reqwest::Client>,
}

impl Client {
    /// The client for the one exchange that a storage's call may make, if this request is it.
    fn admit_exchange(
        &self,
        loan: &Loan,
        request: &Request,
        auth: &Auth,
    ) -> Result<(url::Url, reqwest::Client), String> {
        let exchange = loan.exchange()?;
        let egress = Egress { origins: vec![exchange.origin.clone()], allow_private: exchange.allow_private };
        let origins = egress.parse().map_err(|problems| problems.join("; "))?;
        let url = granted(&request.url, &origins)?;
        let signed_for = match auth {
            Auth::None => None,
            Auth::AwsV4((_, region, service)) => Some((region.as_str(), service.as_str())),
            Auth::Bearer(_) | Auth::Basic(_) => return Err("a request for keys carries no other proof".to_owned()),
        };
        let Request { method, headers, body, .. } = request;
        exchange.admit(&Outgoing { method, url: &url, headers, body, signed_for })?;
        admit_literal(&url, exchange.allow_private)?;
        let slot = if exchange.allow_private { &self.for_storage.private } else { &self.for_storage.public };
        if let Some(client) = slot.get() {
            return Ok((url, client.clone()));
        }
        let made = client(exchange.allow_private).map_err(|problems| problems.join("; "))?;
        Ok((url, slot.get_or_init(|| made).clone()))
    }
}

/// A request that is within the grant, the budget.
struct Prepared {
    client: reqwest::Client,
    request: reqwest::Request,
    within: Duration,
    answer_bytes_max: u64,
}

impl State {
    fn prepare(&mut self, request: Request, auth: &Auth) -> wasmtime::Result<Result<Prepared, HttpFault>> {
        let authorization = self.authorization(auth)?;
        let lent = self.is_lent_in(auth)?;
        let budget = &mut self.invocation.budget;
        let Some(calls_left) = budget.http_calls.checked_sub(1) else {
            return Ok(Err(HttpFault::Denied("the requests of this call are used up".to_owned())));
        };
        budget.http_calls = calls_left;
        let Some(answer_bytes_max) = budget.http_bytes.checked_sub(request.body.len() as u64) else {
            return Ok(Err(HttpFault::TooLarge));
        };
        budget.http_bytes = answer_bytes_max;
        let within = self.time_left(request.timeout_ms);
        let now_ms = self.now_ms();
        let built = authorization.and_then(|authorization| {
            let (url, client) = match &self.invocation.loan {
                Some(loan) => self.loans.http.admit_exchange(loan, &request, auth)?,
                None if lent => return Err("the key is lent in a storage's call alone".to_owned()),
                None => self.loans.http.admit(&request.url)?,
            };
            let method = method(&request.method)?;
            let mut headers = http_head::request(&request.headers)?;
            authorization
                .attach(&http_auth::Target { method: &method, url: &url, body: &request.body, now_ms }, &mut headers)?;
            let mut outgoing = reqwest::Request::new(method, url);
            *outgoing.headers_mut() = headers;
            *outgoing.body_mut() = Some(request.body.into());
            Ok(Prepared { client, request: outgoing, within, answer_bytes_max })
        });
        Ok(built.map_err(HttpFault::Denied))
    }

    /// As long as the guest wants to wait, but never past the end of its call. A storage plugin has some time left then:
    /// that a token service is silent is what it has to report, or it would be taken for silent itself.
    fn time_left(&self, timeout_ms: u32) -> Duration {
        let wanted = if timeout_ms == 0 { TIMEOUT_MAX } else { Duration::from_millis(timeout_ms.into()) };
        let left = self
            .invocation
            .turn
            .as_ref()
            .map_or(TIMEOUT_MAX, |turn| turn.ends().saturating_duration_since(Instant::now()));
        let left = if self.invocation.loan.is_some() { left - left / 10 } else { left };
        wanted.min(left).min(TIMEOUT_MAX)
    }
}

fn method(name: &str) -> Result<Method, String> {
    match name {
        "GET" => Ok(Method::GET),
        "HEAD" => Ok(Method::HEAD),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        _ => Err("the method is none of GET, HEAD, POST, PUT, PATCH, DELETE".to_owned()),
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
    bytes_max: u64,
    bytes_read: &AtomicU64,
) -> Result<GuestResponse, HttpFault> {
    let answer = client.execute(request).await.map_err(|error| fault(&error))?;
    let status = answer.status().as_u16();
    let headers = http_head::response(answer.headers()).ok_or(HttpFault::TooLarge)?;
    let body = body(answer, bytes_max, bytes_read).await?;
    Ok(GuestResponse { status, headers, body })
}

async fn body(mut answer: Response, bytes_max: u64, bytes_read: &AtomicU64) -> Result<Vec<u8>, HttpFault> {
    if answer.content_length().is_some_and(|length| length > bytes_max) {
        return Err(HttpFault::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| fault(&error))? {
        bytes_read.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if (body.len() + chunk.len()) as u64 > bytes_max {
            return Err(HttpFault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What went wrong, without addresses: a guest must not scan networks by the host's words.
fn fault(error: &reqwest::Error) -> HttpFault {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(each) = cause {
        if let Some(refused) = each.downcast_ref::<AddressRefused>() {
            return HttpFault::Denied(refused.to_string());
        }
        cause = each.source();
    }
    if error.is_timeout() {
        HttpFault::Timeout
    } else if error.is_connect() {
        HttpFault::Transport("no connection".to_owned())
    } else {
        HttpFault::Transport("the exchange broke off".to_owned())
    }
}
