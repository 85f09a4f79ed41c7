//! One request to a push service.
//!
//! A connection for each: no redirects, no cookies, nothing of the body is read. The address that is checked is the
//! one that is connected to, so a name that changes its mind gains nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::is_global;
use super::endpoint::Endpoint;

/// Bytes that the head of an answer may have.
const HEAD: usize = 16 * 1024;
/// Addresses of one name that are tried.
const ADDRESSES: usize = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// The name leads to addresses that pushes do not go to.
    #[error("it leads to no address of the open internet")]
    Local,
    /// Not found, not reached, not trusted, or cut off.
    #[error("{0}")]
    Failed(String),
}

/// What a push service said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    /// `Retry-After`, if it is a number of seconds.
    pub(super) retry_after: Option<Duration>,
}

/// Makes connections to push services.
pub(super) struct Client {
    tls: TlsConnector,
    allow_local: bool,
    timeout: Duration,
}

impl Client {
    /// Trusts the authorities that browsers trust; `None` if TLS cannot be set up.
    pub(super) fn new(allow_local: bool, timeout: Duration) -> Option<Self> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::with_roots(roots, allow_local, timeout)
    }

    fn with_roots(roots: RootCertStore, allow_local: bool, timeout: Duration) -> Option<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .ok()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Some(Self { tls: Arc::new(config).into(), allow_local, timeout })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&self, endpoint: &Endpoint, request: Request<Body>) -> Result<Said, NoAnswer> {
        let sent = tokio::time::timeout(self.timeout, self.try_send(endpoint, request));
        sent.await.unwrap_or_else(|_| Err(NoAnswer::Failed("no answer in time".into())))
    }

    async fn try_send(&self, endpoint: &Endpoint, request: Request<Body>) -> Result<Said, NoAnswer> {
        let stream = self.connect(endpoint).await?;
        if !endpoint.tls {
            return exchange(stream, request).await;
        }
        let name =
            ServerName::try_from(endpoint.host.clone()).map_err(|e| NoAnswer::Failed(e.to_string()))?;
        let stream = self.tls.connect(name, stream).await.map_err(|e| failed(&e))?;
        exchange(stream, request).await
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<TcpStream, NoAnswer> {
        let name = (endpoint.host.as_str(), endpoint.port);
        let found = tokio::net::lookup_host(name).await.map_err(|e| failed(&e))?;
        let allowed: Vec<SocketAddr> =
            found.filter(|address| self.allow_local || is_global(address.ip())).take(ADDRESSES).collect();
        let mut last = NoAnswer::Local;
        for address in allowed {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(e) => last = failed(&e),
            }
        }
        Err(last)
    }
}

fn failed(e: &io::Error) -> NoAnswer {
    NoAnswer::Failed(e.to_string())
}

/// Asks, and reads the head of the answer.
pub(super) async fn exchange<S>(stream: S, request: Request<Body>) -> Result<Said, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |e: hyper::Error| NoAnswer::Failed(e.to_string());
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await.map_err(failed)?;
    tokio::pin!(connection);
    let asked = sender.send_request(request);
    tokio::pin!(asked);
    let answer = tokio::select! {
        answer = &mut asked => answer,
        ended = &mut connection => match ended {
            Ok(()) => asked.await,
            Err(e) => Err(e),
        },
    };
    let answer = answer.map_err(failed)?;
    let seconds =
        answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(Said { status: answer.status(), retry_after: seconds.map(Duration::from_secs) })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A TLS server for `localhost` that answers everybody with `answer`; its port, and who vouches for it.
    async fn server(answer: Vec<u8>) -> (u16, RootCertStore) {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = [0; 1024];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(&answer).await;
                    // Never closed: who waits for the end waits for ever.
                    std::future::pending::<()>().await;
                });
            }
        });
        (port, roots)
    }

    async fn ask(client: &Client, host: &str, port: u16) -> Result<Said, NoAnswer> {
        let endpoint = Endpoint::parse(&format!("https://{host}:{port}/x"), true).unwrap();
        let request = Request::post(&endpoint.path).header(header::HOST, endpoint.authority());
        client.send(&endpoint, request.body(Body::from("push")).unwrap()).await
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn an_answer_comes_over_tls_and_its_body_is_not_waited_for() {
        let answer = b"HTTP/1.1 429 x\r\nretry-after: 7\r\ncontent-length: 99999999\r\n\r\nbegin".to_vec();
        let (port, roots) = server(answer).await;
        let client = Client::with_roots(roots, true, 30 * SECOND).unwrap();
        let said = ask(&client, "localhost", port).await.unwrap();
        assert_eq!((said.status.as_u16(), said.retry_after), (429, Some(7 * SECOND)));
    }

    #[tokio::test]
    async fn who_is_not_vouched_for_gets_nothing() {
        let (port, roots) = server(b"HTTP/1.1 201 x\r\n\r\n".to_vec()).await;
        let failed = |answer: Result<Said, NoAnswer>| match answer {
            Err(NoAnswer::Failed(why)) => assert!(why.contains("certificate"), "{why}"),
            other => panic!("{other:?}"),
        };
        failed(ask(&Client::new(true, 30 * SECOND).unwrap(), "localhost", port).await);
        let client = Client::with_roots(roots.clone(), true, 30 * SECOND).unwrap();
        failed(ask(&client, "127.0.0.1", port).await);
        let client = Client::with_roots(roots, false, 30 * SECOND).unwrap();
        assert!(matches!(ask(&client, "localhost", port).await, Err(NoAnswer::Local)));
    }

    #[tokio::test]
    async fn a_head_without_end_and_silence_are_given_up() {
        let endless = [b"HTTP/1.1 201 x\r\n".to_vec(), b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(1000)];
        let (port, roots) = server(endless.concat()).await;
        let client = Client::with_roots(roots, true, 30 * SECOND).unwrap();
        assert!(matches!(ask(&client, "localhost", port).await, Err(NoAnswer::Failed(_))));
        let (port, roots) = server(Vec::new()).await;
        let client = Client::with_roots(roots, true, SECOND / 5).unwrap();
        match ask(&client, "localhost", port).await {
            Err(NoAnswer::Failed(why)) => assert_eq!(why, "no answer in time"),
            other => panic!("{other:?}"),
        }
    }
}
