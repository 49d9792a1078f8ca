//! `[storage]`: where tables may lie.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::reach::Origin;

/// Where tables may lie.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// The folders that local warehouses (`file://`) may lie in; a warehouse elsewhere is refused. Empty allows none.
    #[schemars(with = "Vec<String>", example = &["/srv/lake"])]
    pub local_roots: Vec<PathBuf>,
    /// Buckets of S3.
    pub s3: S3,
}

/// Buckets of S3: which ones warehouses may name, how this server reaches them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    /// The endpoints that warehouses may name, for the storage itself and for its STS, as origins. Amazon's own are
    /// always allowed. One that is named here may lie in a private network and may be plain `http`; link-local addresses
    /// and metadata services are never reached.
    #[schemars(example = &["https://minio.internal:9000"])]
    pub endpoints: Vec<String>,
    /// Whether warehouses may use the identity of the machine that this server runs on (environment, web identity,
    /// instance profile): the credential `aws-system-identity`.
    pub system_identity: bool,
    /// How long a connection may take to come about, in milliseconds.
    #[schemars(range(min = 50, max = 60_000))]
    pub connect_timeout_ms: u64,
    /// How long one request may take, in milliseconds.
    #[schemars(range(min = 50, max = 600_000))]
    pub attempt_timeout_ms: u64,
    /// How long an operation may take, all its attempts together, in milliseconds.
    #[schemars(range(min = 50, max = 600_000))]
    pub operation_timeout_ms: u64,
    /// How often a request is tried at most; many failures at once use up a common budget before.
    #[schemars(range(min = 1, max = 10))]
    pub attempts_max: u32,
}

impl Default for Storage {
    fn default() -> Self {
        Self { local_roots: vec![PathBuf::from("./weir-data")], s3: S3::default() }
    }
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            system_identity: false,
            connect_timeout_ms: 3_000,
            attempt_timeout_ms: 10_000,
            operation_timeout_ms: 30_000,
            attempts_max: 4,
        }
    }
}

impl Storage {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let empty = self.local_roots.iter().filter(|root| root.as_os_str().is_empty());
        let empty = empty.map(|_| Problem::at("storage.local_roots", "an empty path", "paths of folders"));
        let endpoints = self.s3.endpoints.iter().filter_map(|endpoint| Origin::parse(endpoint).err());
        let endpoints = endpoints.map(|problem| {
            Problem::at("storage.s3.endpoints", problem, "origins such as `https://minio.internal:9000`")
        });
        empty.chain(endpoints).collect()
    }
}
