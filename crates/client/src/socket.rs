//! The WebSocket to the server.

use std::time::Duration;

use diario_protocol::WEBSOCKET_PATH;
use diario_protocol::limits::SERVER_FRAME;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// A connection to a server.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The text is not a server's address.
    #[error(
        "{0:?} is not a server's address; it looks like https://chat.example.org or http://localhost:8080"
    )]
    BadUrl(String),
    /// Nobody answers.
    #[error("the server does not answer: {0}")]
    Unreachable(String),
    /// Nobody answers in time.
    #[error("the server does not answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
}

/// The WebSocket's address for a server's `http(s)` address.
pub fn websocket_url(server: &str) -> Result<String, ConnectError> {
    let server = server.trim().trim_end_matches('/');
    let bad = || ConnectError::BadUrl(server.to_owned());
    let (scheme, rest) = server.split_once("://").ok_or_else(bad)?;
    let scheme = match scheme {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _ => return Err(bad()),
    };
    if rest.is_empty() || rest.starts_with('/') || rest.contains(char::is_whitespace) {
        return Err(bad());
    }
    Ok(format!("{scheme}://{rest}{WEBSOCKET_PATH}"))
}

/// Whether a server answers under this address.
pub async fn reach(server: &str) -> Result<(), ConnectError> {
    let mut socket = connect(server).await?;
    // It answers; how it takes the farewell does not matter.
    let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
    Ok(())
}

/// Connects to a server.
pub(crate) async fn connect(server: &str) -> Result<Socket, ConnectError> {
    let url = websocket_url(server)?;
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(SERVER_FRAME);
    config.max_frame_size = Some(SERVER_FRAME);
    let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
    match tokio::time::timeout(TIMEOUT, connecting).await {
        Err(_) => Err(ConnectError::TimedOut),
        Ok(Err(e)) => Err(ConnectError::Unreachable(e.to_string())),
        Ok(Ok((socket, _))) => Ok(socket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        assert_eq!(websocket_url("http://localhost:8080/").unwrap(), "ws://localhost:8080/v1/ws");
        assert_eq!(websocket_url("https://chat.example.org").unwrap(), "wss://chat.example.org/v1/ws");
        for bad in ["localhost", "ftp://x", "http://", "http:///x", "http://a b"] {
            assert!(websocket_url(bad).is_err(), "{bad}");
        }
    }
}
