//! A response body of a few pieces that are sent as they lie, without being copied together.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// Head, document and tail of an answer; the length is known, so `Content-Length` is sent.
pub struct Chunks {
    pieces: VecDeque<Bytes>,
}

impl Chunks {
    pub fn body(pieces: impl IntoIterator<Item = Bytes>) -> Body {
        Body::new(Self { pieces: pieces.into_iter().filter(|piece| !piece.is_empty()).collect() })
    }
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}
