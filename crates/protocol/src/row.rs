//! Entries in a row, each said by what the ones before it do not say already.
//!
//! Most of what a device gets is entries of a few conversations, by a few devices, with sequences that follow each
//! other. Said in full ([`Entry`]) each names conversation, account and device again, 97 bytes beside its body. In a row
//! it takes about 25: who sent it where, and in which epoch, is its *origin*, told in full once and by its number after
//! that; sequence and time are differences. Only entries with a sealed body are said so; commits and what was erased are
//! said in full between them.

use minicbor::data::Type;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::{
    AccountId, Bin, Body, Change, Changes, ConversationId, DeviceId, Entry, EntryId, EntryKind, Epoch, Fixed,
    Position, Seq, Timestamp, What,
};

/// Origins among which one is looked for, the newest first. Beyond them it is told again.
const LOOK_BACK: usize = 64;
/// Elements of a short entry, without what it annotates.
const SHORT: u64 = 5;
/// Elements of a change that is said in full.
const WHOLE_CHANGE: u64 = 2;
/// Elements of an entry that is said in full.
const WHOLE_ENTRY: u64 = 10;

/// Who sent entries where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Origin {
    #[n(0)]
    conversation: ConversationId,
    #[n(1)]
    epoch: Epoch,
    #[n(2)]
    account: AccountId,
    #[n(3)]
    device: DeviceId,
}

/// What the entries so far have said.
#[derive(Debug, Default)]
struct Row {
    /// Origins, each with its newest sequence.
    origins: Vec<(Origin, Seq)>,
    received_at: Timestamp,
    position: Position,
}

/// How much `next` is more than the one after `last`; wraps, so that every number can be said.
fn ahead(last: u64, next: u64) -> i64 {
    next.wrapping_sub(last).wrapping_sub(1).cast_signed()
}

/// The number of which [`ahead`] said so.
fn after(last: u64, ahead: i64) -> u64 {
    last.wrapping_add(1).wrapping_add(ahead.cast_unsigned())
}

/// The body of an entry that can be said short.
fn sealed(entry: &Entry) -> Option<&Bin> {
    match (entry.kind, &entry.body) {
        (EntryKind::Application, Body::Present(body)) => Some(body),
        _ => None,
    }
}

impl Row {
    /// Says how many elements a short entry has, besides `more`.
    fn array<W: encode::Write>(
        e: &mut Encoder<W>,
        entry: &Entry,
        more: u64,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(SHORT + more + u64::from(entry.annotates.is_some()))?.ok()
    }

    /// Says the elements.
    fn say<W: encode::Write>(
        &mut self,
        e: &mut Encoder<W>,
        entry: &Entry,
        body: &Bin,
    ) -> Result<(), encode::Error<W::Error>> {
        let Entry { conversation, epoch, account, device, .. } = *entry;
        let origin = Origin { conversation, epoch, account, device };
        let from = self.origins.len().saturating_sub(LOOK_BACK);
        let known =
            self.origins[from..].iter_mut().enumerate().rev().find(|(_, (known, _))| *known == origin);
        let last = if let Some((n, (_, last))) = known {
            e.u64((from + n) as u64)?;
            std::mem::replace(last, entry.seq)
        } else {
            e.encode(origin)?;
            self.origins.push((origin, entry.seq));
            Seq(0)
        };
        let received = ahead(self.received_at.0, entry.received_at.0).wrapping_add(1);
        self.received_at = entry.received_at;
        e.i64(ahead(last.0, entry.seq.0))?.encode(entry.id)?.i64(received)?.encode(body)?;
        if let Some(annotates) = entry.annotates {
            e.encode(annotates)?;
        }
        Ok(())
    }

    /// Hears an entry of which so many elements are left.
    fn hear(&mut self, d: &mut Decoder<'_>, elements: u64) -> Result<Entry, decode::Error> {
        if elements < SHORT {
            return Err(decode::Error::message("an entry in a row with too few elements").at(d.position()));
        }
        let at = if d.datatype()? == Type::Array {
            self.origins.push((d.decode()?, Seq(0)));
            self.origins.len() - 1
        } else {
            usize::try_from(d.u64()?).unwrap_or(usize::MAX)
        };
        let unknown = || decode::Error::message("an origin that was not told").at(d.position());
        let (origin, last) = self.origins.get_mut(at).ok_or_else(unknown)?;
        let seq = Seq(after(last.0, d.i64()?));
        *last = seq;
        let Origin { conversation, epoch, account, device } = *origin;
        let id: EntryId = d.decode()?;
        self.received_at = Timestamp(self.received_at.0.wrapping_add(d.i64()?.cast_unsigned()));
        let body = Body::Present(d.decode()?);
        let annotates = if elements > SHORT { d.decode()? } else { None };
        for _ in SHORT + 1..elements {
            d.skip()?;
        }
        let (kind, received_at) = (EntryKind::Application, self.received_at);
        Ok(Entry { conversation, seq, id, kind, epoch, account, device, annotates, received_at, body })
    }

