//! Events over NATS JetStream: one message each, kept by the stream before it counts as delivered.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::{self, Context, stream};
use async_nats::{ConnectOptions, HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use tokio::sync::OnceCell;
use url::Url;
use uuid::Uuid;

use super::Refusal;
use crate::config;

/// A stream that hears of events.
pub struct Nats {
    section: config::Nats,
    /// Connected with the first event; the client reconnects by itself from then on.
    context: OnceCell<Context>,
}

impl Nats {
    pub fn new(section: &config::Nats) -> Self {
        Self { section: section.clone(), context: OnceCell::new() }
    }

    /// Taken is what the stream acknowledges. By the event's id the stream knows what it is told twice, as long as it
    /// remembers ids (`duplicate_window`); a consumer that must not see an event twice compares ids.
    pub async fn tell(&self, position: i64, id: Uuid, kind: &str, body: &str) -> Result<(), Refusal> {
        if !self.section.wants(kind) {
            return Ok(());
        }
        let told = tokio::time::timeout(self.timeout(), self.publish(position, id, kind, body)).await;
        told.unwrap_or_else(|_| Err(later("the stream acknowledged nothing in time")))
    }

    async fn publish(&self, position: i64, id: Uuid, kind: &str, body: &str) -> Result<(), Refusal> {
        let context = self.context.get_or_try_init(|| self.connect()).await.map_err(later)?;
        let kind = kind.strip_prefix("weir.").unwrap_or(kind);
        let subject = format!("{}.{kind}", self.section.subject);
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", HeaderValue::from(id.to_string()));
        headers.insert("Content-Type", "application/cloudevents+json");
        headers.insert("X-Weir-Position", HeaderValue::from(position.to_string()));
        let publishing = context.publish_with_headers(subject, headers, body.to_owned().into()).await;
        let kept = match publishing {
            Ok(publishing) => publishing.await,
            Err(error) => Err(error),
        };
        kept.map(drop).map_err(|error| Refusal {
            // No server of this kind ever takes it.
            is_final: error.kind() == PublishErrorKind::MaxPayloadExceeded,
            message: error.to_string(),
        })
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.section.timeout_ms)
    }

    async fn connect(&self) -> anyhow::Result<Context> {
        crate::tls::choose_ring();
        let mut options = ConnectOptions::new().name("weir").connection_timeout(self.timeout());
        if let Some(file) = &self.section.credentials_file {
            options = options.credentials_file(file).await?;
        }
        if let Some(file) = &self.section.ca_file {
            options = options.add_root_certificates(file.clone());
        }
        let (servers, login) = addresses(self.section.url.expose())?;
        if let Some((user, password)) = login {
            options = options.user_and_password(user, password);
        }
        let context = jetstream::new(options.connect(servers).await?);
        if self.section.create_stream {
            let wanted = stream::Config {
                name: self.section.stream.clone(),
                subjects: vec![format!("{}.>", self.section.subject)],
                ..stream::Config::default()
            };
            context.get_or_create_stream(wanted).await?;
        }
        Ok(context)
    }
}

/// A name with its password.
type Login = (String, String);

/// The servers without the name and the password that stand in their URLs: the client does not read them there, and would
/// write them to its log. They are the same for all servers; the first that has them tells.
fn addresses(urls: &str) -> anyhow::Result<(Vec<String>, Option<Login>)> {
    let (mut servers, mut login) = (Vec::new(), None);
    for text in urls.split(',') {
        // The parser's error does not repeat what it was given, which may hold a password.
        let mut url = Url::parse(text.trim()).context("events.nats.url cannot be read")?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(Cow::into_owned);
        if login.is_none() && !url.username().is_empty() {
            login = Some((decoded(url.username())?, decoded(url.password().unwrap_or_default())?));
        }
        let bare = url.set_username("").is_ok() && url.set_password(None).is_ok();
        anyhow::ensure!(bare, "events.nats.url names no server");
        servers.push(url.into());
    }
    Ok((servers, login))
}

fn later(error: impl std::fmt::Display) -> Refusal {
    Refusal { message: error.to_string(), is_final: false }
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn name_and_password_leave_the_address() {
        let (servers, login) = addresses("nats://weir:p%40ss@one:4222, tls://two").unwrap();

        assert_eq!(servers, ["nats://one:4222", "tls://two"]);
        assert_eq!(login, Some(("weir".to_owned(), "p@ss".to_owned())));
    }

    #[test]
    fn an_address_that_cannot_be_read_is_not_repeated() {
        let error = format!("{:#}", addresses("nats://weir:canary@[").unwrap_err());

        assert!(!error.contains("canary"), "{error}");
    }
}
