//! What the fuzz targets of this crate do with an input; see `diario_protocol::fuzz`.

use std::sync::LazyLock;

use diario_protocol::{AccountId, ConversationId, DeviceId, EntryId, Epoch, PublicKey, decode, encode};
use rusqlite::Connection;

use crate::content::{MimiContent, pad, unpad};
use crate::crypto::fingerprint::{Fingerprint, code, compare};
use crate::crypto::hpke::{HpkePublic, HpkeSealed, HpkeSecret};
use crate::crypto::identity::KeyPair;
use crate::crypto::key::ConversationKey;
use crate::crypto::provider::RustCrypto;
use crate::crypto::seal::{self, Place, Subject};
pub use crate::engine::fuzz::{imports, sealed};
use crate::group::GroupError;
use crate::linking::{Approver, Candidate, Event, LinkCode, LinkingError, PairingCode, Step};
use crate::recovery::{
    MethodRecord, Newest, RecoverySecret, WordLanguage, check_words, complete_word, is_word,
};
use crate::search::{Terms, words};
use crate::store::sealed::NamedValue;
use crate::{SafetyComparison, base32};

/// A message's content: it has exactly one encoding, and everything about it can be asked.
pub fn mimi_content(bytes: &[u8]) -> bool {
    let padded = pad(bytes.to_vec());
    assert_eq!(unpad(&padded), Ok(bytes));
    if let Ok(content) = unpad(bytes) {
        assert!(content.len() <= bytes.len());
    }
    let Ok(content) = MimiContent::decode(bytes) else { return false };
    assert_eq!(content.encode().as_deref(), Ok(bytes));
    assert!(!format!("{:?}", content.view()).is_empty());
    // Both are in what seals the content; it says nothing else about them.
    content.check_origin("mimi://a", "mimi://b").is_ok()
}

/// What people scan and type; the first byte says what it is to be.
pub fn codes(bytes: &[u8]) -> bool {
    let Some((which, bytes)) = bytes.split_first() else { return false };
    let text = match which {
        // A code that has everything but its checksum gets one: no fuzzer guesses that.
        4 => return link_code(&with_checksum(bytes)),
        _ => std::str::from_utf8(bytes).unwrap_or_default(),
    };
    match which {
        0 => link_code(text),
        1 => {
            let Ok(code) = text.parse::<PairingCode>() else { return false };
            let again: Result<PairingCode, _> = code.text().parse();
            assert_eq!(again.as_ref(), Ok(&code));
            assert_eq!(again.map(|again| again.mailbox()), Ok(code.mailbox()));
            true
        }
        2 => recovery_words(text),
        3 => safety_code(text),
        _ => false,
    }
}

fn link_code(text: &str) -> bool {
    let Ok(code) = text.parse::<LinkCode>() else { return false };
    let Ok(again) = code.text().parse::<LinkCode>() else { panic!("a code's own text") };
    assert_eq!(*again.text(), *code.text());
    assert_eq!((again.server(), again.mailbox()), (code.server(), code.mailbox()));
    true
}

fn with_checksum(cbor: &[u8]) -> String {
    use sha2::Digest as _;
    let sum = sha2::Sha256::digest(cbor);
    format!("DIARIO:{}", base32::text(&[cbor, &sum[..4]].concat()))
}

/// Words are read the same while they are written and when they are done, and written the same again.
fn recovery_words(text: &str) -> bool {
    let check = check_words(text, 5);
    assert!(check.completions.len() <= 5 && check.completions.iter().all(|word| is_word(word)));
    assert!(check.unknown.iter().all(|number| (1..=check.count).contains(number)));
    assert!(complete_word(text, 3).len() <= 3);
    let Ok(secret) = RecoverySecret::from_words(text) else {
        assert!(!check.good);
        return false;
    };
    assert!(check.good && check.count == 24);
    for language in [WordLanguage::English, WordLanguage::Italian] {
        assert_eq!(RecoverySecret::from_words(&secret.words(language).join(" ")).as_ref(), Ok(&secret));
    }
    true
}

