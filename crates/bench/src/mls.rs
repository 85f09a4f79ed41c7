//! Accounts made by hand, without an engine: thousands of them fit into one process.

use anyhow::{Context as _, Result, anyhow, bail};
use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice};
use diario_protocol::limits::SERVER_FRAME;
use diario_protocol::roster::{LeafIdentity, PARTICIPANTS_EXTENSION, Participant, Participants, Role};
use diario_protocol::{
    AccountId, Bin, ConversationId, ConversationKind, CreateConversation, DeviceId, Hello, Login, Position,
    PublicKey, PutKeyPackages, Register, Reply, Request, ServerFrame, Signature, Timestamp,
};
use ed25519_dalek::{Signer as _, SigningKey};
use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, Extension, ExtensionType, Extensions,
    GroupId, KeyPackage, MlsGroup, MlsGroupCreateConfig, MlsMessageOut, PURE_PLAINTEXT_WIRE_FORMAT_POLICY,
    RequiredCapabilitiesExtension, UnknownExtension,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::OpenMlsProvider as _;

use crate::socket::Socket;

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

/// A device: its account and its key.
#[derive(Debug, Clone)]
pub(crate) struct Handmade {
    account: AccountId,
    key: SigningKey,
}

/// A new account that the server does not know yet.
pub(crate) struct NewAccount {
    /// The first is the primary, the others are linked.
    pub(crate) devices: Vec<Handmade>,
    identity: SigningKey,
    key_packages: PutKeyPackages,
    self_conversation: CreateConversation,
}

fn new_key() -> Result<SigningKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| anyhow!("no random bytes: {e}"))?;
    Ok(SigningKey::from_bytes(&seed))
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey::new(key.verifying_key().to_bytes())
}

impl NewAccount {
    /// The account's id.
    pub(crate) fn id(&self) -> AccountId {
        AccountId::of_key(&public(&self.identity))
    }

