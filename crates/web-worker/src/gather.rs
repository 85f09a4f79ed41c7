//! What the pages are to be told, gathered until it is told: many events make few messages.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use diario_engine::{Engine, EngineError, Event, LinkingStep};
use diario_protocol::{ConversationId, DeviceId, EntryId, Seq, Timestamp};
use diario_web_api::{
    Account, Connection, ConversationRow, Filling, LinkStep, MAX_PAGE, Message, Status, Tell,
};

use crate::problem;
use crate::search::UnderWay;
use crate::view::{self, Seen};

/// Rows of one message: a page shows so many at once without being held up.
const ROWS: usize = 50;
/// Arrivals of one flush, and alarms, and people who type: more in so short a time help nobody.
const MOST_NEWS: usize = 20;
/// Announced messages that are remembered, so that none is announced twice.
const MOST_ANNOUNCED: usize = 512;

type Result<T> = std::result::Result<T, EngineError>;

/// Messages that changed in a conversation.
#[derive(Debug, Default)]
struct Changed {
    ids: BTreeSet<EntryId>,
    /// Those that are known by their place only.
    seqs: BTreeSet<Seq>,
    /// More than can be told one by one.
    many: bool,
}

impl Changed {
    fn check(&mut self) {
        if self.ids.len() + self.seqs.len() > usize::from(MAX_PAGE) {
            *self = Self { many: true, ..Self::default() };
        }
    }
}

/// What was not told yet, and what was told last.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
#[derive(Debug, Default)]
pub(crate) struct Gather {
    rows: BTreeSet<ConversationId>,
    /// Any row may be another: names became known, or everything is filled anew.
    all_rows: bool,
    messages: BTreeMap<ConversationId, Changed>,
    /// From where to where parts of the past came in.
    history: BTreeMap<ConversationId, (Seq, Seq)>,
    /// Whether a page follows how much of the history is here, and whether that may be another.
    follows_filling: bool,
    filling: bool,
    news: Vec<Tell>,
    arrived: Vec<(ConversationId, EntryId)>,
    announced: VecDeque<EntryId>,
    devices: bool,
    settings: bool,
    /// The code of the device that is being let in.
    approving: Option<String>,
    /// The export that a page is given.
    pub(crate) export: Option<UnderWay>,
    seen: HashMap<DeviceId, Seen>,
    /// Rows as they were told last.
    told_rows: HashMap<ConversationId, ConversationRow>,
    told_status: Option<Status>,
    told_account: Option<Account>,
    told_filling: Option<Filling>,
}

impl Gather {
    /// A conversation's row may be another.
    pub(crate) fn row(&mut self, id: ConversationId) {
        self.rows.insert(id);
    }

    /// A message is new or another.
    pub(crate) fn message(&mut self, conversation: ConversationId, id: EntryId) {
        self.row(conversation);
        let changed = self.messages.entry(conversation).or_default();
        if !changed.many {
            changed.ids.insert(id);
            changed.check();
        }
    }

    /// A part of the past is here now. Of several, what lies between is told too: it does no harm.
    pub(crate) fn history(&mut self, conversation: ConversationId, first: Seq, last: Seq) {
        let known = self.history.entry(conversation).or_insert((first, last));
        *known = (known.0.min(first), known.1.max(last));
    }

    /// From now on a page is told how much of the history is here.
    pub(crate) fn follow_filling(&mut self) {
        self.follows_filling = true;
        self.filling = true;
    }

    /// How much of the history is here may be another.
    pub(crate) fn filled(&mut self) {
        self.filling = true;
    }

    /// Everything may be another.
    pub(crate) fn everything(&mut self, watched: &BTreeSet<ConversationId>) {
        self.all_rows = true;
        self.settings = true;
        for id in watched {
            self.messages.insert(*id, Changed { many: true, ..Changed::default() });
        }
    }

    /// Something to be told as it is.
    pub(crate) fn news(&mut self, tell: Tell) {
        let kind = std::mem::discriminant(&tell);
        let alike = || self.news.iter().filter(|news| std::mem::discriminant(*news) == kind).count();
        // Whoever is not told of these misses nothing that lasts.
        if matches!(tell, Tell::Alarm { .. } | Tell::Typing { .. }) && alike() >= MOST_NEWS {
            return;
        }
        self.news.push(tell);
    }

    /// A code was approved: asked again, the same one is under way.
    pub(crate) fn set_approving(&mut self, code: Option<String>) {
        self.approving = code;
    }

