//! `diario import`: a chat that another messenger exported becomes a conversation of one's own.

mod diario;

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use diario_engine::{CommandError, Event, ImportItem};
use diario_import::whatsapp::{self, Chat, Evidence, ImportError, Imported, Kind as Content, Media, Options};
use diario_protocol::{ConversationId, Timestamp};
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::args::{DateOrder, Import};
use crate::context::{Context, Wake};
use crate::error::{CliError, Kind};

/// Messages that are stored in one transaction.
const BATCH: usize = 500;
/// Bytes of text in one message at most; WhatsApp allows longer ones, which become several.
const LONGEST: usize = 48 * 1024;

#[derive(Serialize)]
struct Done {
    imported: u64,
    already: u64,
    conversation: String,
    title: String,
    pending: u64,
}

pub(crate) async fn run(context: &mut Context, args: Import) -> Result<(), CliError> {
    context.engine(|engine, _| engine.whoami().map(|_| ()).ok_or(CommandError::NoAccount)).await?;
    if diario::is_export(&args.file)? {
        return diario::run(context, args).await;
    }
    let chat = parse(context, &args).await?;
    if chat.dates.evidence == Evidence::Convention && args.date_order.is_none() {
        let order = chat.dates.order;
        let note = format!(
            "the dates may be read in two ways, and were read {order}; --date-order says it for sure"
        );
        context.out.warn(&note).await?;
    }
    let title = title_of(&args, &chat)?;
    let named = title.clone();
    let id = context.engine(move |engine, now| engine.import_conversation(&named, now)).await?;
    let items: Vec<_> = chat.messages.iter().flat_map(items_of).collect();
    let total = items.len() as u64;
    let new = store(context, id, &items, (0, total)).await?;
    let waits = if args.queue { None } else { send(context, id).await? };
    context.out.done().await?;
    let pending = pending_of(context, id).await?;
    let done = Done { imported: new, already: total - new, conversation: id.to_string(), title, pending };
    context
        .out
        .show(&done, |_| {
            let Done { imported, already, title, pending, .. } = &done;
            let mut text = format!("Imported {imported} messages into {:?}", crate::style::one_line(title));
            if *already > 0 {
                let _ = write!(text, "; {already} were there already");
            }
            if *pending > 0 {
                let _ = write!(text, "; {pending} wait to be sent");
            }
            text.push_str(".\n");
            text
        })
        .await?;
    waits.map_or(Ok(()), Err)
}

/// Stores messages of a conversation; `of` says how many were stored before, and how many there are in all.
async fn store(
    context: &mut Context,
    id: ConversationId,
    items: &[ImportItem],
    of: (u64, u64),
) -> Result<u64, CliError> {
    let (mut queued, total) = of;
    let mut new = 0;
    for batch in items.chunks(BATCH) {
        let batch = batch.to_vec();
        queued += batch.len() as u64;
        new += context.engine(move |engine, now| engine.import(id, &batch, now)).await? as u64;
        context.out.progress("storing", queued, total).await?;
        // What the server says meanwhile is not to pile up.
        while context.next_now().await?.is_some() {}
    }
    Ok(new)
}

/// Waits until all is sent, as long as it goes on; gives the error if it does not.
async fn send(context: &mut Context, id: ConversationId) -> Result<Option<CliError>, CliError> {
    context.concern = Some((id, None));
    let total = pending_of(context, id).await?;
    let mut deadline = context.deadline();
    let mut left = total;
    while left > 0 {
        match context.next(Some(deadline)).await? {
            Wake::Late => {
                let e = context
                    .offline("the messages wait in the outbox and go out at the next connection")
                    .await;
                return Ok(Some(e.hint("`diario sync`, or the same import again, goes on")));
            }
            Wake::Event(Event::Sent { conversation, .. }) if conversation == id => {
                deadline = context.deadline();
            }
            _ => {}
        }
        while let Some(wake) = context.next_now().await? {
            if matches!(wake, Wake::Event(Event::Sent { conversation, .. }) if conversation == id) {
                deadline = context.deadline();
            }
        }
        left = pending_of(context, id).await?;
        context.out.progress("sending", total.saturating_sub(left), total).await?;
    }
    // The last acks are stored; the group and its key are on the server when it is at rest.
    context.settled().await?;
    Ok(None)
}

async fn pending_of(context: &Context, id: ConversationId) -> Result<u64, CliError> {
    context.engine(move |engine, _| engine.outgoing_in(id)).await
}

fn title_of(args: &Import, chat: &Chat) -> Result<String, CliError> {
    let stem = || args.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let title = args.title.clone().or_else(|| chat.title.clone()).or_else(stem);
    title
        .map(|title| title.trim().to_owned())
        .filter(|title| !title.is_empty())
        .ok_or_else(|| CliError::usage("the conversation needs a title").hint("name it with --title"))
}

