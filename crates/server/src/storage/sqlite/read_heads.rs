//! Reads of heads: the newest state of many conversations, in few bytes.

use std::collections::HashMap;

use diario_protocol::{
    AccountId, Bin, ConversationHead, ConversationId, DeviceId, DeviceRef, Entry, Epoch, HEAD_OTHERS,
    HeadDevice, HeadEntry, HeadSlot, Heads, HeadsPlace, HeadsRange, LogHash, Position, Refusal, Seq, Slot,
    SlotKey, Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::read_log::{self, OVERHEAD};
use super::sql::{self, ENTRY_COLUMNS, SLOT_COLUMNS, diary, int};
use super::writer::Outcome;

/// Most bytes of the head slots of one conversation.
const SLOT_BYTES: usize = 1 << 20;
/// People of a group whose names a list of conversations shows.
const SHOWN: usize = 4;
/// A newest message further back than this is not looked for.
const LOOK_BACK: u64 = 1_000;

/// See [`crate::storage::Storage::heads`].
pub(super) fn heads(
    db: &Connection,
    account: AccountId,
    range: &HeadsRange,
    now: Timestamp,
    bytes: usize,
) -> Outcome<Heads> {
    // Reads are of one moment: what comes after `position` is not in it.
    let own = ConversationId::of_self(account);
    let mut order = order(db, account)?;
    if let Some(place) = range.after {
        order.retain(|(at, id)| {
            *at > place.began || *at < place.at || (*at == place.at && *id > place.conversation)
        });
        order.retain(|(_, id)| *id != own);
    }
    order.sort_unstable_by_key(|(at, id)| (*id != own, std::cmp::Reverse(*at), *id));
    let most = if range.most == 0 { usize::MAX } else { range.most.into() };
    let mut page = Page::new(db, account, range.since);
    let mut next = None;
    for (at, id) in order {
        if page.items.len() >= most || page.size >= bytes {
            next = page.last;
            break;
        }
        page.add(id)?;
        let began = range.after.map_or(now, |place| place.began);
        page.last = Some(HeadsPlace { began, at, conversation: id });
    }
    let find = "SELECT coalesce(max(position), 0) FROM diary WHERE account = ?1";
    let position = db.prepare_cached(find)?.query_row([account.as_bytes()], |row| sql::position(row, 0))?;
    Ok(Heads {
        position,
        accounts: page.accounts,
        people: page.people,
        devices: page.devices,
        items: page.items,
        next,
    })
}

/// The account's conversations, and when something last happened in each as far as the account may know.
fn order(db: &Connection, account: AccountId) -> Result<Vec<(Timestamp, ConversationId)>, rusqlite::Error> {
    let find = "SELECT conversation, max(until) FROM member WHERE account = ?1 GROUP BY conversation";
    let mut find = db.prepare_cached(find)?;
    let last = "SELECT received_at FROM log WHERE conversation = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1";
    let mut last = db.prepare_cached(last)?;
    let mut rows = find.query([account.as_bytes()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, until) = (sql::conversation(row, 0)?, row.get::<_, i64>(1)?);
        let at = last.query_row(params![id.as_bytes(), until], |row| sql::timestamp(row, 0)).optional()?;
        found.push((at.unwrap_or_default(), id));
    }
    Ok(found)
}

/// A page that is being made.
struct Page<'a> {
    db: &'a Connection,
    account: AccountId,
    since: Position,
    size: usize,
    accounts: Vec<diario_protocol::AccountInfo>,
    told: std::collections::HashSet<AccountId>,
    people: Vec<AccountId>,
    person_at: HashMap<AccountId, u32>,
    devices: Vec<HeadDevice>,
    device_at: HashMap<DeviceId, u32>,
    items: Vec<ConversationHead>,
    last: Option<HeadsPlace>,
}

impl<'a> Page<'a> {
    fn new(db: &'a Connection, account: AccountId, since: Position) -> Self {
        Self {
            db,
            account,
            since,
            size: 0,
            accounts: Vec::new(),
            told: std::collections::HashSet::new(),
            people: Vec::new(),
            person_at: HashMap::new(),
            devices: Vec::new(),
            device_at: HashMap::new(),
            items: Vec::new(),
            last: None,
        }
    }

