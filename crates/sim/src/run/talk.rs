//! What people say, and what they do with their conversations.

use anyhow::Result;
use diario_engine::content::MimiContent;
use diario_engine::{Arrangement, Draft, Engine, Fill, GroupChange, ImportItem, MessageState, MessageView};
use diario_protocol::{ConversationId, ConversationKind, EntryId, Retention, Seq, Timestamp};

use super::clock::BEGIN_MS;
use super::frames::short;
use super::journal::Kind;
use super::oracle::Said;
use super::world::World;

impl World {
    /// Says some things in some conversation.
    pub(super) fn say(&mut self, peer: usize, times: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return self.direct(peer) };
        for _ in 0..times {
            self.oracle.said_in_all += 1;
            let text = format!("message {}", self.oracle.said_in_all);
            self.note_of(peer, Kind::Operation, format!("says “{text}” in {}", short(&row.id)));
            let draft = Draft::Text(text.clone());
            if let Some(id) = self.command(peer, |engine, now| engine.send(row.id, &draft, now))? {
                self.said(peer, id, text);
            }
        }
        Ok(())
    }

    fn said(&mut self, peer: usize, id: EntryId, text: String) {
        let mut said = Said::new(peer, text, self.clock.elapsed_ms());
        // Its power was cut before whoever said it could be told that it is kept.
        said.excused = self.peers[peer].engine.is_none();
        self.oracle.said.insert(id, said);
    }

    /// Says something about a message that can be read: edits it, reacts to it, takes it back.
    pub(super) fn say_about(&mut self, peer: usize) -> Result<()> {
        let Some(message) = self.some_message(peer, |m| m.seq.is_some() && !m.is_notice())? else {
            return Ok(());
        };
        let Some(seq) = message.seq else { return Ok(()) };
        let Some(engine) = &self.peers[peer].engine else { return Ok(()) };
        let Some(original) = engine.message_id(message.conversation, seq)? else { return Ok(()) };
        self.oracle.said_in_all += 1;
        let (n, salt) = (self.oracle.said_in_all, self.random.bits().to_be_bytes().repeat(2));
        let salt = salt.try_into().unwrap_or_default();
        let own = self.peers[peer].identity().is_some_and(|(account, _)| account == message.account);
        let (text, content) = match self.random.below(if own { 3 } else { 1 }) {
            0 => ("❤".to_owned(), MimiContent::reaction(salt, original, "❤")),
            1 => (format!("edit {n}"), MimiContent::edit(salt, original, format!("edit {n}"))),
            _ => (String::new(), MimiContent::delete(salt, original)),
        };
        self.note_of(
            peer,
            Kind::Operation,
            format!("says “{text}” about {} of {}", seq.0, short(&message.conversation)),
        );
        let done =
            self.command(peer, |engine, now| engine.send_about(message.conversation, &content, seq, now))?;
        if let Some(id) = done {
            self.said(peer, id, text);
        }
        Ok(())
    }

    /// One of the newest messages of all conversations that the account is in.
    fn some_message(
        &mut self,
        peer: usize,
        wanted: impl Fn(&MessageView) -> bool,
    ) -> Result<Option<MessageView>> {
        let Some(engine) = &self.peers[peer].engine else { return Ok(None) };
        let mut messages = Vec::new();
        for row in engine.conversation_rows()?.into_iter().filter(|row| row.open) {
            messages.extend(engine.log(row.id, 50, None)?.into_iter().filter(&wanted));
        }
        if messages.is_empty() {
            return Ok(None);
        }
        let chosen = self.random.below(messages.len());
        Ok(Some(messages.swap_remove(chosen)))
    }

    /// Sends again what was refused for good, once the account is in the conversation again; whether it did.
    pub(super) fn retry(&mut self, peer: usize) -> Result<bool> {
        let failed = |m: &MessageView| m.state == MessageState::Failed;
        let Some(message) = self.some_message(peer, failed)? else { return Ok(false) };
        self.note_of(peer, Kind::Operation, format!("sends {} again", short(&message.id)));
        if self.command(peer, |engine, now| engine.retry(message.conversation, message.id, now))?.is_none() {
            return Ok(false);
        }
        self.marks.hit("a message that failed was sent again");
        if let Some(said) = self.oracle.said.get_mut(&message.id) {
            said.excused = false;
        }
        Ok(true)
    }

    /// Drops what is not sent yet, or was refused for good.
    pub(super) fn discard(&mut self, peer: usize) -> Result<()> {
        let unsent = |m: &MessageView| m.seq.is_none();
        let Some(message) = self.some_message(peer, unsent)? else { return Ok(()) };
        self.note_of(peer, Kind::Operation, format!("drops {}", short(&message.id)));
        if self.command(peer, |engine, now| engine.discard(message.conversation, message.id, now))?.is_some()
        {
            self.marks.hit("a message was dropped before it was sent");
            if let Some(said) = self.oracle.said.get_mut(&message.id) {
                said.excused = true;
            }
            let imported = self.oracle.imported.get_mut(&message.conversation);
            if let Some(by) = imported.and_then(|texts| texts.get_mut(&message.text)) {
                by.remove(&peer);
            }
        }
        Ok(())
    }

    /// Chooses for how long the server keeps a conversation.
    pub(super) fn retain(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        let days = [None, None, Some(1), Some(7)][self.random.below(4)];
        let retention = Retention { days, delivered: self.random.one_in(2) };
        self.note_of(peer, Kind::Operation, format!("keeps {} {retention}", short(&row.id)));
        let done = self.command(peer, |engine, now| engine.set_retention(row.id, retention, now))?;
        if done.is_some() && days.is_some() {
            self.oracle.ageing.insert(row.id);
        }
        Ok(())
    }

    /// Marks somebody as verified, or not.
    pub(super) fn verify(&mut self, peer: usize) -> Result<()> {
        let Some(other) = self.somebody_else(peer)? else { return Ok(()) };
        let verified = !self.random.one_in(3);
        self.note_of(peer, Kind::Operation, format!("marks {} as verified: {verified}", short(&other)));
        self.command(peer, |engine, now| engine.set_verified(other, verified, now))?;
        Ok(())
    }

    /// Looks at the past, or chooses how it is fetched.
    pub(super) fn look_back(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        let place = Seq(1 + self.random.bits() % row.head.0.max(1));
        let what = self.random.below(6);
        let words =
            ["looks before", "looks after", "looks for the time of", "fetches all of", "pauses", "fills"];
        self.note_of(peer, Kind::Operation, format!("{} {} of {}", words[what], place.0, short(&row.id)));
        match what {
            0 => {
                self.command(peer, |engine, now| engine.fetch_before(row.id, Some(place), now))?;
            }
            1 => {
                self.command(peer, |engine, now| engine.fetch_after(row.id, place, now))?;
            }
            2 => {
                let ago = self.random.bits() % (self.clock.elapsed_ms() + 1);
                let at = |now: Timestamp| Timestamp(now.0.saturating_sub(ago));
                self.command(peer, |engine, now| engine.seek(row.id, at(now), now))?;
            }
            3 => {
                self.command(peer, Engine::fill_now)?;
            }
            4 => {
                let paused = self.random.one_in(2);
                self.command(peer, |engine, now| engine.pause_fill(paused, now))?;
            }
            _ => {
                let fill = [Fill::Never, Fill::Unmetered, Fill::Always][self.random.below(3)];
                self.command(peer, |engine, now| engine.set_fill(fill, now))?;
            }
        }
        Ok(())
    }

    /// Imports some messages of another messenger; others of the same chat may be there already.
    pub(super) fn import(&mut self, peer: usize) -> Result<()> {
        let person = self.peers[peer].person;
        let first = self.random.below(6);
        let last = first + self.random.below(6);
        self.note_of(peer, Kind::Operation, format!("imports {first} to {last} of an old chat"));
        let Some(id) = self.command(peer, |engine, now| engine.import_conversation("an old chat", now))?
        else {
            return Ok(());
        };
        let items: Vec<ImportItem> = (first..=last).map(|n| old_message(person, n)).collect();
        if self.command(peer, |engine, now| engine.import(id, &items, now))?.is_some() {
            self.marks.hit("a chat was imported");
            let texts = self.oracle.imported.entry(id).or_default();
            for item in items {
                texts.entry(item.text).or_default().insert(peer);
            }
        }
        Ok(())
    }

    pub(super) fn read(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        if row.head.0 == 0 {
            return Ok(());
        }
        let seq = Seq(1 + self.random.bits() % row.head.0);
        self.note_of(peer, Kind::Operation, format!("has read {} up to {}", short(&row.id), seq.0));
        self.command(peer, |engine, now| engine.mark_read(row.id, seq, now))?;
        Ok(())
    }

    pub(super) fn direct(&mut self, peer: usize) -> Result<()> {
        let Some(other) = self.somebody_else(peer)? else { return Ok(()) };
        self.note_of(peer, Kind::Operation, "begins a direct conversation".into());
        self.command(peer, |engine, now| engine.direct(other, now))?;
        Ok(())
    }

    pub(super) fn group(&mut self, peer: usize) -> Result<()> {
        let mut with = Vec::new();
        for _ in 0..=self.random.below(2) {
            with.extend(self.somebody_else(peer)?);
        }
        with.sort_unstable();
        with.dedup();
        self.note_of(peer, Kind::Operation, format!("makes a group with {} others", with.len()));
        self.command(peer, |engine, now| engine.create_conversation("a group", &with, now))?;
        Ok(())
    }

    pub(super) fn change_members(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        if row.kind != ConversationKind::Group {
            return self.group(peer);
        }
        let Some(other) = self.somebody_else(peer)? else { return Ok(()) };
        let members = match &self.peers[peer].engine {
            Some(engine) => engine.members(row.id)?,
            None => return Ok(()),
        };
        let inside = members.iter().any(|m| m.account == other);
        let change = match self.random.below(8) {
            0 => GroupChange::Leave,
            _ if inside => GroupChange::Remove(vec![other]),
            _ => GroupChange::Add(vec![other]),
        };
        let words = match change {
            GroupChange::Leave => "leaves",
            GroupChange::Remove(_) => "removes somebody from",
            GroupChange::Add(_) => "adds somebody to",
        };
        self.note_of(peer, Kind::Operation, format!("{words} {}", short(&row.id)));
        let done = self.command(peer, |engine, now| engine.change_group(row.id, &change, now))?;
        match (done, change) {
            (Some(()), GroupChange::Leave) => self.marks.hit("a conversation was left by its member"),
            (Some(()), GroupChange::Remove(_)) => self.marks.hit("a member was removed"),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn arrange(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        let id: ConversationId = row.id;
        let which = short(&id);
        let number = self.random.below(1000);
        match self.random.below(4) {
            0 => {
                self.note_of(peer, Kind::Operation, format!("drafts in {which}"));
                self.command(peer, |engine, now| engine.set_draft(id, &format!("draft {number}"), now))?;
            }
            1 => {
                self.note_of(peer, Kind::Operation, format!("pins or mutes {which}"));
                let arrangement =
                    Arrangement { pinned: number.is_multiple_of(2), muted: number.is_multiple_of(3) };
                self.command(peer, |engine, now| engine.arrange(id, arrangement, now))?;
            }
            2 => {
                self.note_of(peer, Kind::Operation, format!("names {which}"));
                self.command(peer, |engine, now| {
                    engine.rename_conversation(id, &format!("name {number}"), now)
                })?;
            }
            _ => {
                let Some((_, device)) = self.peers[peer].identity() else { return Ok(()) };
                let name = format!("device {}", self.random.below(1000));
                self.note_of(peer, Kind::Operation, "is renamed".into());
                self.command(peer, |engine, now| engine.rename_device(device, &name, now))?;
            }
        }
        Ok(())
    }

    pub(super) fn typing(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        self.command(peer, |engine, now| engine.typing(row.id, now))?;
        Ok(())
    }
}

/// A message of the chat that a person had on another messenger.
fn old_message(person: usize, number: usize) -> ImportItem {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let sent_at = Timestamp(BEGIN_MS - 1_000 * (1_000 - number as u64));
    ImportItem { key, sender: Some("a friend".into()), sent_at, text: format!("old {number} of {person}") }
}
