//! The web app's files, their headers, and who may connect.

use std::sync::Arc;
use std::time::Duration;

use diario_protocol::{Reply, Request, WEBSOCKET_PATH};
use diario_server::{WebApp, WebFile};

use crate::http::{Answer, get, request};
use crate::support::{Person, TestServer};

/// Brotli without compression (RFC 7932 section 9.2): one stored block, and the end.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len() - 1).unwrap();
    let head = 0x0b | length << 7 | 1 << 23;
    [&head.to_le_bytes()[..3], bytes, &[3]].concat()
}

struct Two;

impl WebApp for Two {
    fn file(&self, name: &str) -> Option<WebFile> {
        let text = match name {
            "index.html" => "<!doctype html>embedded",
            "assets/page-1.wasm" => "\0asm",
            _ => return None,
        };
        Some(WebFile::new(stored(text.as_bytes()), true))
    }
}

/// A folder with an app, and a secret beside it.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    std::fs::create_dir_all(dir.path().join("dist/assets")).unwrap();
    write("dist/index.html", b"<!doctype html>from a folder");
    write("dist/sw.js", b"// old");
    write("dist/sw.js.br", &stored(b"// new"));
    write("dist/assets/style-1.css", b"body {}");
    write("dist/.hidden", b"hidden");
    write("secret.txt", b"secret");
    dir
}

async fn with_folder(dir: &tempfile::TempDir) -> TestServer {
    let dist = dir.path().join("dist");
    TestServer::with(|settings| settings.web_dir = dist).await
}

async fn embedded() -> TestServer {
    TestServer::with_app(Arc::new(Two)).await
}