/// Reads the file in a thread of its own, so that the connection goes on meanwhile.
async fn parse(context: &mut Context, args: &Import) -> Result<Chat, CliError> {
    let time_zone = match &args.time_zone {
        None => TimeZone::system(),
        Some(name) => TimeZone::get(name).map_err(|_| {
            CliError::usage(format!("there is no time zone {name:?}"))
                .hint("they are called like Europe/Rome")
        })?,
    };
    let date_order = args.date_order.map(|order| match order {
        DateOrder::Dmy => whatsapp::DateOrder::DayFirst,
        DateOrder::Mdy => whatsapp::DateOrder::MonthFirst,
        DateOrder::Ymd => whatsapp::DateOrder::YearFirst,
    });
    let options = Options { time_zone, date_order, ..Options::default() };
    let (progress, mut progressed) = mpsc::unbounded_channel();
    let (answer, mut answered) = oneshot::channel();
    let file = args.file.clone();
    std::thread::spawn(move || {
        // Whoever asked may have been interrupted.
        let _ = answer.send(read(&file, &options, &mut |now| {
            let _ = progress.send(now);
        }));
    });
    let parsed = loop {
        tokio::select! {
            biased;
            Some(now) = progressed.recv() => {
                const MIB: u64 = 1024 * 1024;
                context.out.progress("reading MiB", now.bytes_done / MIB, now.bytes_total.div_ceil(MIB)).await?;
            }
            parsed = &mut answered => break parsed,
        }
    };
    context.out.done().await?;
    let parsed = parsed.map_err(|_| CliError::failed("the file could not be read to its end"))?;
    parsed.map_err(|e| explain(&args.file, &e))
}

fn read(
    file: &PathBuf,
    options: &Options,
    progress: &mut dyn FnMut(whatsapp::Progress),
) -> Result<Chat, ImportError> {
    let opened = File::open(file).map_err(ImportError::Read)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    whatsapp::open(opened, &name, options, progress)
}

fn explain(file: &Path, e: &ImportError) -> CliError {
    let name = file.display();
    if let ImportError::Read(cause) = e {
        return CliError::failed(format!("cannot read {name}: {cause}"));
    }
    let text = e.to_string();
    match text.split_once("; ") {
        Some((what, hint)) => CliError::new(Kind::Failed, format!("{name}: {what}")).hint(hint.trim()),
        None => CliError::failed(format!("{name}: {text}")),
    }
}

/// The messages that one of an export becomes: one, unless it is longer than a message may be.
fn items_of(message: &Imported) -> impl Iterator<Item = ImportItem> + use<> {
    items(*message.id.as_bytes(), message.sender.as_deref(), message.sent_at, text_of(message))
}

fn items(
    id: [u8; 16],
    sender: Option<&str>,
    sent_at: jiff::Timestamp,
    text: String,
) -> impl Iterator<Item = ImportItem> + use<> {
    let sent_at = Timestamp(u64::try_from(sent_at.as_millisecond()).unwrap_or(0));
    let sender = sender.map(str::to_owned);
    parts(text).into_iter().zip(0_u32..).map(move |(text, part)| {
        let mut key = id;
        for (byte, part) in key.iter_mut().zip(part.to_be_bytes()) {
            *byte ^= part;
        }
        ImportItem { key, sender: sender.clone(), sent_at, text }
    })
}

fn text_of(message: &Imported) -> String {
    let note = match &message.kind {
        Content::Text | Content::System => return message.text.clone(),
        Content::MediaOmitted { media } => format!("[{} left out of the export]", media_name(*media)),
        Content::Attachment { name } => format!("[file: {name}]"),
    };
    if message.text.is_empty() { note } else { format!("{note} {}", message.text) }
}

const fn media_name(media: Media) -> &'static str {
    match media {
        Media::Unknown => "media",
        Media::Image => "picture",
        Media::Video => "video",
        Media::Audio => "audio",
        Media::Sticker => "sticker",
        Media::Gif => "GIF",
        Media::Document => "document",
        Media::Contact => "contact",
    }
}

fn parts(text: String) -> Vec<String> {
    if text.len() <= LONGEST {
        return vec![text];
    }
    let mut parts = Vec::new();
    let mut rest = text.as_str();
    while rest.len() > LONGEST {
        let (part, after) = rest.split_at(rest.floor_char_boundary(LONGEST));
        parts.push(part.to_owned());
        rest = after;
    }
    parts.push(rest.to_owned());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_becomes_several() {
        let text = format!("x{}", "è".repeat(LONGEST));
        let parts = parts(text.clone());
        assert_eq!(parts.concat(), text);
        assert!(parts.len() == 3 && parts.iter().all(|part| part.len() <= LONGEST));
    }
}
