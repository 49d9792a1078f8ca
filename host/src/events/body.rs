//! The body of an event, shaped as a CloudEvent 1.0 in JSON.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::EventKind;
use crate::error::{Error, Result};

/// The facts of one event; what is not known to the sinks by other means.
#[derive(Debug)]
pub struct EventBody<'a> {
    pub id: Uuid,
    pub kind: EventKind,
    pub at_ms: i64,
    /// Who did it: a caller's id, or `weir:<work>`.
    pub actor: &'a str,
    /// The request that it was done by, which leads to the log, to the audit; `None` for the host's own work.
    pub request_id: Option<&'a str>,
    /// The warehouse's id, for what happens inside one.
    pub warehouse: Option<Uuid>,
    /// What it happened to, e.g. `table/018f…`: the id, which never changes, never the name.
    pub subject: &'a str,
    /// Names, versions and whatever else belongs to the kind; never secrets, never metadata documents.
    pub data: Value,
}

/// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>; extension names are lower case.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: Uuid,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    time: String,
    subject: &'a str,
    datacontenttype: &'static str,
    actor: &'a str,
    #[serde(rename = "requestid", skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse: Option<Uuid>,
    data: &'a Value,
}

/// The JSON text that is stored in the outbox with the change itself.
pub fn body_text(body: &EventBody<'_>) -> Result<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(body.at_ms) * 1_000_000).map_err(Error::internal)?;
    let event = CloudEvent {
        specversion: "1.0",
        id: body.id,
        source: "/weir",
        kind: body.kind.as_str(),
        time: at.format(&Rfc3339).map_err(Error::internal)?,
        subject: body.subject,
        datacontenttype: "application/json",
        actor: body.actor,
        request_id: body.request_id,
        warehouse: body.warehouse,
        data: &body.data,
    };
    serde_json::to_string(&event).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_a_cloud_event_with_its_required_attributes() {
        let body = EventBody {
            id: Uuid::nil(),
            kind: EventKind::TableDropped,
            at_ms: 1_700_000_000_123,
            actor: "anonymous",
            request_id: Some("r-1"),
            warehouse: Some(Uuid::nil()),
            subject: "table/1",
            data: json!({"name": "orders"}),
        };

        let event: Value = serde_json::from_str(&body_text(&body).unwrap()).unwrap();

        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "weir.table.dropped");
        assert_eq!(event["time"], "2023-11-14T22:13:20.123Z");
        assert_eq!(event["subject"], "table/1");
        assert_eq!(event["requestid"], "r-1");
        assert_eq!(event["data"]["name"], "orders");
    }

    #[test]
    fn no_two_kinds_share_a_text() {
        let texts: std::collections::BTreeSet<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();

        assert_eq!(texts.len(), EventKind::ALL.len());
    }
}
