//! `diario sync`: catches up with the server, prints what is new, and stays if told to.

use std::collections::{HashMap, HashSet};

use diario_engine::{ConnectionState, EngineError, Event, MessageState, MessageView};
use diario_protocol::{AccountId, ConversationId, EntryId, Seq, Timestamp};
use jiff::civil::Date;
use tokio::time::Instant;

use crate::args::Sync;
use crate::context::{Context, Wake};
use crate::error::{CliError, Kind};
use crate::style::{Ink, one_line, width};
use crate::view::{Message, WIDEST_NAME};

/// Messages read from the store at a time.
const PAGE: u32 = 500;

pub(crate) async fn run(context: &mut Context, args: Sync) -> Result<(), CliError> {
    let stays = args.follow || args.stay.is_some();
    let end = args.stay.map(|stay| Instant::now() + stay);
    // Who stays, stays until the device is renewed, too.
    context.patient = stays;
    context
        .engine(|engine, _| engine.whoami().map(|_| ()).ok_or(diario_engine::CommandError::NoAccount))
        .await?;
    let mut feed = Feed::start(context).await?;
    let mut deadline = context.deadline();
    let mut connection = ConnectionState::Offline;
    loop {
        let limit = if stays { end } else { Some(deadline) };
        let rests = *context.rest.borrow_and_update();
        if rests {
            feed.up_to_date = true;
        }
        if rests && !stays {
            // What happened before the rest was told before it.
            while let Some(wake) = context.next_now().await? {
                feed.take(context, wake).await?;
            }
            return feed.finish(context).await;
        }
        match context.next(limit).await? {
            // All but the asking for keys is done: that goes on at the next connection.
            Wake::Late if !stays && context.engine(|e, _| Ok::<_, EngineError>(e.at_rest())).await? => {
                return feed.finish(context).await;
            }
            Wake::Late if !stays => {
                let e = context.offline("not everything is here").await;
                return Err(e.hint("what waits in the outbox is safe, and goes out at the next connection"));
            }
            Wake::Late => {
                if feed.up_to_date {
                    return Ok(());
                }
                return Err(context.offline("there was nothing to follow").await);
            }
            Wake::Stop if context.forwarded => return Err(CliError::new(Kind::Again, "")),
            Wake::Stop => return Ok(()),
            wake => {
                let more = matches!(
                    wake,
                    Wake::Lagged
                        | Wake::Event(Event::Message { .. } | Event::Sent { .. } | Event::History { .. })
                );
                if more {
                    deadline = context.deadline();
                }
                if matches!(wake, Wake::Event(Event::History { .. })) {
                    super::fetch::show_progress(context).await?;
                }
                feed.take(context, wake).await?;
            }
        }
        let now = *context.connection.borrow();
        if stays && now != connection {
            feed.connection_is(context, now).await?;
            connection = now;
        }
    }
}

/// Prints messages as they come.
struct Feed {
    /// The next sequence to print of each conversation, should events be missed.
    next: HashMap<ConversationId, Seq>,
    titles: HashMap<ConversationId, String>,
    /// Printed because events were missed; they may still be told of.
    recovered: HashSet<(ConversationId, EntryId)>,
    day: Option<Date>,
    /// Columns of the widest name so far.
    name: usize,
    printed: u64,
    up_to_date: bool,
}

impl Feed {
    async fn start(context: &Context) -> Result<Self, CliError> {
        Ok(Self {
            next: positions(context).await?.into_iter().collect(),
            titles: HashMap::new(),
            recovered: HashSet::new(),
            day: None,
            name: 12,
            printed: 0,
            up_to_date: false,
        })
    }

    async fn finish(self, context: &mut Context) -> Result<(), CliError> {
        context.out.done().await?;
        if self.printed == 0 && !context.out.face.json {
            context.out.out("Nothing new.\n".to_owned()).await?;
        }
        super::devices::warn_of_end(context).await
    }

    /// Takes what happened, and all else that is at hand: many messages are one look into the store.
    async fn take(&mut self, context: &mut Context, first: Wake) -> Result<(), CliError> {
        let mut arrived = Vec::new();
        let mut lagged = false;
        let mut wake = Some(first);
        while let Some(this) = wake {
            match this {
                Wake::Event(Event::Message { conversation, id, .. })
                    if !self.recovered.contains(&(conversation, id)) =>
                {
                    arrived.push((conversation, id));
                }
                Wake::Event(Event::Conversation(id)) => drop(self.titles.remove(&id)),
                Wake::Event(Event::Typing { conversation, account, .. }) => {
                    self.typing(context, conversation, account).await?;
                }
                Wake::Event(Event::Expired) => {
                    let refusal = diario_protocol::Refusal::DeviceExpired;
                    context.out.warn(&refusal.to_string()).await?;
                }
                Wake::Event(Event::Role { primary }) => {
                    let role = if primary { "a primary" } else { "no primary any more, but a linked device" };
                    context.out.warn(&format!("this device is {role}")).await?;
                }
                Wake::Event(Event::Failed { refusal, .. }) => {
                    context.out.warn(&format!("the server did not take something: {refusal}")).await?;
                }
                Wake::Event(Event::KeyChanged { username, .. }) => {
                    let text = format!(
                        "{username} has another account now, with other keys; ask them whether they began anew before you write"
                    );
                    context.out.warn(&text).await?;
                }
                Wake::Event(Event::Renamed { now, .. }) => {
                    context
                        .out
                        .warn(&format!(
                            "this account is called {now} now; who runs the server gave its name away"
                        ))
                        .await?;
                }
                Wake::Lagged => lagged = true,
                _ => {}
            }
            if arrived.len() >= PAGE as usize {
                break;
            }
            wake = context.next_now().await?;
            if wake.is_none() && !lagged {
                // What is told from here on was not in the store when it was looked through.
                self.recovered.clear();
            }
        }
        self.print(context, arrived).await?;
        if lagged { self.look_for_missed(context).await } else { Ok(()) }
    }

