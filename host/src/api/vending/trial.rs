//! What clients would get of a storage, tried out at a place of its own before any client does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::kept::session_of;
use super::means::Means;
use super::place::TablePlace;
use crate::api::sign::{self, RemoteSignRequest};
use crate::api::storage_access::StorageAccess;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::{NamespaceId, TabularId};
use crate::catalog::location::Location;
use crate::catalog::scope::Verbs;
use crate::error::{Error, Result};
use crate::files::{FileError, S3Profile, Storage};
use crate::plugin::{Object, Parent};
use crate::reach;
use crate::store::rows::{Tabular, TabularKind};

const CONTENT: &[u8] = b"weir";
const HEADERS_MAX: usize = 100;
/// For each request that is sent as a client sends it.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A table that is in no ledger, in a folder of its own, and the folder beside it whose name begins alike.
pub struct Trial<'a> {
    app: &'a App,
    caller: &'a Caller,
    place: TablePlace,
    object: Object,
    next_door: Location,
}

impl<'a> Trial<'a> {
    /// `storage` was admitted; nothing is sent yet.
    pub fn at(
        app: &'a App,
        caller: &'a Caller,
        (project, warehouse): (Parent, Parent),
        (storage, profile): (StorageAccess, S3Profile),
    ) -> Result<Self> {
        let folder = profile.root().join(&format!(".weir-probe-{}", Uuid::new_v4()))?;
        let table = table(folder.join("t")?, &storage, app.clock.now_ms())?;
        let object = Object {
            kind: "table".to_owned(),
            id: table.id.to_string(),
            project,
            warehouse: Some(warehouse),
            namespace: Vec::new(),
            name: table.name.clone(),
            attributes: Vec::new(),
        };
        let next_door = folder.join("t0")?;
        let place = TablePlace { table, storage: Arc::new(storage), profile, verbs: Verbs::ReadWrite };
        Ok(Self { app, caller, place, object, next_door })
    }

    async fn means(&self, with_keys: bool) -> Result<Means<'_>> {
        self.app.means_of(self.caller, &self.place, self.object.clone(), with_keys).await
    }

    /// The storage as a client reaches it that was given keys for the table.
    pub async fn keys(&self) -> Result<Storage> {
        let grant = self.means(true).await?.vend(self.app, self.caller).await?;
        let keys = grant.keys.first().ok_or_else(|| {
            Error::bad_request("the storage plugin gave no keys, though `sts-enabled` is true: see the server's log")
        })?;
        Ok(self.app.files.by_session(&self.place.profile, &session_of(keys)?))
    }

    /// Whether the keys write, read, list, delete inside the table.
    pub async fn work_inside(&self, keys: &Storage) -> Result<()> {
        keys.probe(&self.place.table.location).await.map_err(told)
    }

    /// Whether the storage keeps whoever has the keys from everything next door, where something lies.
    pub async fn stay_inside(&self, keys: &Storage) -> Result<()> {
        let (there, new) = (self.next_door.join("there")?, self.next_door.join("new")?);
        let own = self.app.reached(&self.place.storage).await?.files;
        own.write_new(&there, Bytes::from_static(CONTENT)).await.map_err(told)?;
        let tried = [
            ("reads", keys.read(&there, CONTENT.len() as u64).await.map(drop)),
            ("lists", keys.list(&self.next_door).await.map(drop)),
            ("writes", keys.write_new(&new, Bytes::from_static(CONTENT)).await),
            ("deletes", keys.delete(&there).await),
        ];
        for place in [&there, &new] {
            own.delete(place).await.map_err(told)?;
        }
        for (does, outcome) in tried {
            match outcome {
                Err(FileError::Refused { .. }) => {}
                Err(other) => return Err(told(other)),
                Ok(()) => {
                    return Err(Error::bad_request(format!(
                        "whoever has the keys of one table {does} the files of another: this storage does not enforce \
                         session policies, so set `sts-enabled` to false, and clients' requests are signed instead"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Whether what is signed writes, reads, deletes, and a signature serves no other file.
    pub async fn sign(&self) -> Result<()> {
        let means = self.means(false).await?;
        let (inside, outside) = (self.uri(&self.place.table.location)?, self.uri(&self.next_door)?);
        for (method, body) in [("PUT", CONTENT), ("GET", b""), ("DELETE", b"")] {
            let asked = RemoteSignRequest {
                method: method.to_owned(),
                uri: inside.clone(),
                region: self.place.profile.region.clone(),
                ..RemoteSignRequest::default()
            };
            let examined = sign::examine(&asked, &self.place)?;
            let headers = sign::signed_by(self.app, self.caller, (&self.place, &means), (&asked, &examined)).await?;
            let status = self.send((method, &outside), &headers, body).await?;
            if status < 400 {
                return Err(Error::bad_request(format!(
                    "a {method} that was signed for one file was done to another ({status}): this storage does not check \
                     signatures"
                )));
            }
            let status = self.send((method, &inside), &headers, body).await?;
            if status >= 300 {
                return Err(Error::bad_request(format!("the storage answered {status} to a {method} that was signed")));
            }
        }
        Ok(())
    }

    fn uri(&self, folder: &Location) -> Result<String> {
        let (profile, file) = (&self.place.profile, folder.join("signed")?);
        let mut url = reach::strict(&profile.endpoint_url()).map_err(Error::bad_request)?;
        let key = file.path().trim_start_matches('/');
        if profile.is_path_style() {
            url.set_path(&format!("{}/{key}", profile.bucket));
        } else {
            let host = format!("{}.{}", profile.bucket, url.host_str().unwrap_or_default());
            url.set_host(Some(&host)).map_err(Error::bad_request)?;
            url.set_path(key);
        }
        Ok(url.into())
    }

    /// The status of the answer.
    async fn send(
        &self,
        (method, uri): (&str, &str),
        headers: &[(String, String)],
        body: &'static [u8],
    ) -> Result<u16> {
        // The operator's list has the endpoint, or it is Amazon's own.
        let client = reach::client(self.place.profile.endpoint.is_some(), HEADERS_MAX).map_err(Error::internal)?;
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(Error::internal)?;
        let mut request = client.request(method, uri).timeout(TIMEOUT).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|_| Error::unavailable("the storage does not answer a request that was signed"))?;
        Ok(answer.status().as_u16())
    }
}

fn table(location: Location, storage: &StorageAccess, now_ms: i64) -> Result<Tabular> {
    Ok(Tabular {
        id: TabularId::new(),
        kind: TabularKind::Table,
        warehouse_id: storage.warehouse,
        namespace_id: NamespaceId(Uuid::nil()),
        namespace: Namespace::parse(vec!["weir-probe".to_owned()])?,
        lineage: Vec::new(),
        name: "weir-probe".to_owned(),
        uuid: Uuid::new_v4(),
        metadata_location: String::new(),
        location,
        version: 1,
        format_version: 2,
        protected: false,
        deleted_at_ms: None,
        expires_at_ms: None,
        created_at_ms: now_ms,
        updated_at_ms: None,
        warehouse_version: storage.version,
    })
}

/// A storage that refuses what it is tried out with is the caller's to mend.
fn told(error: FileError) -> Error {
    match error {
        FileError::Refused { .. } => Error::BadRequest(error.to_string()),
        other => other.into(),
    }
}
