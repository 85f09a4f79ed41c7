//! Frames of the server, read only as far as the load generator needs.

use anyhow::{Result, anyhow, bail};
use minicbor::Decoder;
use minicbor::data::Type;

const REPLY: u32 = 1;
const REFUSED: u8 = 2;
const CHANGES: u32 = 3;
const APPENDED: u32 = 3;
const ENTRY: u32 = 0;
const ECHO: u32 = 1;
/// Elements of a change that is not an entry in a row.
const WHOLE: u64 = 2;

/// What one connection got.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Entries that the server took.
    pub(crate) acks: u64,
    /// Entries of others' that came.
    pub(crate) entries: u64,
    /// The newest sequence that came, own or others'.
    pub(crate) seq: u64,
    /// The newest position that came.
    pub(crate) position: u64,
    /// Times that a position or sequence did not follow the one before.
    pub(crate) gaps: u64,
    /// In the frame that is read: the position so far, and the newest sequence of each origin.
    now: u64,
    newest: Vec<u64>,
}

impl Tally {
    /// Of a log whose newest sequence is known.
    pub(crate) fn from(seq: u64) -> Self {
        Self { seq, ..Self::default() }
    }

    /// Counts what is in a frame.
    pub(crate) fn count(&mut self, frame: &[u8]) -> Result<()> {
        self.read(frame).map_err(|e| anyhow!("a frame that cannot be read: {e}"))?;
        if frame.get(1) == Some(&REFUSED) {
            let refusal = diario_protocol::decode::<diario_protocol::ServerFrame>(frame, frame.len())?;
            bail!("refused: {refusal:?}");
        }
        Ok(())
    }

    fn read(&mut self, frame: &[u8]) -> Result<(), minicbor::decode::Error> {
        let mut d = Decoder::new(frame);
        d.array()?;
        match d.u32()? {
            REPLY => {
                d.array()?;
                d.skip()?;
                d.array()?;
                self.acks += u64::from(d.u32()? == APPENDED);
            }
            CHANGES => {
                d.array()?;
                d.array()?;
                self.now = 0;
                self.newest.clear();
                for _ in 0..d.array()?.unwrap_or(0) {
                    self.change(&mut d)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn change(&mut self, d: &mut Decoder<'_>) -> Result<(), minicbor::decode::Error> {
        let elements = d.array()?.unwrap_or(0);
        let position = after(self.now, d.i64()?);
        self.now = position;
        self.gaps += u64::from(self.position != 0 && position != self.position + 1);
        self.position = position;
        if elements > WHOLE {
            return self.in_row(d, elements - 1);
        }
        d.array()?;
        let what = d.u32()?;
        if what != ENTRY && what != ECHO {
            return d.skip();
        }
        let mut left = d.array()?.unwrap_or(0);
        if what == ENTRY {
            left = d.array()?.unwrap_or(0);
            self.entries += 1;
        }
        d.skip()?;
        let seq = d.u64()?;
        self.entry_at(seq);
        for _ in 2..left {
            d.skip()?;
        }
        Ok(())
    }

    fn in_row(&mut self, d: &mut Decoder<'_>, elements: u64) -> Result<(), minicbor::decode::Error> {
        let origin = if d.datatype()? == Type::Array {
            d.skip()?;
            self.newest.push(0);
            self.newest.len() - 1
        } else {
            usize::try_from(d.u64()?).unwrap_or(usize::MAX)
        };
        let ahead = d.i64()?;
        let newest = self.newest.get_mut(origin);
        let newest = newest.ok_or_else(|| minicbor::decode::Error::message("an unknown origin"))?;
        *newest = after(*newest, ahead);
        let seq = *newest;
        self.entry_at(seq);
        self.entries += 1;
        for _ in 2..elements {
            d.skip()?;
        }
        Ok(())
    }

    fn entry_at(&mut self, seq: u64) {
        self.gaps += u64::from(self.seq != 0 && seq != self.seq + 1);
        self.seq = seq;
    }
}

/// The number that is so much further than the one after `last`.
fn after(last: u64, ahead: i64) -> u64 {
    last.wrapping_add(1).wrapping_add(ahead.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use diario_protocol::*;

    use super::*;

    fn entry(seq: u64) -> What {
        What::Entry(Entry {
            conversation: ConversationId::new([1; 16]),
            seq: Seq(seq),
            id: EntryId::new([2; 16]),
            kind: EntryKind::Application,
            epoch: Epoch(3),
            account: AccountId::new([4; 16]),
            device: DeviceId::new([5; 16]),
            annotates: None,
            received_at: Timestamp(6),
            body: Body::Present(vec![7; 400].into()),
        })
    }

    fn changes(items: Vec<(u64, What)>) -> Vec<u8> {
        let items = items.into_iter().map(|(n, what)| Change { position: Position(n), what }).collect();
        encode(&ServerFrame::Changes(Changes { items, live: true }))
    }

    #[test]
    fn entries_echoes_and_answers_are_counted() {
        let mut tally = Tally::default();
        let echo = What::Echo(ConversationId::new([1; 16]), Seq(9), EntryId::new([2; 16]), Fixed([0; 8]));
        let left = What::Left(ConversationId::new([1; 16]), Seq(9));
        tally.count(&changes(vec![(5, entry(8)), (6, echo), (7, left), (8, entry(10))])).unwrap();
        tally.count(&encode(&ServerFrame::Reply(RequestId(70_000), Reply::Appended(Seq(9))))).unwrap();
        tally.count(&encode(&ServerFrame::Reply(RequestId(1), Reply::Done))).unwrap();
        assert_eq!((tally.entries, tally.acks, tally.gaps), (2, 1, 0));
        assert_eq!((tally.seq, tally.position), (10, 8));
        tally.count(&changes(vec![(10, entry(11))])).unwrap();
        assert_eq!(tally.gaps, 1, "a position is missing");
    }

    #[test]
    fn a_refusal_is_an_error() {
        let refused = ServerFrame::Refused(RequestId(1), Refusal::RosterStale);
        assert!(Tally::default().count(&encode(&refused)).is_err());
    }
}
