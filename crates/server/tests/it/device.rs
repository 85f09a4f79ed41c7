//! A small device: OpenMLS and a WebSocket, no engine.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice, SignedDeviceList};
use diario_protocol::roster::{
    CommitBundle, LeafIdentity, PARTICIPANTS_EXTENSION, Participant, Participants, Role,
};
use diario_protocol::*;
use ed25519_dalek::{Signer as _, SigningKey};
use futures_util::{SinkExt as _, StreamExt as _};
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, Credential, CredentialWithKey, Extension, ExtensionType,
    Extensions, GroupContext, GroupId, KeyPackage, KeyPackageIn, MlsGroup, MlsGroupCreateConfig,
    MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn, MlsMessageOut, OpenMlsProvider as _,
    PURE_PLAINTEXT_WIRE_FORMAT_POLICY, ProcessedMessageContent, ProtocolVersion,
    RequiredCapabilitiesExtension, StagedWelcome, UnknownExtension,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;
const WAIT: Duration = Duration::from_secs(10);

static SEED: AtomicU32 = AtomicU32::new(1);

fn new_key() -> SigningKey {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&SEED.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    SigningKey::from_bytes(&seed)
}

pub(crate) fn public(key: &SigningKey) -> PublicKey {
    PublicKey::new(key.verifying_key().to_bytes())
}

/// Sixteen bytes that no other id of this process has.
/// An id for a group of `creator`'s.
pub(crate) fn group_id(creator: AccountId) -> ConversationId {
    let mut random = [0; 8];
    random.copy_from_slice(&fresh_id()[..8]);
    ConversationId::of_group(creator, random)
}

