//! The commands, a file each.

mod approve;
mod conversations;
mod devices;
pub(crate) mod doctor;
mod export;
mod fetch;
mod group;
mod history;
mod import;
pub(crate) mod invite;
mod link;
mod read;
mod rebuild;
mod recover;
mod recovery;
mod register;
pub(crate) mod release_name;
mod retention;
mod safety;
mod search;
mod send;
pub(crate) mod serve;
mod sync;
mod typing;
mod whoami;

use std::io::{IsTerminal, Read as _};
use std::path::{Path, PathBuf};

use crate::args::Command;
use crate::context::Context;
use crate::error::CliError;

/// Takes from this process what another one could not: its folder and its standard input.
pub(crate) fn prepare(command: Command) -> Result<Command, CliError> {
    match command {
        Command::Import(mut import) => {
            import.file = absolute(&import.file)?;
            Ok(Command::Import(import))
        }
        Command::Export(mut export) => {
            export.file = absolute(&export.file)?;
            Ok(Command::Export(export))
        }
        Command::Send(mut send) => {
            if send.text.is_empty() && std::io::stdin().is_terminal() {
                return Err(CliError::usage("there is no message").hint("`diario send TO your words`"));
            }
            if send.text.is_empty() || send.text == ["-"] {
                send.text = vec![read_text()?];
            }
            Ok(Command::Send(send))
        }
        Command::Recover(mut recover) => {
            if !std::io::stdin().is_terminal() {
                recover.words = Some(read_text()?);
            }
            Ok(Command::Recover(recover))
        }
        other => Ok(other),
    }
}

fn absolute(file: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(file).map_err(|e| CliError::usage(format!("not a file: {} ({e})", file.display())))
}

/// More than any message can be, so that an endless input ends.
const MOST_TEXT: u64 = 1024 * 1024;

fn read_text() -> Result<String, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MOST_TEXT).read_to_string(&mut text);
    read.map_err(|e| CliError::failed(format!("cannot read from standard input: {e}")))?;
    // The end of the last line belongs to the file, not to the message.
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Runs a command on a device.
pub(crate) async fn run(context: &mut Context, command: Command) -> Result<(), CliError> {
    let outcome = dispatch(context, command).await;
    context.hear_the_rest().await;
    outcome
}

async fn dispatch(context: &mut Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Register(args) => register::run(context, args).await,
        Command::Link(args) => link::run(context, args).await,
        Command::Approve(args) => approve::run(context, args).await,
        Command::RecoveryKey(args) => recovery::make(context, args).await,
        Command::RecoveryMethods(args) => recovery::methods(context, args).await,
        Command::Recover(args) => recover::run(context, args).await,
        Command::Devices(args) => devices::run(context, args).await,
        Command::SafetyNumber(args) => safety::run(context, args).await,
        Command::Send(args) => send::run(context, args).await,
        Command::Conversations => conversations::run(context).await,
        Command::Fetch(args) => fetch::run(context, args).await,
        Command::History(args) => history::run(context, args).await,
        Command::Search(args) => search::run(context, args).await,
        Command::Sync(args) => sync::run(context, args).await,
        Command::Read(args) => read::run(context, args).await,
        Command::Typing(args) => typing::run(context, args).await,
        Command::Group { change } => group::run(context, change).await,
        Command::Export(args) => export::run(context, args).await,
        Command::Import(args) => import::run(context, args).await,
        Command::Retention(args) => retention::run(context, args).await,
        Command::Rebuild => rebuild::run(context).await,
        Command::Doctor => doctor::run(context).await,
        Command::Whoami => whoami::run(context).await,
        Command::Serve(_) | Command::Invite(_) | Command::ReleaseName(_) => {
            Err(CliError::usage("this command belongs to no device"))
        }
    }
}
