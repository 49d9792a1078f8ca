//! Speaks just enough HTTP/1.1 to send prepared requests over one kept connection.
//!
//! The generator shares its cores with the server that it measures, so a request is bytes made beforehand; an answer
//! is read through one large buffer, its body thrown away unless somebody asks for it.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Large enough that a body of some hundred kilobytes takes few system calls.
const BUFFER_BYTES: usize = 256 * 1024;
/// No line of an honest answer's head is longer.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// A request, ready to be written to a socket.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Rc<[u8]>,
    answer_has_body: bool,
}

impl Request {
    /// `headers` are whole lines, each with its line end.
    pub fn new(method: &str, path: &str, headers: &str, body: &str) -> Self {
        let length = match method {
            "GET" | "HEAD" => String::new(),
            _ => format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()),
        };
        let bytes = format!("{method} {path} HTTP/1.1\r\n{headers}{length}\r\n{body}");
        Self { bytes: bytes.into_bytes().into(), answer_has_body: method != "HEAD" }
    }
}

/// What the head of an answer says.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    pub status: u16,
    pub gzip: bool,
    closes: bool,
    body: Body,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Body {
    Bytes(u64),
    Chunks,
    UntilClosed,
}

/// One connection, kept open between requests and opened again when the server has closed it.
pub struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    line: Vec<u8>,
}

impl Connection {
    /// A connection that opens itself with its first request.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, line: Vec::new() }
    }

    /// Sends the request, throws the answer's body away.
    pub async fn send(&mut self, request: &Request) -> Result<Head> {
        self.exchange(request, None).await
    }

    /// Sends the request, leaves the answer's body in `body`, as it was sent.
    pub async fn fetch(&mut self, request: &Request, body: &mut Vec<u8>) -> Result<Head> {
        body.clear();
        self.exchange(request, Some(body)).await
    }

    async fn exchange(&mut self, request: &Request, mut body: Option<&mut Vec<u8>>) -> Result<Head> {
        // The stream is put back only after a whole answer: half an answer would be read as the next one's head.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(self.address).await?,
        };
        stream.write_all(&request.bytes).await?;
        let head = read_head(&mut stream, &mut self.line).await?;
        let length = if request.answer_has_body { head.body } else { Body::Bytes(0) };
        match length {
            Body::Bytes(length) => read_bytes(&mut stream, length, &mut body).await?,
            Body::Chunks => read_chunks(&mut stream, &mut self.line, &mut body).await?,
            Body::UntilClosed => return Err(broken("an answer says neither how long it is nor that it is chunked")),
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(head)
    }
}

async fn open(address: SocketAddr) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, stream))
}

async fn read_head<S: AsyncBufRead + Unpin>(stream: &mut S, line: &mut Vec<u8>) -> Result<Head> {
    read_line(stream, line).await?;
    let status = line.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let status = status.ok_or_else(|| broken("an answer does not begin with an HTTP/1.1 status line"))?;
    let bodiless = status == 204 || status == 304;
    let body = if bodiless { Body::Bytes(0) } else { Body::UntilClosed };
    let mut head = Head { status, gzip: false, closes: false, body };
    loop {
        read_line(stream, line).await?;
        if line.is_empty() {
            return Ok(head);
        }
        if let Some(value) = value_of(line, "content-length:") {
            let length = value.parse().map_err(|_| broken("the content-length is not a number"))?;
            head.body = if bodiless { Body::Bytes(0) } else { Body::Bytes(length) };
        } else if value_of(line, "transfer-encoding:").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            head.body = Body::Chunks;
        } else if value_of(line, "content-encoding:").is_some_and(|value| value.eq_ignore_ascii_case("gzip")) {
            head.gzip = true;
        } else if value_of(line, "connection:").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            head.closes = true;
        }
    }
}

/// The value of a header line when it is the header `name`, which is lower case with its colon.
fn value_of<'a>(line: &'a [u8], name: &str) -> Option<&'a str> {
    let (start, value) = line.split_at_checked(name.len())?;
    if !start.eq_ignore_ascii_case(name.as_bytes()) {
        return None;
    }
    std::str::from_utf8(value).ok().map(str::trim)
}

/// Leaves the next line in `line`, without its end.
async fn read_line<S: AsyncBufRead + Unpin>(stream: &mut S, line: &mut Vec<u8>) -> Result<()> {
    line.clear();
    stream.read_until(b'\n', line).await?;
    if line.pop() != Some(b'\n') {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection inside an answer"));
    }
    if line.len() > LINE_BYTES_MAX {
        return Err(broken("a line of an answer's head is too long"));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(())
}

async fn read_bytes<S: AsyncBufRead + Unpin>(
    stream: &mut S,
    mut left: u64,
    body: &mut Option<&mut Vec<u8>>,
) -> Result<()> {
    while left > 0 {
        let buffer = stream.fill_buf().await?;
        if buffer.is_empty() {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection inside a body"));
        }
        let taken = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if let Some(body) = body {
            body.extend_from_slice(&buffer[..taken]);
        }
        stream.consume(taken);
        left -= taken as u64;
    }
    Ok(())
}

async fn read_chunks<S: AsyncBufRead + Unpin>(
    stream: &mut S,
    line: &mut Vec<u8>,
    body: &mut Option<&mut Vec<u8>>,
) -> Result<()> {
    loop {
        read_line(stream, line).await?;
        let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let length = std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
        let length = length.ok_or_else(|| broken("the length of a chunk is not a hexadecimal number"))?;
        read_bytes(stream, length, body).await?;
        read_line(stream, line).await?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
