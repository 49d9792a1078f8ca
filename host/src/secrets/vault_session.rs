//! The token that a store of secrets gives to this server: logins, renewals.

use std::fs;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;
use vaultrs::api::AuthInfo;
use vaultrs::auth::{approle, kubernetes, userpass};
use vaultrs::client::{VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;
use vaultrs::token;

use super::vault::fault;
use crate::config::{self, Secret, VaultLogin};
use crate::error::{Error, Result};

/// For one request; who waits for somebody else's login waits as long.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A token that is refused sooner is not to blame: another login would change nothing, and leave one more token behind.
const LOGIN_MS_MIN: i64 = 30_000;

/// One login at a time; whoever comes meanwhile waits for it.
pub(super) struct Sessions {
    settings: config::Vault,
    present: RwLock<Option<Session>>,
    turn: Semaphore,
}

#[derive(Clone)]
struct Session {
    client: Arc<VaultClient>,
    begun_ms: i64,
    /// `None` for a token that lives for ever.
    lease: Option<Lease>,
}

#[derive(Clone, Copy)]
struct Lease {
    /// At two thirds of its life.
    renew_at_ms: i64,
    ends_at_ms: i64,
    is_renewable: bool,
}

impl Sessions {
    pub(super) fn new(settings: &config::Vault) -> Result<Self> {
        crate::tls::choose_ring();
        let this = Self { settings: settings.clone(), present: RwLock::new(None), turn: Semaphore::new(1) };
        this.client("").map(|_| this)
    }

    /// A client whose token is good for some time: the one at hand, renewed or replaced where it is due.
    pub(super) async fn current(&self, now_ms: i64) -> Result<Arc<VaultClient>> {
        if let Some(session) = self.present().filter(|session| !session.is_due(now_ms)) {
            return Ok(session.client);
        }
        let _turn = self.turn().await?;
        let session = match self.present() {
            Some(session) if !session.is_due(now_ms) => session,
            Some(session) if session.can_be_renewed(now_ms) => self.renew(session, now_ms).await?,
            _ => self.login(now_ms).await?,
        };
        Ok(self.put(session))
    }

    /// Another client in the place of one whose token was refused, unless somebody replaced it already; the same where
    /// its token is new.
    pub(super) async fn replace(&self, refused: &Arc<VaultClient>, now_ms: i64) -> Result<Arc<VaultClient>> {
        let _turn = self.turn().await?;
        let session = match self.present() {
            Some(session) if !Arc::ptr_eq(&session.client, refused) || session.is_new(now_ms) => session,
            _ => self.login(now_ms).await?,
        };
        Ok(self.put(session))
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        match tokio::time::timeout(TIMEOUT, self.turn.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(closed)) => Err(Error::internal(closed)),
            Err(_) => Err(Error::unavailable(format!("the secret store at {} does not answer", self.settings.url))),
        }
    }

    fn present(&self) -> Option<Session> {
        self.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, session: Session) -> Arc<VaultClient> {
        let client = Arc::clone(&session.client);
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
        client
    }

    async fn renew(&self, session: Session, now_ms: i64) -> Result<Session> {
        match token::renew_self(session.client.as_ref(), None).await {
            Ok(auth) => Ok(Session { lease: lease(&auth, now_ms), ..session }),
            // Its longest life is over, or it was revoked.
            Err(ClientError::APIError { code: 400 | 401 | 403, .. }) => self.login(now_ms).await,
            Err(error) => Err(self.fault(error)),
        }
    }

    async fn login(&self, now_ms: i64) -> Result<Session> {
        let (settings, anonymous) = (&self.settings, self.client("")?);
        let mount = settings.login_mount();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let secret = |secret: &Option<Secret>| secret.as_ref().map(|one| one.expose().to_owned()).unwrap_or_default();
        let auth = match settings.login {
            VaultLogin::Token => return self.with_token(&secret(&settings.token), now_ms).await,
            VaultLogin::Userpass => {
                userpass::login(&anonymous, mount, &text(&settings.username), &secret(&settings.password)).await
            }
            VaultLogin::Approle => {
                approle::login(&anonymous, mount, &text(&settings.role_id), &secret(&settings.secret_id)).await
            }
            VaultLogin::Kubernetes => {
                kubernetes::login(&anonymous, mount, &text(&settings.role), &self.service_account()?).await
            }
        };
        let auth = auth.map_err(|error| self.fault(error))?;
        tracing::info!(url = settings.url, login = mount, "logged in at the secret store");
        let client = Arc::new(self.client(&auth.client_token)?);
        Ok(Session { client, begun_ms: now_ms, lease: lease(&auth, now_ms) })
    }

    /// Read again for each login: the cluster replaces it from time to time.
    fn service_account(&self) -> Result<String> {
        let file = &self.settings.service_account_file;
        match fs::read_to_string(file) {
            Ok(token) => Ok(token.trim().to_owned()),
            Err(error) => Err(Error::unavailable(format!("the service account token `{}`: {error}", file.display()))),
        }
    }

    /// A token that somebody else made: what it is worth is asked.
    async fn with_token(&self, text: &str, now_ms: i64) -> Result<Session> {
        let client = self.client(text)?;
        let found = token::lookup_self(&client).await.map_err(|error| self.fault(error))?;
        let lease = (found.ttl > 0).then(|| Lease::of(found.ttl, found.renewable.unwrap_or_default(), now_ms));
        Ok(Session { client: Arc::new(client), begun_ms: now_ms, lease })
    }

    /// 400 where certificates or address are wrong.
    fn client(&self, token: &str) -> Result<VaultClient> {
        // The setter panics where it is no URL.
        let url = Url::parse(&self.settings.url).map_err(|error| {
            Error::bad_request(format!("`[secrets.vault] url` is no URL ({error}): {}", self.settings.url))
        })?;
        let mut settings = VaultClientSettingsBuilder::default();
        // All is set, so that nothing comes from variables that are meant for other programs.
        settings.address(url.as_str()).token(token).verify(true).identity(None).timeout(Some(TIMEOUT));
        settings.ca_certs(self.settings.ca_file.iter().map(|file| file.display().to_string()).collect::<Vec<_>>());
        settings.namespace(self.settings.namespace.clone());
        let settings = settings.build().map_err(|error| Error::bad_request(format!("`[secrets.vault]`: {error}")))?;
        VaultClient::new(settings).map_err(|error| Error::bad_request(format!("`[secrets.vault] ca_file`: {error}")))
    }

    fn fault(&self, error: ClientError) -> Error {
        fault(&self.settings.url, "a login", error)
    }
}

impl Session {
    fn is_new(&self, now_ms: i64) -> bool {
        now_ms < self.begun_ms.saturating_add(LOGIN_MS_MIN)
    }

    fn is_due(&self, now_ms: i64) -> bool {
        self.lease.is_some_and(|lease| now_ms >= lease.renew_at_ms)
    }

    fn can_be_renewed(&self, now_ms: i64) -> bool {
        self.lease.is_some_and(|lease| lease.is_renewable && now_ms < lease.ends_at_ms)
    }
}

fn lease(auth: &AuthInfo, now_ms: i64) -> Option<Lease> {
    (auth.lease_duration > 0).then(|| Lease::of(auth.lease_duration, auth.renewable, now_ms))
}

impl Lease {
    fn of(seconds: u64, is_renewable: bool, now_ms: i64) -> Self {
        let life_ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        Self {
            renew_at_ms: now_ms.saturating_add(life_ms / 3 * 2),
            ends_at_ms: now_ms.saturating_add(life_ms),
            is_renewable,
        }
    }
}
