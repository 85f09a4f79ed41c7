//! `diario export`: conversations as a file of their user's own.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use diario_engine::{CommandError, EngineError, Export as Exported, ExportFormat, LocalTime};
use diario_protocol::Timestamp;
use serde::Serialize;

use crate::args::Export;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve::{self, Begin};
use crate::style::{Style, one_line};

#[derive(Serialize)]
struct Done {
    exported: String,
    format: &'static str,
    conversations: u64,
    entries: u64,
    incomplete: u64,
}

pub(crate) async fn run(context: &mut Context, args: Export) -> Result<(), CliError> {
    context.engine(|engine, _| engine.whoami().map(|_| ()).ok_or(CommandError::NoAccount)).await?;
    let Export { file, conversation, force } = args;
    let (format, name) = format_of(&file)?;
    if file.exists() && !force {
        return Err(CliError::failed(format!("{} is there already", file.display()))
            .hint("choose another name, or --force replaces it"));
    }
    let only = match &conversation {
        Some(text) => Some(resolve::conversation(context, text, Begin::No).await?),
        None => None,
    };
    let mut export = context
        .engine(move |engine, now| Exported::begin(engine, only, format, "Notes to self", now))
        .await?;
    let cannot = |e: &io::Error| {
        CliError::failed(format!("cannot write {}: {e}", file.display()))
            .hint("is there room, and may you write there? Nothing was left behind")
    };
    let mut part = Part::new(&file).map_err(|e| cannot(&e))?;
    loop {
        let style = context.out.style.clone();
        let (rest, piece) = context
            .engine(move |engine, _| {
                let piece = export.piece(engine, &|at| local(&style, at))?;
                Ok::<_, EngineError>((export, piece))
            })
            .await?;
        export = rest;
        let Some(piece) = piece else { break };
        part.write(&piece).map_err(|e| cannot(&e))?;
        let so_far = export.progress();
        context.out.progress("exporting", so_far.done, so_far.total).await?;
        // What the server says to others meanwhile is not to pile up, and an interruption is to come through.
        while context.next_now().await?.is_some() {}
        tokio::task::yield_now().await;
    }
    part.finish().map_err(|e| cannot(&e))?;
    context.out.done().await?;
    let so_far = export.progress();
    let done = Done {
        exported: file.display().to_string(),
        format: name,
        conversations: so_far.conversations,
        entries: so_far.done,
        incomplete: so_far.incomplete,
    };
    context
        .out
        .show(&done, |_| {
            let Done { exported, conversations, entries, .. } = &done;
            let file = one_line(exported);
            let what = if *conversations == 1 { "conversation" } else { "conversations" };
            format!("Exported {entries} messages of {conversations} {what} to {file}.\n")
        })
        .await?;
    if done.incomplete > 0 {
        let note = "older parts are not on this device, and not in the file";
        context.out.warn(&format!("of {} conversations, {note}", done.incomplete)).await?;
    }
    Ok(())
}

fn format_of(file: &Path) -> Result<(ExportFormat, &'static str), CliError> {
    let ending = file.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "jsonl" | "ndjson" => Ok((ExportFormat::Jsonl, "jsonl")),
        "html" | "htm" => Ok((ExportFormat::Html(Box::default()), "html")),
        _ => Err(CliError::usage(format!("{} says no format", file.display()))
            .hint("name the file .jsonl for JSON lines, or .html for a page to read")),
    }
}

fn local(style: &Style, at: Timestamp) -> LocalTime {
    LocalTime { day: style.local(at).strftime("%A %-d %B %Y").to_string(), clock: style.clock(at) }
}

/// A file that has its name only once it is whole.
struct Part {
    path: PathBuf,
    whole: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Part {
    fn new(whole: &Path) -> io::Result<Self> {
        let mut name = whole.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        clear_away(whole);
        let path = whole.with_file_name(name);
        let mut options = File::options();
        options.write(true).create_new(true);
        // What was said in confidence is not for the machine's other users.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        // Held as long as this process lives; where there are no locks, what a kill leaves stays.
        let _ = file.try_lock();
        Ok(Self { path, whole: whole.to_owned(), file: Some(BufWriter::new(file)) })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(text.as_bytes()),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.as_mut() {
            file.flush()?;
            file.get_ref().sync_all()?;
        }
        std::fs::rename(&self.path, &self.whole)?;
        self.file = None;
        Ok(())
    }
}

/// Removes what exports to this file left that were killed: what was said in confidence is in it.
fn clear_away(whole: &Path) {
    let (Some(folder), Some(name)) = (whole.parent(), whole.file_name().and_then(|name| name.to_str()))
    else {
        return;
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    for found in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_part = found.file_name().to_str().is_some_and(|found| {
            let number = found.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
            let number = number.and_then(|rest| rest.strip_suffix(".part"));
            number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        });
        // One that is locked is being written.
        let left =
            || File::options().write(true).open(found.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_part && left() {
            let _ = std::fs::remove_file(found.path());
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Half a file helps nobody.
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
