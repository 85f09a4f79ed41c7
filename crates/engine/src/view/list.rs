//! The list of conversations, with few statements however many there are.

use std::collections::{BTreeMap, HashMap};

use diario_protocol::{AccountId, ConversationId, ConversationKind, Retention, Seq, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::history::Names;
use super::{MessageView, Result};
use crate::engine::{Arranged, Engine, Trust, changed_keys};
use crate::store::conversation::{self, Conversation};
use crate::store::hole::{self, Hole};
use crate::store::{from_sql, to_sql};
use crate::store::{kept, message};

/// Names of others in a [`ConversationRow`], at most.
pub const LISTED_NAMES: usize = 4;

/// Unread messages are counted up to here.
pub const MOST_UNREAD: u64 = 10_000;

/// How far a conversation's messages were delivered and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Markers {
    /// Own messages up to there are on a device of everybody else.
    pub delivered_to_all: Seq,
    /// Own messages up to there were read by everybody else.
    pub read_by_all: Seq,
    /// Others' messages up to there were read by this account.
    pub read_here: Seq,
}

/// A conversation, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// Its id.
    pub id: ConversationId,
    /// Its kind.
    pub kind: ConversationKind,
    /// The name that it was given; empty if it has none.
    pub title: String,
    /// Names of others in it, at most [`LISTED_NAMES`].
    pub others: Vec<String>,
    /// The other account of a direct conversation.
    pub peer: Option<AccountId>,
    /// Of a direct conversation, what the user knows of who the other account is; of a group, whether somebody in it
    /// has another account, with another key, than before.
    pub trust: Trust,
    /// How many are in it, this account too.
    pub size: u32,
    /// Its newest message that says something.
    pub last: Option<MessageView>,
    /// When something was last said in it, or it began; rows are sorted by this. 0 if nothing is known.
    pub at: Timestamp,
    /// Messages of others after the read marker, at most [`MOST_UNREAD`].
    pub unread: u64,
    /// How far its messages were delivered and read.
    pub markers: Markers,
    /// Highest sequence that is here.
    pub head: Seq,
    /// At the top of the list.
    pub pinned: bool,
    /// Without notifications.
    pub muted: bool,
    /// What is being written in it, on any own device.
    pub draft: String,
    /// Whether this account is still in it.
    pub open: bool,
    /// Sequences known to be missing here, being fetched.
    pub gap: Option<(Seq, Seq)>,
    /// How many entries of its past are not here.
    pub missing: u64,
    /// For how long the server keeps what is said in it, as its members agreed.
    pub keep: Retention,
}

/// Who else is in a conversation, and how far they have it.
#[derive(Debug, Default)]
struct Others {
    names: Vec<String>,
    first: Option<AccountId>,
    size: u32,
    /// What the user knows of those of them whose names were other accounts'.
    trust: Trust,
    /// The least of all; `None` while nobody else is there.
    delivered: Option<Seq>,
    read: Option<Seq>,
}

impl Others {
    /// `changed`: accounts whose names were others', and whether those were verified.
    fn add(
        &mut self,
        row: &Row<'_>,
        me: Option<AccountId>,
        changed: &BTreeMap<AccountId, bool>,
    ) -> Result<()> {
        let account = AccountId::new(row.get(0)?);
        self.size += 1;
        if Some(account) == me {
            return Ok(());
        }
        self.first = self.first.or(Some(account));
        if let Some(verified_before) = changed.get(&account) {
            let worse = matches!(self.trust, Trust::Changed { verified_before: true });
            self.trust = Trust::Changed { verified_before: *verified_before || worse };
        }
        if self.names.len() < LISTED_NAMES {
            let name: Option<String> = row.get(1)?;
            self.names.push(name.unwrap_or_else(|| account.to_string()[..8].to_owned()));
        }
        let (delivered, read) = (Seq(from_sql(row.get(2)?)), Seq(from_sql(row.get(3)?)));
        self.delivered = Some(self.delivered.map_or(delivered, |least| least.min(delivered)));
        self.read = Some(self.read.map_or(read, |least| least.min(read)));
        Ok(())
    }

    fn markers(&self, read_here: Seq) -> Markers {
        Markers {
            delivered_to_all: self.delivered.unwrap_or_default(),
            read_by_all: self.read.unwrap_or_default(),
            read_here,
        }
    }
}

