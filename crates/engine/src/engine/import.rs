//! Messages of other messengers, taken into a conversation of one's own.

use diario_protocol::{ConversationId, Epoch, Timestamp};
use sha2::{Digest, Sha256};

use super::Engine;
use crate::content::{ExtensionKey, ExtensionValue, MimiContent};
use crate::crypto::key::ConversationKey;
use crate::error::CommandError;

/// One message of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportItem {
    /// Names the message within its export: the same at every import.
    pub key: [u8; 16],
    /// Who said it, as the export calls them; `None` for notices.
    pub sender: Option<String>,
    /// When.
    pub sent_at: Timestamp,
    /// What.
    pub text: String,
}

/// Extension of an imported content: who said it there. A text, empty for notices.
const ORIGIN: &str = "diario.imported_from";

/// Who said an imported message.
pub(crate) fn origin(content: &MimiContent) -> Option<String> {
    let key = ExtensionKey::text(ORIGIN).ok()?;
    content.extensions.value(&key)?.as_text().map(str::to_owned)
}

impl Engine {
    /// The conversation that a chat of this title is imported into; begun if there is none yet.
    ///
    /// Its id follows from account and title, so a second import finds the first; one that was left stays so, and the
    /// next import begins another.
    pub fn import_conversation(
        &mut self,
        title: &str,
        now: Timestamp,
    ) -> Result<ConversationId, CommandError> {
        self.begin_import(b"diario import v1", title.as_bytes(), title, now)
    }

    /// The conversation that one of a Diario export is imported into; begun if there is none yet.
    ///
    /// Its id follows from this account and `source`, the conversation's id where it was exported.
    pub fn import_copy(
        &mut self,
        source: ConversationId,
        title: &str,
        now: Timestamp,
    ) -> Result<ConversationId, CommandError> {
        self.begin_import(b"diario export v1", source.as_bytes(), title, now)
    }

    fn begin_import(
        &mut self,
        what: &[u8],
        name: &[u8],
        title: &str,
        now: Timestamp,
    ) -> Result<ConversationId, CommandError> {
        let account = self.active()?.account;
        self.command(now, |engine| {
            let secret = engine.import_secret()?;
            let mut left = 0u32;
            let id = loop {
                // The first as before anybody could leave one.
                let times = left.to_be_bytes();
                let again: &[u8] = if left == 0 { &[] } else { &times };
                let hash = short_hash(&[what, secret.as_bytes(), name, again]);
                let mut half = [0; 8];
                half.copy_from_slice(&hash[..8]);
                let id = ConversationId::of_group(account, half);
                if engine.conversation(id)?.is_none_or(|c| c.left_at.is_none()) {
                    break id;
                }
                left += 1;
            };
            if engine.conversation(id)?.is_none() {
                let me = engine.active()?;
                engine.begin_group(id, title, &me)?;
            }
            Ok(id)
        })
    }

    /// The first self key: the same on every device of the account, for ever, and known to nobody else.
    fn import_secret(&mut self) -> Result<ConversationKey, CommandError> {
        let own = self.active()?.own;
        self.key(own, Epoch(0))?.ok_or(CommandError::NotYet)
    }

    /// Queues messages of an export; gives how many were not there before.
    pub fn import(
        &mut self,
        id: ConversationId,
        items: &[ImportItem],
        now: Timestamp,
    ) -> Result<usize, CommandError> {
        self.command(now, |engine| {
            let me = engine.active()?;
            let conversation = engine.conversation_or_refuse(id)?;
            let secret = engine.import_secret()?;
            let mut new = 0;
            for item in items {
                let content = imported(id, &secret, item)?;
                let (_, is_new) = engine.queue_content(&conversation, &me, &content, None, item.sent_at)?;
                new += usize::from(is_new);
            }
            Ok(new)
        })
    }
}

/// The content of an imported message: nothing in it changes from one import to the next.
///
/// Salted with a secret of the account's: an entry's id is the hash of its content, and whoever could guess the
/// content could else see whether it is there.
fn imported(
    id: ConversationId,
    secret: &ConversationKey,
    item: &ImportItem,
) -> Result<MimiContent, CommandError> {
    let salt = short_hash(&[b"diario imported message v1", secret.as_bytes(), id.as_bytes(), &item.key]);
    let mut content = MimiContent::text(salt, item.text.as_str());
    let key = ExtensionKey::text(ORIGIN)?;
    content.extensions.insert(key, ExtensionValue::text(item.sender.as_deref().unwrap_or_default()))?;
    Ok(content)
}

fn short_hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}
