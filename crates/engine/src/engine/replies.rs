//! Frames of the server, each to whom it concerns.

use diario_protocol::{
    Hello, LoggedIn, Login, Notice, PROTOCOL_VERSION, Refusal, Reply, Request, ServerFrame, SlotOutcome,
    Timestamp,
};

use super::requests::{Asked, Phase, Question, SlotBatch};
use super::{Engine, Result};
use crate::error::Misbehaviour;
use crate::event::Event;
use crate::store::message;
use crate::store::outbox;
use crate::store::people::Stage;

/// What was refused for a while, or not found, is tried again after this long, in milliseconds.
const RETRY_MS: u64 = 1_000;

impl Engine {
    pub(super) fn handle(&mut self, frame: ServerFrame) -> Result<()> {
        match frame {
            ServerFrame::Hello(hello) => self.on_hello(&hello),
            ServerFrame::Reply(id, reply) => match self.session.under_way.remove(&id) {
                Some(asked) => self.on_reply(asked, reply),
                None => self.out_of_turn("an answer to nothing"),
            },
            ServerFrame::Refused(id, refusal) => match self.session.under_way.remove(&id) {
                Some(asked) => self.on_refusal(asked, refusal),
                // Signals are answered only when refused, and nothing depends on them.
                None => Ok(()),
            },
            ServerFrame::Changes(changes) => self.on_changes(changes),
            ServerFrame::Signal(signal) => self.on_signal(&signal),
            ServerFrame::Mailbox(item) => self.on_mailbox(&item),
            ServerFrame::Notice(notice) => self.on_notice(notice),
        }
    }

    pub(super) fn out_of_turn(&mut self, what: &'static str) -> Result<()> {
        self.misbehaved(None, Misbehaviour::OutOfTurn(what));
        self.must_disconnect = true;
        Ok(())
    }

    fn on_hello(&mut self, hello: &Hello) -> Result<()> {
        if self.session.phase != Phase::AwaitHello {
            return self.out_of_turn("a second hello");
        }
        if hello.protocol != PROTOCOL_VERSION {
            self.misbehaved(None, Misbehaviour::OtherProtocol(hello.protocol));
            self.must_disconnect = true;
            return Ok(());
        }
        if let Some(me) = &mut self.me {
            if *me.server_id.get_or_insert(hello.server) != hello.server {
                self.misbehaved(None, Misbehaviour::OtherServer);
                self.must_disconnect = true;
                return Ok(());
            }
            me.save(&self.db)?;
        }
        crate::store::kept::set_server_retention(&self.db, hello.limits.retention)?;
        self.session.limits = hello.limits.clone();
        self.session.nonce = Some(hello.nonce);
        self.session.server = Some(hello.server);
        self.clock_offset = offset(hello.now, self.now);
        self.session.phase = Phase::AwaitLogin;
        if self.linking.is_candidate() {
            return self.open_mailbox();
        }
        if self.me.is_none() && self.recovery.is_coming() {
            return self.open_vault();
        }
        self.log_in()
    }

    /// Logs in, or registers where the server does not know the account yet.
    ///
    /// A device that is registering tries the login first: the answer to its registration may have been lost.
    pub(super) fn log_in(&mut self) -> Result<()> {
        let (Some(me), Some(nonce)) = (&self.me, self.session.nonce) else { return Ok(()) };
        let Some(server) = me.server_id else { return Ok(()) };
        let signature = me.key.sign(&Login::challenge(&server, &nonce, &me.account, &me.device));
        let login = Login { account: me.account, device: me.device, signature };
        self.ask(Request::Login(login), Asked::Login);
        Ok(())
    }

    fn on_logged_in(&mut self, welcome: &LoggedIn) -> Result<()> {
        self.session.key_packages_left = welcome.key_packages;
        let me = self.me.as_mut().ok_or(crate::EngineError::Internal("logged in without an account"))?;
        let went_back = welcome.head < me.cursor;
        // A server that came back from an older copy goes on below what was seen; what comes from there is new.
        me.cursor = me.cursor.min(welcome.head);
        me.username = welcome.username.clone();
        self.told_expired = false;
        let registering = me.stage == Stage::Registering;
        let recovering = me.stage == Stage::Recovering;
        let first = registering || me.cursor.0 == 0;
        me.stage = Stage::Active;
        me.save(&self.db)?;
        let (username, account, cursor) = (me.username.clone(), me.account, me.cursor);
        if went_back {
            self.misbehaved(None, Misbehaviour::WentBack);
        }
        if registering {
            self.registered()?;
        }
        if recovering {
            self.recovered()?;
        }
        if first {
            self.emit(Event::Ready(username));
        }
        self.set_phase(Phase::CatchingUp);
        self.session.missing_keys.look = true;
        self.enter_self_conversation(account)?;
        if self.wants_bootstrap(registering, welcome.head)? {
            self.session.bootstrap = Some(super::bootstrap::Bootstrap::default());
            self.take_acks_back()?;
        } else {
            self.ask(Request::Subscribe(cursor), Asked::Subscribe);
        }
        self.look_at_validity()
    }

