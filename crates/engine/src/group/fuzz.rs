//! MLS objects of an attacker, given to this device's MLS alone; see `crate::fuzz`.
//!
//! The attacker is at worst a member: whose device key signs whatever it says, which no fuzzer guesses.

use std::cell::Cell;
use std::convert::Infallible;

use diario_protocol::roster::{LeafIdentity, Participant, Participants, Role};
use diario_protocol::{AccountId, ConversationId, ConversationKind, DeviceId, PublicKey};
use openmls::prelude::tls_codec::{Serialize as _, VLBytes};
use openmls::prelude::{KeyPackage, MlsMessageOut, OpenMlsProvider};
use openmls_traits::random::OpenMlsRand;
use rusqlite::Connection;

use super::commit::{RosterChange, checked_key_package};
use super::{Group, GroupError, Join, Member, Provider, SUITE, capabilities, lifetime, participants_said};
use crate::crypto::identity::KeyPair;
use crate::crypto::provider::RustCrypto;
use crate::store::mls::{MlsStore, SCHEMA};

/// What a piece of an input is.
mod piece {
    /// A welcome, and the tree of that epoch.
    pub(super) const WELCOME: u8 = 0;
    /// A commit in the log, of the other one's first device.
    pub(super) const COMMIT: u8 = 1;
    /// A `GroupInfo` and a tree, to enter from outside.
    pub(super) const STATE: u8 = 2;
    /// The same without the signature of the `GroupInfo`, which the other one's first device makes.
    pub(super) const UNSIGNED_STATE: u8 = 3;
    /// A key package of the other one's second device, which this one takes in.
    pub(super) const KEY_PACKAGE: u8 = 4;
    /// A commit that is read without the group.
    pub(super) const PAST_COMMIT: u8 = 5;
    /// This device turns the epoch.
    pub(super) const OWN_COMMIT: u8 = 6;
    /// The same, but another's commit was first.
    pub(super) const LOST_COMMIT: u8 = 7;
    /// A commit of the other one's second device, that enters from outside: without its signature, and its tag.
    pub(super) const UNSIGNED_COMMIT: u8 = 8;
}

