//! Takes the folder and runs a command in it, or has the process run it that holds the folder.

use std::path::Path;
use std::time::{Duration, Instant};

use diario_client::{Client, Driver, Home, HomeError};
use diario_engine::{Engine, EngineConfig, EngineError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::args::Command;
use crate::commands;
use crate::context::Context;
use crate::error::{CliError, Kind};
use crate::forward::{self, Forwarded, Request, VERSION};
use crate::output::Output;
use crate::shutdown;

/// How long to wait at least for a folder that another process is about to leave.
const LEAVING: Duration = Duration::from_secs(5);
/// Pause between two looks at such a folder.
const LOOK: Duration = Duration::from_millis(15);
/// How long the engine may take to close.
const CLOSING: Duration = Duration::from_secs(3);

/// Runs a command of a user in a folder; gives the exit code.
pub(crate) async fn run(home: &Path, command: Command, out: &mut Output) -> Result<u8, CliError> {
    let command = commands::prepare(command)?;
    let request = Request { version: VERSION.to_owned(), face: out.face.clone(), command };
    // A command that runs there may use up its time and then some for its end.
    let patience = LEAVING.max(out.face.timeout + Duration::from_secs(2));
    let mut deadline = Instant::now() + patience;
    loop {
        let in_use = match Home::take(home) {
            Ok(taken) => return hold(taken, request, out).await.map(|()| 0),
            Err(HomeError::InUse(e)) => e,
            Err(e) => return Err(e.into()),
        };
        match forward::forward(home, &request, out).await? {
            Forwarded::Ran(code) => return Ok(code),
            Forwarded::Again => deadline = Instant::now() + patience,
            Forwarded::Nobody if Instant::now() >= deadline => return Err(HomeError::InUse(in_use).into()),
            Forwarded::Nobody => {}
        }
        // A lock gives no sign when it is free.
        tokio::time::sleep(LOOK).await;
    }
}

/// Runs a command in a folder of this process's own.
async fn hold(home: Home, request: Request, out: &mut Output) -> Result<(), CliError> {
    let command = request.command;
    let engine = match home.engine(config()) {
        Ok(engine) => engine,
        Err(HomeError::Engine(e)) if matches!(command, Command::Doctor) => {
            return commands::doctor::unopened(out, home.path(), &e).await;
        }
        Err(e) => return Err(e.into()),
    };
    // From here on an interruption is an orderly end.
    let told = shutdown::requested();
    let (client, driver) = Client::new(engine);
    let (stop, stopped) = watch::channel(false);
    let mut context = Context::new(client.clone(), Output::of_process(request.face), home.path(), stopped);
    context.local = command.is_local();
    let mut driver = start(driver, command.is_local());
    let holder = listen(&command, home.path(), &client);
    let ends_when_told = command.ends_when_told();
    let interrupted = interruption(&command);
    let links = matches!(command, Command::Link(_) | Command::Approve(_));
    let outcome = {
        let running = commands::run(&mut context, command);
        tokio::pin!(running, told);
        tokio::select! {
            biased;
            ended = &mut driver => Err(broken(ended)),
            outcome = &mut running => outcome,
            () = &mut told => {
                if ends_when_told {
                    stop.send_replace(true);
                    running.await
                } else {
                    Err(interrupted)
                }
            }
        }
    };
    let _ = context.out.done().await;
    if links {
        // One that is under way is called off, so that the other side need not wait for it.
        let _ = client.with(Engine::cancel_link).await;
    }
    drop(client);
    if let Some(holder) = holder {
        leave(holder, &mut context.out).await;
    }
    drop(context);
    // What is stored is stored: a connection that does not close costs nothing.
    if !driver.is_finished() {
        let _ = tokio::time::timeout(CLOSING, driver).await;
    }
    outcome
}

/// What an interruption means.
fn interruption(command: &Command) -> CliError {
    let e = CliError::new(Kind::Interrupted, "interrupted");
    match command {
        Command::Import(_) => {
            e.hint("what is stored goes out at the next connection; the same import again goes on")
        }
        Command::Export(_) => e.hint("no file was written"),
        Command::Send(_) => e.hint("a message that was stored goes out at the next connection"),
        Command::RecoveryKey(_) => e.hint(
            "`diario recovery-methods` shows whether a key was made; `diario sync` brings it to the server",
        ),
        _ => e,
    }
}

/// Waits for the commands of others, unless the user has enough of it.
async fn leave(holder: Listening, out: &mut Output) {
    let closing = close(holder);
    tokio::pin!(closing);
    tokio::select! {
        () = &mut closing => return,
        () = tokio::time::sleep(LEAVING / 10) => {}
    }
    let _ = out.warn("waiting for a command of another terminal; interrupt again to end it too").await;
    tokio::select! {
        () = &mut closing => {}
        () = shutdown::requested() => {}
    }
}

fn start(driver: Driver, offline: bool) -> JoinHandle<Result<(), EngineError>> {
    tokio::spawn(async move {
        if offline {
            driver.run_offline().await;
            Ok(())
        } else {
            driver.run().await
        }
    })
}

/// Why the engine ended under a command.
fn broken(ended: Result<Result<(), EngineError>, tokio::task::JoinError>) -> CliError {
    match ended {
        Ok(Err(e)) => e.into(),
        Ok(Ok(())) | Err(_) => CliError::stopped(),
    }
}

#[cfg(unix)]
type Listening = crate::holder::Holder;
#[cfg(not(unix))]
type Listening = std::convert::Infallible;

#[cfg(unix)]
fn listen(command: &Command, home: &Path, client: &Client) -> Option<Listening> {
    if !command.stays() {
        return None;
    }
    // Without it this command still works; others are told that the folder is in use.
    let listening = Listening::listen(home, client.clone());
    listening.inspect_err(|e| tracing::warn!(error = %e, "cannot listen for other commands")).ok()
}

#[cfg(not(unix))]
fn listen(_: &Command, _: &Path, _: &Client) -> Option<Listening> {
    None
}

#[cfg(unix)]
async fn close(holder: Listening) {
    holder.close().await;
}

#[cfg(not(unix))]
async fn close(holder: Listening) {
    match holder {}
}

fn config() -> EngineConfig {
    let system = match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        other => other,
    };
    EngineConfig { platform: format!("terminal on {system}"), ..EngineConfig::default() }
}
