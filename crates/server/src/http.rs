//! HTTP: the WebSocket of devices, health, metrics, and the web app for all other paths.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use axum::Router;
use axum::extract::{Extension, State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use diario_protocol::WEBSOCKET_PATH;

use crate::app::App;
use crate::session::{self, Session};
use crate::web;

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Every path of the server.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .route(WEBSOCKET_PATH, get(upgrade))
        .fallback(web::serve)
        .with_state(app)
        .layer(map_response(web::secure))
}

async fn health(State(app): State<Arc<App>>) -> Response {
    if app.draining.load(SeqCst) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response()
    } else {
        "ok\n".into_response()
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render()).into_response()
}

async fn upgrade(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !web::may_connect(&headers, &app.settings) {
        app.metrics.turned_away.fetch_add(1, Relaxed);
        return (StatusCode::FORBIDDEN, "pages of that origin may not connect\n").into_response();
    }
    if app.draining.load(SeqCst) {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server stops\n").into_response();
    }
    if app.unauthenticated.load(Relaxed) >= app.settings.max_unauthenticated {
        app.metrics.turned_away.fetch_add(1, Relaxed);
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections\n").into_response();
    }
    let address = if app.settings.trust_forwarded_for { forwarded(&headers) } else { None }.unwrap_or(peer.0);
    let frame = app.settings.max_frame_bytes as usize;
    upgrade
        .read_buffer_size(app.settings.read_buffer_bytes)
        .write_buffer_size(app.settings.write_buffer_bytes)
        // Room for the largest answer beside what waits: a frame is refused by the socket beyond it.
        .max_write_buffer_size(app.settings.write_buffer_bytes + 2 * diario_protocol::limits::SERVER_FRAME)
        .max_message_size(frame)
        .max_frame_size(frame)
        // A task of its own: that of the upgrade keeps room for things that are over.
        .on_upgrade(async move |socket| {
            if let Some(session) = Session::new(&app, socket, address) {
                tokio::spawn(session::serve(session));
            }
        })
}

/// The last address in `X-Forwarded-For`, which is the one that the own proxy put there.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()?
        .to_str()
        .ok()?
        .rsplit(',')
        .next()?
        .trim()
        .parse()
        .ok()
}
