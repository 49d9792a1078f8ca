//! Faults that a test asks for.

use std::collections::VecDeque;
use std::io;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use futures_util::stream;
use http_body_util::BodyExt;

use super::request::Asked;
use super::xml::Refusal;

/// Which request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Get,
    Put,
    Delete,
    List,
    AssumeRole,
    Anything,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 500, and nothing was done.
    InternalError,
    /// 503 SlowDown, and nothing was done.
    SlowDown,
    /// No answer, ever.
    Hang,
    /// It is done, and no answer ever comes.
    StoredThenHang,
    /// It is done, but the answer is a 500.
    AnswerLost,
    /// The connection breaks in the middle of the body.
    BrokenBody,
    /// Half of the body under a 200 that claims to be all.
    ShortBody,
    /// 200 for a PUT that stored other bytes.
    OtherBytes,
    /// 200 for a PUT that stored nothing, with an ETag.
    NothingStored,
}

pub(super) fn take(faults: &mut VecDeque<(On, Fault)>, asked: &Asked) -> Option<Fault> {
    let at = faults.iter().position(|(on, _)| on.is(asked))?;
    faults.remove(at).map(|(_, fault)| fault)
}

impl On {
    fn is(self, asked: &Asked) -> bool {
        let method = asked.method.as_str();
        match self {
            Self::Get => method == "GET" && !asked.key.is_empty(),
            Self::Put => method == "PUT" && !asked.key.is_empty(),
            Self::Delete => method == "DELETE" || asked.parameter("delete").is_some(),
            Self::List => method == "GET" && asked.key.is_empty(),
            Self::AssumeRole => asked.is_sts(),
            Self::Anything => true,
        }
    }
}

impl Fault {
    pub(super) async fn answer(
        self,
        asked: &Asked,
        serve: impl FnOnce(&Asked) -> Result<Response, Refusal>,
    ) -> Response {
        let internal = || Refusal::new(500, "InternalError", "we encountered an internal error");
        match self {
            Self::InternalError => internal().answer(),
            Self::SlowDown => Refusal::new(503, "SlowDown", "please reduce your request rate").answer(),
            Self::Hang => std::future::pending().await,
            Self::StoredThenHang => {
                drop(serve(asked));
                std::future::pending().await
            }
            Self::AnswerLost => {
                drop(serve(asked));
                internal().answer()
            }
            Self::BrokenBody => broken(serve(asked).unwrap_or_else(Refusal::answer)).await,
            Self::ShortBody => short(serve(asked).unwrap_or_else(Refusal::answer)).await,
            Self::OtherBytes => {
                let other = asked.with_other_bytes();
                serve(&other).unwrap_or_else(Refusal::answer)
            }
            Self::NothingStored => {
                let answer = Response::builder().header("etag", "\"00000000000000000000000000000000\"");
                answer.body(Body::empty()).expect("a response")
            }
        }
    }
}

/// The whole length is claimed, half of it comes, then the connection is gone.
async fn broken(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("our own body").to_bytes();
    parts.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    let half = bytes.slice(..bytes.len() / 2);
    let gone = io::Error::new(io::ErrorKind::ConnectionReset, "the test breaks the body");
    Response::from_parts(parts, Body::from_stream(stream::iter([Ok(half), Err(gone)])))
}

async fn short(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("our own body").to_bytes();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes.slice(..bytes.len() / 2)))
}
