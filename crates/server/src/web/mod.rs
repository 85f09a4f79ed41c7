//! The web app: files that were built before, handed out with the headers that they need.
//!
//! The files come from a [`WebApp`] that the server's owner gives it, or from a folder (`web_dir`). They are kept
//! brotli-compressed; who does not take that gets them decompressed.

mod content;
mod folder;
mod headers;
mod origin;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

pub(crate) use self::folder::Folder;
pub(crate) use self::headers::secure;
pub(crate) use self::origin::may_connect;
use crate::app::App;

/// Files read or decompressed at the same time.
const PERMITS: usize = 4;

/// One file of a web app.
#[derive(Debug, Clone)]
pub struct WebFile {
    /// Its bytes, compressed or not.
    pub bytes: Cow<'static, [u8]>,
    /// Whether they are compressed with brotli (RFC 7932).
    pub brotli: bool,
    /// SHA-256 of `bytes`.
    pub sha256: [u8; 32],
}

impl WebFile {
    /// A file of these bytes.
    pub fn new(bytes: impl Into<Cow<'static, [u8]>>, brotli: bool) -> Self {
        let bytes = bytes.into();
        let sha256 = Sha256::digest(&bytes).into();
        Self { bytes, brotli, sha256 }
    }
}

/// Where the files of a web app come from.
pub trait WebApp: Send + Sync {
    /// The file of that name, such as `index.html` or `assets/page.js`. May read a disk.
    fn file(&self, name: &str) -> Option<WebFile>;
}

/// What every path leads to that no route has.
pub(crate) async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let Some(web) = app.web.get() else {
        return if request.uri().path() == "/" { no_web_app() } else { not_found() };
    };
    let path = request.uri().path().to_owned();
    let wanted = Wanted::of(request.headers());
    // Reading and decompressing take time: not on the threads that serve sockets, and only so many at once.
    let Ok(_permit) = web.permits.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let web = Arc::clone(web);
    let answer = tokio::task::spawn_blocking(move || web.answer(&path, &wanted)).await;
    answer.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// A web app that is handed out.
pub(crate) struct Web {
    files: Arc<dyn WebApp>,
    /// Files of the program for those who do not take brotli, so that nobody can have them decompressed again and
    /// again. A browser always takes it where the app can work.
    plain: Mutex<HashMap<[u8; 32], Bytes>>,
    permits: Semaphore,
}

/// What a browser says about the file that it asks for.
struct Wanted {
    brotli: bool,
    known: Vec<String>,
}

impl Wanted {
    fn of(headers: &HeaderMap) -> Self {
        let values = |name| headers.get_all(name).into_iter().filter_map(|v: &HeaderValue| v.to_str().ok());
        let brotli = values(header::ACCEPT_ENCODING).flat_map(|v| v.split(',')).any(takes_brotli);
        let known = values(header::IF_NONE_MATCH).flat_map(|v| v.split(','));
        Self { brotli, known: known.map(|tag| tag.trim().trim_start_matches("W/").to_owned()).collect() }
    }

    fn knows(&self, etag: &str) -> bool {
        self.known.iter().any(|known| known == etag || known == "*")
    }
}

/// Whether one item of an `Accept-Encoding` takes brotli (RFC 9110 section 12.5.3).
pub(crate) fn takes_brotli(item: &str) -> bool {
    let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
    let weight = weight.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
    coding.trim().eq_ignore_ascii_case("br") && weight > 0.0
}

impl Web {
    pub(crate) fn new(files: Arc<dyn WebApp>) -> Arc<Self> {
        Arc::new(Self { files, plain: Mutex::default(), permits: Semaphore::new(PERMITS) })
    }

    fn answer(&self, path: &str, wanted: &Wanted) -> Response {
        let path = path.trim_start_matches('/');
        let name = if path.is_empty() { "index.html" } else { path };
        if let Some(found) = is_name(name).then(|| self.files.file(name)).flatten() {
            return self.respond(name, found, wanted);
        }
        // The page itself knows what to show at such a path.
        let of_the_page = !path.contains('.') && !path.starts_with("assets/") && !path.starts_with("v1/");
        match self.files.file("index.html") {
            Some(index) if of_the_page => self.respond("index.html", index, wanted),
            None if path.is_empty() => no_web_app(),
            _ => not_found(),
        }
    }

    fn respond(&self, name: &str, file: WebFile, wanted: &Wanted) -> Response {
        let compressed = file.brotli && wanted.brotli;
        let etag = etag(&file.sha256, compressed);
        let mut response = if wanted.knows(&etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let plain = file.brotli && !compressed;
            let bytes = if plain { self.plain(file) } else { Some(bytes(file.bytes)) };
            let Some(bytes) = bytes else {
                tracing::error!(name, "a file of the web app cannot be decompressed");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            let mut response = Response::new(Body::from(bytes));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content::content_type(name)));
            if compressed {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            }
            response
        };
        // Names under assets/ change with their content; all others are asked for again.
        let immutable = name.starts_with("assets/");
        let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(etag) = HeaderValue::try_from(etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }

    /// Decompresses a file; one of the program only once.
    fn plain(&self, file: WebFile) -> Option<Bytes> {
        let compressed = match file.bytes {
            Cow::Borrowed(compressed) => compressed,
            Cow::Owned(compressed) => return content::plain(&compressed).map(Bytes::from),
        };
        // Under the lock: who asks for the same waits for it.
        let mut known = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = known.get(&file.sha256) {
            return Some(bytes.clone());
        }
        let bytes = Bytes::from(content::plain(compressed)?);
        known.insert(file.sha256, bytes.clone());
        Some(bytes)
    }
}

fn bytes(bytes: Cow<'static, [u8]>) -> Bytes {
    match bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    }
}

/// Whether this can be the name of a file: no way up, nothing hidden, nothing encoded.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain))
}

/// Each coding of a file has a tag of its own, as a strong one must.
fn etag(sha256: &[u8; 32], compressed: bool) -> String {
    let mut tag = String::with_capacity(40);
    tag.push('"');
    for byte in &sha256[..16] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push_str(if compressed { "-br\"" } else { "\"" });
    tag
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
}

/// What is told where a web app should be.
fn no_web_app() -> Response {
    let text = "This is a Diario server. It runs, but this program was built without the web app.\n\n\
         To build both:               cargo xtask serve\n\
         To build only the web app:   cargo xtask web   (then build the server again, or set web_dir)\n\n\
         Devices in a terminal need none: diario register --server <this address> --username <your name>\n";
    ([(header::CACHE_CONTROL, "no-cache")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_sent_to_those_who_take_it() {
        for yes in ["br", " br ", "BR;q=0.5", "br;q=1"] {
            assert!(takes_brotli(yes), "{yes}");
        }
        for no in ["gzip", "br;q=0", "br; q=0.0", "*", "", "brotli", "br;q=x"] {
            assert!(!takes_brotli(no), "{no}");
        }
    }

    #[test]
    fn names_are_plain() {
        for good in ["index.html", "assets/page-1a2b.js", "icons/icon_512.png", "a..b"] {
            assert!(is_name(good), "{good}");
        }
        let bad =
            ["", "..", "../x", "a/../b", "a//b", "/x", ".git/config", "a/.b", "a%2fb", "a\\b", "a\0", "è"];
        for bad in bad {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
