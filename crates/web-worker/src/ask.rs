//! What a page asks, done on the engine.

use diario_engine::{Arrangement, CommandError, Draft, Engine, EngineError, GroupChange, Stage};
use diario_protocol::{AccountId, ConversationId, PushSubscription, Retention, Seq, Timestamp, Username};
use diario_web_api::{Anchor, Answer, Ask, Edge, MAX_PAGE, Problem};

use crate::gather::Gather;
use crate::{problem, scan, search, view};

/// What becomes of a question.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Answered.
    Answer(Answer),
    /// Answered, and the connection has to be made anew.
    Anew(Answer),
    /// The server is asked; an event brings the answer.
    Wait(Awaited),
    /// Refused, and nothing was changed.
    Refused(Problem),
    /// The store has failed.
    Broken(String),
}

/// What is awaited of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// Whose a name is.
    Name(Username),
    /// The key for push subscriptions.
    PushKey,
    /// Where something was said at a time.
    Place(ConversationId, Timestamp),
    /// That it keeps a conversation for so long.
    Retention(ConversationId, Retention),
}

impl From<Result<Answer, CommandError>> for Outcome {
    fn from(done: Result<Answer, CommandError>) -> Self {
        match done {
            Ok(answer) => Self::Answer(answer),
            Err(CommandError::Engine(e)) => e.into(),
            Err(e) => Self::Refused(problem::of_command(e)),
        }
    }
}

impl From<EngineError> for Outcome {
    fn from(e: EngineError) -> Self {
        if problem::is_broken(&e) {
            Self::Broken(e.to_string())
        } else {
            Self::Refused(problem::of_engine(&e))
        }
    }
}