    /// Makes keys, key packages and the group of the self conversation.
    pub(crate) fn make(devices: usize, key_packages: usize) -> Result<Self> {
        let identity = new_key()?;
        let account = AccountId::of_key(&public(&identity));
        let make = |_| Ok(Handmade { account, key: new_key()? });
        let devices: Vec<Handmade> = (0..devices).map(make).collect::<Result<_>>()?;
        let primary = devices.first().context("an account needs a device")?;

        let mls = OpenMlsRustCrypto::default();
        let signer = SignatureKeyPair::from_raw(
            SUITE.signature_algorithm(),
            primary.key.to_bytes().to_vec(),
            primary.key.verifying_key().to_bytes().to_vec(),
        );
        let leaf = LeafIdentity { account, device: primary.id() };
        let credential = CredentialWithKey {
            credential: BasicCredential::new(leaf.to_bytes()).into(),
            signature_key: signer.public().into(),
        };
        let extensions = [ExtensionType::Unknown(PARTICIPANTS_EXTENSION)];
        let capabilities = Capabilities::new(None, Some(&[SUITE]), Some(&extensions), None, None);

        let package = || -> Result<Bin> {
            let builder = KeyPackage::builder().leaf_node_capabilities(capabilities.clone());
            let bundle = builder.build(SUITE, &mls, &signer, credential.clone())?;
            Ok(Bin(MlsMessageOut::from(bundle.key_package().clone()).tls_serialize_detached()?))
        };
        let one_time = (0..key_packages).map(|_| package()).collect::<Result<_>>()?;
        let key_packages = PutKeyPackages { one_time, last_resort: Some(package()?) };

        let conversation = ConversationId::of_self(account);
        let kind = ConversationKind::SelfConversation;
        let accounts = vec![Participant { account, role: Role::Admin }];
        let participants =
            UnknownExtension(diario_protocol::encode(&Participants { kind, accounts, creator: account }));
        let context = Extensions::from_vec(vec![
            Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(&extensions, &[], &[])),
            Extension::Unknown(PARTICIPANTS_EXTENSION, participants),
        ])?;
        let config = MlsGroupCreateConfig::builder()
            .ciphersuite(SUITE)
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(false)
            .capabilities(capabilities.clone())
            .with_group_context_extensions(context)
            .build();
        let id = GroupId::from_slice(conversation.as_bytes());
        let group = MlsGroup::new_with_group_id(&mls, &signer, &config, id, credential.clone())?;
        let group_info = group.export_group_info(mls.crypto(), &signer, false)?;
        let self_conversation = CreateConversation {
            conversation,
            kind,
            group_info: Bin(group_info.tls_serialize_detached()?),
            tree: Bin(group.export_ratchet_tree().tls_serialize_detached()?),
        };
        Ok(Self { devices, identity, key_packages, self_conversation })
    }

    /// Registers the account.
    pub(crate) async fn register(&self, socket: &mut Socket, name: &str) -> Result<()> {
        let ServerFrame::Hello(hello) = next(socket).await? else { bail!("no greeting") };
        let register = Register {
            username: name.parse()?,
            list: self.list(1).sign(&self.identity),
            key_packages: self.key_packages.clone(),
            self_conversation: self.self_conversation.clone(),
            invite: None,
            signature: self.devices[0].login(&hello).signature,
        };
        socket.ask(1, Request::Register(Box::new(register)));
        match reply(socket).await? {
            Reply::Registered(_) => Ok(()),
            other => bail!("not registered: {other:?}"),
        }
    }

    /// Puts the list with all devices; the connection is the primary's.
    pub(crate) async fn list_devices(&self, socket: &mut Socket) -> Result<()> {
        socket.ask(2, Request::PutDeviceList(self.list(self.devices.len()).sign(&self.identity)));
        match reply(socket).await? {
            Reply::Done => Ok(()),
            other => bail!("no new list: {other:?}"),
        }
    }

    /// The list with the first `count` devices, which is its version too.
    fn list(&self, count: usize) -> DeviceList {
        let devices = self.devices.iter().take(count).enumerate().map(|(n, device)| ListedDevice {
            key: public(&device.key),
            role: if n == 0 { DeviceRole::Primary } else { DeviceRole::Linked },
            valid_until: None,
        });
        DeviceList {
            identity_key: public(&self.identity),
            version: count as u64,
            issued_at: Timestamp(1),
            devices: devices.collect(),
        }
    }
}

impl Handmade {
    fn id(&self) -> DeviceId {
        DeviceId::of_key(&public(&self.key))
    }

    fn login(&self, hello: &Hello) -> Login {
        let (account, device) = (self.account, self.id());
        let challenge = Login::challenge(&hello.server, &hello.nonce, &account, &device);
        Login { account, device, signature: Signature::new(self.key.sign(&challenge).to_bytes()) }
    }

    /// Logs in and subscribes; the stream is live then.
    pub(crate) async fn log_in(&self, socket: &mut Socket) -> Result<()> {
        let ServerFrame::Hello(hello) = next(socket).await? else { bail!("no greeting") };
        socket.ask(1, Request::Login(self.login(&hello)));
        let Reply::LoggedIn(state) = reply(socket).await? else { bail!("not logged in") };
        socket.ask(2, Request::Subscribe(Position(state.head.0)));
        loop {
            match next(socket).await? {
                ServerFrame::Changes(changes) if changes.live => return Ok(()),
                ServerFrame::Changes(_) | ServerFrame::Reply(..) => {}
                other => bail!("no stream: {other:?}"),
            }
        }
    }
}

/// The next frame. One at a time is all that the server sends here, but for the subscription's two.
async fn next(socket: &mut Socket) -> Result<ServerFrame> {
    socket.flush().await?;
    loop {
        if let Some(frame) = socket.take_one()? {
            return Ok(diario_protocol::decode(&frame, SERVER_FRAME)?);
        }
        socket.fill().await?;
    }
}

async fn reply(socket: &mut Socket) -> Result<Reply> {
    match next(socket).await? {
        ServerFrame::Reply(_, reply) => Ok(reply),
        other => bail!("no answer: {other:?}"),
    }
}
