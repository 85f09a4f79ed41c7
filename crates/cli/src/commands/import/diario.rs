//! `diario import` of what `diario export` wrote.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use diario_import::diario::{self, Archive, Chat, DiarioError, Options};
use diario_protocol::ConversationId;
use serde::Serialize;
use tokio::sync::oneshot;

use super::{items, pending_of, send, store};
use crate::args::Import;
use crate::context::Context;
use crate::error::{CliError, Kind};

#[derive(Serialize)]
struct Done {
    imported: u64,
    already: u64,
    pending: u64,
    conversations: Vec<Taken>,
}

/// A conversation of the export.
#[derive(Serialize)]
struct Taken {
    /// What it became here; that of the export itself, if it is here.
    conversation: String,
    title: String,
    imported: u64,
    already: u64,
}

/// Whether a file is an export of Diario's, by how it begins.
pub(super) fn is_export(file: &Path) -> Result<bool, CliError> {
    let mut beginning = Vec::new();
    File::open(file)
        .and_then(|file| file.take(256).read_to_end(&mut beginning))
        .map_err(|e| CliError::failed(format!("cannot read {}: {e}", file.display())))?;
    Ok(diario::is_export(&beginning))
}

pub(super) async fn run(context: &mut Context, args: Import) -> Result<(), CliError> {
    let archive = parse(context, &args.file).await?;
    if args.title.is_some() && archive.chats.len() != 1 {
        return Err(CliError::usage("--title is for an export of one conversation"));
    }
    let total = archive.chats.iter().map(|chat| chat.messages.len() as u64).sum();
    let mut conversations = Vec::with_capacity(archive.chats.len());
    let mut filled = Vec::new();
    let mut so_far = 0;
    for chat in archive.chats {
        let source = ConversationId::new(chat.id);
        let count = chat.messages.len() as u64;
        let title = args.title.clone().unwrap_or_else(|| chat.title.clone());
        let is_here = context.engine(move |engine, _| engine.conversation_row(source)).await?.is_some();
        if is_here && !args.copy {
            // It is read here as it is: a copy beside it would only be in the way.
            let conversation = source.to_string();
            conversations.push(Taken { conversation, title, imported: 0, already: count });
        } else {
            let taken = take(context, source, &title, &chat, (so_far, total)).await?;
            filled.push(taken.0);
            conversations.push(taken.1);
        }
        so_far += count;
    }
    let mut waits = None;
    for id in &filled {
        if !args.queue && waits.is_none() {
            waits = send(context, *id).await?;
        }
    }
    context.out.done().await?;
    let mut pending = 0;
    for id in filled {
        pending += pending_of(context, id).await?;
    }
    let sum = |of: fn(&Taken) -> u64| conversations.iter().map(of).sum();
    let done = Done { imported: sum(|c| c.imported), already: sum(|c| c.already), pending, conversations };
    context.out.show(&done, |_| print(&done)).await?;
    waits.map_or(Ok(()), Err)
}

fn print(done: &Done) -> String {
    let Done { imported, already, pending, conversations } = done;
    let what = if conversations.len() == 1 { "conversation" } else { "conversations" };
    let mut text = format!("Imported {imported} messages of {} {what}", conversations.len());
    if *already > 0 {
        let _ = write!(text, "; {already} were there already");
    }
    if *pending > 0 {
        let _ = write!(text, "; {pending} wait to be sent");
    }
    text.push_str(".\n");
    text
}

async fn take(
    context: &mut Context,
    source: ConversationId,
    title: &str,
    chat: &Chat,
    of: (u64, u64),
) -> Result<(ConversationId, Taken), CliError> {
    let named = title.to_owned();
    let id = context.engine(move |engine, now| engine.import_copy(source, &named, now)).await?;
    let all: Vec<_> = chat
        .messages
        .iter()
        .flat_map(|m| items(m.id, m.sender.as_deref(), m.sent_at, m.text.clone()))
        .collect();
    let imported = store(context, id, &all, of).await?;
    let already = all.len() as u64 - imported;
    Ok((id, Taken { conversation: id.to_string(), title: title.to_owned(), imported, already }))
}

/// Reads the file in a thread of its own, so that the connection goes on meanwhile.
async fn parse(context: &mut Context, file: &Path) -> Result<Archive, CliError> {
    context.out.progress("reading", 0, 0).await?;
    let (answer, answered) = oneshot::channel();
    let path = file.to_owned();
    std::thread::spawn(move || {
        let read = File::open(&path)
            .map_err(DiarioError::Read)
            .and_then(|opened| diario::read(BufReader::new(opened), &Options::default(), &mut |_| {}));
        // Whoever asked may have been interrupted.
        let _ = answer.send(read);
    });
    let read = answered.await.map_err(|_| CliError::failed("the file could not be read to its end"))?;
    context.out.done().await?;
    read.map_err(|e| {
        let name = file.display();
        if let DiarioError::Read(cause) = &e {
            return CliError::failed(format!("cannot read {name}: {cause}"));
        }
        let text = e.to_string();
        match text.split_once("; ") {
            Some((what, hint)) => CliError::new(Kind::Failed, format!("{name}: {what}")).hint(hint),
            None => CliError::failed(format!("{name}: {text}")),
        }
    })
}
