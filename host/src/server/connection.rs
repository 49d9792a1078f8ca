//! One connection: TLS where configured, HTTP/1.1 or HTTP/2, never longer without a request than allowed.

use std::future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{Answer, Limits, Peer, Tls};

/// Streams of one HTTP/2 connection at a time; more wait on the client's side.
const STREAMS_MAX: u32 = 256;
/// Streams that a client may open and reset before they are worked on (HTTP/2 rapid reset).
const RESETS_MAX: usize = 20;
const PING_EVERY: Duration = Duration::from_secs(30);
const DEFAULT_HEADERS_MAX: usize = 100;

/// How connections are held.
pub(super) struct Connections {
    http: Builder<TokioExecutor>,
    tls: Option<Tls>,
    header_timeout: Duration,
    stop: CancellationToken,
}

impl Connections {
    pub(super) fn new(limits: &Limits, tls: Option<Tls>, stop: CancellationToken) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(limits.header_bytes_max as usize);
        if limits.headers_max != DEFAULT_HEADERS_MAX {
            // Setting it, even to the default, moves every header list to the heap.
            http.http1().max_headers(limits.headers_max);
        }
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(limits.header_bytes_max)
            .max_concurrent_streams(STREAMS_MAX)
            .max_pending_accept_reset_streams(RESETS_MAX)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(limits.header_timeout);
        Self { http, tls, header_timeout: limits.header_timeout, stop }
    }

    /// Holds one connection until it ends. What goes wrong on it is the client's, so it is only worth a debug line.
    pub(super) async fn hold(self: Arc<Self>, stream: TcpStream, address: SocketAddr, service: impl Answer) {
        // Answers are written whole; waiting for more to send (Nagle) would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(client.address = %address, error = %error, "the client hung up");
            return;
        }
        let peer = Peer { address };
        match &self.tls {
            None => self.talk(TokioIo::new(stream), peer, service).await,
            Some(tls) => match tokio::time::timeout(self.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.talk(TokioIo::new(stream), peer, service).await,
                Ok(Err(error)) => tracing::debug!(client.address = %address, error = %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(client.address = %address, "TLS handshake took too long"),
            },
        }
    }

    async fn talk<I>(&self, io: I, peer: Peer, service: impl Answer)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let asked = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let asked = asked.clone();
            move |mut request: Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(peer);
                service.clone().answer(request)
            }
        });
        let mut connection = pin!(self.http.serve_connection(io, service));
        // Hyper's own timer starts once it knows the protocol, so silence before that needs one more.
        let silence = async {
            tokio::time::sleep(self.header_timeout).await;
            if asked.load(Ordering::Relaxed) {
                future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = silence => return tracing::debug!(client.address = %peer.address, "no request in time"),
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(client.address = %peer.address, error = %error, "the connection broke");
        }
    }
}
