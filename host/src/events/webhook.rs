//! Events over HTTP: one signed POST each.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use sha2::Sha256;
use uuid::Uuid;

use super::Refusal;
use crate::config;

/// A URL that hears of events.
pub struct Webhook {
    /// `webhook:<name>`.
    name: String,
    section: config::Webhook,
    client: reqwest::Client,
}

impl Webhook {
    pub fn open(name: &str, section: &config::Webhook) -> anyhow::Result<Self> {
        crate::tls::choose_ring();
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_millis(section.timeout_ms))
            .build()?;
        Ok(Self { name: format!("webhook:{name}"), section: section.clone(), client })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn attempts_max(&self) -> u32 {
        self.section.attempts_max
    }

    /// Taken is what is answered with 2xx. Whoever answers 410 wants no more of this event.
    pub async fn tell(&self, position: i64, id: Uuid, kind: &str, body: &str) -> Result<(), Refusal> {
        if !self.section.wants(kind) {
            return Ok(());
        }
        let refusal = |message: String| Refusal { message, is_final: false };
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp = since_epoch.as_secs().to_string();
        let mut request = self
            .client
            .post(self.section.url.expose())
            .header(CONTENT_TYPE, "application/cloudevents+json; charset=UTF-8")
            .header("webhook-id", id.to_string())
            .header("webhook-timestamp", &timestamp)
            .header("x-weir-position", position)
            .body(body.to_owned());
        if let Some(secret) = &self.section.secret {
            let signature = signature(secret.expose(), &format!("{id}.{timestamp}.{body}")).map_err(refusal)?;
            request = request.header("webhook-signature", signature);
        }
        // The URL may hold a token, so it is not part of the message.
        let answer = request.send().await.map_err(|error| refusal(error.without_url().to_string()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(Refusal { message: format!("it answered {status}"), is_final: status.as_u16() == 410 }),
        }
    }
}

/// As in <https://www.standardwebhooks.com>: `v1,` and the HMAC-SHA-256 in base64.
fn signature(secret: &str, content: &str) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|error| error.to_string())?;
    mac.update(content.as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_depends_on_every_part() {
        let one = signature("secret", "id.1.body").unwrap();

        assert!(one.starts_with("v1,"));
        assert_ne!(one, signature("secret", "id.2.body").unwrap());
        assert_ne!(one, signature("other", "id.1.body").unwrap());
    }
}