/// Plays an input: pieces, each after a byte that says what it is, of one or two objects, each after its length in two.
/// Says whether all of them were taken.
pub(crate) fn mls(mut bytes: &[u8]) -> bool {
    let reader = Reader::new().expect("a device begins");
    let mut meant = !bytes.is_empty();
    while let Some((which, rest)) = bytes.split_first() {
        bytes = rest;
        let mut next = || {
            let (length, rest) = bytes.split_first_chunk::<2>().unwrap_or((&[0; 2], &[]));
            let (object, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
            bytes = rest;
            object
        };
        let taken = match *which {
            piece::WELCOME => reader.welcome(next(), next()),
            piece::COMMIT => reader.commit(next(), &reader.first),
            piece::STATE => reader.enter(next(), next()),
            piece::UNSIGNED_STATE => {
                let info = sign_info(next(), &reader.first);
                reader.enter(&info, next())
            }
            piece::KEY_PACKAGE => reader.take_in(next()),
            piece::PAST_COMMIT => participants_said(conversation(), next()).is_some(),
            piece::OWN_COMMIT => reader.turn(true),
            piece::LOST_COMMIT => reader.turn(false),
            piece::UNSIGNED_COMMIT => {
                let commit = reader.sign_commit(next(), next());
                reader.commit(&commit, &reader.second)
            }
            _ => false,
        };
        meant &= taken;
        reader.holds();
    }
    meant
}

fn account(secret: u8) -> AccountId {
    KeyPair::from_secret(&[secret; 32]).account_id()
}

/// A device whose keys are the same in every process.
fn member(account: AccountId, secret: u8) -> Member {
    let key = KeyPair::from_secret(&[secret; 32]);
    Member { leaf: LeafIdentity { account, device: key.device_id() }, key }
}

/// The other one's group.
fn conversation() -> ConversationId {
    ConversationId::of_group(account(1), [1; 8])
}

fn participants() -> Participants {
    let accounts = [(account(1), Role::Admin), (account(2), Role::Member)];
    let accounts = accounts.map(|(account, role)| Participant { account, role }).into();
    Participants { kind: ConversationKind::Group, accounts, creator: account(1) }
}

/// A device with its MLS state, and whom it may meet.
struct Reader {
    db: Connection,
    crypto: RustCrypto,
    me: Member,
    first: Member,
    second: Member,
}

impl Reader {
    /// With one key package, whose secrets are the same in every process: seeds are sealed for it.
    fn new() -> Result<Self, GroupError> {
        let db = Connection::open_in_memory().expect("a database in memory");
        db.execute_batch(SCHEMA).expect("OpenMLS's table");
        let [first, second] = [11, 12].map(|secret| member(account(1), secret));
        let reader = Self { db, crypto: RustCrypto::default(), me: member(account(2), 21), first, second };
        reader.me.fixed_key_package(&reader.provider())?;
        Ok(reader)
    }

    fn provider(&self) -> Provider<'_> {
        Provider::new(&self.crypto, &self.db)
    }

    fn group(&self) -> Option<Group> {
        Group::load(&self.provider(), conversation()).expect("what was written can be read")
    }

    /// Every device that somebody has signed for.
    fn listed(&self) -> impl Fn(AccountId, DeviceId) -> Option<PublicKey> {
        let listed = [&self.me, &self.first, &self.second].map(|known| (known.leaf, known.key.public()));
        move |account, device| {
            let wanted = LeafIdentity { account, device };
            listed.iter().find(|(leaf, _)| *leaf == wanted).map(|(_, key)| *key)
        }
    }

    /// As the engine does it: what was not entered leaves no trace.
    fn entered(&self, join: impl FnOnce(&Provider<'_>) -> Result<Join, GroupError>) -> bool {
        let provider = self.provider();
        self.db.execute_batch("SAVEPOINT entering").expect("a savepoint");
        let joined = join(&provider).and_then(|join| {
            join.check(conversation(), self.me.leaf.account, &self.listed())?;
            Ok(join)
        });
        let end = if joined.is_ok() { "RELEASE entering" } else { "ROLLBACK TO entering; RELEASE entering" };
        self.db.execute_batch(end).expect("its end");
        let Ok(join) = joined else { return false };
        assert!(join.leaves.iter().any(|leaf| leaf.identity == self.me.leaf), "this device is in it");
        assert_eq!(self.group().map(|group| group.epoch()), Some(join.group.epoch()));
        true
    }

    fn welcome(&self, welcome: &[u8], tree: &[u8]) -> bool {
        self.entered(|provider| Group::by_welcome(provider, welcome, tree))
    }

    fn enter(&self, group_info: &[u8], tree: &[u8]) -> bool {
        self.entered(|provider| {
            let join = Group::by_external_commit(provider, &self.me, group_info, tree)?;
            assert!(
                join.external.as_ref().is_some_and(|(commit, info)| !commit.is_empty() && !info.is_empty())
            );
            Ok(join)
        })
    }

    fn commit(&self, commit: &[u8], of: &Member) -> bool {
        let Some(mut group) = self.group() else { return false };
        let before = (group.epoch(), group.leaves().ok());
        let taken = group.take(&self.provider(), commit, of.leaf, &self.listed()).is_ok();
        if taken {
            assert_eq!(group.epoch(), before.0.next());
        } else {
            let after = self.group().map(|group| (group.epoch(), group.leaves().ok()));
            assert_eq!(after, Some(before), "what was refused changes nothing");
        }
        taken
    }

    fn take_in(&self, package: &[u8]) -> bool {
        let key = self.second.key.public();
        let Ok(package) = checked_key_package(&self.crypto, package, self.second.leaf, key) else {
            return false;
        };
        let Some(mut group) = self.group().filter(Group::is_active) else { return true };
        let change = RosterChange { adds: vec![package], ..RosterChange::default() };
        let provider = self.provider();
        // A device that is in it already cannot be added once more.
        let Ok(own) = group.commit(&provider, &self.me, change) else { return false };
        assert!(own.welcome.is_some());
        group.merge_own(&provider).expect("a commit of its own");
        assert_eq!(group.key(&self.crypto).ok(), Some(own.key));
        true
    }

    fn turn(&self, counts: bool) -> bool {
        let Some(mut group) = self.group().filter(Group::is_active) else { return false };
        let (provider, epoch) = (self.provider(), group.epoch());
        let own = group.commit(&provider, &self.me, RosterChange::default());
        let own = own.expect("a member can turn the epoch");
        assert_eq!(participants_said(conversation(), &own.commit), None, "the same people");
        if counts {
            group.merge_own(&provider).expect("a commit of its own");
            assert_eq!((group.epoch(), group.key(&self.crypto).ok()), (epoch.next(), Some(own.key)));
        } else {
            group.drop_own(&provider).expect("a commit of its own");
            assert_eq!(group.epoch(), epoch);
        }
        true
    }

    /// A `PublicMessage` of who enters from outside (RFC 9420 section 6.1), with its signature.
    fn sign_commit(&self, content: &[u8], tag: &[u8]) -> Vec<u8> {
        let group = self.group();
        let epoch = group.and_then(|g| g.0.public_group().group_context().tls_serialize_detached().ok());
        let signed = [content, &epoch.unwrap_or_default()].concat();
        let signature = sign("FramedContentTBS", &signed, &self.second);
        [content, &signature, &bytes_of(tag)].concat()
    }

    /// Whatever was refused or taken, the group is one that a device can go on with.
    fn holds(&self) {
        let Some(group) = self.group() else { return };
        assert!(group.participants().is_ok() && group.leaves().is_ok());
        assert!(!group.is_active() || group.key(&self.crypto).is_ok());
    }
}

/// A `GroupInfo` (RFC 9420 section 12.4.3), with its signature. What is signed begins behind version and wire format.
fn sign_info(unsigned: &[u8], by: &Member) -> Vec<u8> {
    [unsigned, &sign("GroupInfoTBS", unsigned.get(4..).unwrap_or_default(), by)].concat()
}

/// `SignWithLabel` of RFC 9420 section 5.1.2, as it stands in messages.
fn sign(label: &str, content: &[u8], by: &Member) -> Vec<u8> {
    let signed = [bytes_of(format!("MLS 1.0 {label}").as_bytes()), bytes_of(content)].concat();
    bytes_of(by.key.sign(&signed).as_bytes())
}

/// Bytes after their length.
fn bytes_of(bytes: &[u8]) -> Vec<u8> {
    VLBytes::new(bytes.to_vec()).tls_serialize_detached().expect("not that many bytes")
}

impl Member {
    /// As [`Member::key_package`] makes it, but for the randomness.
    fn fixed_key_package(&self, provider: &Provider<'_>) -> Result<Vec<u8>, GroupError> {
        let package = KeyPackage::builder()
            .leaf_node_capabilities(capabilities())
            .key_package_lifetime(lifetime())
            .build(SUITE, &Fixed { of: provider, random: Counting::default() }, &self.key, self.credential())
            .map_err(super::failed("key package"))?;
        super::wire(&MlsMessageOut::from(package.into_key_package()))
    }
}

/// A provider that draws the same every time.
struct Fixed<'a> {
    of: &'a Provider<'a>,
    random: Counting,
}

