//! Names that go over to other accounts: begun anew by who runs the server, or by its lie.

use diario_protocol::{AccountId, Timestamp, Username};

use super::{Engine, Result};
use crate::event::Event;
use crate::store::recovery;

/// A name that means another account than before: other keys, and other conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The name.
    pub username: String,
    /// The account that it was known for.
    pub before: AccountId,
    /// The account that it means now.
    pub now: AccountId,
    /// When this device learnt of it.
    pub at: Timestamp,
}

impl Engine {
    /// Names that went over to other accounts, the newest first.
    pub fn key_changes(&self) -> Result<Vec<KeyChange>> {
        let changes = recovery::name_changes(&self.db)?;
        Ok(changes
            .into_iter()
            .map(|c| KeyChange { username: c.username, before: c.before, now: c.now, at: c.at })
            .collect())
    }

    /// An account is called so, by the server's word.
    pub(super) fn watch_name(&mut self, username: &Username, account: AccountId) -> Result<()> {
        if let Some(before) = recovery::note_name(&self.db, username, account, self.now)? {
            self.emit(Event::KeyChanged { username: username.clone(), before, now: account });
            self.contact_changed(account)?;
        }
        if let Some(me) = &mut self.me
            && me.account == account
            && me.username != *username
        {
            let before = std::mem::replace(&mut me.username, username.clone());
            me.save(&self.db)?;
            self.emit(Event::Renamed { before, now: username.clone() });
        }
        Ok(())
    }
}