    /// Whether a linking by this code is under way.
    pub(crate) fn is_approving(&self, code: &str) -> bool {
        self.approving.as_deref() == Some(code)
    }

    /// Something happened.
    pub(crate) fn event(&mut self, device: &Engine, event: &Event) -> Result<()> {
        match event {
            Event::Connection(diario_engine::ConnectionState::Offline) => {
                self.filling = true;
                self.seen.retain(|_, seen| *seen != Seen::Online);
                self.approving = None;
                self.devices = true;
            }
            // This device is shown as connected or not, and as a primary or not.
            Event::Role { .. } => self.devices = true,
            Event::Connection(_) => {
                self.devices = true;
                self.filling = true;
            }
            // The state of the connection and of the account is looked at whenever something is told; answers are
            // for who asked.
            Event::Ready(_)
            | Event::Revoked
            | Event::Expired
            | Event::Contact(_)
            | Event::Resolved { .. }
            | Event::LookUpRefused { .. }
            | Event::Renamed { .. }
            | Event::Sought { .. }
            | Event::PushKey(_) => {}
            Event::Recovery(step) => match crate::recovery::step(step) {
                Some(step) => self.news(Tell::Recover(step)),
                None => self.news(Tell::RecoveryMethods(crate::recovery::methods(device)?)),
            },
            Event::KeyChanged { username, now, .. } => {
                let what = format!("{username} has another account now, with other keys");
                let own = device.whoami().map(|(_, own, _)| own);
                let conversation = own.map(|own| ConversationId::of_pair(own, *now));
                self.news(Tell::Alarm { conversation, what });
                self.all_rows = true;
            }
            Event::History { conversation, first, last } => {
                self.row(*conversation);
                self.history(*conversation, *first, *last);
                self.filling = true;
            }
            Event::Rejected(refusal) => self.news(Tell::Rejected(problem::of_refusal(refusal))),
            Event::Message { conversation, id, live, .. } => {
                self.message(*conversation, *id);
                if *live {
                    self.arrive(*conversation, *id);
                }
            }
            Event::Sent { conversation, id, .. } => self.message(*conversation, *id),
            Event::Failed { conversation, id, .. } => match id {
                Some(id) => self.message(*conversation, *id),
                None => self.row(*conversation),
            },
            Event::Entry { conversation, seq } => {
                self.row(*conversation);
                let changed = self.messages.entry(*conversation).or_default();
                if !changed.many {
                    changed.seqs.insert(*seq);
                    changed.check();
                }
            }
            Event::Conversation(id) => self.row(*id),
            Event::Settings => self.settings = true,
            Event::Gone { conversation, id } => {
                self.row(*conversation);
                self.news(Tell::Gone { conversation: *conversation, id: *id });
            }
            Event::Devices(account) => {
                self.devices |= device.whoami().is_some_and(|(_, own, _)| own == *account);
                // With the devices comes the account's name, which may stand in any row.
                self.all_rows = true;
            }
            Event::Typing { conversation, account, until } => {
                let name = device.name_of(*account)?;
                self.news(Tell::Typing { conversation: *conversation, name, until: *until });
            }
            Event::LastSeen(seen) => {
                self.seen = seen.iter().map(|(id, at)| (*id, at.map_or(Seen::Online, Seen::At))).collect();
                self.devices = true;
            }
            Event::Linking(step) => {
                if matches!(step, LinkingStep::Done { .. } | LinkingStep::Failed(_)) {
                    self.approving = None;
                }
                self.news(Tell::Link(link_step(step)));
            }
            Event::Misbehaviour { conversation, what } => {
                self.news(Tell::Alarm { conversation: *conversation, what: what.to_string() });
            }
        }
        Ok(())
    }

    fn arrive(&mut self, conversation: ConversationId, id: EntryId) {
        if self.announced.contains(&id) {
            return;
        }
        self.announced.push_back(id);
        if self.announced.len() > MOST_ANNOUNCED {
            self.announced.pop_front();
        }
        self.arrived.push((conversation, id));
        if self.arrived.len() > MOST_NEWS {
            self.arrived.remove(0);
        }
    }