#[derive(Default)]
struct Counting(Cell<u8>);

impl OpenMlsRand for Counting {
    type Error = Infallible;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], Infallible> {
        Ok(std::array::from_fn(|_| self.0.replace(self.0.get().wrapping_add(1))))
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, Infallible> {
        Ok((0..len).map(|_| self.0.replace(self.0.get().wrapping_add(1))).collect())
    }
}

impl<'a> OpenMlsProvider for Fixed<'a> {
    type CryptoProvider = RustCrypto;
    type RandProvider = Counting;
    type StorageProvider = MlsStore<'a>;

    fn storage(&self) -> &MlsStore<'a> {
        self.of.storage()
    }
    fn crypto(&self) -> &RustCrypto {
        self.of.crypto()
    }
    fn rand(&self) -> &Counting {
        &self.random
    }
}

/// Inputs that mean something, from a small group: made here, where the other side can be played.
pub(crate) fn mls_seeds() -> Result<Vec<(&'static str, Vec<u8>)>, GroupError> {
    let reader = Reader::new()?;
    let other = Reader::new()?;
    let (anna, provider, crypto) = (&other.first, other.provider(), &other.crypto);
    let own_package = reader.me.fixed_key_package(&reader.provider())?;
    let own_package = checked_key_package(crypto, &own_package, reader.me.leaf, reader.me.key.public())?;
    let second = other.second.key_package(&provider, false)?;
    let package =
        |bytes: &[u8]| checked_key_package(crypto, bytes, other.second.leaf, other.second.key.public());
    let alone = Participants { accounts: participants().accounts[..1].to_vec(), ..participants() };
    let mut group = Group::create(&provider, anna, conversation(), &alone)?;
    let mut commit = |change: RosterChange| {
        let own = group.commit(&provider, anna, change)?;
        group.merge_own(&provider)?;
        Ok::<_, GroupError>((own, group.tree()?))
    };

    let change = RosterChange {
        adds: vec![own_package],
        participants: Some(participants()),
        ..RosterChange::default()
    };
    let (begun, tree) = commit(change)?;
    let mut welcome = vec![piece::WELCOME];
    put(begun.welcome.as_deref().unwrap_or_default(), &mut welcome);
    put(&tree, &mut welcome);
    let state = |which: u8, info: &[u8]| {
        let mut out = vec![which];
        put(info, &mut out);
        put(&tree, &mut out);
        out
    };
    let without_signature = |info: &[u8]| info[..info.len() - SIGNATURE].to_vec();
    let (entered, signed) = (
        state(piece::STATE, &begun.group_info),
        state(piece::UNSIGNED_STATE, &without_signature(&begun.group_info)),
    );

    let change = RosterChange { adds: vec![package(&second)?], ..RosterChange::default() };
    let (added, _) = commit(change)?;
    let (turned, _) = commit(RosterChange::default())?;
    let mut commits = welcome.clone();
    for commit in [&added.commit, &turned.commit] {
        commits.push(piece::COMMIT);
        put(commit, &mut commits);
    }
    let mut past = vec![piece::PAST_COMMIT];
    put(&begun.commit, &mut past);
    let mut takes_in = welcome.clone();
    takes_in.extend([piece::LOST_COMMIT, piece::OWN_COMMIT, piece::KEY_PACKAGE]);
    put(&second, &mut takes_in);
    takes_in.push(piece::OWN_COMMIT);

    // The second device enters from outside, in the epoch of the welcome.
    let newcomer = Reader::new()?;
    let join = Group::by_external_commit(&newcomer.provider(), &other.second, &begun.group_info, &tree)?;
    let outside = join.external.map(|(commit, _)| commit).unwrap_or_default();
    let (content, tag) = outside.split_at(outside.len() - SIGNATURE - TAG);
    let mut enters = [welcome.as_slice(), &[piece::UNSIGNED_COMMIT]].concat();
    put(content, &mut enters);
    put(&tag[SIGNATURE + 1..], &mut enters);
    Ok(vec![
        ("welcome", welcome),
        ("commits", commits),
        ("outside", entered),
        ("outside_signed", signed),
        ("past", past),
        ("takes_in", takes_in),
        ("newcomer", enters),
    ])
}

/// Bytes of a signature and its length in a message, and of a confirmation tag.
const SIGNATURE: usize = 66;
const TAG: usize = 33;

fn put(object: &[u8], out: &mut Vec<u8>) {
    out.extend(u16::try_from(object.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(object);
}