/// Only the code and the digits of these two match; whatever is no code is not taken for one.
fn safety_code(text: &str) -> bool {
    static SIDES: LazyLock<[Fingerprint; 2]> = LazyLock::new(|| {
        [1, 2].map(|side| {
            let key = PublicKey::new([side; 32]);
            Fingerprint::of(AccountId::of_key(&key), &key)
        })
    });
    let [mine, theirs] = &*SIDES;
    let compared = compare(mine, theirs, text);
    let compact: String = text.split_whitespace().collect();
    if compared == SafetyComparison::Match {
        let shown = code(theirs, mine);
        assert!(
            compact.eq_ignore_ascii_case(&shown)
                || compact == crate::crypto::fingerprint::digits(mine, theirs)
        );
    }
    compared != SafetyComparison::NotACode
}

/// The mailbox says it: messages to each side of a linking, which lead to nothing without the code.
///
/// The first byte says to whom; each message comes after its length in two bytes.
pub fn linking(bytes: &[u8]) -> bool {
    let mut drawn = 0_u8;
    let mut entropy = |out: &mut [u8]| {
        for byte in out {
            drawn = drawn.wrapping_add(1);
            *byte = drawn;
        }
    };
    let Some((which, mut rest)) = bytes.split_first() else { return false };
    let (Ok(code), Ok(typed)) =
        (LinkCode::generate("wss://here", &mut entropy), "ABCD-2345".parse::<PairingCode>())
    else {
        panic!("codes for any entropy");
    };
    let request = b"please".to_vec();
    let candidate = match which {
        0 => Candidate::with_code(&code, request, &mut entropy).map(Side::Candidate),
        1 => Candidate::with_pairing(&typed, "wss://here", request, &mut entropy).map(Side::Candidate),
        2 => Approver::with_code(&code, &mut entropy).map(Side::Approver),
        3 => Approver::with_pairing(&typed, "wss://here", &mut entropy).map(Side::Approver),
        _ => return false,
    };
    let Ok(mut side) = candidate else { panic!("a side can begin") };
    let mut taken = false;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (message, after) = after.split_at(usize::from(u16::from_be_bytes(*length)).min(after.len()));
        rest = after;
        let Ok(step) = side.handle(message) else {
            assert!(side.handle(message).is_err(), "closed for good");
            return taken;
        };
        let secret = matches!(step.event, Some(Event::Granted(_) | Event::Requested(_)));
        assert!(!secret, "nobody without the code gets so far");
        taken = true;
    }
    taken
}

enum Side {
    Candidate(Candidate),
    Approver(Approver),
}

impl Side {
    fn handle(&mut self, message: &[u8]) -> Result<Step, LinkingError> {
        match self {
            Self::Candidate(side) => side.handle(message),
            Self::Approver(side) => side.handle(message),
        }
    }
}

/// MLS objects of an attacker; see `group/fuzz.rs`.
pub fn mls(bytes: &[u8]) -> bool {
    crate::group::fuzz::mls(bytes)
}

/// Seeds of [`mls`], with their names: only here is somebody who can make them.
pub fn mls_seeds() -> Result<Vec<(&'static str, Vec<u8>)>, GroupError> {
    crate::group::fuzz::mls_seeds()
}

