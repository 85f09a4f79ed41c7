//! What the fuzz targets of this crate do with an input; see `diario_protocol::fuzz`. Frames are decoded there.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use diario_protocol::{
    AccountId, Bin, Commit, ConversationId, ConversationKind, CreateConversation, DeviceId, DeviceRef,
    EntryId, Epoch, PublicKey,
};
use openmls_rust_crypto::RustCrypto;
use tokio::sync::Semaphore;

use crate::config::{Flags, Settings};
use crate::push::Endpoint;
use crate::rules::roster::Leaf;
use crate::rules::{commit, group, key_package};
use crate::web::{is_name, may_connect, takes_brotli};

const MEMBERS: usize = 100;

/// MLS objects that a device gives the server: a key package; or a new conversation, and a commit in it.
///
/// After the first byte, which says which of both: account, device and key of who gives them, the conversation, and
/// the objects, each after its length in two bytes.
pub fn mls(bytes: &[u8]) -> bool {
    let Some(mut given) = Given::of(bytes) else { return false };
    let crypto = RustCrypto::default();
    if given.which == 0 {
        return key_package::check(&crypto, &given.next(), &given.leaf).is_ok();
    }
    let kind = [ConversationKind::SelfConversation, ConversationKind::Direct, ConversationKind::Group];
    let (conversation, kind) = (given.conversation, kind[usize::from(given.which) % 3]);
    let wanted = CreateConversation { conversation, kind, group_info: given.next(), tree: given.next() };
    let Ok(checked) = group::check_creation(&crypto, wanted, &given.leaf) else { return false };
    let load = || group::load(conversation, &checked.public_state);
    let (Ok(tracked), Ok(again)) = (load(), load()) else { panic!("a group that was taken is read again") };
    assert_eq!(group::export_tree(&tracked).ok(), group::export_tree(&again).ok());
    let roster = group::read_roster(&tracked).ok();
    assert_eq!(roster.map(|roster| roster.leaves), Some(vec![given.leaf]));
    if given.rest.is_empty() {
        return true;
    }
    let mut next = || given.next();
    let wanted = Commit {
        conversation,
        id: EntryId::new([1; 16]),
        epoch: Epoch(0),
        bundle: next(),
        group_info: next(),
        welcome: Some(next()).filter(|welcome| !welcome.is_empty()),
        slots: Vec::new(),
        vault: Vec::new(),
    };
    let Ok(after) = commit::check(&crypto, tracked, &wanted, &given.leaf, MEMBERS) else { return false };
    let read = group::load(conversation, &after.public_state).map(|group| group::read_roster(&group).ok());
    assert_eq!(read.ok().flatten().as_ref(), Some(&after.roster), "what is kept is what was checked");
    true
}

/// An input of [`mls`], taken apart.
struct Given<'a> {
    which: u8,
    leaf: Leaf,
    conversation: ConversationId,
    rest: &'a [u8],
}

impl<'a> Given<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (which, rest) = bytes.split_first()?;
        let (account, rest) = rest.split_first_chunk::<16>()?;
        let (device, rest) = rest.split_first_chunk::<16>()?;
        let (key, rest) = rest.split_first_chunk::<32>()?;
        let (conversation, rest) = rest.split_first_chunk::<16>()?;
        let device = DeviceRef { account: AccountId::new(*account), device: DeviceId::new(*device) };
        let leaf = Leaf { device, key: PublicKey::new(*key) };
        Some(Self { which: *which, leaf, conversation: ConversationId::new(*conversation), rest })
    }

    /// The next object; what is left if its length is more than that.
    fn next(&mut self) -> Bin {
        let Some((length, rest)) = self.rest.split_first_chunk::<2>() else { return Bin::default() };
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (object, rest) = rest.split_at(length);
        self.rest = rest;
        object.to_vec().into()
    }
}

/// What a push service answers, byte by byte.
pub fn push_answer(bytes: &[u8]) -> bool {
    crate::push::fuzz::answer(bytes)
}

