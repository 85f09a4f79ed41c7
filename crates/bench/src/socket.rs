//! A device's end of a WebSocket (RFC 6455), with nothing in it but two buffers.
//!
//! The load generator shares two processors with the server that it measures: every cycle spared here is one that
//! the server gets.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use diario_protocol::limits::SERVER_FRAME;
use diario_protocol::{ClientFrame, Request, RequestId, WEBSOCKET_PATH};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const FINAL: u8 = 0x80;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const MASKED: u8 = 0x80;
/// Lengths that say that two, or eight, bytes with the length follow.
const MEDIUM: u8 = 0x7e;
const LONG: u8 = 0x7f;
/// What a buffer keeps at most while it is empty.
const KEPT: usize = 64 * 1024;

/// A connection.
pub(crate) struct Socket {
    stream: TcpStream,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// Bytes of the outbox that are written.
    written: usize,
}

impl Socket {
    /// Connects and upgrades.
    pub(crate) async fn connect(server: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {WEBSOCKET_PATH} HTTP/1.1\r\nhost: {server}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut inbox = Vec::new();
        let end = loop {
            if let Some(at) = inbox.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut inbox).await? == 0 {
                bail!("the server closed the connection");
            }
        };
        if !inbox.starts_with(b"HTTP/1.1 101") {
            bail!("no WebSocket: {}", String::from_utf8_lossy(&inbox[..end]));
        }
        inbox.drain(..end);
        Ok(Self { stream, inbox, outbox: Vec::new(), written: 0 })
    }

    /// Puts a request into the outbox.
    pub(crate) fn ask(&mut self, id: u32, request: Request) {
        let frame = ClientFrame { id: RequestId(id), request };
        self.put(&diario_protocol::encode(&frame));
    }

    /// Puts a frame of the protocol into the outbox.
    pub(crate) fn put(&mut self, frame: &[u8]) {
        self.put_message(BINARY, frame);
    }

    fn put_message(&mut self, kind: u8, payload: &[u8]) {
        self.outbox.push(FINAL | kind);
        if let Ok(short @ 0..126) = u8::try_from(payload.len()) {
            self.outbox.push(MASKED | short);
        } else if let Ok(length) = u16::try_from(payload.len()) {
            self.outbox.push(MASKED | MEDIUM);
            self.outbox.extend_from_slice(&length.to_be_bytes());
        } else {
            self.outbox.push(MASKED | LONG);
            self.outbox.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
        // A mask of zeros leaves the payload as it is: no proxy is to be protected here.
        self.outbox.extend_from_slice(&[0; 4]);
        self.outbox.extend_from_slice(payload);
    }

    /// Writes the outbox. Given up half-way, it goes on where it was.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        while self.written < self.outbox.len() {
            self.written += self.stream.write(&self.outbox[self.written..]).await?;
        }
        self.outbox.clear();
        self.outbox.shrink_to(KEPT);
        self.written = 0;
        Ok(())
    }

    /// Waits until something more was read. May be given up at any time.
    pub(crate) async fn fill(&mut self) -> Result<()> {
        if self.inbox.capacity() == 0 {
            // Idle devices keep no buffer.
            self.stream.readable().await?;
        }
        self.inbox.reserve(4 * 1024);
        if self.stream.read_buf(&mut self.inbox).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }

    /// Reads what is there without waiting.
    pub(crate) fn drain(&mut self) -> Result<()> {
        loop {
            self.inbox.reserve(16 * 1024);
            match self.stream.try_read_buf(&mut self.inbox) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(_) if self.inbox.len() < SERVER_FRAME => {}
                Ok(_) => return Ok(()),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Takes every whole frame out of what was read. Pings are answered with the next flush.
    pub(crate) fn take(&mut self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let inbox = std::mem::take(&mut self.inbox);
        let mut at = 0;
        while let Some((kind, header, length)) = header(&inbox[at..])? {
            let Some(payload) = inbox.get(at + header..at + header + length) else { break };
            at += header + length;
            match kind {
                BINARY => each(payload)?,
                PING => self.put_message(PONG, payload),
                CLOSE => bail!("the server closed the connection: {}", String::from_utf8_lossy(payload)),
                _ => {}
            }
        }
        self.inbox = inbox;
        self.inbox.drain(..at);
        if self.inbox.is_empty() && self.inbox.capacity() > KEPT {
            self.inbox = Vec::new();
        }
        Ok(())
    }

    /// Takes the next frame out of what was read, if it is whole.
    pub(crate) fn take_one(&mut self) -> Result<Option<Vec<u8>>> {
        while let Some((kind, header, length)) = header(&self.inbox)? {
            let end = header + length;
            if self.inbox.len() < end {
                break;
            }
            let payload = self.inbox.drain(..end).skip(header).collect::<Vec<u8>>();
            match kind {
                BINARY => return Ok(Some(payload)),
                PING => self.put_message(PONG, &payload),
                CLOSE => bail!("the server closed the connection: {}", String::from_utf8_lossy(&payload)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Gives the buffers back.
    pub(crate) fn forget_buffers(&mut self) {
        self.inbox.shrink_to_fit();
        self.outbox.shrink_to_fit();
    }

    /// Whether something waits to be written.
    pub(crate) fn has_outgoing(&self) -> bool {
        !self.outbox.is_empty()
    }
}

/// Kind, length of the header and length of the payload, if the header is whole.
fn header(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & FINAL == 0 || second & MASKED != 0 {
        bail!("the server sent a WebSocket frame in parts, or a masked one");
    }
    let (header, length) = match (second, rest) {
        (&MEDIUM, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
        (&LONG, _) if let Some(length) = rest.first_chunk() => {
            (10, usize::try_from(u64::from_be_bytes(*length))?)
        }
        (&MEDIUM | &LONG, _) => return Ok(None),
        (short, _) => (2, usize::from(*short)),
    };
    Ok(Some((first & 0x0f, header, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_each_length_are_read() {
        assert_eq!(header(&[0x82]).unwrap(), None);
        assert_eq!(header(&[0x82, 5]).unwrap(), Some((BINARY, 2, 5)));
        assert_eq!(header(&[0x82, 126, 1]).unwrap(), None);
        assert_eq!(header(&[0x82, 126, 1, 2]).unwrap(), Some((BINARY, 4, 258)));
        assert_eq!(header(&[0x89, 127, 0, 0, 0, 0, 0, 1, 0, 0]).unwrap(), Some((PING, 10, 65_536)));
        assert!(header(&[0x02, 5]).is_err() && header(&[0x82, 0x85]).is_err());
    }
}
