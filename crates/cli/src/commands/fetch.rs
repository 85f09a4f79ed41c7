//! `diario fetch`: messages of the past that are not here yet.

use diario_engine::{Engine, Event, Fill, FillView};
use serde::Serialize;

use crate::args::{Auto, Fetch};
use crate::context::{Context, Wake};
use crate::error::{CliError, Kind};

/// How much of the past is here.
#[derive(Serialize)]
struct Past {
    missing: u64,
    conversations: u64,
    estimated_bytes: u64,
    auto: &'static str,
    paused: bool,
}

impl From<FillView> for Past {
    fn from(view: FillView) -> Self {
        Self {
            missing: view.missing,
            conversations: view.conversations,
            estimated_bytes: view.estimate,
            auto: match view.fill {
                Fill::Never => "never",
                Fill::Unmetered => "unmetered",
                Fill::Always => "always",
            },
            paused: view.paused,
        }
    }
}

pub(crate) async fn run(context: &mut Context, args: Fetch) -> Result<(), CliError> {
    let fill = args.auto.map(|auto| match auto {
        Auto::Never => Fill::Never,
        Auto::Always => Fill::Always,
    });
    let pause = if args.pause { Some(true) } else { args.resume.then_some(false) };
    context
        .engine(move |engine, now| {
            if let Some(fill) = fill {
                engine.set_fill(fill, now)?;
            }
            if let Some(pause) = pause {
                engine.pause_fill(pause, now)?;
            }
            Ok::<_, diario_engine::CommandError>(())
        })
        .await?;
    let waits = !args.status && !args.pause && fill != Some(Fill::Never);
    if waits {
        fetch(context).await?;
    }
    let state = context.engine(|engine, _| engine.fill_state()).await?;
    let past = Past::from(state);
    context
        .out
        .show(&past, |_| match past.missing {
            0 => "Everything is here.\n".to_owned(),
            missing => format!(
                "{missing} messages and changes of {} conversations are not here, about {}.\n",
                past.conversations,
                size(past.estimated_bytes)
            ),
        })
        .await
}

async fn fetch(context: &mut Context) -> Result<(), CliError> {
    context.live().await?;
    let before = context.engine(|engine, _| engine.fill_state()).await?;
    if before.missing > 0 {
        // Before it begins: who pays by volume may still stop it.
        let (missing, size) = (before.missing, size(before.estimate));
        context.out.err(format!("fetching {missing} messages and changes, about {size}\n")).await?;
    }
    context.engine(Engine::fill_now).await?;
    let mut deadline = context.deadline();
    while context.engine(|engine, _| engine.fill_state()).await?.missing > 0 {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::History { .. }) | Wake::Lagged => deadline = context.deadline(),
            Wake::Late => {
                return Err(context
                    .offline("not everything is here yet")
                    .await
                    .hint("`diario fetch` goes on where it stopped; nothing is lost"));
            }
            Wake::Stop if context.forwarded => return Err(CliError::new(Kind::Again, "")),
            Wake::Stop => {
                let e = CliError::new(Kind::Interrupted, "interrupted");
                return Err(e.hint("`diario fetch` goes on where it stopped"));
            }
            Wake::Event(_) | Wake::Changed => {}
        }
        show_progress(context).await?;
    }
    context.out.done().await
}

/// Shows how far the fetching of the past has come.
pub(super) async fn show_progress(context: &mut Context) -> Result<(), CliError> {
    let state = context.engine(|engine, _| engine.fill_state()).await?;
    context.out.progress("fetching the past", state.fetched, state.fetched + state.missing).await
}

/// A size for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}