/// Does what a page asks of the engine. `gather` hears of what the engine tells nobody since it was asked for.
pub(crate) fn run(
    device: &mut Engine,
    ask: Ask,
    server: &str,
    gather: &mut Gather,
    now: Timestamp,
) -> Outcome {
    match ask {
        Ask::Register { username, device_name, invite } => {
            register(device, server, &username, &device_name, invite.as_deref(), now)
        }
        Ask::Link { device_name, qr } => link(device, server, &device_name, qr, now),
        Ask::Approve { code } => approve(device, code.trim(), gather, now),
        Ask::ConfirmLink { admit: true, instead_of } => done(device.admit_device(instead_of, now)),
        Ask::ConfirmLink { admit: false, .. } => {
            gather.set_approving(None);
            done(device.confirm_link(false, now))
        }
        Ask::CancelLink => {
            gather.set_approving(None);
            done(device.cancel_link(now).map_err(Into::into))
        }
        Ask::History { conversation, anchor, limit } => {
            history(device, conversation, anchor, limit).map_err(CommandError::from).into()
        }
        Ask::Send { conversation, text, salt } => {
            let sent = device.send_salted(conversation, &Draft::Text(text), first(salt.as_bytes()), now);
            sent.map(|id| {
                gather.message(conversation, id);
                Answer::Sent(id)
            })
            .into()
        }
        Ask::Resend { conversation, id } => {
            gather.message(conversation, id);
            done(device.retry(conversation, id, now))
        }
        Ask::Discard { conversation, id } => done(device.discard(conversation, id, now)),
        Ask::MarkRead { conversation, seq } => {
            gather.row(conversation);
            done(device.mark_read(conversation, seq, now))
        }
        Ask::Typing(conversation) => done(device.typing(conversation, now)),
        Ask::Draft { conversation, text } => {
            gather.row(conversation);
            done(device.set_draft(conversation, &text, now))
        }
        Ask::Arrange { conversation, pinned, muted } => {
            gather.row(conversation);
            done(device.arrange(conversation, Arrangement { pinned, muted }, now))
        }
        Ask::LookUp { username } => look_up(device, &username, now),
        Ask::Direct(account) => conversation(device.direct(account, now), gather),
        Ask::CreateGroup { title, members, nonce } => {
            let begun = device.create_conversation_with(first(nonce.as_bytes()), &title, &members, now);
            conversation(begun, gather)
        }
        Ask::Rename { conversation, title } => {
            gather.row(conversation);
            done(device.rename_conversation(conversation, &title, now))
        }
        Ask::Members(conversation) => {
            let members = device.members(conversation).map_err(CommandError::from);
            members.map(|all| Answer::Members(all.into_iter().map(view::member).collect())).into()
        }
        Ask::AddMembers { conversation, accounts } => add_members(device, conversation, accounts, now),
        Ask::RemoveMember { conversation, account } => remove_member(device, conversation, account, now),
        Ask::Leave(conversation) => match device.change_group(conversation, &GroupChange::Leave, now) {
            // Asked again after it was done.
            Err(CommandError::Left) => Outcome::Answer(Answer::Done),
            left => done(left),
        },
        Ask::Devices => devices(device, gather, now),
        Ask::RenameDevice { device: id, name } => done(device.rename_device(id, &name, now)),
        Ask::Revoke(id) => match device.revoke(id, now) {
            // Asked again after it was done.
            Err(CommandError::NoDevice(_)) => Outcome::Answer(Answer::Done),
            revoked => done(revoked),
        },
        Ask::Renew(id) => done(device.renew(id, now)),
        Ask::MakePrimary { device: id, hand_over } => {
            let asked = if hand_over { device.hand_over(id, now) } else { device.promote(id, now) };
            match asked {
                // Asked again after it was done.
                Err(CommandError::IsPrimary) => Outcome::Answer(Answer::Done),
                asked => done(asked),
            }
        }
        Ask::MakeLinked(id) => match device.demote(id, now) {
            Err(CommandError::NotAPrimary) => Outcome::Answer(Answer::Done),
            asked => done(asked),
        },
        Ask::Safety(account) => {
            let number = device.safety_number(account).map_err(CommandError::from);
            number.map(|number| Answer::Safety(number.map(view::safety))).into()
        }
        Ask::CompareSafety { account, shown } => {
            let compared = device.compare_safety_code(account, &shown);
            compared.map(|comparison| Answer::Compared(view::comparison(comparison))).into()
        }
        Ask::AcceptKey(account) => done(device.acknowledge_key_change(account, now)),
        Ask::SetVerified { account, verified } => done(device.set_verified(account, verified, now)),
        Ask::SetReceipts(receipts) => done(device.set_settings(diario_engine::Settings { receipts }, now)),
        Ask::Usage => usage(device).map_err(CommandError::from).into(),
        // What is here is dropped only if the server is there to give it again.
        Ask::Rebuild if !device.is_live() => Err(CommandError::Offline).into(),
        Ask::Rebuild => done(device.rebuild(now)),
        Ask::PushKey => match device.ask_push_key(now) {
            Ok(()) => Outcome::Wait(Awaited::PushKey),
            Err(e) => Err(e).into(),
        },
        Ask::Push(subscription) => {
            let subscription = subscription.map(|s| PushSubscription {
                endpoint: s.endpoint,
                p256dh: s.p256dh,
                auth: s.auth,
                silent: Vec::new(),
            });
            done(device.set_push(subscription, now))
        }
        Ask::Scan { width, height, luma } => match scan::scan(width, height, luma.as_ref()) {
            Ok(text) => Outcome::Answer(Answer::Scanned(text)),
            Err(problem) => Outcome::Refused(problem),
        },
        Ask::Recovery(ask) => crate::recovery::run(device, ask, server, now),
        Ask::Fetch { conversation, edge } => fetch(device, conversation, edge, gather, now),
        Ask::Seek { conversation, at } => match device.seek(conversation, at, now) {
            Ok(()) => Outcome::Wait(Awaited::Place(conversation, at)),
            Err(e) => Err(e).into(),
        },
        Ask::Filling => {
            gather.follow_filling();
            let filling = view::filling(device).map_err(CommandError::from);
            filling.map(Answer::Filling).into()
        }
        Ask::SetFill(fill) => {
            gather.follow_filling();
            done(device.set_fill(view::fill_of(fill), now))
        }
        Ask::PauseFill(paused) => {
            gather.follow_filling();
            done(device.pause_fill(paused, now))
        }
        Ask::Metered(metered) => {
            gather.filled();
            done(device.set_metered(metered, now).map_err(Into::into))
        }
        Ask::SetRetention { conversation, keep } => set_retention(device, conversation, keep, now),
        Ask::Search(asked) => {
            search::search(device, *asked, now).map(Answer::Hits).map_err(CommandError::from).into()
        }
        Ask::Export(asked) => match search::UnderWay::begin(device, *asked, now) {
            Ok(export) => {
                gather.export = Some(export);
                exported(device, gather, 0)
            }
            Err(e) => e.into(),
        },
        Ask::ExportMore(number) => exported(device, gather, number),
        // These are the hub's or the worker's, which do not pass them on.
        Ask::Start | Ask::Watch(_) | Ask::Wipe | Ask::Reconnect => Outcome::Answer(Answer::Done),
    }
}