    fn on_reply(&mut self, asked: Asked, reply: Reply) -> Result<()> {
        match (asked, reply) {
            (Asked::Register, Reply::Registered(welcome))
            | (Asked::Login | Asked::Recover, Reply::LoggedIn(welcome)) => self.on_logged_in(&welcome),
            (Asked::OpenVault, Reply::Vault(vault)) => self.on_vault(*vault),
            (Asked::NamesLists, Reply::DeviceLists(lists)) => {
                self.on_names(|naming| naming.lists = Some(lists))
            }
            (Asked::NamesSlots, Reply::Slots(slots)) => self.on_names(|naming| naming.slots = Some(slots)),
            (Asked::VaultMethods, Reply::VaultMethods(methods)) => self.on_vault_methods(methods),
            (Asked::PutVault, Reply::Done) => {
                // Compared once more: another device may have written at the same time.
                self.session.asking.remove(&Question::Vault);
                Ok(())
            }
            (Asked::Create(conversation), Reply::Done) => self.created(conversation),
            (Asked::Commit(conversation), Reply::Appended(seq)) => {
                self.session.lane(conversation).control = false;
                self.heard_of(conversation, seq)
            }
            (Asked::Slots(conversation, batch), Reply::SlotsPut(outcomes)) => {
                self.slots_put(conversation, batch, &outcomes)
            }
            (Asked::Log(conversation), Reply::Log(page)) => self.on_log_page(conversation, page),
            (Asked::Older { conversation, from, to }, Reply::Log(page)) => {
                self.on_older(conversation, from, to, &page)
            }
            (Asked::SeqAt(conversation, at), Reply::SeqAt(seq)) => self.on_seq_at(conversation, at, seq),
            (Asked::SnapshotSlots, Reply::Slots(slots)) => self.on_snapshot_slots(&slots),
            (Asked::Heads, Reply::Heads(heads)) => self.on_heads(&heads),
            (Asked::Keys(asked), Reply::Slots(slots)) => self.on_keyring(&slots, &asked),
            (Asked::Chain(asked), Reply::Slots(slots)) => self.on_chain(slots, &asked),
            (Asked::Commits(conversation), Reply::Log(page)) => self.on_commits(conversation, page),
            (Asked::GroupState(conversation), Reply::GroupState(state)) => {
                self.on_group_state(conversation, state)
            }
            (Asked::Welcome(conversation), Reply::Welcome(welcome)) => self.on_welcome(conversation, welcome),
            (Asked::Claim(conversation, devices), Reply::KeyPackages(packages)) => {
                self.on_key_packages(conversation, &devices, packages)
            }
            (Asked::Accounts(asked), Reply::Accounts(found)) => self.on_accounts(&asked, found),
            (Asked::History(account), Reply::DeviceLists(lists)) => self.on_history(account, &lists),
            (Asked::KeyPackages { last_resort, count }, Reply::Done) => {
                self.session.asking.remove(&Question::KeyPackages);
                self.session.key_packages_left = self.session.key_packages_left.saturating_add(count);
                if last_resort {
                    let now = self.now;
                    if let Some(me) = &mut self.me {
                        me.last_resort_at = now;
                        me.save(&self.db)?;
                    }
                }
                Ok(())
            }
            (Asked::DeviceList(list, change), Reply::Done) => self.device_list_put(&list, &change),
            (Asked::LastSeen, Reply::LastSeen(seen)) => self.on_last_seen(seen),
            (Asked::Mailbox(_), Reply::Done) => {
                self.mailbox_done();
                Ok(())
            }
            // The log shows an entry to everybody, this device too; that is when it counts, not at this answer.
            (Asked::Append(..), Reply::Appended(_))
            | (Asked::Subscribe | Asked::Push | Asked::Retention(_) | Asked::Nothing, Reply::Done) => Ok(()),
            (Asked::PushKey, Reply::PushKey(key)) => {
                self.emit(Event::PushKey(key.map(|key| key.0)));
                Ok(())
            }
            _ => self.out_of_turn("an answer to another question"),
        }
    }

