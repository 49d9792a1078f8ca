//! An S3 server in this process that checks signatures, enforces session policies, fails on demand.

mod body;
mod faults;
mod keys;
mod listing;
mod multipart;
mod objects;
mod policy;
mod request;
mod signature;
mod sts;
mod xml;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use faults::{Fault, On};
use keys::Keys;
pub use policy::{Asked as PolicyQuestion, Policy};
use request::Asked;
pub use request::Recorded;
pub use sts::AssumedRole;
use xml::Refusal;

/// What a real storage may do otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// Whether `If-None-Match: *` keeps a PUT from writing over something.
    pub honours_conditions: bool,
    /// Whether checksums are kept and told.
    pub keeps_checksums: bool,
    /// Whether many objects can be deleted at once.
    pub deletes_many: bool,
    /// Whether that has to come with the MD5 of its body.
    pub wants_md5: bool,
    /// Whether there is an STS.
    pub has_sts: bool,
    /// Whether session policies bound what keys can do; some storages take them and look away.
    pub enforces_policies: bool,
    /// The most keys of one page of a listing.
    pub page_keys_max: usize,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            honours_conditions: true,
            keeps_checksums: true,
            deletes_many: true,
            wants_md5: false,
            has_sts: true,
            enforces_policies: true,
            page_keys_max: 1_000,
        }
    }
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    etag: String,
    content_type: Option<String>,
    /// `x-amz-meta-…`, by the rest of the name.
    metadata: BTreeMap<String, String>,
    checksum_crc32: Option<String>,
    modified_at_ms: i64,
}

/// One multipart upload that is under way.
struct Upload {
    bucket: String,
    key: String,
    content_type: Option<String>,
    parts: BTreeMap<u32, Bytes>,
}

#[derive(Default)]
struct Shelf {
    buckets: BTreeMap<String, BTreeMap<String, Object>>,
    uploads: BTreeMap<String, Upload>,
    keys: Keys,
    quirks: Quirks,
    faults: VecDeque<(On, Fault)>,
    recorded: Vec<Recorded>,
    assumed: Vec<AssumedRole>,
    refused_roles: Vec<String>,
}

type Shared = Arc<Mutex<Shelf>>;

fn lock(shelf: &Shared) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server with the bucket `lake`; it stops when it is dropped.
pub struct S3Server {
    port: u16,
    shelf: Shared,
    _stop: DropGuard,
}

impl S3Server {
    /// The key that may do everything.
    pub const ACCESS_KEY_ID: &str = "AKIAWEIRTESTROOT0001";
    pub const SECRET_ACCESS_KEY: &str = "canary/Secret+Key-of=the~storage0123456789";
    pub const BUCKET: &str = "lake";
    pub const REGION: &str = "local-01";

    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let mut shelf = Shelf::default();
        shelf.buckets.insert(Self::BUCKET.to_owned(), BTreeMap::new());
        shelf.keys.add_root(Self::ACCESS_KEY_ID, Self::SECRET_ACCESS_KEY);
        let shelf = Arc::new(Mutex::new(shelf));
        let stop = CancellationToken::new();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, router) => served.expect("the storage serves"),
                () = stopped.cancelled() => {}
            }
        });
        Self { port, shelf, _stop: stop.drop_guard() }
    }

    /// `http://127.0.0.1:<port>`; virtual-host style is told by any other first label of the host.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The storage profile of the management API for a warehouse in `lake`.
    pub fn profile(&self, key_prefix: &str) -> serde_json::Value {
        serde_json::json!({
            "type": "s3", "bucket": Self::BUCKET, "key-prefix": key_prefix, "region": Self::REGION,
            "endpoint": self.url(), "flavor": "s3-compat", "path-style-access": true, "sts-enabled": false,
        })
    }

    /// The storage credential of the management API that may do everything.
    pub fn credential() -> serde_json::Value {
        serde_json::json!({
            "type": "s3", "credential-type": "access-key", "access-key-id": Self::ACCESS_KEY_ID,
            "secret-access-key": Self::SECRET_ACCESS_KEY,
        })
    }

    pub fn set_quirks(&self, quirks: Quirks) {
        lock(&self.shelf).quirks = quirks;
    }

    /// Another key that may do everything.
    pub fn add_key(&self, id: &str, secret: &str) {
        lock(&self.shelf).keys.add_root(id, secret);
    }

    /// A key with a token, as machines are known by; it may do everything until it is removed.
    pub fn add_machine(&self, id: &str, secret: &str, token: &str) {
        let session =
            keys::Session { token: token.to_owned(), policy: None, expires_at_ms: i64::MAX, is_machine: true };
        lock(&self.shelf).keys.add_session(id, secret, session);
    }

    /// From now on this key opens roles, nothing else.
    pub fn let_only_assume(&self, id: &str) {
        lock(&self.shelf).keys.restrict(id);
    }

    /// From now on nobody may assume this role.
    pub fn refuse_role(&self, arn: &str) {
        lock(&self.shelf).refused_roles.push(arn.to_owned());
    }

    pub fn remove_key(&self, id: &str) {
        lock(&self.shelf).keys.remove(id);
    }

    /// The next request of this kind fails in this way; faults are used up in their order.
    pub fn fail_next(&self, on: On, fault: Fault) {
        lock(&self.shelf).faults.push_back((on, fault));
    }

    pub fn fail_next_times(&self, times: usize, on: On, fault: Fault) {
        (0..times).for_each(|_| self.fail_next(on, fault));
    }

    /// Forgets faults that were not used up; says how many there were.
    pub fn heal(&self) -> usize {
        std::mem::take(&mut lock(&self.shelf).faults).len()
    }

    /// The keys of a bucket in their order.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        lock(&self.shelf).buckets.get(bucket).map(|objects| objects.keys().cloned().collect()).unwrap_or_default()
    }

    pub fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        lock(&self.shelf).buckets.get(bucket)?.get(key).map(|object| object.bytes.clone())
    }

    /// Puts an object behind everybody's back.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) {
        let object = Object::plain(bytes.into());
        lock(&self.shelf).buckets.entry(bucket.to_owned()).or_default().insert(key.to_owned(), object);
    }

    /// Every request so far.
    pub fn recorded(&self) -> Vec<Recorded> {
        lock(&self.shelf).recorded.clone()
    }

    /// Every role that was assumed so far.
    pub fn assumed(&self) -> Vec<AssumedRole> {
        lock(&self.shelf).assumed.clone()
    }
}

async fn answer(State(shelf): State<Shared>, request: Request) -> Response {
    let asked = match Asked::read(request).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal.answer(),
    };
    let (caller, fault) = {
        let mut shelf = lock(&shelf);
        let caller = shelf.keys.identify(&asked);
        let fault = faults::take(&mut shelf.faults, &asked);
        (caller, fault)
    };
    let serve = |asked: &Asked| -> Result<Response, Refusal> {
        let mut shelf = lock(&shelf);
        let caller = caller.clone()?;
        match asked.is_sts() {
            true => sts::answer(&mut shelf, &caller, asked),
            false => objects::answer(&mut shelf, &caller, asked),
        }
    };
    let response = match fault {
        None => serve(&asked).unwrap_or_else(Refusal::answer),
        Some(fault) => fault.answer(&asked, serve).await,
    };
    lock(&shelf).recorded.push(asked.recorded(response.status().as_u16()));
    response
}