    /// How much further in the diary a change is than the one before.
    fn step(&mut self, position: Position) -> i64 {
        ahead(std::mem::replace(&mut self.position, position).0, position.0)
    }
}

fn length(d: &mut Decoder<'_>) -> Result<u64, decode::Error> {
    let at = d.position();
    d.array()?.ok_or_else(|| decode::Error::message("an array of unknown length").at(at))
}

/// Skips what a newer peer says at the end of a structure.
fn skip_rest(d: &mut Decoder<'_>, length: u64, known: u64) -> Result<(), decode::Error> {
    if length < known {
        return Err(decode::Error::message("too few elements").at(d.position()));
    }
    for _ in known..length {
        d.skip()?;
    }
    Ok(())
}

/// A change that is not copied to be encoded.
#[derive(Debug, Clone, Copy)]
pub enum WhatRef<'a> {
    /// As it is.
    Whole(&'a What),
    /// See [`What::Echo`].
    Echo(ConversationId, Seq, EntryId, Fixed<8>),
}

/// [`Changes`] that are not copied to be encoded; the same bytes.
#[derive(Debug, Clone)]
pub struct ChangesRef<'a> {
    /// See [`Changes::items`].
    pub items: Vec<(Position, WhatRef<'a>)>,
    /// See [`Changes::live`].
    pub live: bool,
}

fn encode_changes<'a, W: encode::Write>(
    e: &mut Encoder<W>,
    items: impl ExactSizeIterator<Item = (Position, WhatRef<'a>)>,
    live: bool,
) -> Result<(), encode::Error<W::Error>> {
    let mut row = Row::default();
    e.array(2)?.array(items.len() as u64)?;
    for (position, what) in items {
        let step = row.step(position);
        match what {
            WhatRef::Whole(What::Entry(entry)) if let Some(body) = sealed(entry) => {
                Row::array(e, entry, 1)?;
                e.i64(step)?;
                row.say(e, entry, body)?;
            }
            WhatRef::Whole(what) => e.array(WHOLE_CHANGE)?.i64(step)?.encode(what)?.ok()?,
            WhatRef::Echo(conversation, seq, id, digest) => {
                e.array(WHOLE_CHANGE)?.i64(step)?.encode(What::Echo(conversation, seq, id, digest))?.ok()?;
            }
        }
    }
    e.bool(live)?.ok()
}

impl<C> Encode<C> for ChangesRef<'_> {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        encode_changes(e, self.items.iter().copied(), self.live)
    }
}

impl<C> Encode<C> for Changes {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        let items = self.items.iter().map(|change| (change.position, WhatRef::Whole(&change.what)));
        encode_changes(e, items, self.live)
    }
}

impl<'b, C> Decode<'b, C> for Changes {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let (outer, mut row) = (length(d)?, Row::default());
        let mut items = Vec::new();
        for _ in 0..length(d)? {
            let elements = length(d)?;
            let position = Position(after(row.position.0, d.i64()?));
            row.position = position;
            let what = if elements == WHOLE_CHANGE {
                d.decode()?
            } else {
                What::Entry(row.hear(d, elements.saturating_sub(1))?)
            };
            items.push(Change { position, what });
        }
        let live = d.bool()?;
        skip_rest(d, outer, 2)?;
        Ok(Self { items, live })
    }
}

/// Entries of a structure in a row, as `#[cbor(with = "crate::row::entries")]`.
pub(crate) mod entries {
    use minicbor::{decode as from, encode as to};

    use super::{Decoder, Encoder, Entry, Row, WHOLE_ENTRY, length, sealed};

    pub(crate) fn encode<C, W: to::Write>(
        entries: &[Entry],
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), to::Error<W::Error>> {
        let mut row = Row::default();
        e.array(entries.len() as u64)?;
        for entry in entries {
            if let Some(body) = sealed(entry) {
                Row::array(e, entry, 0)?;
                row.say(e, entry, body)?;
            } else {
                e.encode(entry)?;
            }
        }
        Ok(())
    }