const PEOPLE: &str = "SELECT p.account, a.username, p.delivered, p.read, p.conversation
    FROM participant p LEFT JOIN account a ON a.id = p.account";

/// What counts as unread; the index has nothing else.
pub(super) const UNREAD: &str = "FROM message INDEXED BY message_unread
    WHERE conversation = ?1 AND seq > ?2 AND account <> ?3 AND state IN (1, 2, 3, 8)";

impl Engine {
    /// All conversations, newest first.
    pub fn conversation_rows(&self) -> Result<Vec<ConversationRow>> {
        let Some(me) = self.identity() else { return Ok(Vec::new()) };
        let mut arranged = Arranged::all(self.db(), me.own)?;
        let mut people: HashMap<ConversationId, Others> = HashMap::new();
        let mut statement = self.db().prepare_cached(PEOPLE)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = ConversationId::new(row.get(4)?);
            people.entry(id).or_default().add(row, Some(me.account), arranged.changed())?;
        }
        let keep = kept::all(self.db())?;
        let gaps: HashMap<_, _> =
            conversation::gaps(self.db())?.into_iter().map(|(id, first, last)| (id, (first, last))).collect();
        let mut holes: HashMap<ConversationId, Vec<Hole>> = HashMap::new();
        for hole in hole::all(self.db())? {
            holes.entry(hole.conversation).or_default().push(hole);
        }
        let mut names = Names::default();
        let mut views = Vec::new();
        for c in Conversation::all(self.db())? {
            let others = people.remove(&c.id).unwrap_or_default();
            let gap = gaps.get(&c.id).copied();
            let holes = holes.remove(&c.id).unwrap_or_default();
            let keep = keep.get(&c.id).copied().unwrap_or_default();
            views.push(ConversationRow {
                keep,
                ..self.row(c, others, &mut arranged, (gap, &holes), &mut names)?
            });
        }
        views.sort_by_key(|row| std::cmp::Reverse(row.at));
        Ok(views)
    }

    /// One conversation.
    pub fn conversation_row(&self, id: ConversationId) -> Result<Option<ConversationRow>> {
        let Some(me) = self.identity() else { return Ok(None) };
        let Some(c) = Conversation::load(self.db(), id)? else { return Ok(None) };
        let own = me.own;
        let others = self.others_in(id, &changed_keys(self.db(), own)?)?;
        let mut arranged = Arranged::of(self.db(), own, id)?;
        let gap = conversation::gap(self.db(), id)?;
        let holes = hole::of(self.db(), id)?;
        let mut row = self.row(c, others, &mut arranged, (gap, &holes), &mut Names::default())?;
        if let Some(peer) = row.peer {
            row.trust = self.trust(peer)?;
        }
        row.keep = kept::retention(self.db(), id)?;
        Ok(Some(row))
    }

    /// Whether a conversation is without notifications.
    pub fn is_muted(&self, id: ConversationId) -> Result<bool> {
        let Some(me) = self.identity() else { return Ok(false) };
        Ok(Arranged::of(self.db(), me.own, id)?.arrangement(id).muted)
    }

    /// How far a conversation's messages were delivered and read.
    pub fn markers(&self, id: ConversationId) -> Result<Markers> {
        let read_here = Conversation::load(self.db(), id)?.map_or(Seq(0), |c| c.read);
        Ok(self.others_in(id, &BTreeMap::new())?.markers(read_here))
    }

    fn others_in(&self, id: ConversationId, changed: &BTreeMap<AccountId, bool>) -> Result<Others> {
        let me = self.identity().map(|me| me.account);
        let mut others = Others::default();
        let mut statement = self.db().prepare_cached(&format!("{PEOPLE} WHERE p.conversation = ?1"))?;
        let mut rows = statement.query([id.as_bytes()])?;
        while let Some(row) = rows.next()? {
            others.add(row, me, changed)?;
        }
        Ok(others)
    }

    fn row(
        &self,
        c: Conversation,
        others: Others,
        arranged: &mut Arranged,
        (gap, holes): (Option<(Seq, Seq)>, &[Hole]),
        names: &mut Names,
    ) -> Result<ConversationRow> {
        let markers = others.markers(c.read);
        let last =
            self.newest_words(c.id)?.map(|raw| self.message_view(c.id, raw, &markers, names)).transpose()?;
        let begun = if c.kind == ConversationKind::SelfConversation { Timestamp(0) } else { c.epoch_since };
        let arrangement = arranged.arrangement(c.id);
        let peer = others.first.filter(|_| c.kind == ConversationKind::Direct);
        Ok(ConversationRow {
            id: c.id,
            kind: c.kind,
            others: others.names,
            peer,
            trust: match (c.kind, peer) {
                (_, Some(peer)) => arranged.trust(peer),
                (ConversationKind::Group, None) => others.trust,
                _ => Trust::Unverified,
            },
            size: others.size,
            at: self.last_said_at(c.id, last.as_ref())?.unwrap_or(begun),
            last,
            unread: self.unread(c.id, c.seen(), holes)?,
            markers,
            head: Seq(c.log_next.0.saturating_sub(1)),
            pinned: arrangement.pinned,
            muted: arrangement.muted,
            draft: arranged.draft(c.id),
            open: c.left_at.is_none(),
            gap,
            missing: holes.iter().map(|hole| hole.last.0 + 1 - hole.first.0).sum(),
            keep: Retention::FOREVER,
            title: c.title,
        })
    }

    /// When something was last said. What cannot be read has no time: then the newest before it that has.
    fn last_said_at(&self, id: ConversationId, last: Option<&MessageView>) -> Result<Option<Timestamp>> {
        let Some(last) = last else { return Ok(None) };
        if last.sent_at.0 > 0 {
            return Ok(Some(last.sent_at));
        }
        let at: Option<i64> = self
            .db()
            .prepare_cached(
                "SELECT sent_at FROM message WHERE conversation = ?1 AND seq > 0 AND sent_at > 0
                 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row([id.as_bytes()], |row| row.get(0))
            .optional()?;
        Ok(at.map(|at| Timestamp(from_sql(at))))
    }

    /// Reads at most [`MOST_UNREAD`] entries of an index, and nothing of the messages; of what is not here the server
    /// told with the head which are messages of others.
    fn unread(&self, id: ConversationId, read: Seq, holes: &[Hole]) -> Result<u64> {
        let Some(me) = self.identity() else { return Ok(0) };
        let count: i64 = self
            .db()
            .prepare_cached(&format!("SELECT count(*) FROM (SELECT 1 {UNREAD} LIMIT {MOST_UNREAD})"))?
            .query_row(params![id.as_bytes(), to_sql(read.0), me.account.as_bytes()], |row| row.get(0))?;
        let missing: Vec<_> = holes.iter().filter(|hole| hole.last > read).collect();
        if missing.is_empty() {
            return Ok(from_sql(count));
        }
        let Some(others) = hole::others(self.db(), id)? else { return Ok(from_sql(count)) };
        let mut hidden = 0;
        for hole in missing {
            let first = hole.first.0.max(read.0 + 1).max(hole.last.0.saturating_sub(MOST_UNREAD));
            for seq in (first..=hole.last.0).map(Seq).filter(|seq| others.says(*seq)) {
                // A preview was counted already.
                if message::id_at(self.db(), id, seq)?.is_none() {
                    hidden += 1;
                }
            }
        }
        Ok((from_sql(count) + hidden).min(MOST_UNREAD))
    }

    /// The first message of somebody else's after the read marker.
    pub(super) fn first_unread(&self, id: ConversationId) -> Result<Option<Seq>> {
        let Some(me) = self.identity() else { return Ok(None) };
        let read = Conversation::load(self.db(), id)?.map_or(Seq(0), |c| c.seen());
        if hole::of(self.db(), id)?.iter().any(|hole| hole.last > read) {
            // It may be one that is not here.
            return Ok(None);
        }
        let first: Option<i64> = self
            .db()
            .prepare_cached(&format!("SELECT seq {UNREAD} ORDER BY seq LIMIT 1"))?
            .query_row(params![id.as_bytes(), to_sql(read.0), me.account.as_bytes()], |row| row.get(0))
            .optional()?;
        Ok(first.map(|seq| Seq(from_sql(seq))))
    }
}
