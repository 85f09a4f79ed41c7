//! Finds what the user means: a conversation by name, title or id; an account by name.

use diario_engine::{CommandError, Engine, Event};
use diario_protocol::{AccountId, ConversationId, ConversationKind, Username};

use crate::context::{Context, Wake};
use crate::error::CliError;
use crate::view::Listed;

/// Fewer digits than this are no id.
const SHORTEST_PREFIX: usize = 4;
/// Newest messages among which an own one shows that a conversation is known to the user.
const LOOK_BACK: u32 = 200;

/// Whether a direct conversation may be begun for a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    Yes,
    No,
}

/// The conversation that `text` means.
pub(crate) async fn conversation(
    context: &mut Context,
    text: &str,
    begin: Begin,
) -> Result<ConversationId, CliError> {
    let wanted = text.to_owned();
    let found = context.engine(move |engine, now| find(engine, &wanted, begin, now)).await?;
    match found {
        Found::Conversation(id) => Ok(id),
        Found::Nothing(Some(username)) if begin == Begin::Yes => {
            let account = look_up(context, &username).await?;
            context.engine(move |engine, now| engine.direct(account, now)).await
        }
        Found::Nothing(_) => Err(CommandError::NoConversation(text.to_owned()).into()),
    }
}

enum Found {
    Conversation(ConversationId),
    /// It may be somebody's name whom only the server knows.
    Nothing(Option<Username>),
}

/// Looks in the store: an exact name or id first, then the beginning of an id, then a title.
fn find(
    engine: &mut Engine,
    text: &str,
    begin: Begin,
    now: diario_protocol::Timestamp,
) -> Result<Found, CliError> {
    let (_, me, _) = engine.whoami().ok_or(CommandError::NoAccount)?;
    if text.eq_ignore_ascii_case("self") {
        return Ok(Found::Conversation(ConversationId::of_self(me)));
    }
    if let Ok(id) = text.parse::<ConversationId>() {
        return match engine.conversation_row(id)? {
            Some(_) => Ok(Found::Conversation(id)),
            None => Ok(Found::Nothing(None)),
        };
    }
    let username = text.strip_prefix('@').unwrap_or(text).parse::<Username>().ok();
    let account = username.as_ref().map(|name| engine.account_named(name)).transpose()?.flatten();
    if let Some(account) = account {
        if begin == Begin::Yes {
            return Ok(Found::Conversation(engine.direct(account, now)?));
        }
        let id =
            if account == me { ConversationId::of_self(me) } else { ConversationId::of_pair(me, account) };
        if engine.conversation_row(id)?.is_some() {
            return Ok(Found::Conversation(id));
        }
    }
    let all = Listed::all(engine)?;
    // Anybody may make a group that is called like somebody: words for that person do not go there.
    let guarded = begin == Begin::Yes && username.is_some();
    let prefix = text.to_ascii_lowercase();
    if prefix.len() >= SHORTEST_PREFIX && prefix.bytes().all(|b| b.is_ascii_hexdigit()) {
        let ids = all.iter().map(|c| c.row.id).filter(|id| id.to_string().starts_with(&prefix)).collect();
        if let Some(id) = only(engine, ids, guarded, text)? {
            return Ok(Found::Conversation(id));
        }
    }
    let folded = text.to_lowercase();
    let titled = all.iter().filter(|c| c.title.to_lowercase() == folded).map(|c| c.row.id).collect();
    Ok(only(engine, titled, guarded, text)?.map_or(Found::Nothing(username), Found::Conversation))
}

/// The one that was found, if there are not several; with `guarded`, of those that the user has written to.
fn only(
    engine: &Engine,
    mut found: Vec<ConversationId>,
    guarded: bool,
    text: &str,
) -> Result<Option<ConversationId>, CliError> {
    if guarded {
        let me = engine.whoami().map(|(_, account, _)| account);
        let mut known = Vec::with_capacity(found.len());
        for id in found {
            // What was imported counts: it was the user who brought it here, whoever said it.
            if engine.log(id, LOOK_BACK, None)?.iter().any(|m| Some(m.account) == me) {
                known.push(id);
            }
        }
        found = known;
    }
    if found.len() > 1 {
        let ids: Vec<_> = found.iter().map(|id| id.to_string()[..12].to_owned()).collect();
        return Err(CliError::failed(format!("{text:?} may mean {} conversations", found.len()))
            .hint(format!("use the id: {}", ids.join(", "))));
    }
    Ok(found.first().copied())
}

/// The group that `text` means.
pub(crate) async fn group(context: &mut Context, text: &str) -> Result<ConversationId, CliError> {
    let id = conversation(context, text, Begin::No).await?;
    let view = context.engine(move |engine, _| engine.conversation_row(id)).await?;
    match view.map(|c| c.kind) {
        Some(ConversationKind::Group) => Ok(id),
        _ => Err(CommandError::NotAGroup.into()),
    }
}

/// The accounts of some names; the server is asked for those that are not known here.
pub(crate) async fn accounts(context: &mut Context, names: &[String]) -> Result<Vec<AccountId>, CliError> {
    let mut accounts = Vec::with_capacity(names.len());
    for name in names {
        let username: Username =
            name.strip_prefix('@').unwrap_or(name).parse().map_err(CommandError::from)?;
        let known = username.clone();
        let account = match context.engine(move |engine, _| engine.account_named(&known)).await? {
            Some(account) => account,
            None => look_up(context, &username).await?,
        };
        if !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    Ok(accounts)
}

async fn look_up(context: &mut Context, wanted: &Username) -> Result<AccountId, CliError> {
    context.live().await.map_err(|e| match e.kind {
        crate::error::Kind::Offline => {
            e.hint(format!("{wanted} is not known here yet, so the server must be asked"))
        }
        _ => e,
    })?;
    let asked = wanted.clone();
    context.engine(move |engine, now| engine.look_up(&asked, now)).await?;
    let deadline = context.deadline();
    loop {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Resolved { username, account }) if username == *wanted => {
                return account.ok_or_else(|| {
                    CliError::failed(format!("there is nobody called {wanted} on this server"))
                        .hint("check the spelling; for a group, use the id that `diario conversations` shows")
                });
            }
            Wake::Event(Event::LookUpRefused { username, refusal }) if username == *wanted => {
                return Err(CliError::failed(format!("{wanted} could not be looked up: {refusal}")));
            }
            Wake::Late => return Err(context.offline(&format!("{wanted} could not be looked up")).await),
            _ => {}
        }
    }
}
