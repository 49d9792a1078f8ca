//! B1: floods of HTTP/2 frames, in raw bytes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Server, status};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:method GET`, `:scheme http`, `:path /` from HPACK's static table.
const GET: [u8; 3] = [0x82, 0x86, 0x84];
/// `:method POST`, `:scheme http`, `:path /echo`.
const POST: [u8; 8] = [0x83, 0x86, 0x44, 0x05, b'/', b'e', b'c', b'h'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Sends the frames; whether the server ended the connection.
async fn ends_connection(server: &Server, frames: impl Iterator<Item = Vec<u8>>) -> bool {
    let (mut reader, mut writer) = server.connect().await.into_split();
    let flood: Vec<u8> = frames.flatten().collect();
    tokio::spawn(async move {
        // The server hangs up in the middle of it, which is the point.
        let _ = writer.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        let _ = writer.write_all(&flood).await;
        std::future::pending::<()>().await;
    });
    let mut answer = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(60), reader.read_to_end(&mut answer)).await;
    end.is_ok() || kinds(&answer).contains(&GOAWAY)
}

/// The kinds of the frames that were received.
fn kinds(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let [a, b, c, kind, ..] = *bytes {
        kinds.push(kind);
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    kinds
}

fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|at| 2 * at + 1)
}

#[tokio::test]
async fn a_rapid_reset_ends_the_connection() {
    let server = Server::start("").await;
    let open_and_reset = |stream| {
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, &GET), frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())]
            .concat()
    };

    assert!(ends_connection(&server, streams(20_000).map(open_and_reset)).await);
    assert_eq!(status(&server.get("/health/live", "").await), 200);
}

#[tokio::test]
async fn a_flood_of_continuations_ends_the_connection() {
    let server = Server::start("").await;
    let start = std::iter::once(frame(HEADERS, 0, 1, &GET));
    let more = (0..100_000).map(|_| frame(CONTINUATION, 0, 1, &[0x0f, 0x2d, 0x01, b'x']));

    assert!(ends_connection(&server, start.chain(more)).await);
    assert_eq!(status(&server.get("/health/live", "").await), 200);
}

#[tokio::test]
async fn a_flood_of_empty_data_ends_the_connection() {
    let server = Server::start("[server]\nrequest_timeout_s = 2").await;
    let post = [POST.as_slice(), b"o"].concat();
    let start = std::iter::once(frame(HEADERS, END_HEADERS, 1, &post));
    let flood = start.chain((0..200_000).map(|_| frame(DATA, 0, 1, &[])));

    let ended = ends_connection(&server, flood).await;

    assert_eq!(status(&server.get("/health/live", "").await), 200);
    assert!(ended);
}