#[tokio::test]
async fn files_come_compressed_to_those_who_take_it() {
    let server = embedded().await;
    let path = "/assets/page-1.wasm";
    let compressed = request(&server, "GET", path, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!((compressed.status, compressed.header("content-encoding")), (200, Some("br")));
    assert_eq!(compressed.body, stored(b"\0asm"));
    assert_eq!(compressed.header("content-type"), Some("application/wasm"));
    assert_eq!(compressed.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(compressed.header("vary"), Some("accept-encoding"));
    let plain = get(&server, path).await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
    assert_eq!(plain.body, b"\0asm");
    assert_ne!(plain.header("etag"), compressed.header("etag"), "a strong tag names the bytes");
}

#[tokio::test]
async fn a_known_file_is_not_sent_again() {
    let server = embedded().await;
    let first = get(&server, "/").await;
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let etag = first.header("etag").unwrap().to_owned();
    for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".into()] {
        let again = request(&server, "GET", "/", &[("if-none-match", &known)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), Some(etag.as_str()));
    }
    let other = request(&server, "GET", "/", &[("if-none-match", "\"other\"")]).await;
    assert_eq!((other.status, other.body.as_slice()), (200, b"<!doctype html>embedded".as_slice()));
    let head = request(&server, "HEAD", "/", &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("23"));
    assert_eq!(head.header("etag"), Some(etag.as_str()));
}

#[tokio::test]
async fn the_pages_own_paths_lead_to_the_page_and_others_nowhere() {
    let server = embedded().await;
    for path in ["/", "/index.html", "/c/0123abcd", "/settings", "/c/x?m=1.5", "/search/due%20parole"] {
        let answer = get(&server, path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert_eq!(answer.body, b"<!doctype html>embedded", "{path}");
    }
    for path in ["/sw.js", "/assets/", "/assets/nothing", "/v1/nothing", "/favicon.ico", "/c/a.b"] {
        assert_eq!(get(&server, path).await.status, 404, "{path}");
    }
    let post = request(&server, "POST", "/", &[("content-length", "0")]).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn every_response_says_what_a_page_may_do() {
    let server = embedded().await;
    let upgrade = [
        ("connection", "upgrade, close"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("origin", "https://evil.example"),
    ];
    let answers = [
        get(&server, "/").await,
        get(&server, "/nothing.js").await,
        get(&server, "/healthz").await,
        get(&server, "/metrics").await,
        request(&server, "PUT", "/", &[("content-length", "0")]).await,
        get(&server, WEBSOCKET_PATH).await,
        request(&server, "GET", WEBSOCKET_PATH, &upgrade).await,
    ];
    for Answer { status, headers, .. } in &answers {
        let header = |name: &str| {
            let found: Vec<&str> =
                headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect();
            assert_eq!(found.len(), 1, "{name} at status {status}");
            found[0]
        };
        let policy: Vec<&str> = header("content-security-policy").split("; ").collect();
        for part in ["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "frame-ancestors 'none'"] {
            assert!(policy.contains(&part), "{policy:?}");
        }
        assert!(policy.contains(&"require-trusted-types-for 'script'"));
        assert!(!policy.iter().any(|p| p.contains("unsafe-inline") || p.contains("http")));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("x-frame-options"), "DENY");
        assert!(header("permissions-policy").contains("microphone=()"));
    }
}

#[tokio::test]
async fn a_folder_wins_over_the_app_in_the_program_and_is_read_anew() {
    let dir = folder();
    let dist = dir.path().join("dist");
    let server = TestServer::with_both(|settings| settings.web_dir = dist.clone(), Arc::new(Two)).await;
    assert_eq!(get(&server, "/").await.body, b"<!doctype html>from a folder");
    assert_eq!(get(&server, "/sw.js").await.body, b"// new", "the compressed one");
    assert_eq!(get(&server, "/assets/style-1.css").await.body, b"body {}");
    assert_eq!(get(&server, "/assets/page-1.wasm").await.status, 404, "not mixed with the other");
    std::fs::write(dist.join("index.html"), "newer").unwrap();
    assert_eq!(get(&server, "/").await.body, b"newer");
    std::fs::remove_dir_all(&dist).unwrap();
    let answer = get(&server, "/").await;
    assert!(answer.text().contains("cargo xtask web"), "while it is being built: {answer:?}");
}

#[tokio::test]
async fn nothing_outside_the_folder_is_handed_out() {
    let dir = folder();
    let dist = dir.path().join("dist");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(dir.path().join("secret.txt"), dist.join("link.txt")).unwrap();
        symlink(dir.path(), dist.join("up")).unwrap();
        symlink(dist.join("sw.js"), dist.join("inside.js")).unwrap();
    }
    let server = with_folder(&dir).await;
    let paths = [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/..\\secret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/./../secret.txt",
        "/....//secret.txt",
        "/..;/secret.txt",
        "/secret.txt%00.html",
        "/%c0%ae%c0%ae/secret.txt",
        "/.hidden",
        "/link.txt",
        "/up/secret.txt",
        "/sw.js/",
        "/assets",
        "/etc/passwd",
        "/file:///etc/passwd",
    ];
    for path in paths {
        let answer = get(&server, path).await;
        let text = answer.text();
        assert!(
            !text.contains("secret") && !text.contains("hidden") && !text.contains("root:"),
            "{path}: {text}"
        );
        let page = text == "<!doctype html>from a folder" && !path.contains('.');
        assert!(page || matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
    }
    let absolute = request(&server, "GET", "http://x/../secret.txt", &[]).await;
    assert!(matches!(absolute.status, 400 | 404), "{absolute:?}");
    #[cfg(unix)]
    assert_eq!(get(&server, "/inside.js").await.body, b"// old", "a link may lead inside");
}

#[tokio::test]
async fn without_an_app_the_server_says_what_to_run() {
    let server = TestServer::start().await;
    let answer = get(&server, "/").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    let text = answer.text();
    assert!(text.contains("cargo xtask web") && text.contains("cargo xtask serve"), "{text}");
    assert_eq!(get(&server, "/settings").await.status, 404);
    assert_eq!(get(&server, "/healthz").await.body, b"ok\n");
}

#[tokio::test]
async fn pages_from_elsewhere_may_not_connect() {
    let server =
        TestServer::with(|settings| settings.allowed_origins = vec!["https://app.example".into()]).await;
    let here = format!("http://{}", server.address);
    let host = server.address.to_string();
    for (origin, status) in [
        (Some(here.as_str()), 101),
        (Some("https://app.example"), 101),
        (None, 101),
        (Some("https://evil.example"), 403),
        (Some("http://127.0.0.1:1"), 403),
        (Some("null"), 403),
    ] {
        let mut headers = vec![
            ("host", host.as_str()),
            ("connection", "upgrade, close"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        headers.extend(origin.map(|origin| ("origin", origin)));
        assert_eq!(request(&server, "GET", WEBSOCKET_PATH, &headers).await.status, status, "{origin:?}");
    }
}

#[tokio::test]
async fn who_takes_too_long_over_http_is_cut_off_and_a_device_is_not() {
    use tokio::io::AsyncReadExt as _;
    let server = TestServer::with(|settings| {
        settings.login_timeout_s = 60;
        settings.http_timeout_s = 1;
    })
    .await;
    let mut marco = Person::register(&server, "marco").await;
    let mut slow = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut got = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(20), slow.read_to_end(&mut got));
    assert_eq!(end.await.expect("it is closed").unwrap(), 0);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(matches!(marco.ask(Request::LastSeen).await, Ok(Reply::LastSeen(_))));
}
