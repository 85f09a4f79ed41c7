//! Every flow over the devices of two accounts, interrupted after frames of either side, and gone on with.
//!
//! A flow is prepared once; what server and devices have on disk then is the beginning of each run. A run interrupts one
//! of the devices after so many of its frames, by a kill (the engine is dropped, and opened again from its file) or by a
//! torn connection, and then does what a user would do. The runs of a flow end with the one that nothing interrupted.

mod flows;
mod stage;

use anyhow::{Context, Result, bail, ensure};

use self::stage::{Cast, Template};

/// Every which frame is followed by an interruption; `DIARIO_EVERY=1` takes each, and some minutes.
const EVERY: usize = 3;

/// Who of the cast, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Phone,
    Pc,
    Marco,
    MarcoPc,
    /// A device that has no account yet.
    New,
}

impl Who {
    const ALL: [Self; 5] = [Self::Phone, Self::Pc, Self::Marco, Self::MarcoPc, Self::New];
}

/// How a device is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Kill,
    Tear,
}

/// Something that a user does, over several devices.
trait Flow: Sized {
    /// Who is interrupted, each in runs of its own.
    const VICTIMS: &'static [Who];
    /// Who is on when it begins.
    const ON: &'static [Who];

    /// What goes on before.
    async fn prepare(cast: &mut Cast) -> Result<Self>;
    /// What is interrupted.
    async fn begin(&self, cast: &mut Cast) -> Result<()>;
    /// What a user does next, if it is time for something; says whether it was. Asked again and again, and told whether
    /// nothing else happens.
    async fn act(&self, _cast: &mut Cast, _at_rest: bool) -> Result<bool> {
        Ok(false)
    }
    /// What must be so in the end.
    fn check(&self, cast: &mut Cast) -> Result<()>;
}

/// Runs a flow with each of its victims interrupted after so many of its frames; kills and torn connections take turns, and
/// so do the two between the victims.
async fn killed_at_every_step<F: Flow>() -> Result<()> {
    let (template, flow) = Template::prepare::<F>().await?;
    let every = std::env::var("DIARIO_EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(EVERY);
    for (n, victim) in F::VICTIMS.iter().enumerate() {
        let mut frames = 0;
        for run in 0.. {
            let how = if (run + n) % 2 == 0 { How::Kill } else { How::Tear };
            let end = interrupted(&template, &flow, *victim, how, frames).await;
            let what = || format!("{how:?} of {victim:?} after {frames} of its frames");
            if end.with_context(what)? {
                break;
            }
            frames += every;
        }
        ensure!(frames > 8, "{victim:?} had no more than {frames} frames: nothing was interrupted");
    }
    Ok(())
}

/// Says whether the flow was over before so many frames.
async fn interrupted<F: Flow>(
    template: &Template,
    flow: &F,
    victim: Who,
    how: How,
    after: usize,
) -> Result<bool> {
    let mut cast = template.revive().await?;
    for who in F::ON {
        cast.connect(*who).await?;
    }
    flow.begin(&mut cast).await?;
    let over = cast.step(flow, victim, after).await?;
    if !over {
        match how {
            How::Kill => cast.kill(victim).await?,
            How::Tear => cast.tear(victim).await?,
        }
    }
    for turn in 0.. {
        cast.settle().await?;
        if !flow.act(&mut cast, true).await? {
            break;
        }
        if turn > 30 {
            bail!("it does not come to an end: {:#?}", cast.last_events());
        }
    }
    flow.check(&mut cast)?;
    cast.talk().await?;
    Ok(over)
}
