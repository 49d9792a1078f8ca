//! A TCP proxy in front of Postgres that breaks connections at the worst moment.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// How long a busy server may take for a `COMMIT`.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens to the next `COMMIT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    None = 0,
    /// It never reaches the server, whose answer the client would wait for.
    CommitLost = 1,
    /// The server does it, but the answer never comes back.
    AnswerLost = 2,
    /// Every connection is refused, as if the server were gone.
    Unreachable = 3,
}

/// A running proxy; connections through it live as long as it does.
pub struct Proxy {
    address: SocketAddr,
    fault: Arc<AtomicU8>,
}

impl Proxy {
    /// Forwards to the host of `postgres_url`.
    pub async fn start(postgres_url: &str) -> Self {
        let upstream = authority(postgres_url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let fault = Arc::new(AtomicU8::new(Fault::None as u8));
        tokio::spawn(accept(listener, upstream, Arc::clone(&fault)));
        Self { address, fault }
    }

    /// The same URL by way of this proxy.
    pub fn url(&self, postgres_url: &str) -> String {
        postgres_url.replace(authority(postgres_url), &self.address.to_string())
    }

    /// Breaks from now on; `CommitLost`, `AnswerLost` strike once.
    pub fn strike(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// Whether the fault that was asked for has struck.
    pub fn has_struck(&self) -> bool {
        self.fault.load(Ordering::SeqCst) == Fault::None as u8
    }
}

fn authority(url: &str) -> &str {
    let (_, rest) = url.split_once('@').expect("a URL with a user");
    rest.split_once('/').expect("a URL with a database").0
}

async fn accept(listener: TcpListener, upstream: String, fault: Arc<AtomicU8>) {
    while let Ok((client, _)) = listener.accept().await {
        if fault.load(Ordering::SeqCst) == Fault::Unreachable as u8 {
            continue;
        }
        let Ok(server) = TcpStream::connect(&upstream).await else { continue };
        tokio::spawn(carry(client, server, Arc::clone(&fault)));
    }
}

/// Carries bytes both ways until either side ends or the fault strikes; both are closed then.
async fn carry(client: TcpStream, server: TcpStream, fault: Arc<AtomicU8>) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let is_lost = Arc::new(AtomicBool::new(false));
    let mut answers = tokio::spawn(carry_answers(from_server, to_client, Arc::clone(&is_lost)));
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
        let is_commit = buffer[..count].windows(6).any(|bytes| bytes == b"COMMIT");
        match strikes(&fault, is_commit) {
            Fault::CommitLost | Fault::Unreachable => break,
            Fault::AnswerLost => {
                is_lost.store(true, Ordering::SeqCst);
                let _ = to_server.write_all(&buffer[..count]).await;
                // The server has done it once it answers; only then may the client notice that something is wrong.
                let _ = tokio::time::timeout(PATIENCE, &mut answers).await;
                break;
            }
            Fault::None => {
                if to_server.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
        }
    }
    answers.abort();
}

/// Carries answers back until they are to be lost: the next one is swallowed, and the client sees the end.
async fn carry_answers(mut from_server: OwnedReadHalf, mut to_client: OwnedWriteHalf, is_lost: Arc<AtomicBool>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
        if is_lost.load(Ordering::SeqCst) || to_client.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
}

fn strikes(fault: &AtomicU8, is_commit: bool) -> Fault {
    let is_set = |kind: Fault| fault.load(Ordering::SeqCst) == kind as u8;
    let take =
        |kind: Fault| fault.compare_exchange(kind as u8, Fault::None as u8, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if is_set(Fault::Unreachable) {
        Fault::Unreachable
    } else if is_commit && take(Fault::CommitLost) {
        Fault::CommitLost
    } else if is_commit && take(Fault::AnswerLost) {
        Fault::AnswerLost
    } else {
        Fault::None
    }
}