    fn on_refusal(&mut self, asked: Asked, refusal: Refusal) -> Result<()> {
        if refusal == Refusal::DeviceExpired {
            // Of this device, not of what it asked: that is kept, as when a line is lost, until it was renewed.
            return self.on_notice(Notice::Expired);
        }
        if refusal == Refusal::DeviceRevoked && self.session.is_logged_in() {
            // The same; and not on the server's word alone.
            return self.look_whether_removed();
        }
        match asked {
            Asked::Login => self.login_refused(refusal),
            Asked::Register => self.registration_refused(refusal),
            Asked::Create(conversation) => self.create_refused(conversation, refusal),
            Asked::Append(conversation, entry) => {
                if refusal == Refusal::Exists {
                    // A sibling imported the same and was faster: the log brings it. Until then it is not sent again.
                    self.fill_whole(conversation);
                    return Ok(());
                }
                self.session.lane(conversation).sent.remove(&entry);
                if self.refused_for_now(conversation, &refusal) {
                    return Ok(());
                }
                message::fail(&self.db, conversation, entry, &refusal.to_string())?;
                outbox::drop_entry(&self.db, entry)?;
                self.emit(Event::Failed { conversation, id: Some(entry), refusal });
                Ok(())
            }
            Asked::Commit(conversation) => {
                self.session.lane(conversation).control = false;
                self.commit_refused(conversation, refusal)
            }
            Asked::Slots(conversation, batch) => {
                self.session.lane(conversation).slots = false;
                if matches!(batch, SlotBatch::Keyring(_)) && (refusal.is_temporary() || is_behind(&refusal)) {
                    self.session.asking.remove(&Question::Keyring);
                }
                if self.refused_for_now(conversation, &refusal) {
                    if matches!(batch, SlotBatch::Receipts { .. }) {
                        self.session.unmarked.insert(conversation);
                    }
                } else {
                    // What the server never takes is not offered again on this connection.
                    self.session.unmarked.remove(&conversation);
                    match batch {
                        SlotBatch::Outbox(write) => {
                            self.drop_slot_write(conversation, &write)?;
                            self.emit(Event::Failed { conversation, id: None, refusal });
                        }
                        SlotBatch::Answer(write) => self.session.asks.give_up(&write),
                        SlotBatch::Keyring(_) | SlotBatch::Receipts { .. } | SlotBatch::Snapshot => {}
                    }
                }
                Ok(())
            }
            Asked::Log(conversation) | Asked::Commits(conversation) => {
                self.session.lane(conversation).fetching = false;
                self.session.lane(conversation).control = false;
                self.back_off(conversation, RETRY_MS);
                Ok(())
            }
            Asked::Older { conversation, .. } => {
                self.older_refused(conversation, &refusal);
                Ok(())
            }
            Asked::SeqAt(conversation, at) => {
                self.emit(Event::Sought { conversation, at, seq: diario_protocol::Seq(0) });
                Ok(())
            }
            Asked::SnapshotSlots | Asked::Heads => self.bootstrap_refused(refusal),
            Asked::Keys(_) | Asked::Chain(_) => {
                self.keys_refused();
                Ok(())
            }
            Asked::GroupState(conversation)
            | Asked::Claim(conversation, _)
            | Asked::Welcome(conversation) => {
                self.session.lane(conversation).control = false;
                self.back_off(conversation, RETRY_MS);
                Ok(())
            }
            Asked::Accounts(asked) => {
                self.lookup_refused(&asked, &refusal);
                Ok(())
            }
            Asked::History(account) => {
                self.ask_again_later(Question::History(account));
                Ok(())
            }
            Asked::KeyPackages { .. } => {
                if refusal.is_temporary() {
                    self.ask_again_later(Question::KeyPackages);
                    return Ok(());
                }
                // Tried again at the next connection: without key packages others simply cannot admit this device.
                self.misbehaved(None, Misbehaviour::Refused(refusal));
                Ok(())
            }
            Asked::DeviceList(_, change) => self.device_list_refused(&change, refusal),
            Asked::Mailbox(mailbox) => self.mailbox_refused(mailbox, &refusal),
            Asked::Retention(conversation) => {
                self.retention_refused(conversation, refusal);
                Ok(())
            }
            Asked::OpenVault => self.open_vault_refused(refusal),
            // The devices are shown without names.
            Asked::NamesLists => self.on_names(|naming| naming.lists = Some(Vec::new())),
            Asked::NamesSlots => self.on_names(|naming| naming.slots = Some(Vec::new())),
            Asked::Recover => self.recover_refused(refusal),
            Asked::VaultMethods | Asked::PutVault => {
                self.vault_refused(refusal);
                Ok(())
            }
            Asked::Subscribe => self.out_of_turn("a refused stream"),
            Asked::PushKey => {
                self.emit(Event::PushKey(None));
                Ok(())
            }
            Asked::LastSeen => {
                self.session.asking.remove(&Question::LastSeen);
                Ok(())
            }
            // A refused subscription is told again at the next connection, and not before: the refusal would be the same.
            Asked::Push | Asked::Nothing => Ok(()),
        }
    }