fn exported(device: &Engine, gather: &mut Gather, number: u32) -> Outcome {
    // Another worker has the engine since it was begun, or another page began one.
    let export = gather.export.as_mut().filter(|export| export.number() == number);
    let Some(export) = export else { return Outcome::Refused(Problem::NotYet) };
    let piece = export.piece(device);
    if !matches!(&piece, Ok(piece) if piece.piece.is_some()) {
        gather.export = None;
    }
    piece.map(Answer::Exported).map_err(CommandError::from).into()
}

fn done(done: Result<(), CommandError>) -> Outcome {
    done.map(|()| Answer::Done).into()
}

/// The first bytes of a random value: as many as are wanted.
fn first<const N: usize>(random: &[u8; 32]) -> [u8; N] {
    std::array::from_fn(|at| random[at])
}

fn register(
    device: &mut Engine,
    server: &str,
    username: &str,
    device_name: &str,
    invite: Option<&str>,
    now: Timestamp,
) -> Outcome {
    let username = username.trim();
    // Asked again, since the worker that was asked before has gone after it was done.
    let same = device
        .whoami()
        .is_some_and(|(name, ..)| Ok(name) == username.parse().map(|u: Username| u.to_string()));
    if same && matches!(device.stage(now), Ok(Some(Stage::Registering | Stage::Active))) {
        return Outcome::Answer(Answer::Done);
    }
    done(device.register(server, username, device_name.trim(), invite, now))
}

fn link(device: &mut Engine, server: &str, device_name: &str, qr: bool, now: Timestamp) -> Outcome {
    // The code before is worth nothing any more; a new one comes with a new connection.
    let begun = device
        .cancel_link(now)
        .map_err(CommandError::from)
        .and_then(|()| device.link(server, device_name.trim(), qr, now));
    match begun {
        Ok(()) => Outcome::Anew(Answer::Done),
        Err(e) => Err(e).into(),
    }
}

fn approve(device: &mut Engine, code: &str, gather: &mut Gather, now: Timestamp) -> Outcome {
    // Asked again over another port: to begin anew would spoil what is under way.
    if gather.is_approving(code) {
        return Outcome::Answer(Answer::Done);
    }
    let begun = device.approve(code, now);
    if begun.is_ok() {
        gather.set_approving(Some(code.to_owned()));
    }
    done(begun)
}

fn add_members(
    device: &mut Engine,
    conversation: ConversationId,
    mut accounts: Vec<AccountId>,
    now: Timestamp,
) -> Outcome {
    let added = device.change_group(conversation, &GroupChange::Add(accounts.clone()), now);
    let Err(CommandError::Membership(_)) = added else { return done(added) };
    // Some are in it already, as when this is asked again after it was done.
    let members = match device.members(conversation) {
        Ok(members) => members,
        Err(e) => return e.into(),
    };
    accounts.retain(|account| members.iter().all(|member| member.account != *account));
    if accounts.is_empty() {
        return Outcome::Answer(Answer::Done);
    }
    done(device.change_group(conversation, &GroupChange::Add(accounts), now))
}

