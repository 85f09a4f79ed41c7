//! What can be asked of the worker, each with the answer that belongs to it.

use diario_protocol::{AccountId, ConversationId, EntryId, Nonce, Seq, Timestamp};
use diario_web_api::{
    Anchor, Answer, Ask, CheckedWords, Comparison, Device, Exported, Filling, Hits, Member, Message, Problem,
    RecoveryAnswer, RecoveryAsk, RecoveryMethod, SafetyNumber, Search, Usage,
};

use crate::state::State;

/// Part of a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// Its messages, oldest first.
    pub(crate) messages: Vec<Message>,
    /// Whether there are older ones.
    pub(crate) more_before: bool,
    /// Whether there are newer ones.
    pub(crate) more_after: bool,
    /// The sequence before which something is missing on this device, right before them.
    pub(crate) missing_before: Option<Seq>,
    /// The sequence after which something is missing on this device, right after them.
    pub(crate) missing_after: Option<Seq>,
}

fn unexpected<T>(answer: &Answer) -> Result<T, Problem> {
    Err(Problem::Other(format!("unexpected answer: {answer:.80?}")))
}

/// Random bytes, for what must not be done twice.
pub(crate) fn random() -> Nonce {
    let mut bytes = [0; 32];
    let crypto = leptos::prelude::window().crypto();
    // A page without secure randomness cannot exist here: the engine needs it too, and says so first.
    let _ = crypto.and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).map(|_| ()));
    Nonce::new(bytes)
}

/// Asks for something that has no answer but "done".
pub(crate) async fn done(state: State, ask: Ask) -> Result<(), Problem> {
    state.ask(ask).await.map(|_| ())
}

/// Part of a conversation.
pub(crate) async fn history(
    state: State,
    conversation: ConversationId,
    anchor: Anchor,
    limit: u16,
) -> Result<Page, Problem> {
    match state.ask(Ask::History { conversation, anchor, limit }).await? {
        Answer::Messages { messages, more_before, more_after, missing_before, missing_after } => {
            Ok(Page { messages, more_before, more_after, missing_before, missing_after })
        }
        other => unexpected(&other),
    }
}

/// The place of the first message that was said at that time or later; `None` if nothing was said.
pub(crate) async fn seek(
    state: State,
    conversation: ConversationId,
    at: Timestamp,
) -> Result<Option<Seq>, Problem> {
    match state.ask(Ask::Seek { conversation, at }).await? {
        Answer::Place(place) => Ok(place),
        other => unexpected(&other),
    }
}

/// How much of the history is here; what becomes of it follows in `state.filling`.
pub(crate) async fn filling(state: State) -> Result<Filling, Problem> {
    match state.ask(Ask::Filling).await? {
        Answer::Filling(filling) => Ok(filling),
        other => unexpected(&other),
    }
}

/// Says something; the id of the message.
pub(crate) async fn send(
    state: State,
    conversation: ConversationId,
    text: String,
    salt: Nonce,
) -> Result<EntryId, Problem> {
    match state.ask(Ask::Send { conversation, text, salt }).await? {
        Answer::Sent(id) => Ok(id),
        other => unexpected(&other),
    }
}

/// Looks for messages.
pub(crate) async fn search(state: State, search: Search) -> Result<Hits, Problem> {
    match state.ask(Ask::Search(Box::new(search))).await? {
        Answer::Hits(hits) => Ok(hits),
        other => unexpected(&other),
    }
}

/// Begins an export, or goes on with it.
pub(crate) async fn export(state: State, ask: Ask) -> Result<Exported, Problem> {
    match state.ask(ask).await? {
        Answer::Exported(piece) => Ok(piece),
        other => unexpected(&other),
    }
}

/// Whose name it is.
pub(crate) async fn look_up(state: State, username: String) -> Result<Option<AccountId>, Problem> {
    match state.ask(Ask::LookUp { username }).await? {
        Answer::Found(found) => Ok(found),
        other => unexpected(&other),
    }
}

/// The conversation with an account.
pub(crate) async fn direct(state: State, account: AccountId) -> Result<ConversationId, Problem> {
    conversation(state.ask(Ask::Direct(account)).await?)
}