    /// Whether a refusal will pass by itself; the conversation waits for what it needs.
    pub(super) fn refused_for_now(
        &mut self,
        conversation: diario_protocol::ConversationId,
        refusal: &Refusal,
    ) -> bool {
        match refusal {
            Refusal::StaleEpoch(epoch) => {
                // The commit may have come before this refusal did.
                let behind = self.conversations.get(&conversation).is_none_or(|c| c.log_epoch < *epoch);
                self.session.lane(conversation).wait_for = behind.then_some(*epoch);
                self.attention.insert(conversation);
            }
            Refusal::RosterStale => self.roster_refused(conversation),
            Refusal::RateLimited(ms) => self.back_off(conversation, (*ms).max(100)),
            other if other.is_temporary() => self.back_off(conversation, RETRY_MS),
            _ => return false,
        }
        true
    }

    fn login_refused(&mut self, refusal: Refusal) -> Result<()> {
        let stage = self.me()?.stage;
        match refusal {
            Refusal::DeviceRevoked | Refusal::NotFound(_) if stage == Stage::Registering => {
                self.register_now()
            }
            Refusal::DeviceRevoked | Refusal::NotFound(_) if stage == Stage::Recovering => {
                self.recovery_not_taken()
            }
            Refusal::DeviceRevoked => self.look_whether_removed(),
            other => {
                self.must_disconnect = true;
                self.emit(Event::Rejected(other));
                Ok(())
            }
        }
    }

    /// The server says that this device was removed: the account's signed list has to say so.
    fn look_whether_removed(&mut self) -> Result<()> {
        let username = self.me()?.username.clone();
        self.ask_for_accounts(vec![diario_protocol::AccountRef::Name(username)]);
        Ok(())
    }

    fn on_notice(&mut self, notice: Notice) -> Result<()> {
        self.must_disconnect = true;
        match notice {
            Notice::Expired => {
                self.told_expired = true;
                self.emit(Event::Expired);
            }
            // Revoked: the next login asks for the signed list, which is what counts.
            Notice::Revoked | Notice::Draining(_) | Notice::Replaced => {}
        }
        Ok(())
    }

    fn slots_put(
        &mut self,
        conversation: diario_protocol::ConversationId,
        batch: SlotBatch,
        outcomes: &[SlotOutcome],
    ) -> Result<()> {
        self.session.lane(conversation).slots = false;
        match batch {
            SlotBatch::Keyring(keys) => self.keyring_put(&keys, outcomes),
            SlotBatch::Receipts { delivered, read, version } => {
                self.receipts_put(conversation, delivered, read, version, outcomes)
            }
            SlotBatch::Outbox(write) => self.slot_put(conversation, &write, outcomes),
            SlotBatch::Answer(write) => self.answer_put(conversation, &write, outcomes),
            // A sibling was faster where it is newer: one is as good as the other.
            SlotBatch::Snapshot => Ok(()),
        }
    }
}

/// Whether a refusal passes once this device has caught up.
fn is_behind(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::StaleEpoch(_) | Refusal::RosterStale)
}

fn offset(server: Timestamp, here: Timestamp) -> i64 {
    let wide = i128::from(server.0) - i128::from(here.0);
    i64::try_from(wide).unwrap_or(0)
}