fn remove_member(
    device: &mut Engine,
    conversation: ConversationId,
    account: AccountId,
    now: Timestamp,
) -> Outcome {
    let removed = device.change_group(conversation, &GroupChange::Remove(vec![account]), now);
    let Err(CommandError::Membership(_)) = removed else { return done(removed) };
    match device.members(conversation) {
        // Asked again after it was done.
        Ok(members) if members.iter().all(|member| member.account != account) => {
            Outcome::Answer(Answer::Done)
        }
        Ok(_) => done(removed),
        Err(e) => e.into(),
    }
}

fn look_up(device: &mut Engine, username: &str, now: Timestamp) -> Outcome {
    let Ok(username) = username.trim().parse::<Username>() else { return Outcome::Refused(Problem::BadName) };
    match device.look_up(&username, now) {
        Ok(()) => Outcome::Wait(Awaited::Name(username)),
        // Who is known here is known without the server.
        Err(CommandError::Offline) => match device.account_named(&username) {
            Ok(Some(account)) => Outcome::Answer(Answer::Found(Some(account))),
            Ok(None) => Outcome::Refused(Problem::Offline),
            Err(e) => e.into(),
        },
        Err(e) => Err(e).into(),
    }
}

fn conversation(begun: Result<ConversationId, CommandError>, gather: &mut Gather) -> Outcome {
    begun
        .map(|id| {
            gather.row(id);
            Answer::Conversation(id)
        })
        .into()
}

fn devices(device: &mut Engine, gather: &Gather, now: Timestamp) -> Outcome {
    match device.ask_last_seen(now) {
        // Without a connection, what is known is told.
        Ok(()) | Err(CommandError::Offline) => {}
        Err(e) => return Err(e).into(),
    }
    gather.devices(device, now).map(Answer::Devices).map_err(CommandError::from).into()
}

fn history(
    device: &Engine,
    conversation: ConversationId,
    anchor: Anchor,
    limit: u16,
) -> Result<Answer, EngineError> {
    let anchor = match anchor {
        Anchor::Newest => diario_engine::Anchor::Newest,
        Anchor::Before(seq) => diario_engine::Anchor::Before(seq),
        Anchor::After(seq) => diario_engine::Anchor::After(seq),
        Anchor::Unread => diario_engine::Anchor::Unread,
        Anchor::Around(seq) => diario_engine::Anchor::Around(seq),
    };
    let page = device.history(conversation, anchor, u32::from(limit.min(MAX_PAGE)))?;
    Ok(Answer::Messages {
        messages: page.messages.into_iter().map(view::message).collect(),
        more_before: page.more_before,
        more_after: page.more_after,
        missing_before: page.missing_before.map(|missing| missing.last.next()),
        missing_after: page.missing_after.map(|missing| Seq(missing.first.0.saturating_sub(1))),
    })
}

/// What is here already is told as if it came.
fn fetch(
    device: &mut Engine,
    conversation: ConversationId,
    edge: Edge,
    gather: &mut Gather,
    now: Timestamp,
) -> Outcome {
    let (asked, place) = match edge {
        Edge::Before(seq) => {
            (device.fetch_before(conversation, Some(seq), now), Seq(seq.0.saturating_sub(1)))
        }
        Edge::After(seq) => (device.fetch_after(conversation, seq, now), seq.next()),
    };
    if let Ok(false) = asked {
        gather.history(conversation, place, place);
    }
    done(asked.map(|_| ()))
}

fn set_retention(
    device: &mut Engine,
    conversation: ConversationId,
    keep: Retention,
    now: Timestamp,
) -> Outcome {
    match device.retention(conversation) {
        // Asked again after it was done: the server would have nothing to tell.
        Ok((agreed, _)) if agreed == keep => Outcome::Answer(Answer::Done),
        Ok(_) => match device.set_retention(conversation, keep, now) {
            Ok(()) => Outcome::Wait(Awaited::Retention(conversation, keep)),
            Err(e) => Err(e).into(),
        },
        Err(e) => e.into(),
    }
}

fn usage(device: &Engine) -> Result<Answer, EngineError> {
    let usage = device.usage()?;
    Ok(Answer::Usage(diario_web_api::Usage {
        bytes: usage.bytes,
        messages: usage.messages,
        conversations: usage.conversations,
    }))
}