/// Texts that browsers, push services' customers and whoever runs the server give; the first byte says which.
pub fn texts(bytes: &[u8]) -> bool {
    let Some((which, bytes)) = bytes.split_first() else { return false };
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match which {
        0 => push_goes_to(text, false) | push_goes_to(text, true),
        1 => a_page_may_connect(text),
        2 => {
            let is = is_name(text);
            assert!(!is || !text.split('/').any(|part| part.starts_with('.')), "a way up, or hidden");
            is
        }
        3 => takes_brotli(text),
        4 => settings(text),
        5 => settings_file(text),
        _ => false,
    }
}

/// A push goes to the host that its URL names, and nothing of the URL comes to stand in another line of the request.
fn push_goes_to(url: &str, allow_local: bool) -> bool {
    let Some(to) = Endpoint::parse(url, allow_local) else { return false };
    assert!(!to.host.is_empty() && to.port != 0);
    assert!(allow_local || (to.tls && (to.port == 443 || to.port == 8443)));
    for part in [&to.origin, &to.host, &to.path] {
        assert!(part.bytes().all(|b| b > b' ' && b != 0x7f), "{part:?} is more than one word");
    }
    // Its origin is an endpoint of the same host.
    let again = Endpoint::parse(&to.origin, allow_local);
    assert_eq!(again, Some(Endpoint { path: "/".into(), ..to }));
    true
}

/// Lines are headers, `name: value`; whoever says no origin is a program, and a page is from the host it names.
fn a_page_may_connect(text: &str) -> bool {
    let mut headers = HeaderMap::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    let may = may_connect(&headers, &Settings::default());
    if let (true, Some(origin)) = (may, headers.get(header::ORIGIN)) {
        let word = |value: &HeaderValue| value.to_str().map(str::to_ascii_lowercase).unwrap_or_default();
        let host = headers.get(header::HOST).map(word).unwrap_or_default();
        let authority = word(origin).split_once("://").map(|(_, a)| a.to_owned()).unwrap_or_default();
        assert!(!authority.is_empty() && host.trim().starts_with(&authority), "a page from elsewhere");
    }
    may
}

/// Lines are settings, `name = value`: those that are taken are such as a server can run with.
fn settings(text: &str) -> bool {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let set = lines.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
    let Ok(settings) = Settings::load(None, [], &Flags { set, ..Flags::default() }) else { return false };
    a_server_can_run_with(&settings);
    true
}

/// A settings file: what it says counts, but for what the environment says.
fn settings_file(text: &str) -> bool {
    let file = Some((Path::new("diario.toml"), text));
    let read = |env: Option<(&str, &str)>| {
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::read(file, env, &Flags::default())
    };
    let settings = match read(None) {
        Ok(settings) => settings,
        Err(e) => {
            assert!(!e.to_string().is_empty());
            return false;
        }
    };
    a_server_can_run_with(&settings);
    let changed = read(Some(("DIARIO_READERS", "7"))).expect("another good value");
    assert_eq!(format!("{changed:?}"), format!("{:?}", Settings { readers: 7, ..settings }));
    true
}

fn a_server_can_run_with(settings: &Settings) {
    assert!(settings.max_in_flight > 0 && settings.readers > 0 && settings.writer_batch > 0);
    assert!(settings.retention.0.is_valid());
    let waits = [settings.login_timeout_s, settings.ping_interval_s, settings.mailbox_lifetime_s];
    assert!(waits.iter().all(|s| Instant::now().checked_add(Duration::from_secs(*s)).is_some()));
    let places = [settings.writer_queue, settings.push_concurrency, settings.readers];
    assert!(places.iter().all(|places| *places <= Semaphore::MAX_PERMITS));
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpora_go_through() {
        replay("server_mls", super::mls);
        replay("server_texts", super::texts);
        replay("push_answer", super::push_answer);
    }
}