    async fn print(
        &mut self,
        context: &mut Context,
        arrived: Vec<(ConversationId, EntryId)>,
    ) -> Result<(), CliError> {
        if arrived.is_empty() {
            return Ok(());
        }
        let known = std::mem::take(&mut self.titles);
        let (messages, titles) = context
            .engine(move |engine, _| {
                let mut titles = known;
                let mut messages = Vec::with_capacity(arrived.len());
                for (conversation, id) in arrived {
                    let Some(view) = engine.message(conversation, id)? else { continue };
                    let message = match titles.get(&conversation) {
                        Some(title) => Message { view, title: title.clone() },
                        None => Message::of(engine, view)?,
                    };
                    titles.entry(conversation).or_insert_with(|| message.title.clone());
                    messages.push(message);
                }
                Ok::<_, EngineError>((messages, titles))
            })
            .await?;
        self.titles = titles;
        for message in messages {
            let next = message.view.seq.unwrap_or_default().next();
            let noted = self.next.entry(message.view.conversation).or_default();
            *noted = next.max(*noted);
            self.show(context, &message).await?;
        }
        Ok(())
    }

    async fn show(&mut self, context: &mut Context, message: &Message) -> Result<(), CliError> {
        self.printed += 1;
        if context.out.face.json {
            return context.out.show(&message.json(), |_| String::new()).await;
        }
        let style = context.out.style.clone();
        let day = style.local(message.view.sent_at).date();
        if self.day.replace(day) != Some(day) {
            context.out.out(format!("{}\n", style.day_line(message.view.sent_at))).await?;
        }
        self.name = self.name.max(width(&message.who(true))).min(WIDEST_NAME);
        context.out.out(message.print(&style, self.name, true)).await
    }

    /// More happened than was told: the store has it. What is told later all the same is not printed again.
    async fn look_for_missed(&mut self, context: &mut Context) -> Result<(), CliError> {
        let this = context.engine(|engine, _| Ok::<_, CliError>(engine.whoami())).await?;
        let this = this.map(|(_, _, device)| device);
        for (conversation, end) in positions(context).await? {
            let from = self.next.get(&conversation).copied().unwrap_or(Seq(1));
            let mut missed = Vec::new();
            let mut before = end;
            while before > from {
                let page =
                    context.engine(move |engine, _| engine.log(conversation, PAGE, Some(before))).await?;
                let oldest = page.iter().filter_map(|m| m.seq).min();
                missed.extend(
                    page.into_iter()
                        .filter(|m| is_news(m, from) && Some(m.device) != this)
                        .map(|m| (m.seq, conversation, m.id)),
                );
                match oldest {
                    Some(oldest) if oldest < before => before = oldest,
                    _ => break,
                }
            }
            missed.sort_by_key(|(seq, ..)| *seq);
            let all: Vec<_> = missed.into_iter().map(|(_, conversation, id)| (conversation, id)).collect();
            for part in all.chunks(PAGE as usize) {
                self.print(context, part.to_vec()).await?;
            }
            self.recovered.extend(all);
        }
        Ok(())
    }

    async fn typing(
        &mut self,
        context: &mut Context,
        conversation: ConversationId,
        account: AccountId,
    ) -> Result<(), CliError> {
        if context.out.face.json || !context.out.face.terminal {
            return Ok(());
        }
        let names = context
            .engine(move |engine, _| {
                let members = engine.members(conversation)?;
                let who = members.into_iter().find(|m| m.account == account && !m.me).map(|m| m.username);
                Ok::<_, EngineError>(who)
            })
            .await?;
        match names {
            Some(name) => {
                let line = context.out.style.paint(Ink::Dim, &format!("  {} is typing…", one_line(&name)));
                context.out.out(format!("{line}\n")).await
            }
            None => Ok(()),
        }
    }

    async fn connection_is(&mut self, context: &mut Context, state: ConnectionState) -> Result<(), CliError> {
        if state == ConnectionState::Live {
            super::devices::warn_of_end(context).await?;
        }
        if context.out.face.json || !context.out.face.terminal {
            return Ok(());
        }
        let text = match state {
            ConnectionState::Offline => {
                let why = context.client.trouble().borrow().clone().unwrap_or_default();
                format!("offline ({}); trying again", one_line(&why))
            }
            ConnectionState::CatchingUp => return Ok(()),
            ConnectionState::Live => format!("online since {}", context.out.style.clock(crate::view::now())),
        };
        let line = context.out.style.paint(Ink::Dim, &text);
        context.out.out(format!("{line}\n")).await
    }
}

/// Whether a message is one that an event would tell of.
fn is_news(message: &MessageView, from: Seq) -> bool {
    let readable = matches!(message.state, MessageState::Sent | MessageState::Delivered | MessageState::Read);
    readable && !message.is_notice() && message.seq.is_some_and(|seq| seq >= from)
}

/// The next sequence of each conversation.
async fn positions(context: &Context) -> Result<Vec<(ConversationId, Seq)>, CliError> {
    context
        .engine(|engine, _: Timestamp| {
            let mut positions = Vec::new();
            for conversation in engine.conversation_rows()? {
                if let Some(log) = engine.log_state(conversation.id)? {
                    positions.push((conversation.id, log.next));
                }
            }
            Ok::<_, EngineError>(positions)
        })
        .await
}
