//! The server as a whole: bind, serve, stop.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use diario_protocol::{DeviceRef, Notice, Refusal, ServerId, Username};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::app::{Addresses, App, Counted, Groups};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::http::{self, Peer};
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::push::{self, Vapid, Wakes};
use crate::storage::sqlite::OpenError;
use crate::storage::{self, Event, Listener, StorageSettings, Threads};
use crate::tries::Tries;
use crate::web::{Folder, Web, WebApp};

/// A server that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Storage(#[from] OpenError),
    /// The database takes nothing.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// A server that listens but does not serve yet.
pub struct Server {
    listener: TcpListener,
    app: Arc<App>,
    to_wake: mpsc::Receiver<DeviceRef>,
}

impl Server {
    /// Opens the database and listens; connections wait until [`Self::serve`].
    pub async fn bind(settings: Settings) -> Result<Self, StartError> {
        Self::bind_with_clock(settings, Arc::new(SystemClock)).await
    }

    /// [`Self::bind`] with a clock of the caller's.
    pub async fn bind_with_clock(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let address = settings.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
        let (app, to_wake) = open_app(settings, clock, Threads::Own).await?;
        Ok(Self { listener, app, to_wake })
    }

    /// Hands out a web app, unless the settings name a folder with another one.
    #[must_use]
    pub fn with_web_app(self, web: Arc<dyn WebApp>) -> Self {
        // Taken already: that is the folder of the settings.
        let _ = self.app.web.set(Web::new(web));
        self
    }

    /// The address that it listens on; its port is the system's choice if the settings say 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.app.settings.listen)
    }

    /// The installation's id, which devices pin.
    pub fn server_id(&self) -> ServerId {
        self.app.storage.server_id()
    }

    /// Serves until `shutdown` is done; then takes no more, finishes what is under way, and closes the database.
    ///
    /// Takes at most [`Settings::drain_timeout_s`] seconds after `shutdown`.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, app, to_wake } = self;
        let router = http::router(Arc::clone(&app));
        let sweeper = tokio::spawn(sweep(Arc::clone(&app)));
        let waker = app.vapid.clone().map(|vapid| tokio::spawn(push::run(Arc::clone(&app), vapid, to_wake)));
        tracing::info!(address = %listener.local_addr().unwrap_or(app.settings.listen), "listening");
        tokio::select! {
            () = accept(&listener, &app, &router) => {}
            () = shutdown => {}
        }
        drop(listener);
        sweeper.abort();
        if let Some(waker) = waker {
            waker.abort();
        }
        tracing::info!(connections = app.sessions.load(Relaxed), "stopping");
        app.draining.store(true, SeqCst);
        let notice = Notice::Draining(app.settings.drain_retry_ms);
        let drained = async {
            // Again and again: a connection may have come in just before.
            while app.sessions.load(SeqCst) > 0 {
                app.hub.close_all(notice);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let limit = Duration::from_secs(app.settings.drain_timeout_s);
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::warn!(connections = app.sessions.load(Relaxed), "not all connections could be drained");
        }
        // What was asked is written whether or not anybody waits for the answer.
        if let Err(refusal) = app.storage.close().await {
            tracing::error!(error = %refusal, "the database could not be closed");
        }
        tracing::info!("stopped");
    }
}

/// Opens the database and makes what connections share; gives the devices to be woken too.
pub(crate) async fn open_app(
    settings: Settings,
    clock: Arc<dyn Clock>,
    threads: Threads,
) -> Result<(Arc<App>, mpsc::Receiver<DeviceRef>), StartError> {
    let metrics = Arc::new(Metrics::default());
    let (wakes, to_wake) = Wakes::new(settings.push_waiting, Arc::clone(&metrics));
    let hub = Arc::new(Hub::new(Arc::clone(&metrics), wakes));
    let storage_settings = StorageSettings { threads, ..(&settings).into() };
    let storage = open(&settings.data_dir, &storage_settings, &metrics, Arc::clone(&hub) as _)?;
    let vapid =
        if settings.push_enabled { Some(prepare_push(&*storage, &hub, &settings).await?) } else { None };
    let web = OnceLock::new();
    if !settings.web_dir.as_os_str().is_empty() {
        let _ = web.set(Web::new(Arc::new(Folder(settings.web_dir.clone()))));
    }
    let checks = std::thread::available_parallelism().map_or(2, usize::from);
    let app = App {
        storage,
        hub,
        web,
        vapid,
        metrics,
        clock,
        crypto: openmls_rust_crypto::RustCrypto::default(),
        groups: Groups::new(settings.group_cache),
        addresses: Addresses::new(&settings),
        tries: Tries::new(&settings),
        checks: Semaphore::new(checks),
        threads,
        draining: AtomicBool::new(false),
        sockets: 0.into(),
        sessions: 0.into(),
        unauthenticated: 0.into(),
        settings,
    };
    Ok((Arc::new(app), to_wake))
}

