//! The other end of forwarding: a process that holds the folder runs the commands of others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diario_client::Client;
use diario_engine::Engine;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, Take};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::args::Command;
use crate::commands;
use crate::context::Context;
use crate::error::{CliError, Kind};
use crate::forward::{Answer, Frame, Request, VERSION, socket_path};
use crate::output::Output;

/// Frames on their way to another process; beyond them the command waits.
const FRAMES: usize = 64;
/// Bytes of a command line and all answers to what it asks: more than any of the system's own, and never all memory.
const MOST: u64 = 4 * 1024 * 1024;

/// What another process says.
type Spoken = Lines<BufReader<Take<OwnedReadHalf>>>;

/// The listening socket and the commands that came by it.
pub(crate) struct Holder {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Shared {
    client: Client,
    home: PathBuf,
    stop: watch::Receiver<bool>,
}

impl Holder {
    /// Listens for other processes' commands.
    pub(crate) fn listen(home: &Path, client: Client) -> std::io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let path = socket_path(home)?;
        // One that was killed leaves its socket behind; the folder's lock says that there is no other.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared { client, home: home.to_owned(), stop: stopped.clone() });
        let task = tokio::spawn(accept(listener, path, shared, stopped));
        Ok(Self { stop, task })
    }

    /// Takes no more, and waits for the commands that run. Those that only follow are sent elsewhere.
    pub(crate) async fn close(self) {
        self.stop.send_replace(true);
        // It ends by itself, or with the process.
        let _ = self.task.await;
    }
}

async fn accept(listener: UnixListener, path: PathBuf, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => match taken {
                Ok((stream, _)) => drop(running.spawn(attend(stream, Arc::clone(&shared)))),
                Err(e) => {
                    tracing::warn!(error = %e, "cannot take a command");
                    break;
                }
            },
            Some(_) = running.join_next(), if !running.is_empty() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    let _ = std::fs::remove_file(path);
    drop(shared);
    while running.join_next().await.is_some() {}
}

/// Runs one command. When the other process goes, so does the command.
async fn attend(stream: UnixStream, shared: Arc<Shared>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read.take(MOST)).lines();
    let Ok(Some(text)) = lines.next_line().await else { return };
    let (frames, mut sent) = mpsc::channel::<Frame>(FRAMES);
    let writer = tokio::spawn(async move {
        while let Some(frame) = sent.recv().await {
            let Ok(mut text) = serde_json::to_string(&frame) else { return };
            text.push('\n');
            if write.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
        // Half a line is no frame: the other side sees an end only after the last one.
        let _ = write.shutdown().await;
    });
    let request = Request::read(&text);
    tokio::select! {
        end = run(request, &shared, &frames, &mut lines) => {
            // Whoever is gone needs no end.
            let _ = frames.send(end).await;
        }
        () = frames.closed() => {}
    }
    drop(frames);
    let _ = writer.await;
}

async fn run(
    request: Option<Request>,
    shared: &Shared,
    frames: &mpsc::Sender<Frame>,
    lines: &mut Spoken,
) -> Frame {
    let Some(Request { face, command, .. }) = request else {
        let text = format!(
            "error: the diario that holds the folder is of version {VERSION}, this one is not\n\
             hint: end it, or use the same version in both terminals\n"
        );
        let _ = frames.send(Frame::Err(text)).await;
        return Frame::Exit(Kind::Failed.code());
    };
    let _ = frames.send(Frame::Begun).await;
    let (answer, answers) = mpsc::channel(1);
    let output = Output::remote(face, frames.clone(), answers);
    let mut context = Context::new(shared.client.clone(), output, &shared.home, shared.stop.clone());
    context.forwarded = true;
    let approves = matches!(command, Command::Approve(_));
    let outcome = tokio::select! {
        outcome = guarded(&mut context, command) => outcome,
        // It has gone: interrupted, most likely.
        () = read_answers(lines, &answer) => Err(CliError::new(Kind::OutputClosed, "")),
    };
    if approves && outcome.is_err() {
        // The new device need not wait for an answer that will not come.
        let _ = context.engine(Engine::cancel_link).await;
    }
    match outcome {
        Ok(()) => Frame::Exit(0),
        Err(e) if e.kind == Kind::Again => Frame::Again,
        Err(e) => {
            let _ = context.out.error(&e).await;
            Frame::Exit(e.kind.code())
        }
    }
}

/// A folder that a device is being linked into has no account that another command could use.
async fn guarded(context: &mut Context, command: Command) -> Result<(), CliError> {
    let joins = matches!(command, Command::Register(_) | Command::Link(_));
    if joins && context.engine(|engine, _| Ok::<_, CliError>(engine.whoami().is_none())).await? {
        return Err(CliError::failed("another terminal is linking a device into this folder")
            .hint("end it there first, or use another --home"));
    }
    commands::run(context, command).await
}

async fn read_answers(lines: &mut Spoken, answer: &mpsc::Sender<Option<String>>) {
    while let Ok(Some(text)) = lines.next_line().await {
        let Ok(Answer(given)) = serde_json::from_str(&text) else { return };
        if answer.send(given).await.is_err() {
            return;
        }
    }
}