    fn add(&mut self, id: ConversationId) -> Outcome<()> {
        let (db, own) = (self.db, ConversationId::of_self(self.account));
        let window = read_log::windows(db, self.account, id)?.pop().ok_or(Refusal::NotMember)?;
        let membership = window.membership;
        let find = "SELECT epoch FROM conversation WHERE id = ?1";
        let epoch =
            db.prepare_cached(find)?.query_row([id.as_bytes()], |row| sql::uint(row, 0)).map(Epoch)?;
        let (head, hash) = match window.until {
            Some(until) => (until, read_log::hash_before(db, id, until.next())?),
            None => read_log::log_head(db, id)?,
        };
        let inside = window.until.is_none();
        let participants = if inside { read_log::participants(db, id)? } else { Vec::new() };
        let me = self.account;
        for person in participants.iter().filter(|p| **p != me || id == own).take(SHOWN) {
            self.tell(*person)?;
        }
        let last = self.last_message(id, membership.since, head)?;
        let mut slots = Vec::new();
        if inside {
            slots = self.head_slots(id, own)?;
        }
        let mut keys = Vec::new();
        if id != own {
            let mut epochs = vec![epoch];
            epochs.extend(last.as_ref().map(|entry| entry.epoch).filter(|e| *e != epoch));
            for epoch in epochs {
                let key = SlotKey::of_keyring(self.account, id, epoch);
                if self.changed(own, key)? {
                    keys.extend(read_log::slot(db, own, key)?);
                }
            }
        }
        let start = LogHash::start(&id);
        let item = ConversationHead {
            conversation: id,
            kind: membership.kind,
            since: membership.since,
            since_epoch: membership.epoch,
            participants: participants.iter().map(|p| self.person(*p)).collect(),
            epoch,
            head,
            hash,
            left: !inside,
            others: self.others(id, membership.since, head)?,
            last: last.map(|entry| self.entry(entry)).transpose()?.flatten(),
            slots: slots.into_iter().map(|s| self.slot(s)).collect::<Outcome<_>>()?,
            keys: keys.into_iter().map(|s| self.slot(s)).collect::<Outcome<_>>()?,
            since_hash: (membership.hash_before != start).then_some(membership.hash_before),
            retention: Some(membership.retention).filter(|r| !r.is_forever()),
        };
        let sealed = item.last.as_ref().map_or(0, |entry| entry.body.len());
        let slots: usize = item.slots.iter().chain(&item.keys).map(|s| s.body.len() + OVERHEAD / 2).sum();
        self.size += OVERHEAD + 3 * item.participants.len() + sealed + slots;
        self.items.push(item);
        Ok(())
    }

    /// Whether a slot changed after the position that was asked for.
    fn changed(&self, id: ConversationId, key: SlotKey) -> Result<bool, rusqlite::Error> {
        if self.since.0 == 0 {
            return Ok(true);
        }
        let find = "SELECT position FROM diary
            WHERE account = ?1 AND subject = ?2 AND key = ?3 AND kind = ?4 AND key <> x''";
        let values = params![self.account.as_bytes(), id.as_bytes(), key.as_bytes(), diary::SLOT];
        let at = self.db.prepare_cached(find)?.query_row(values, |row| sql::position(row, 0)).optional()?;
        Ok(at.is_some_and(|at| at > self.since))
    }

    fn head_slots(&self, id: ConversationId, own: ConversationId) -> Outcome<Vec<Slot>> {
        let find = format!("SELECT {SLOT_COLUMNS} FROM slot WHERE conversation = ?1 AND head = 1");
        let (mut found, mut size) = (Vec::new(), 0);
        for slot in self.db.prepare_cached(&find)?.query_map([id.as_bytes()], |row| sql::slot(row, id))? {
            let slot = slot?;
            size += OVERHEAD + slot.body.len();
            // Somebody who marks too many hides only the surplus, and only from this answer.
            if size <= SLOT_BYTES && (id == own || self.changed(id, slot.key)?) {
                found.push(slot);
            }
        }
        let receipts = SlotKey::of_receipts(id, self.account);
        if found.iter().all(|slot| slot.key != receipts) && self.changed(id, receipts)? {
            found.extend(read_log::slot(self.db, id, receipts)?);
        }
        Ok(found)
    }

