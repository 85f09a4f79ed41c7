//! Where a push goes: the URL that a device's push service gave it, taken apart.

use axum::http::Uri;

/// The ports of push services. What listens at others of somebody's machine was not made for this.
const PORTS: [u16; 2] = [443, 8443];

/// A URL that can be posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Whether it is https; else it is http.
    pub(crate) tls: bool,
    /// Name or address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Scheme, host, and the port if it is not the usual one: what a VAPID token is for.
    pub(crate) origin: String,
    /// Path and query.
    pub(crate) path: String,
}

impl Endpoint {
    /// Takes a URL apart; `None` if it is none that pushes go to. Plain http, and other ports than those
    /// of push services, only if `allow_local`.
    pub(crate) fn parse(text: &str, allow_local: bool) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let (tls, scheme, usual) = match uri.scheme_str()? {
            "https" => (true, "https", 443),
            "http" if allow_local => (false, "http", 80),
            _ => return None,
        };
        let authority = uri.authority()?;
        let host = authority.host().to_ascii_lowercase();
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        if host.is_empty() || authority.as_str().contains('@') || !host.bytes().all(known) {
            return None;
        }
        // The port is only what is a number: `host:` and `host:x` are not.
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => usual,
            port => port.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
        };
        if !allow_local && !PORTS.contains(&port) {
            return None;
        }
        let origin =
            if port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { tls, host, port, origin, path })
    }

    /// What the request names as its host.
    pub(super) fn authority(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, authority)| authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_taken_apart() {
        let e = Endpoint::parse("https://Push.Example/send/abc?x=1", false).unwrap();
        assert_eq!(
            (e.tls, e.host.as_str(), e.port, e.path.as_str()),
            (true, "push.example", 443, "/send/abc?x=1")
        );
        assert_eq!((e.origin.as_str(), e.authority()), ("https://push.example", "push.example"));
        let e = Endpoint::parse("https://[2a00::1]:8443", false).unwrap();
        assert_eq!((e.host.as_str(), e.port, e.path.as_str()), ("2a00::1", 8443, "/"));
        assert_eq!(e.origin, "https://[2a00::1]:8443");
        assert!(!Endpoint::parse("http://127.0.0.1:80/x", true).unwrap().tls);
        assert_eq!(
            Endpoint::parse("https://push.example:443/", false).unwrap().origin,
            "https://push.example"
        );
    }

    #[test]
    fn other_urls_are_refused() {
        for bad in [
            "",
            "http://push.example/",
            "ftp://push.example/",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://user@push.example/",
            "https://user:secret@push.example/",
            "https://push.example:/",
            "https://push.example:0/",
            "https://push.example:99999/",
            "https://push.example:80:80/",
            "https://push.example:22/",
            "https://push.example:80/",
            "https://push.example:8444/",
            "https://pu\"sh.example/",
            "https://push_example\\/",
            "https://push.example/ x",
            "https://push.example/\r\nx: y",
            "push.example/x",
            "/x",
            "//push.example/x",
        ] {
            assert_eq!(Endpoint::parse(bad, false), None, "{bad}");
        }
        assert!(Endpoint::parse("https://push.example:8444/", true).is_some(), "in a closed network");
    }
}
