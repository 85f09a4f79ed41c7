//! A server in a temporary directory, and people who use it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diario_protocol::*;
use diario_server::{Clock, Server, Settings, SystemClock, WebApp};
use openmls::prelude::MlsGroup;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::device::{Account, Connection, Device, Plan, fresh_id, group_id, read_key_package};

/// The real clock, moved forward.
#[derive(Default)]
pub(crate) struct MovedClock(pub(crate) AtomicU64);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_ms(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<MovedClock>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::in_dir(tempfile::tempdir().unwrap(), change).await
    }

    /// With a web app.
    pub(crate) async fn with_app(app: Arc<dyn WebApp>) -> Self {
        Self::with_both(|_| {}, app).await
    }

    pub(crate) async fn with_both(change: impl FnOnce(&mut Settings), app: Arc<dyn WebApp>) -> Self {
        Self::run(tempfile::tempdir().unwrap(), change, Some(app)).await
    }

    pub(crate) async fn in_dir(dir: tempfile::TempDir, change: impl FnOnce(&mut Settings)) -> Self {
        Self::run(dir, change, None).await
    }

    async fn run(
        dir: tempfile::TempDir,
        change: impl FnOnce(&mut Settings),
        app: Option<Arc<dyn WebApp>>,
    ) -> Self {
        let mut settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: dir.path().into(),
            sweep_interval_ms: 20,
            ..Settings::default()
        };
        change(&mut settings);
        let clock = Arc::new(MovedClock::default());
        let mut server = Server::bind_with_clock(settings, clock.clone()).await.unwrap();
        if let Some(app) = app {
            server = server.with_web_app(app);
        }
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Self { address, dir, clock, stop: Some(stop), task }
    }

    pub(crate) fn begin_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn stop(mut self) -> tempfile::TempDir {
        if self.stop.is_some() {
            self.begin_stop();
        }
        self.task.await.unwrap();
        self.dir
    }

    pub(crate) async fn metrics(&self) -> String {
        self.get("/metrics").await
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }
}

/// A person with one device, registered and connected.
pub(crate) struct Person {
    pub(crate) account: Account,
    pub(crate) device: Device,
    /// The group of the self conversation.
    pub(crate) own: MlsGroup,
    pub(crate) connection: Connection,
}

impl Person {
    pub(crate) async fn register(server: &TestServer, name: &str) -> Self {
        let (account, device) = Device::first();
        let mut connection = Connection::open(server.address).await;
        let (own, register) = device.register(&account, name, &connection.hello);
        let reply = connection.ask(Request::Register(Box::new(register))).await;
        assert!(matches!(reply, Ok(Reply::Registered(_))), "{reply:?}");
        Self { account, device, own, connection }
    }

    pub(crate) fn id(&self) -> AccountId {
        self.account.id()
    }

    pub(crate) async fn ask(&mut self, request: Request) -> Result<Reply, Refusal> {
        self.connection.ask(request).await
    }

    /// A group of this person alone.
    pub(crate) async fn new_group(&mut self) -> MlsGroup {
        let id = group_id(self.id());
        let (group, create) = self.device.create(id, ConversationKind::Group, &[self.id()]);
        assert_eq!(self.ask(Request::Create(Box::new(create))).await, Ok(Reply::Done));
        group
    }

    pub(crate) async fn claim(&mut self, device: DeviceRef) -> openmls::prelude::KeyPackage {
        match self.ask(Request::ClaimKeyPackages(vec![device])).await {
            Ok(Reply::KeyPackages(found)) => read_key_package(&self.device, found[0].as_ref().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    /// Commits, and merges when the server has it.
    pub(crate) async fn commit(&mut self, group: &mut MlsGroup, plan: Plan<'_>) -> Result<Seq, Refusal> {
        let commit = self.device.commit(group, plan);
        match self.ask(Request::Commit(Box::new(commit))).await {
            Ok(Reply::Appended(seq)) => {
                group.merge_pending_commit(&self.device.mls).unwrap();
                Ok(seq)
            }
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => {
                let storage = openmls::prelude::OpenMlsProvider::storage(&self.device.mls);
                group.clear_pending_commit(storage).unwrap();
                Err(refusal)
            }
        }
    }

    /// Adds another person with their device.
    pub(crate) async fn add(&mut self, group: &mut MlsGroup, members: &[&Person]) -> Seq {
        let mut accounts = vec![self.id()];
        accounts.extend(members.iter().map(|m| m.id()));
        let mut add = Vec::new();
        for member in members {
            add.push(self.claim(member.device.me).await);
        }
        let plan = Plan { add, participants: Some((ConversationKind::Group, &accounts)), ..Plan::default() };
        self.commit(group, plan).await.unwrap()
    }

    pub(crate) async fn append(&mut self, group: &MlsGroup, text: &[u8]) -> Result<Seq, Refusal> {
        match self.ask(Request::Append(append(group, text))).await? {
            Reply::Appended(seq) => Ok(seq),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn conversation(group: &MlsGroup) -> ConversationId {
    ConversationId::from_slice(group.group_id().as_slice()).unwrap()
}

pub(crate) fn append(group: &MlsGroup, text: &[u8]) -> Append {
    Append {
        conversation: conversation(group),
        id: EntryId::new(fresh_id()),
        epoch: Epoch(group.epoch().as_u64()),
        annotates: None,
        body: text.into(),
    }
}
