//! A push service of the tests' own, and a device that subscribes there: each checks its part by the RFC.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes128Gcm, KeyInit as _};
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use data_encoding::BASE64URL_NOPAD;
use diario_protocol::{Bin, ConversationId, PushSubscription, Timestamp};
use hkdf::Hkdf;
use sha2::Sha256;
use tokio::sync::mpsc;
use web_push_native::p256;
use web_push_native::p256::ecdsa::signature::Verifier as _;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint as _;

/// What it answers: a status and headers.
type Scripted = (u16, Vec<(&'static str, String)>);

#[derive(Clone)]
struct Shared {
    seen: mpsc::UnboundedSender<Received>,
    answers: Arc<Mutex<VecDeque<Scripted>>>,
}

/// One push that came in.
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct PushService {
    pub(crate) address: SocketAddr,
    seen: mpsc::UnboundedReceiver<Received>,
    shared: Shared,
}

impl PushService {
    pub(crate) async fn start() -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let shared = Shared { seen: sender, answers: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().fallback(take).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, shared }
    }

    /// The next answer that is not scripted yet; without one it is 201.
    pub(crate) fn script(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.shared.answers.lock().unwrap().push_back((status, headers));
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next push.
    pub(crate) async fn push(&mut self) -> Received {
        tokio::time::timeout(Duration::from_secs(20), self.seen.recv()).await.expect("a push").unwrap()
    }

    /// That nothing comes for a while.
    pub(crate) async fn is_quiet(&mut self) {
        let next = tokio::time::timeout(Duration::from_millis(300), self.seen.recv()).await;
        assert!(next.is_err(), "a push to {}", next.unwrap().unwrap().path);
    }
}

async fn take(State(shared): State<Shared>, request: Request) -> Response {
    assert_eq!(request.method(), "POST");
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 4096).await.unwrap().to_vec();
    let received = Received { path: parts.uri.path().into(), headers: parts.headers, body };
    let _ = shared.seen.send(received);
    let (status, headers) = shared.answers.lock().unwrap().pop_front().unwrap_or((201, Vec::new()));
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    /// Checks who sent it (RFC 8292): the token is signed by `key`, for this service, and good for a day at most.
    pub(crate) fn check_sender(&self, key: &Bin, origin: &str, subject: Option<&str>, now: Timestamp) {
        let authorization = self.header("authorization").strip_prefix("vapid ").unwrap();
        let part = |name: &str| {
            let mut parts = authorization.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)).unwrap().to_owned()
        };
        assert_eq!(BASE64URL_NOPAD.decode(part("k=").as_bytes()).unwrap(), key.0);
        let token = part("t=");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let json = |text: &str| -> serde_json::Value {
            serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()).unwrap()
        };
        assert_eq!(json(header), serde_json::json!({ "typ": "JWT", "alg": "ES256" }));
        let claims = json(claims);
        assert_eq!(claims["aud"], origin);
        assert_eq!(claims.get("sub").and_then(|sub| sub.as_str()), subject);
        let expires = claims["exp"].as_u64().unwrap();
        let now = now.0 / 1000;
        assert!(expires > now && expires <= now + 24 * 60 * 60);
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let signature = p256::ecdsa::Signature::from_slice(&signature).unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
    }
}

/// A browser's side of a subscription.
pub(crate) struct Subscriber {
    secret: p256::SecretKey,
    auth: [u8; 16],
}

impl Subscriber {
    pub(crate) fn new(n: u8) -> Self {
        Self { secret: p256::SecretKey::from_slice(&[n; 32]).unwrap(), auth: [n; 16] }
    }

    pub(crate) fn public(&self) -> Vec<u8> {
        self.secret.public_key().to_encoded_point(false).as_bytes().to_vec()
    }

    pub(crate) fn at(&self, endpoint: String, silent: &[ConversationId]) -> PushSubscription {
        PushSubscription {
            endpoint,
            p256dh: self.public().into(),
            auth: self.auth.to_vec().into(),
            silent: silent.to_vec(),
        }
    }

    /// Opens a body (RFC 8291 section 3.4, RFC 8188 section 2).
    pub(crate) fn open(&self, body: &[u8]) -> Vec<u8> {
        let (salt, rest) = body.split_at(16);
        let (record, rest) = rest.split_at(4);
        let record = u32::from_be_bytes(record.try_into().unwrap()) as usize;
        let (sender, sealed) = rest[1..].split_at(rest[0].into());
        assert_eq!(sender.len(), 65);
        assert!(sealed.len() <= record, "one record");
        let sender_key = p256::PublicKey::from_sec1_bytes(sender).unwrap();
        let shared = p256::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), sender_key.as_affine());
        let mut ikm = [0; 32];
        let info = [b"WebPush: info\0".as_slice(), &self.public(), sender].concat();
        let secret: &[u8] = shared.raw_secret_bytes();
        Hkdf::<Sha256>::new(Some(&self.auth), secret).expand(&info, &mut ikm).unwrap();
        let (mut key, mut nonce) = ([0; 16], [0; 12]);
        let derive = Hkdf::<Sha256>::new(Some(salt), &ikm);
        derive.expand(b"Content-Encoding: aes128gcm\0", &mut key).unwrap();
        derive.expand(b"Content-Encoding: nonce\0", &mut nonce).unwrap();
        let mut opened = Aes128Gcm::new(&key.into()).decrypt(&nonce.into(), sealed).unwrap();
        while opened.last() == Some(&0) {
            opened.pop();
        }
        assert_eq!(opened.pop(), Some(2), "the last record");
        opened
    }
}