/// Takes in which devices can be woken, and the key that pushes are signed with, made at the first start.
async fn prepare_push(
    storage: &dyn storage::Storage,
    hub: &Hub,
    settings: &Settings,
) -> Result<Arc<Vapid>, StartError> {
    let fresh = Vapid::fresh().ok_or(OpenError::System("random bytes"))?;
    let private = storage.secret("vapid", fresh).await?;
    let vapid = Vapid::new(&private, &settings.push_subject).ok_or(Refusal::StorageUnavailable)?;
    for (device, silent) in storage.pushes().await? {
        hub.wakes().put(device, Some(silent));
    }
    Ok(Arc::new(vapid))
}

/// Letters and digits without those that look alike; sixteen of them are 80 bits.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Lets whoever has the code that it gives, and registers with it within `days`, have a name that is taken; the account
/// that has it goes on under another one. The server need not be stopped.
pub async fn release_name(data_dir: &Path, name: &Username, days: u32) -> Result<String, StartError> {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let storage = open_for_a_moment(data_dir)?;
    let code = fresh_code()?;
    let until = SystemClock.now().plus_ms(u64::from(days) * DAY_MS);
    let released = storage.release_name(name.clone(), code.clone(), until).await;
    storage.close().await?;
    released?;
    Ok(code)
}

fn open_for_a_moment(data_dir: &Path) -> Result<Arc<dyn storage::Storage>, StartError> {
    struct Nobody;
    impl Listener for Nobody {
        fn committed(&self, _: Vec<Event>) {}
    }
    let settings = StorageSettings { readers: 1, ..StorageSettings::from(&Settings::default()) };
    Ok(open(data_dir, &settings, &Arc::default(), Arc::new(Nobody))?)
}

fn fresh_code() -> Result<String, StartError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| OpenError::System("random bytes"))?;
    Ok(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

/// Makes an invite that lets `uses` people register, and gives its code. The server need not be stopped.
pub async fn create_invite(data_dir: &Path, uses: u32) -> Result<String, StartError> {
    let storage = open_for_a_moment(data_dir)?;
    let code = fresh_code()?;
    storage.create_invite(code.clone(), uses).await?;
    storage.close().await?;
    Ok(code)
}

fn open(
    dir: &Path,
    settings: &StorageSettings,
    metrics: &Arc<Metrics>,
    listener: Arc<dyn Listener>,
) -> Result<Arc<dyn storage::Storage>, OpenError> {
    storage::open(dir, settings, Arc::clone(metrics), listener)
}

/// Takes connections, as long as there is room.
async fn accept(listener: &TcpListener, app: &Arc<App>, router: &Router) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(taken) => taken,
            Err(e) => {
                // Out of file descriptors, mostly: wait for some connection to end.
                tracing::warn!(error = %e, "cannot take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let open = app.sockets.load(Relaxed) + app.sessions.load(Relaxed);
        if open >= app.settings.max_connections {
            app.metrics.turned_away.fetch_add(1, Relaxed);
            continue;
        }
        app.metrics.accepted.fetch_add(1, Relaxed);
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(stream, Peer(peer.ip()), Arc::clone(app), router.clone()));
    }
}

/// Speaks HTTP on one connection, until it ends or becomes a WebSocket.
pub(crate) async fn connection<S>(stream: S, peer: Peer, app: Arc<App>, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _counted = Counted::new(&app, |app| &app.sockets);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        hyper::service::Service::call(&TowerToHyperService::new(router.clone()), request)
    });
    let timeout = Duration::from_secs(app.settings.login_timeout_s.max(1));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // Whatever is wrong with a connection concerns only its other end. One that takes its answer for ever keeps others
    // out.
    let most = Duration::from_secs(app.settings.http_timeout_s.max(1));
    let _ = tokio::time::timeout(most, served).await;
}

/// Looks for what has run out, from time to time.
pub(crate) async fn sweep(app: Arc<App>) {
    let mut every = tokio::time::interval(Duration::from_millis(app.settings.sweep_interval_ms.max(1)));
    loop {
        every.tick().await;
        let now = app.clock.now();
        app.hub.expire(now);
        app.addresses.sweep();
        app.tries.sweep();
        let _ = app.storage.sweep(now).await;
        crate::retention::sweep(&app, now).await;
    }
}
