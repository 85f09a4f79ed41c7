//! What the user wants: every command of the engine.

use diario_engine::content::MimiContent;
use diario_engine::recovery::{Keep, RecoverySecret, WordLanguage};
use diario_engine::{
    Arrangement, CommandError, Draft, Export, ExportFormat, Fill, GroupChange, ImportItem, LocalTime,
    SearchQuery, Settings,
};
use diario_protocol::{
    AccountId, AccountRef, ConversationId, DeviceId, EntryId, PushSubscription, RecoveryId, Retention, Seq,
    Timestamp,
};

use super::stage::Stage;
use super::tape::Tape;
use super::world::friend;

/// How many there are. A new one is the last: the tapes that were kept go on meaning what they meant.
const COMMANDS: usize = 52;

impl Stage {
    fn some_conversation(&mut self, tape: &mut Tape<'_>) -> ConversationId {
        let known: Vec<_> = self.engine.conversation_rows().unwrap().into_iter().map(|c| c.id).collect();
        tape.pick(&known).unwrap_or(ConversationId::new([1; 16]))
    }

    pub(super) fn command(&mut self, tape: &mut Tape<'_>) {
        let now = self.now;
        let id = self.some_conversation(tape);
        let engine = &mut self.engine;
        let done = match tape.below(COMMANDS) {
            0 => engine.register("ws://here", "anna", "laptop", None, now),
            1..=4 => engine.send(id, &Draft::Text("ciao".into()), now).map(drop),
            5 => engine.create_conversation("friends", &[friend().account], now).map(drop),
            6 => engine.direct(friend().account, now).map(drop),
            7 => {
                let change = match tape.below(3) {
                    0 => GroupChange::Add(vec![friend().account]),
                    1 => GroupChange::Remove(vec![friend().account]),
                    _ => GroupChange::Leave,
                };
                engine.change_group(id, &change, now)
            }
            8 => engine.link("ws://here", "tablet", tape.yes(), now),
            9 => engine.approve(["", "ABCD-2345", "DIARIO:AAAA", "\u{1f4f1}"][tape.below(4)], now),
            10 => engine.confirm_link(tape.yes(), now),
            11 => engine.cancel_link(now).map_err(Into::into),
            12 => {
                let own = engine.whoami().map_or(DeviceId::new([0; 16]), |(_, _, device)| device);
                engine.revoke(if tape.yes() { own } else { DeviceId::new(tape.array()) }, now)
            }
            13 => engine.rebuild(now),
            14 => engine.mark_read(id, Seq(tape.number()), now),
            15 => engine.typing(id, now),
            16 => engine.import_conversation("old chat", now).and_then(|id| {
                let item = ImportItem {
                    key: [tape.byte(); 16],
                    sender: tape.yes().then(|| "Marco".into()),
                    sent_at: Timestamp(tape.number()),
                    text: "ciao".into(),
                };
                engine.import(id, &[item], now).map(drop)
            }),
            17 => engine.look_up(&friend().info.username, now),
            18 => engine.ask_last_seen(now),
            19 => engine.set_draft(id, ["", "ci", "ciao"][tape.below(3)], now),
            20 => engine.arrange(id, Arrangement { pinned: tape.yes(), muted: tape.yes() }, now),
            21 => engine.set_settings(Settings { receipts: tape.yes() }, now),
            22 => engine.rename_conversation(id, ["friends", "foes"][tape.below(2)], now),
            23 => {
                let own = engine.whoami().map_or(DeviceId::new([0; 16]), |(_, _, device)| device);
                engine.rename_device(own, "desktop", now)
            }
            24 => {
                let newest = engine.log(id, 1, None).unwrap().pop().map_or(EntryId::new([0; 16]), |m| m.id);
                if tape.yes() { engine.retry(id, newest, now) } else { engine.discard(id, newest, now) }
            }
            25 => engine.send(id, &Draft::Text("x".repeat(1 << tape.below(18))), now).map(drop),
            other => self.rare_command(other, id, tape),
        };
        if let Err(CommandError::Engine(e)) = done {
            Self::is_no_defect(&e);
        }
    }