pub(crate) fn fresh_id() -> [u8; 16] {
    let mut id = [0xaa; 16];
    id[..4].copy_from_slice(&SEED.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    id
}

/// A person.
pub(crate) struct Account {
    pub(crate) key: SigningKey,
    pub(crate) list: DeviceList,
}

impl Account {
    pub(crate) fn id(&self) -> AccountId {
        self.list.account()
    }

    /// Signs the next version of the list, changed by `change`.
    pub(crate) fn sign(&mut self, change: impl FnOnce(&mut Vec<ListedDevice>)) -> SignedDeviceList {
        self.list.version += 1;
        change(&mut self.list.devices);
        self.list.sign(&self.key)
    }
}

/// One installation.
pub(crate) struct Device {
    pub(crate) me: DeviceRef,
    pub(crate) key: SigningKey,
    pub(crate) mls: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
}

impl Device {
    pub(crate) fn new(account: AccountId) -> Self {
        let key = new_key();
        let me = DeviceRef { account, device: DeviceId::of_key(&public(&key)) };
        let identity = LeafIdentity { account, device: me.device }.to_bytes();
        let signer = SignatureKeyPair::from_raw(
            SUITE.signature_algorithm(),
            key.to_bytes().to_vec(),
            key.verifying_key().to_bytes().to_vec(),
        );
        let credential = CredentialWithKey {
            credential: BasicCredential::new(identity).into(),
            signature_key: signer.public().into(),
        };
        Self { me, key, mls: OpenMlsRustCrypto::default(), signer, credential }
    }

    /// A device with a key of its own that calls itself `victim`.
    pub(crate) fn impostor(victim: DeviceRef) -> Self {
        let mut device = Self::new(victim.account);
        let identity = LeafIdentity { account: victim.account, device: victim.device }.to_bytes();
        device.credential.credential = BasicCredential::new(identity).into();
        device
    }

    /// An account with this as its first device.
    pub(crate) fn first() -> (Account, Self) {
        let key = new_key();
        let identity_key = public(&key);
        let device = Self::new(AccountId::of_key(&identity_key));
        let list = DeviceList {
            identity_key,
            version: 1,
            issued_at: Timestamp(1),
            devices: vec![device.listed(DeviceRole::Primary, None)],
        };
        (Account { key, list }, device)
    }

    pub(crate) fn listed(&self, role: DeviceRole, valid_until: Option<Timestamp>) -> ListedDevice {
        ListedDevice { key: public(&self.key), role, valid_until }
    }

    pub(crate) fn key_package(&self) -> KeyPackage {
        let capabilities = capabilities();
        let built = KeyPackage::builder().leaf_node_capabilities(capabilities).build(
            SUITE,
            &self.mls,
            &self.signer,
            self.credential.clone(),
        );
        built.unwrap().key_package().clone()
    }

    pub(crate) fn key_packages(&self, one_time: usize, last_resort: bool) -> PutKeyPackages {
        let wire = || bin(&MlsMessageOut::from(self.key_package()));
        PutKeyPackages {
            one_time: (0..one_time).map(|_| wire()).collect(),
            last_resort: last_resort.then(wire),
        }
    }

    pub(crate) fn credential(&self) -> Credential {
        self.credential.credential.clone()
    }

    /// A new group, and the request that makes its conversation.
    pub(crate) fn create(
        &self,
        conversation: ConversationId,
        kind: ConversationKind,
        accounts: &[AccountId],
    ) -> (MlsGroup, CreateConversation) {
        let config = MlsGroupCreateConfig::builder()
            .ciphersuite(SUITE)
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(false)
            .capabilities(capabilities())
            .with_group_context_extensions(context(kind, accounts))
            .build();
        let id = GroupId::from_slice(conversation.as_bytes());
        let group =
            MlsGroup::new_with_group_id(&self.mls, &self.signer, &config, id, self.credential.clone())
                .unwrap();
        let group_info = self.group_info(&group);
        let tree = Bin(group.export_ratchet_tree().tls_serialize_detached().unwrap());
        (group, CreateConversation { conversation, kind, group_info, tree })
    }

    pub(crate) fn group_info(&self, group: &MlsGroup) -> Bin {
        bin(&group.export_group_info(self.mls.crypto(), &self.signer, false).unwrap())
    }

    /// A commit that is staged in `group`, with the request that offers it.
    pub(crate) fn commit(&self, group: &mut MlsGroup, plan: Plan<'_>) -> Commit {
        let epoch = Epoch(group.epoch().as_u64());
        let conversation = ConversationId::from_slice(group.group_id().as_slice()).unwrap();
        let mut builder = group
            .commit_builder()
            .propose_adds(plan.add)
            .propose_removals(plan.remove)
            .force_self_update(plan.update);
        if let Some((kind, accounts)) = plan.participants {
            builder = builder.propose_group_context_extensions(context(kind, accounts)).unwrap();
        }
        let bundle = builder
            .load_psks(openmls::prelude::OpenMlsProvider::storage(&self.mls))
            .unwrap()
            .create_group_info(true)
            .build(self.mls.rand(), self.mls.crypto(), &self.signer, |_| true)
            .unwrap()
            .stage_commit(&self.mls)
            .unwrap();
        let (commit, welcome, info) = bundle.into_messages();
        let commit = CommitBundle { commit: bin(&commit), lists: plan.lists };
        Commit {
            conversation,
            id: EntryId::new(fresh_id()),
            epoch,
            bundle: Bin(encode(&commit)),
            welcome: welcome.as_ref().map(bin),
            group_info: bin(&info.unwrap()),
            slots: Vec::new(),
            vault: Vec::new(),
        }
    }

    /// Joins by an external commit; gives the group, merged, and the request.
    pub(crate) fn join_externally(&self, state: &GroupState) -> (MlsGroup, Commit) {
        let MlsMessageBodyIn::GroupInfo(info) = message(&state.group_info).extract() else { panic!() };
        let tree = openmls::prelude::RatchetTreeIn::tls_deserialize_exact(&state.tree.0).unwrap();
        let (group, bundle) = MlsGroup::external_commit_builder()
            .with_ratchet_tree(tree)
            .with_config(join_config())
            .build_group(&self.mls, info, self.credential.clone())
            .unwrap()
            .leaf_node_parameters(
                openmls::prelude::LeafNodeParameters::builder().with_capabilities(capabilities()).build(),
            )
            .load_psks(openmls::prelude::OpenMlsProvider::storage(&self.mls))
            .unwrap()
            .build(self.mls.rand(), self.mls.crypto(), &self.signer, |_| true)
            .unwrap()
            .finalize(&self.mls)
            .unwrap();
        let commit = CommitBundle { commit: bin(&bundle.into_commit()), lists: Vec::new() };
        let request = Commit {
            conversation: state.conversation,
            id: EntryId::new(fresh_id()),
            epoch: state.epoch,
            bundle: Bin(encode(&commit)),
            welcome: None,
            group_info: self.group_info(&group),
            slots: Vec::new(),
            vault: Vec::new(),
        };
        (group, request)
    }

    pub(crate) fn join(&self, welcome: &Welcome) -> MlsGroup {
        let MlsMessageBodyIn::Welcome(message) = message(&welcome.welcome).extract() else { panic!() };
        let tree = openmls::prelude::RatchetTreeIn::tls_deserialize_exact(&welcome.tree.0).unwrap();
        StagedWelcome::new_from_welcome(&self.mls, &join_config(), message, Some(tree))
            .unwrap()
            .into_group(&self.mls)
            .unwrap()
    }

    /// Takes another's commit.
    pub(crate) fn take(&self, group: &mut MlsGroup, entry: &Entry) {
        let Body::Present(body) = &entry.body else { panic!() };
        let bundle: CommitBundle = decode(body, body.len()).unwrap();
        let commit = message(&bundle.commit).try_into_protocol_message().unwrap();
        let processed = group.process_message(&self.mls, commit).unwrap();
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else { panic!() };
        group.merge_staged_commit(&self.mls, *staged).unwrap();
    }

    pub(crate) fn login(&self, hello: &Hello) -> Login {
        let challenge = Login::challenge(&hello.server, &hello.nonce, &self.me.account, &self.me.device);
        let signature = Signature::new(self.key.sign(&challenge).to_bytes());
        Login { account: self.me.account, device: self.me.device, signature }
    }

    /// A registration, and the group of the self conversation.
    pub(crate) fn register(&self, account: &Account, name: &str, hello: &Hello) -> (MlsGroup, Register) {
        let own = ConversationId::of_self(account.id());
        let (group, create) = self.create(own, ConversationKind::SelfConversation, &[account.id()]);
        let register = Register {
            username: name.parse().unwrap(),
            list: account.list.sign(&account.key),
            key_packages: self.key_packages(3, true),
            self_conversation: create,
            invite: None,
            signature: self.login(hello).signature,
        };
        (group, register)
    }
}

/// What a commit does.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    pub(crate) add: Vec<KeyPackage>,
    pub(crate) remove: Vec<openmls::prelude::LeafNodeIndex>,
    pub(crate) participants: Option<(ConversationKind, &'a [AccountId])>,
    pub(crate) update: bool,
    pub(crate) lists: Vec<SignedDeviceList>,
}

fn capabilities() -> Capabilities {
    let extensions = [ExtensionType::Unknown(PARTICIPANTS_EXTENSION)];
    Capabilities::new(None, Some(&[SUITE]), Some(&extensions), None, None)
}

fn context(kind: ConversationKind, accounts: &[AccountId]) -> Extensions<GroupContext> {
    let creator = accounts[0];
    let accounts = accounts.iter().map(|a| Participant { account: *a, role: Role::Member }).collect();
    let participants = UnknownExtension(encode(&Participants { kind, accounts, creator }));
    let required =
        RequiredCapabilitiesExtension::new(&[ExtensionType::Unknown(PARTICIPANTS_EXTENSION)], &[], &[]);
    Extensions::from_vec(vec![
        Extension::RequiredCapabilities(required),
        Extension::Unknown(PARTICIPANTS_EXTENSION, participants),
    ])
    .unwrap()
}

fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(false)
        .build()
}

