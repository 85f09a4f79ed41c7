//! What the fuzz target of this crate does with an input; see `diario_protocol::fuzz`.

use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::websocket_url;

/// A server's address as somebody types it: what is connected to is on the host that was typed.
pub fn server_address(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(url) = websocket_url(text) else { return false };
    let Ok(request) = url.as_str().into_client_request() else { return false };
    let uri = request.uri();
    let tls = ["https://", "wss://"].iter().any(|scheme| text.trim().starts_with(scheme));
    assert_eq!(uri.scheme_str(), Some(if tls { "wss" } else { "ws" }));
    let typed = text.trim().split_once("://").map_or("", |(_, rest)| rest);
    assert!(typed.starts_with(uri.authority().map_or("", |authority| authority.as_str())));
    true
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_goes_through() {
        super::replay::replay("server_address", super::server_address);
    }
}
