//! Linking mailboxes: a candidate opens one, an approver enters it once, each puts messages for the other.

use std::sync::Arc;

use diario_protocol::{Bin, MailboxId, Refusal, Reply};
use futures_util::FutureExt as _;

use super::requests::check_size;
use super::{Done, Session, Work};

/// Mailboxes of one connection at the same time.
const MOST: usize = 4;

impl Session {
    pub(super) fn open_mailbox(&mut self, id: MailboxId) -> Result<Work, Refusal> {
        if self.mailboxes.len() >= MOST {
            return Err(Refusal::TooMany("open mailboxes".into(), MOST as u64));
        }
        self.app.addresses.open_mailbox(self.address)?;
        let (app, address) = (Arc::clone(&self.app), self.address);
        if !app.hub.attach_mailbox(id, false, &self.link) {
            app.addresses.close_mailbox(address);
            return Err(Refusal::MailboxGone);
        }
        let opened = app.storage.open_mailbox(id, app.clock.now(), app.mailbox_limits());
        let work = async move {
            if let Err(refusal) = opened.await {
                app.hub.detach_mailbox(id, false);
                app.addresses.close_mailbox(address);
                return Err(refusal);
            }
            Ok(Done::Mailbox(id, false))
        };
        Ok(work.boxed())
    }

    pub(super) fn join_mailbox(&mut self, id: MailboxId) -> Result<Work, Refusal> {
        if self.mailboxes.len() >= MOST {
            return Err(Refusal::TooMany("open mailboxes".into(), MOST as u64));
        }
        // Before the storage lets it in: what is put from then on is pushed and not kept.
        if !self.app.hub.attach_mailbox(id, true, &self.link) {
            return Err(Refusal::MailboxGone);
        }
        let app = Arc::clone(&self.app);
        let joined = app.storage.join_mailbox(id, app.clock.now());
        let work = async move {
            if let Err(refusal) = joined.await {
                app.hub.detach_mailbox(id, true);
                return Err(refusal);
            }
            Ok(Done::Mailbox(id, true))
        };
        Ok(work.boxed())
    }

    pub(super) fn put_mailbox(&mut self, id: MailboxId, body: Bin) -> Result<Work, Refusal> {
        check_size(body.len(), self.app.settings.mailbox_message_bytes)?;
        let by_approver = self.side_of(id)?;
        let (now, limits) = (self.app.clock.now(), self.app.mailbox_limits());
        let put = self.app.storage.put_mailbox(id, by_approver, body, now, limits);
        Ok(put.map(|result| result.map(|()| Done::Reply(Reply::Done))).boxed())
    }

    pub(super) fn close_mailbox(&mut self, id: MailboxId) -> Result<Work, Refusal> {
        self.side_of(id)?;
        let closed = self.app.storage.close_mailbox(id);
        Ok(closed.map(move |result| result.map(|()| Done::MailboxClosed(id))).boxed())
    }

    /// Takes a mailbox off this connection.
    pub(super) fn forget_mailbox(&mut self, id: MailboxId) {
        if let Some(at) = self.mailboxes.iter().position(|(mailbox, _)| *mailbox == id) {
            let (_, approver) = self.mailboxes.swap_remove(at);
            self.app.hub.detach_mailbox(id, approver);
            if !approver {
                self.app.addresses.close_mailbox(self.address);
            }
        }
    }

    /// Which side of a mailbox this connection is: `true` for the approver.
    fn side_of(&self, id: MailboxId) -> Result<bool, Refusal> {
        let side = self.mailboxes.iter().find(|(mailbox, _)| *mailbox == id);
        side.map(|(_, approver)| *approver).ok_or(Refusal::MailboxGone)
    }
}