fn bin(message: &MlsMessageOut) -> Bin {
    Bin(message.tls_serialize_detached().unwrap())
}

fn message(bytes: &Bin) -> MlsMessageIn {
    MlsMessageIn::tls_deserialize_exact(&bytes.0).unwrap()
}

/// A claimed key package, checked.
pub(crate) fn read_key_package(device: &Device, bytes: &Bin) -> KeyPackage {
    let MlsMessageBodyIn::KeyPackage(package) = message(bytes).extract() else { panic!() };
    let package: KeyPackageIn = package;
    package.validate(device.mls.crypto(), ProtocolVersion::Mls10).unwrap()
}

/// A connection to a server.
pub(crate) struct Connection {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) hello: Hello,
    pub(crate) pushed: VecDeque<ServerFrame>,
    next: u32,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Closed(Option<u16>),
    Notice(Notice, Option<u16>),
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr) -> Self {
        let url = format!("ws://{server}{WEBSOCKET_PATH}");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut connection = Self { socket, hello: placeholder(), pushed: VecDeque::new(), next: 0 };
        match connection.frame().await {
            Some(ServerFrame::Hello(hello)) => connection.hello = hello,
            other => panic!("{other:?}"),
        }
        connection
    }

    /// Connects and logs in.
    pub(crate) async fn login(server: SocketAddr, device: &Device) -> (Self, LoggedIn) {
        let mut connection = Self::open(server).await;
        let login = device.login(&connection.hello);
        match connection.ask(Request::Login(login)).await.unwrap() {
            Reply::LoggedIn(state) => (connection, state),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, request: Request) -> RequestId {
        self.next += 1;
        let id = RequestId(self.next);
        self.socket.feed(Message::binary(encode(&ClientFrame { id, request }))).await.unwrap();
        id
    }

    pub(crate) async fn flush(&mut self) {
        self.socket.flush().await.unwrap();
    }

    /// Sends a request and waits for its answer; what comes meanwhile goes to [`Self::pushed`].
    pub(crate) async fn ask(&mut self, request: Request) -> Result<Reply, Refusal> {
        let id = self.send(request).await;
        self.flush().await;
        self.answer(id).await
    }

    pub(crate) async fn answer(&mut self, id: RequestId) -> Result<Reply, Refusal> {
        let known = |f: &ServerFrame| match f {
            ServerFrame::Reply(i, _) | ServerFrame::Refused(i, _) => *i == id,
            _ => false,
        };
        let frame = match self.pushed.iter().position(known) {
            Some(at) => self.pushed.remove(at).unwrap(),
            None => loop {
                let frame = self.frame().await.expect("connection closed while waiting for an answer");
                if known(&frame) {
                    break frame;
                }
                self.pushed.push_back(frame);
            },
        };
        match frame {
            ServerFrame::Reply(_, reply) => Ok(reply),
            ServerFrame::Refused(_, refusal) => Err(refusal),
            _ => unreachable!(),
        }
    }

    /// The next frame; `None` when closed.
    pub(crate) async fn frame(&mut self) -> Option<ServerFrame> {
        loop {
            let message = tokio::time::timeout(WAIT, self.socket.next()).await.expect("nothing came in time");
            match message {
                Some(Ok(Message::Binary(bytes))) => {
                    return Some(decode(&bytes, limits::SERVER_FRAME).unwrap());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(other)) => panic!("{other:?}"),
            }
        }
    }

    /// Waits for the next frames that are no answers, until `wanted` says that it has what it wants.
    pub(crate) async fn wait_for<T>(&mut self, mut wanted: impl FnMut(&ServerFrame) -> Option<T>) -> T {
        while let Some(frame) = self.pushed.pop_front() {
            if let Some(found) = wanted(&frame) {
                return found;
            }
        }
        loop {
            let frame = self.frame().await.expect("connection closed");
            if let Some(found) = wanted(&frame) {
                return found;
            }
        }
    }

    /// Changes of the stream until there are `count`.
    pub(crate) async fn changes(&mut self, count: usize) -> Vec<Change> {
        let mut all = Vec::new();
        while all.len() < count {
            let items = self
                .wait_for(|frame| match frame {
                    ServerFrame::Changes(changes) => Some(changes.items.clone()),
                    _ => None,
                })
                .await;
            all.extend(items);
        }
        assert_eq!(all.len(), count, "{all:#?}");
        all
    }

    /// Subscribes, and gives what was missed.
    pub(crate) async fn catch_up(&mut self, after: Position) -> Vec<Change> {
        assert_eq!(self.ask(Request::Subscribe(after)).await, Ok(Reply::Done));
        let mut all = Vec::new();
        loop {
            let (items, live) = self
                .wait_for(|frame| match frame {
                    ServerFrame::Changes(changes) => Some((changes.items.clone(), changes.live)),
                    _ => None,
                })
                .await;
            all.extend(items);
            if live {
                return all;
            }
        }
    }

    /// Waits for the end of the connection.
    pub(crate) async fn end(&mut self) -> Ended {
        let mut notice = None;
        loop {
            let message = tokio::time::timeout(WAIT, self.socket.next()).await.expect("no end in time");
            match message {
                Some(Ok(Message::Binary(bytes))) => {
                    if let Ok(ServerFrame::Notice(n)) = decode(&bytes, limits::SERVER_FRAME) {
                        notice = Some(n);
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|f| u16::from(f.code));
                    return notice.map_or(Ended::Closed(code), |n| Ended::Notice(n, code));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return notice.map_or(Ended::Closed(None), |n| Ended::Notice(n, None)),
            }
        }
    }
}

fn placeholder() -> Hello {
    Hello {
        protocol: 0,
        server: ServerId::new([0; 16]),
        nonce: Nonce::new([0; 32]),
        now: Timestamp(0),
        limits: limits::Limits::default(),
    }
}
