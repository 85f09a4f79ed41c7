//! Which pages may open a WebSocket here.
//!
//! A browser lets any page open one to any server, and says in `Origin` which page it is. A page that came from
//! somewhere else has no business here (cross-site WebSocket hijacking). Programs send no `Origin`.

use axum::http::{HeaderMap, header};

use crate::config::Settings;

/// Whether the sender of these headers may open a WebSocket.
pub(crate) fn may_connect(headers: &HeaderMap, settings: &Settings) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if origins.next().is_some() {
        return false;
    }
    if settings.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let (port, authority) = if let Some(authority) = origin.strip_prefix("https://") {
        (":443", authority)
    } else if let Some(authority) = origin.strip_prefix("http://") {
        (":80", authority)
    } else {
        return false;
    };
    let forwarded = settings.trust_forwarded_for.then(|| headers.get("x-forwarded-host")).flatten();
    let host = forwarded.or_else(|| headers.get(header::HOST)).and_then(|host| host.to_str().ok());
    // What a browser leaves out, a proxy may put back.
    let same = |host: &str| host.strip_suffix(port).unwrap_or(host).eq_ignore_ascii_case(authority);
    !authority.is_empty() && host.is_some_and(|host| same(host.trim()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        of.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_page_from_here_and_a_program_pass() {
        let settings = Settings::default();
        for good in [
            headers(&[("host", "a.example:8080")]),
            headers(&[("host", "localhost:8080"), ("origin", "http://localhost:8080")]),
            headers(&[("host", "a.example"), ("origin", "https://A.example")]),
            headers(&[("host", "a.example:443"), ("origin", "https://a.example")]),
            headers(&[("host", "[::1]:8080"), ("origin", "http://[::1]:8080")]),
        ] {
            assert!(may_connect(&good, &settings), "{good:?}");
        }
    }

    #[test]
    fn pages_from_elsewhere_do_not() {
        let settings = Settings::default();
        for origin in [
            "https://evil.example",
            "https://a.example.evil",
            "https://evil.a.example",
            "https://a.example:8443",
            "http://a.example:443",
            "null",
            "",
            "https://",
            "file://a.example",
            "chrome-extension://a.example",
            "a.example",
            "https://a.example/",
            "https://a.example@evil.example",
        ] {
            let bad = headers(&[("host", "a.example"), ("origin", origin)]);
            assert!(!may_connect(&bad, &settings), "{origin}");
        }
        assert!(!may_connect(&headers(&[("origin", "https://a.example")]), &settings), "without a host");
        let mut two = headers(&[("host", "a.example"), ("origin", "https://a.example")]);
        two.append(header::ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert!(!may_connect(&two, &settings));
    }

    #[test]
    fn origins_can_be_allowed_and_a_proxy_trusted() {
        let foreign = headers(&[("host", "a.example"), ("origin", "https://b.example")]);
        let allowed = Settings { allowed_origins: vec!["https://b.example".into()], ..Settings::default() };
        assert!(may_connect(&foreign, &allowed));
        let proxied = headers(&[
            ("host", "127.0.0.1:8080"),
            ("x-forwarded-host", "a.example"),
            ("origin", "https://a.example"),
        ]);
        assert!(!may_connect(&proxied, &Settings::default()), "anybody can send that header");
        assert!(may_connect(&proxied, &Settings { trust_forwarded_for: true, ..Settings::default() }));
    }
}