    /// The newest message that is about no other and still there.
    fn last_message(
        &self,
        id: ConversationId,
        since: Seq,
        head: Seq,
    ) -> Result<Option<Entry>, rusqlite::Error> {
        let from = since.0.max(head.0.saturating_sub(LOOK_BACK));
        let find = format!(
            "SELECT {ENTRY_COLUMNS} FROM log WHERE conversation = ?1 AND seq >= ?2 AND seq <= ?3
                AND kind = 0 AND annotates = 0 AND erased = 0 ORDER BY seq DESC LIMIT 1"
        );
        let values = params![id.as_bytes(), int(from), int(head.0)];
        self.db.prepare_cached(&find)?.query_row(values, |row| sql::entry(row, 0, id)).optional()
    }

    fn others(&self, id: ConversationId, since: Seq, head: Seq) -> Result<Bin, rusqlite::Error> {
        let from = since.0.max((head.0 + 1).saturating_sub(HEAD_OTHERS));
        let find = "SELECT seq FROM log
            WHERE conversation = ?1 AND seq >= ?2 AND seq <= ?3 AND kind = 0 AND account <> ?4";
        let mut find = self.db.prepare_cached(find)?;
        let values = params![id.as_bytes(), int(from), int(head.0), self.account.as_bytes()];
        let mut rows = find.query(values)?;
        let mut bits = Vec::new();
        while let Some(row) = rows.next()? {
            let back = usize::try_from(head.0 - sql::uint(row, 0)?).unwrap_or(usize::MAX);
            if bits.len() <= back / 8 {
                bits.resize(back / 8 + 1, 0u8);
            }
            bits[back / 8] |= 1 << (back % 8);
        }
        Ok(Bin(bits))
    }

    /// Tells an account's name and devices, once.
    fn tell(&mut self, account: AccountId) -> Outcome<()> {
        if self.told.insert(account)
            && let Some(info) = super::read_account::account_info(self.db, account)?
        {
            self.size += OVERHEAD / 2 + info.list.0.len();
            self.accounts.push(info);
        }
        Ok(())
    }

    fn person(&mut self, account: AccountId) -> u32 {
        index(&mut self.people, &mut self.person_at, account, account)
    }

    /// Names a device that wrote something, and tells its account: without it nothing of it can be checked.
    fn device(&mut self, by: DeviceRef) -> Outcome<u32> {
        self.tell(by.account)?;
        let account = self.person(by.account);
        let device = HeadDevice { account, device: by.device };
        Ok(index(&mut self.devices, &mut self.device_at, by.device, device))
    }

    fn entry(&mut self, entry: Entry) -> Outcome<Option<HeadEntry>> {
        let diario_protocol::Body::Present(body) = entry.body else { return Ok(None) };
        let device = self.device(DeviceRef { account: entry.account, device: entry.device })?;
        let Entry { seq, id, epoch, received_at, .. } = entry;
        Ok(Some(HeadEntry { seq, id, epoch, device, received_at, body }))
    }

    fn slot(&mut self, slot: Slot) -> Outcome<HeadSlot> {
        let device = self.device(DeviceRef { account: slot.account, device: slot.device })?;
        let Slot { key, version, epoch, body, .. } = slot;
        Ok(HeadSlot { key, version, epoch, device, body })
    }
}

fn index<K: std::hash::Hash + Eq, V>(
    table: &mut Vec<V>,
    known: &mut HashMap<K, u32>,
    key: K,
    value: V,
) -> u32 {
    *known.entry(key).or_insert_with(|| {
        table.push(value);
        u32::try_from(table.len() - 1).unwrap_or(u32::MAX)
    })
}