/// What is sealed, and what stands inside it: the first byte says which seal or value.
pub fn seals(bytes: &[u8]) -> bool {
    let Some((which, bytes)) = bytes.split_first() else { return false };
    let crypto = RustCrypto::default();
    let (device, place) = (KeyPair::from_secret(&[3; 32]), place());
    let Some(key) = ConversationKey::from_slice(&[7; 32]) else { return false };
    let opened = |sealed: &[u8]| seal::open(&place, &key, &device.signing().verifying_key(), sealed);
    match which {
        0 => {
            let opened = opened(bytes).is_ok();
            assert!(!opened || seal::fits(&place, &key, bytes));
            opened
        }
        1 => {
            let sealed = seal::seal(&place, &key, &device, bytes.to_vec(), &crypto);
            assert_eq!(sealed.ok().map(|sealed| opened(&sealed)), Some(Ok(bytes.to_vec())));
            true
        }
        2 => {
            let Ok(sealed) = decode::<HpkeSealed>(bytes, bytes.len()) else { return false };
            let opened = HpkeSecret::from_bytes([5; 32]).open("fuzz", b"place", &sealed, &crypto);
            assert!(opened.is_err(), "sealed for nobody");
            true
        }
        3 => {
            let Ok(public) = <[u8; 32]>::try_from(bytes) else { return false };
            HpkePublic(public).seal("fuzz", b"place", b"content", &crypto).is_ok()
        }
        4 => {
            let Ok(record) = decode::<MethodRecord>(bytes, bytes.len()) else { return false };
            assert_eq!(decode(&encode(&record), usize::MAX).as_ref(), Ok(&record));
            // Nobody signed it but the account of the seeds, if it did.
            let stranger = KeyPair::from_secret(&[9; 32]).public();
            assert!(record.verify(&stranger).is_none());
            true
        }
        5 => {
            let Ok(newest) = decode::<Newest>(bytes, bytes.len()) else { return false };
            newest.self_key().is_some()
        }
        6 => {
            let Ok(named) = decode::<NamedValue>(bytes, bytes.len()) else { return false };
            assert_eq!(decode(&encode(&named), usize::MAX).as_ref(), Ok(&named));
            true
        }
        7 => crate::engine::fuzz::reads_payload(bytes),
        _ => false,
    }
}

fn place() -> Place {
    Place {
        conversation: ConversationId::new([1; 16]),
        epoch: Epoch(4),
        account: AccountId::new([2; 16]),
        device: DeviceId::new([3; 16]),
        subject: Subject::Entry { id: EntryId::new([5; 16]), annotates: None },
    }
}

/// A query and a text, with a line end between them: places are in the text, in order, and where the index has words.
pub fn search(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (query, text) = text.split_once('\n').unwrap_or((&text, ""));
    let (terms, places) = (Terms::parse(query), Terms::parse(query).places(text));
    let mut end = 0;
    for (from, to) in &places {
        assert!(end <= *from && from < to && text.get(*from..*to).is_some(), "{places:?}");
        end = *to;
    }
    let mut folded = String::new();
    let mut last = 0;
    words(text, |word, place| {
        assert!(last <= place.start && place.start < place.end && text.get(place.clone()).is_some());
        last = place.end;
        let mut again = Vec::new();
        words(word, |word, _| again.push(word.to_owned()));
        assert_eq!(again.concat(), word, "a word that is folded is folded already");
        folded.push_str(word);
        folded.push(' ');
    });
    if terms.is_empty() {
        return false;
    }
    // The index takes the query, and finds the text exactly if something in it is to be marked for every term.
    let found = found_in_index(&folded, &terms.expression()).expect("a query that the index takes");
    assert!(!found || !places.is_empty(), "what is found has something to show");
    found
}

fn found_in_index(folded: &str, expression: &str) -> rusqlite::Result<bool> {
    thread_local! {
        static INDEX: Connection = {
            let db = Connection::open_in_memory().expect("a database in memory");
            crate::store::prepare(&db).expect("a store's tables");
            db
        };
    }
    INDEX.with(|db| {
        db.execute("DELETE FROM search", [])?;
        db.execute("INSERT INTO search(rowid, words) VALUES(1, ?1)", [folded])?;
        db.prepare_cached("SELECT 1 FROM search WHERE words MATCH ?1")?.exists([expression])
    })
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpora_go_through() {
        replay("mimi_content", super::mimi_content);
        replay("codes", super::codes);
        replay("linking", super::linking);
        replay("engine_mls", super::mls);
        replay("seals", super::seals);
        replay("sealed", super::sealed);
        replay("search", super::search);
        replay("imports", super::imports);
    }
}
