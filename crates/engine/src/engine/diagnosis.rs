//! How the device is: whether it has something to do, and whether its store is sound.

use diario_protocol::Seq;

use super::{Engine, Result, Timer};
use crate::store::message::state;
use crate::store::{conversation, from_sql};

/// What an examination of the device found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What SQLite finds wrong with the store; empty if nothing.
    pub damage: Vec<String>,
    /// Things that wait to be sent.
    pub outgoing: u64,
    /// Messages whose key or whose sender's device is not known yet.
    pub waiting: u64,
    /// The keys that are missing, by conversation.
    pub waiting_for: Vec<super::WaitingFor>,
    /// Entries that were not accepted.
    pub refused: u64,
    /// Own messages that the server did not take.
    pub failed: u64,
    /// Parts of logs known to be missing here.
    pub gaps: Vec<(diario_protocol::ConversationId, Seq, Seq)>,
    /// Entries of the past that were not fetched yet, as [`Engine::fill_state`] says.
    pub missing: u64,
    /// The server's clock minus this device's, in milliseconds, once a server has told its time.
    pub clock_offset_ms: Option<i64>,
}

impl Engine {
    /// Whether the diary's stream is live and nothing is under way or about to be.
    ///
    /// What waits for somebody else (a key that another device has) is not under way.
    pub fn at_rest(&self) -> bool {
        self.session.is_live()
            && !self.must_disconnect
            && self.session.under_way.is_empty()
            && self.session.filler.not_before.is_none()
            && !self.timers.contains_key(&Timer::Receipts)
            && self.session.vault.is_none()
            && self.session.lanes.values().all(|lane| {
                !lane.control
                    && !lane.fetching
                    && lane.sent.is_empty()
                    && lane.not_before.is_none()
                    && lane.wait_for.is_none()
            })
    }

    /// Whether this device shows a code and waits for a primary.
    pub fn awaits_link(&self) -> bool {
        self.linking.is_candidate() && self.session.under_way.is_empty()
    }

    /// How many things of this conversation wait to be sent.
    pub fn outgoing_in(&self, id: diario_protocol::ConversationId) -> Result<u64> {
        let mut statement = self.db.prepare_cached("SELECT count(*) FROM outbox WHERE conversation = ?1")?;
        Ok(from_sql(statement.query_row([id.as_bytes()], |row| row.get::<_, i64>(0))?))
    }

    /// Examines the store; takes as long as reading all of it.
    pub fn diagnose(&self) -> Result<Diagnosis> {
        let mut statement = self.db.prepare("PRAGMA integrity_check")?;
        let found: Vec<String> =
            statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let count = |sql: &str| -> Result<u64> {
            Ok(from_sql(self.db.query_row(sql, [], |row| row.get::<_, i64>(0))?))
        };
        let in_state = |state: u8| count(&format!("SELECT count(*) FROM message WHERE state = {state}"));
        Ok(Diagnosis {
            damage: found.into_iter().filter(|line| line != "ok").collect(),
            outgoing: count("SELECT count(*) FROM outbox")?,
            waiting: in_state(state::WAITING_KEY)? + in_state(state::WAITING_DEVICE)?,
            waiting_for: self.waiting_for()?,
            refused: in_state(state::REFUSED)?,
            failed: in_state(state::FAILED)?,
            gaps: conversation::gaps(&self.db)?,
            missing: crate::store::hole::extent(&self.db)?.0,
            clock_offset_ms: self.session.server.is_some().then_some(self.clock_offset),
        })
    }
}