    /// Those that came after the first 26.
    fn rare_command(
        &mut self,
        which: usize,
        id: ConversationId,
        tape: &mut Tape<'_>,
    ) -> Result<(), CommandError> {
        let now = self.now;
        let (account, device) = (self.some_account(tape), self.some_device(tape));
        let engine = &mut self.engine;
        match which {
            26 => {
                let days = [None, Some(1), Some(30), Some(u32::MAX)][tape.below(4)];
                engine.set_retention(id, Retention { days, delivered: tape.yes() }, now)
            }
            27 => engine.set_verified(account, tape.yes(), now),
            28 => engine.acknowledge_key_change(account, now),
            29 => engine.seek(id, Timestamp(tape.number()), now),
            30 => {
                let before = tape.yes().then(|| Seq(tape.number()));
                engine.fetch_before(id, before, now).map(drop)
            }
            31 => engine.fetch_after(id, Seq(tape.number()), now).map(drop),
            32 => engine.renew(device, now),
            33 => engine.promote(device, now),
            34 => engine.demote(device, now),
            35 => engine.hand_over(device, now),
            36 => {
                let language = if tape.yes() { WordLanguage::Italian } else { WordLanguage::English };
                engine.make_recovery_key(language, now).map(|key| self.shown = Some(key))
            }
            37 => {
                let right = self
                    .shown
                    .as_ref()
                    .map(|key| key.asked.map(|number| key.words[usize::from(number) - 1].clone()).to_vec());
                let wrong = vec!["abandon".to_owned(); tape.below(5)];
                let words = if tape.yes() { wrong } else { right.unwrap_or_default() };
                engine.confirm_recovery_key(&words, now).map(drop)
            }
            38 => {
                let known: Vec<_> = engine.recovery_methods()?.into_iter().map(|method| method.id).collect();
                let id = tape.pick(&known).unwrap_or(RecoveryId::new([tape.byte(); 16]));
                engine.remove_recovery_method(id, now)
            }
            39 => engine.add_recovery_passkey(tape.array(), &tape.bytes(), "key", now).map(drop),
            40 => engine.set_fill([Fill::Never, Fill::Unmetered, Fill::Always][tape.below(3)], now),
            41 => engine.pause_fill(tape.yes(), now),
            42 => engine.fill_now(now),
            43 => engine.set_metered(tape.yes(), now).map_err(Into::into),
            44 => engine.index_more(now).map(drop).map_err(Into::into),
            45 => self.search(tape),
            46 => self.say_about(id, tape),
            47 => self.export(id, tape),
            48 => {
                let endpoint = ["https://push.example/x", "", "ftp://x"][tape.below(3)];
                let push = PushSubscription {
                    endpoint: endpoint.into(),
                    p256dh: vec![4; PushSubscription::P256DH].into(),
                    auth: vec![5; PushSubscription::AUTH].into(),
                    silent: Vec::new(),
                };
                engine.set_push(tape.yes().then_some(push), now)
            }
            49 => engine.ask_push_key(now),
            50 => {
                let shown = engine.safety_number(account)?;
                let shown = shown.filter(|_| tape.yes()).map_or("12345".to_owned(), |number| number.digits);
                engine.compare_safety_code(account, &shown).map(drop)
            }
            _ => {
                let secret = RecoverySecret::from_passkey([tape.byte(); 32]);
                match tape.below(4) {
                    0 | 1 => {
                        let whose = AccountRef::Name("anna".parse().unwrap());
                        engine.begin_recovery("ws://here", &whose, &secret, "new", now)
                    }
                    2 => {
                        let keep = [Keep::All, Keep::None, Keep::AllBut(vec![device])];
                        engine.finish_recovery(&keep[tape.below(3)], now)
                    }
                    _ => engine.cancel_recovery(now).map_err(Into::into),
                }
            }
        }
    }

    fn some_account(&self, tape: &mut Tape<'_>) -> AccountId {
        match (tape.below(4), self.engine.whoami()) {
            (0, _) => AccountId::new([tape.byte(); 16]),
            (1, Some((_, own, _))) => own,
            _ => friend().account,
        }
    }

    fn some_device(&self, tape: &mut Tape<'_>) -> DeviceId {
        let known: Vec<_> = self.engine.devices(self.now).unwrap().into_iter().map(|d| d.id).collect();
        match tape.below(4) {
            0 => DeviceId::new([tape.byte(); 16]),
            1 => friend().device,
            _ => tape.pick(&known).unwrap_or(friend().device),
        }
    }

    fn search(&mut self, tape: &mut Tape<'_>) -> Result<(), CommandError> {
        let words = ["ciao", "\"x", "c\u{ec}ao x*", ""][tape.below(4)].to_owned();
        let query = SearchQuery { words, limit: u32::from(tape.byte()), ..SearchQuery::default() };
        let found = self.engine.search(&query, self.now)?;
        for hit in found.hits {
            assert!(hit.places.iter().all(|(from, to)| hit.message.text.get(*from..*to).is_some()));
        }
        Ok(())
    }

    /// An edit, a reaction, a reply or a deletion, of a message that is here or of none.
    fn say_about(&mut self, id: ConversationId, tape: &mut Tape<'_>) -> Result<(), CommandError> {
        let known: Vec<_> = self.engine.log(id, 5, None)?.into_iter().filter_map(|m| m.seq).collect();
        let about = tape.pick(&known).unwrap_or(Seq(tape.number()));
        let Some(to) = self.engine.message_id(id, about)? else { return Ok(()) };
        let salt = tape.array();
        let content = match tape.below(4) {
            0 => MimiContent::reaction(salt, to, "x"),
            1 => MimiContent::edit(salt, to, "ciao!"),
            2 => MimiContent::delete(salt, to),
            _ => MimiContent::reply(salt, to, "s\u{ec}"),
        };
        self.engine.send_about(id, &content, about, self.now).map(drop)
    }

    /// Everything, or one conversation, as JSON lines.
    fn export(&mut self, id: ConversationId, tape: &mut Tape<'_>) -> Result<(), CommandError> {
        if self.engine.whoami().is_none() {
            return Ok(());
        }
        let only = tape.yes().then_some(id);
        let mut export = Export::begin(&self.engine, only, ExportFormat::Jsonl, "notes", self.now)?;
        let local = |_| LocalTime { day: String::new(), clock: String::new() };
        let mut text = String::new();
        while let Some(piece) = export.piece(&self.engine, &local)? {
            text.push_str(&piece);
        }
        assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
        Ok(())
    }
}
