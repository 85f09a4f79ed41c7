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
    /// `None` if TLS cannot be set up.
    pub(super) fn new(allow_local: bool, timeout: Duration) -> Option<Self> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
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

async fn exchange<S>(stream: S, request: Request<Body>) -> Result<Said, NoAnswer>
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