/// Begins a group. `nonce`: [`random`], the same one if it is tried again.
pub(crate) async fn create_group(
    state: State,
    title: String,
    members: Vec<AccountId>,
    nonce: Nonce,
) -> Result<ConversationId, Problem> {
    conversation(state.ask(Ask::CreateGroup { title, members, nonce }).await?)
}

fn conversation(answer: Answer) -> Result<ConversationId, Problem> {
    match answer {
        Answer::Conversation(id) => Ok(id),
        other => unexpected(&other),
    }
}

/// Who is in a conversation.
pub(crate) async fn members(state: State, conversation: ConversationId) -> Result<Vec<Member>, Problem> {
    match state.ask(Ask::Members(conversation)).await? {
        Answer::Members(members) => Ok(members),
        other => unexpected(&other),
    }
}

/// The own devices; when each was last connected follows in `state.devices`.
pub(crate) async fn devices(state: State) -> Result<Vec<Device>, Problem> {
    match state.ask(Ask::Devices).await? {
        Answer::Devices(devices) => Ok(devices),
        other => unexpected(&other),
    }
}

/// What the user and somebody else compare; `None` while the other one's key is not known here.
pub(crate) async fn safety(state: State, account: AccountId) -> Result<Option<SafetyNumber>, Problem> {
    match state.ask(Ask::Safety(account)).await? {
        Answer::Safety(number) => Ok(number),
        other => unexpected(&other),
    }
}

/// Compares what the other side shows.
pub(crate) async fn compare_safety(
    state: State,
    account: AccountId,
    shown: String,
) -> Result<Comparison, Problem> {
    match state.ask(Ask::CompareSafety { account, shown }).await? {
        Answer::Compared(comparison) => Ok(comparison),
        other => unexpected(&other),
    }
}

/// How much is stored here.
pub(crate) async fn usage(state: State) -> Result<Usage, Problem> {
    match state.ask(Ask::Usage).await? {
        Answer::Usage(usage) => Ok(usage),
        other => unexpected(&other),
    }
}

/// The server's key for push subscriptions, if it sends pushes.
pub(crate) async fn push_key(state: State) -> Result<Option<Vec<u8>>, Problem> {
    match state.ask(Ask::PushKey).await? {
        Answer::PushKey(key) => Ok(key.map(|key| key.0)),
        other => unexpected(&other),
    }
}

/// The text of a QR code in a picture, if there is one. `luma`: the brightness of each pixel, row by row.
pub(crate) async fn scan(
    state: State,
    width: u32,
    height: u32,
    luma: Vec<u8>,
) -> Result<Option<String>, Problem> {
    match state.ask(Ask::Scan { width, height, luma: luma.into() }).await? {
        Answer::Scanned(text) => Ok(text),
        other => unexpected(&other),
    }
}

/// Everything up to there was read.
pub(crate) async fn mark_read(state: State, conversation: ConversationId, seq: Seq) -> Result<(), Problem> {
    done(state, Ask::MarkRead { conversation, seq }).await
}

/// What the account can be recovered by.
pub(crate) async fn recovery_methods(state: State) -> Result<Vec<RecoveryMethod>, Problem> {
    match state.ask(Ask::Recovery(RecoveryAsk::Methods)).await? {
        Answer::Recovery(RecoveryAnswer::Methods(methods)) => Ok(methods),
        other => unexpected(&other),
    }
}

/// A new recovery key: its words, and the numbers of those that are asked for.
pub(crate) async fn make_recovery_key(
    state: State,
    italian: bool,
) -> Result<(Vec<String>, Vec<u8>), Problem> {
    match state.ask(Ask::Recovery(RecoveryAsk::Make { italian })).await? {
        Answer::Recovery(RecoveryAnswer::Key { words, asked }) => Ok((words, asked)),
        other => unexpected(&other),
    }
}

/// What can be said of words while they are written.
pub(crate) async fn check_words(state: State, text: String) -> Result<CheckedWords, Problem> {
    match state.ask(Ask::Recovery(RecoveryAsk::Check(text))).await? {
        Answer::Recovery(RecoveryAnswer::Checked(checked)) => Ok(checked),
        other => unexpected(&other),
    }
}