    pub(crate) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Vec<Entry>, from::Error> {
        let (mut row, mut entries) = (Row::default(), Vec::new());
        for _ in 0..length(d)? {
            let elements = length(&mut d.probe())?;
            entries.push(if elements >= WHOLE_ENTRY {
                d.decode()?
            } else {
                length(d)?;
                row.hear(d, elements)?
            });
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LogHash, LogPage, ServerFrame};

    fn entry(conversation: u8, seq: u64, device: u8) -> Entry {
        Entry {
            conversation: ConversationId::new([conversation; 16]),
            seq: Seq(seq),
            id: EntryId::new([u8::try_from(seq % 251).unwrap(); 16]),
            kind: EntryKind::Application,
            epoch: Epoch(3),
            account: AccountId::new([device; 16]),
            device: DeviceId::new([device; 16]),
            annotates: None,
            received_at: Timestamp(1_700_000_000_000 + seq.min(1_000_000)),
            body: Body::Present(vec![7; 400].into()),
        }
    }

    fn changes(entries: impl IntoIterator<Item = Entry>) -> Changes {
        let items = (70_000..).zip(entries);
        let items = items.map(|(n, entry)| Change { position: Position(n), what: What::Entry(entry) });
        Changes { items: items.collect(), live: false }
    }

    fn round_trip(changes: &Changes) -> usize {
        let bytes = crate::encode(&ServerFrame::Changes(changes.clone()));
        assert_eq!(crate::decode(&bytes, bytes.len()), Ok(ServerFrame::Changes(changes.clone())));
        bytes.len()
    }

    #[test]
    fn an_entry_that_follows_others_takes_25_bytes_beside_its_body() {
        let some =
            |count: u64| changes((0..count).map(|n| entry(u8::try_from(n % 10).unwrap(), 900 + n / 10, 1)));
        let (few, many) = (round_trip(&some(100)), round_trip(&some(1_100)));
        // The length of the list takes a byte more.
        assert_eq!(many - few, 1_000 * (400 + 25) + 1);
    }

    #[test]
    fn whatever_is_said_is_heard() {
        let mut mixed =
            vec![entry(1, 5, 1), entry(2, u64::MAX, 2), entry(1, 4, 1), entry(1, 6, 3), entry(2, 0, 2)];
        mixed[1].annotates = Some(Seq(9));
        mixed[2].body = Body::Erased(crate::Digest::new([1; 32]));
        mixed[3].kind = EntryKind::Commit;
        mixed[4].received_at = Timestamp(u64::MAX);
        let mut changes = changes(mixed.clone());
        changes.items[3].position = Position(0);
        changes.items[4].position = Position(u64::MAX);
        round_trip(&changes);
        let page = LogPage {
            conversation: ConversationId::new([1; 16]),
            hash_before: LogHash::start(&ConversationId::new([1; 16])),
            entries: mixed,
            head: Seq(77),
            about: vec![entry(1, 78, 2)],
        };
        let bytes = crate::encode(&page);
        assert_eq!(crate::decode(&bytes, bytes.len()), Ok(page));
    }

    #[test]
    fn many_origins_are_told_again_and_not_lost() {
        let entries =
            (0..1_000u64).map(|n| entry(u8::try_from(n % 200).unwrap(), n, u8::try_from(n % 7).unwrap()));
        round_trip(&changes(entries));
    }

    #[test]
    fn borrowed_changes_are_the_same_bytes() {
        let changes = changes([entry(1, 5, 1), entry(1, 6, 1)]);
        let items = changes.items.iter().map(|c| (c.position, WhatRef::Whole(&c.what))).collect();
        assert_eq!(crate::encode(&ChangesRef { items, live: false }), crate::encode(&changes));
    }

    #[test]
    fn an_origin_that_was_not_told_is_refused() {
        let mut bytes = Vec::new();
        let mut e = Encoder::new(&mut bytes);
        e.array(2).unwrap().array(1).unwrap().array(6).unwrap().u64(0).unwrap().u64(3).unwrap();
        e.u64(0).unwrap().bytes(&[0; 16]).unwrap().u64(0).unwrap().bytes(&[]).unwrap().bool(true).unwrap();
        let refused = crate::decode::<Changes>(&bytes, bytes.len()).unwrap_err();
        assert!(refused.to_string().contains("origin"), "{refused}");
    }
}
