//! A device's end of a connection with nothing but the socket.

use std::net::SocketAddr;

use diario_protocol::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::device::Device;

/// Connects, logs in and subscribes.
pub(crate) async fn login(server: SocketAddr, device: &Device) -> TcpStream {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let request = format!(
        "GET {WEBSOCKET_PATH} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let ServerFrame::Hello(hello) = read(&mut stream).await else { panic!() };
    write(&mut stream, 1, Request::Login(device.login(&hello))).await;
    assert!(matches!(read(&mut stream).await, ServerFrame::Reply(_, Reply::LoggedIn(_))));
    write(&mut stream, 2, Request::Subscribe(Position(0))).await;
    while !matches!(read(&mut stream).await, ServerFrame::Changes(changes) if changes.live) {}
    stream
}

/// Answers a ping, asked or not.
pub(crate) async fn pong(stream: &mut TcpStream) {
    stream.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.unwrap();
}

/// Says farewell.
pub(crate) async fn close(stream: &mut TcpStream) {
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
}

async fn write(stream: &mut TcpStream, id: u32, request: Request) {
    let payload = encode(&ClientFrame { id: RequestId(id), request });
    let length = u16::try_from(payload.len()).unwrap();
    // A mask of zeros (RFC 6455 section 5.3) leaves the payload as it is.
    let mut frame = vec![0x82];
    if length < 126 {
        frame.push(0x80 | length.to_be_bytes()[1]);
    } else {
        frame.push(0x80 | 0x7e);
        frame.extend_from_slice(&length.to_be_bytes());
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&payload);
    stream.write_all(&frame).await.unwrap();
}

async fn read(stream: &mut TcpStream) -> ServerFrame {
    assert_eq!(stream.read_u8().await.unwrap(), 0x82);
    let length = match stream.read_u8().await.unwrap() {
        126 => u64::from(stream.read_u16().await.unwrap()),
        127 => stream.read_u64().await.unwrap(),
        short => u64::from(short),
    };
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    decode(&payload, limits::SERVER_FRAME).unwrap()
}