    /// What is to be told now. Messages are for the pages that watch their conversation, the rest is for all.
    pub(crate) fn take(
        &mut self,
        device: &Engine,
        connection: Connection,
        watched: &BTreeSet<ConversationId>,
        now: Timestamp,
    ) -> Result<Vec<Tell>> {
        let mut tells = Vec::new();
        let account = view::account(device, now)?;
        if self.told_account != account {
            self.told_account.clone_from(&account);
            tells.push(Tell::Account(account));
        }
        if std::mem::take(&mut self.settings) {
            tells.push(Tell::Settings(view::settings(device)?));
        }
        self.take_rows(device, &mut tells)?;
        for (conversation, changed) in std::mem::take(&mut self.messages) {
            if watched.contains(&conversation) {
                tells.push(messages(device, conversation, &changed)?);
            }
        }
        for (conversation, (first, last)) in std::mem::take(&mut self.history) {
            if watched.contains(&conversation) {
                tells.push(Tell::History { conversation, first, last });
            }
        }
        if std::mem::take(&mut self.filling) && self.follows_filling {
            let filling = view::filling(device)?;
            if self.told_filling != Some(filling) {
                self.told_filling = Some(filling);
                tells.push(Tell::Filling(filling));
            }
        }
        tells.append(&mut self.news);
        for (conversation, id) in std::mem::take(&mut self.arrived) {
            if let (Some(message), Some(row)) =
                (device.message(conversation, id)?, device.conversation_row(conversation)?)
            {
                tells.extend(view::arrived(&message, &row));
            }
        }
        if std::mem::take(&mut self.devices) {
            tells.push(Tell::Devices(self.devices(device, now)?));
        }
        let status = Status { connection, waiting: device.outgoing_total()? };
        if self.told_status.as_ref() != Some(&status) {
            self.told_status = Some(status.clone());
            tells.push(Tell::Status(status));
        }
        Ok(tells)
    }

    /// The own devices, as they are shown.
    pub(crate) fn devices(&self, device: &Engine, now: Timestamp) -> Result<Vec<diario_web_api::Device>> {
        Ok(device
            .devices(now)?
            .into_iter()
            .map(|d| {
                let this_is_online = d.this && device.is_live();
                let seen = self.seen.get(&d.id).copied();
                let seen = if this_is_online { Some(Seen::Online) } else { seen };
                view::device(d, seen)
            })
            .collect())
    }

    fn take_rows(&mut self, device: &Engine, tells: &mut Vec<Tell>) -> Result<()> {
        let dirty = std::mem::take(&mut self.rows);
        let rows = if std::mem::take(&mut self.all_rows) {
            device.conversation_rows()?
        } else {
            let rows = dirty.into_iter().map(|id| device.conversation_row(id));
            rows.filter_map(Result::transpose).collect::<Result<Vec<_>>>()?
        };
        let mut changed = Vec::new();
        for row in rows.into_iter().map(view::row) {
            if self.told_rows.get(&row.id) != Some(&row) {
                self.told_rows.insert(row.id, row.clone());
                changed.push(row);
            }
        }
        for part in changed.chunks(ROWS) {
            tells.push(Tell::Conversations(part.to_vec()));
        }
        Ok(())
    }
}

fn messages(device: &Engine, conversation: ConversationId, changed: &Changed) -> Result<Tell> {
    let mut messages: Vec<Message> = Vec::new();
    for id in &changed.ids {
        messages.extend(shown(device.message(conversation, *id)?));
    }
    for seq in &changed.seqs {
        let after = diario_engine::Anchor::After(Seq(seq.0.saturating_sub(1)));
        let found = device.history(conversation, after, 1)?.messages.pop();
        messages.extend(shown(found.filter(|m| m.seq == Some(*seq))));
    }
    // Those that are not in the log come last.
    messages.sort_by_key(|m| (m.seq.map_or(u64::MAX, |seq| seq.0), m.sent_at));
    messages.dedup_by_key(|m| m.id);
    Ok(Tell::Messages { conversation, messages, reload: changed.many })
}

fn shown(message: Option<diario_engine::MessageView>) -> Option<Message> {
    message.filter(|message| !message.is_silent()).map(view::message)
}

fn link_step(step: &LinkingStep) -> LinkStep {
    match step {
        LinkingStep::Code { code, qr } => LinkStep::Code { code: code.clone(), qr: *qr },
        LinkingStep::Requested { name, device } => {
            LinkStep::Requested { name: name.clone(), device: *device }
        }
        LinkingStep::Done { .. } => LinkStep::Done,
        LinkingStep::Failed(why) => LinkStep::Failed(why.clone()),
    }
}
