//! The listener: sockets in, requests out to one service, all within limits.

mod certificate;
mod connection;
mod peer;
mod stop;
mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Service;

use connection::Connections;
pub use peer::Peer;
pub use stop::{Signals, when_asked};
pub use tls::{Tls, tls_to_ourselves};

/// What a listener lets clients do; each is enforced here.
#[derive(Clone, Debug)]
pub struct Limits {
    pub header_bytes_max: u32,
    pub headers_max: usize,
    /// Between connecting, or the end of a request, and the last header of the next one.
    pub header_timeout: Duration,
    pub connections_max: usize,
    pub shutdown_grace: Duration,
}

/// A bound address, plain or with TLS.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Tls>,
}

impl Listener {
    pub async fn bind(address: SocketAddr, tls: Option<Tls>) -> io::Result<Self> {
        Ok(Self { tcp: TcpListener::bind(address).await?, tls })
    }

    /// The address with the port that was taken where 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// Whether requests under way could finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    Drained,
    /// The grace was over; so many connections were cut.
    Cut(usize),
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What answers requests, e.g. a router. The peer is in the request's extensions as [`Peer`].
pub trait Answer: Clone + Send + 'static {
    type Body: Body<Data = Bytes, Error: Into<AnyError>> + Send + 'static;
    type Future: Future<Output = Result<Response<Self::Body>, Infallible>> + Send + 'static;

    fn answer(&mut self, request: Request<Incoming>) -> Self::Future;
}

impl<S, B> Answer for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Into<AnyError>> + Send + 'static,
{
    type Body = B;
    type Future = S::Future;

    fn answer(&mut self, request: Request<Incoming>) -> S::Future {
        self.call(request)
    }
}

/// Serves until `stop` is cancelled, then lets requests under way finish within the grace.
pub async fn serve(listener: Listener, limits: Limits, service: impl Answer, stop: CancellationToken) -> Stopped {
    let connections = Arc::new(Connections::new(&limits, listener.tls, stop.clone()));
    let places = Arc::new(Semaphore::new(limits.connections_max));
    while let Some((place, stream, address)) = next(&listener.tcp, &places, &stop).await {
        let connection = connections.clone().hold(stream, address, service.clone());
        tokio::spawn(async move {
            connection.await;
            drop(place);
        });
    }
    // Whoever connects from here on is refused at once, rather than left waiting in the backlog.
    drop(listener.tcp);
    drain(&places, &limits).await
}

/// The next connection, once there is a place for it; `None` when it is time to stop.
async fn next(
    tcp: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let placed = async {
        let place = places.clone().acquire_owned().await.ok()?;
        let (stream, address) = accept(tcp).await;
        Some((place, stream, address))
    };
    tokio::select! {
        placed = placed => placed,
        () = stop.cancelled() => None,
    }
}

/// Waits until every place is free again.
async fn drain(places: &Semaphore, limits: &Limits) -> Stopped {
    let all = u32::try_from(limits.connections_max).unwrap_or(u32::MAX);
    let drained = tokio::time::timeout(limits.shutdown_grace, places.acquire_many(all)).await.is_ok();
    match drained {
        true => Stopped::Drained,
        false => Stopped::Cut(limits.connections_max - places.available_permits()),
    }
}

/// The next connection. An error of `accept` is one client's (it hung up) or the machine's (no descriptors left);
/// neither may end the server, nor turn it into a busy loop.
async fn accept(tcp: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match tcp.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(error = %error, "cannot accept connections; next try in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
