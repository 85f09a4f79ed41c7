//! What all scenarios share: sizes, and where things lie.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::args::Args;

/// Bytes of a message's text in every scenario.
pub(crate) const TEXT: usize = 300;

/// Messages a second that are offered, until the server does not keep up.
const RATES: [u32; 11] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000];

/// How much is done, and where.
pub(crate) struct Bench {
    root: PathBuf,
    /// S1: pairs of a sending and a receiving account.
    pub(crate) pairs: usize,
    /// S1: time that is not counted, then time that is.
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
    /// S2: messages one at a time, and at a rate.
    pub(crate) singles: usize,
    pub(crate) at_rate: usize,
    /// `load`: pairs of accounts, run by run: five connected devices each.
    pub(crate) crowds: Vec<usize>,
    /// `load`: messages a second, step by step, and how long each step takes.
    pub(crate) rates: Vec<u32>,
    pub(crate) step: Duration,
    /// S3: idle devices, step by step.
    pub(crate) idle: Vec<usize>,
    /// S4: conversations, messages in each, runs.
    pub(crate) conversations: usize,
    pub(crate) missed: usize,
    pub(crate) runs: usize,
    /// S5: conversations on the account, step by step; messages in all of them; messages in the long one; pages.
    pub(crate) listed: Vec<usize>,
    pub(crate) listed_messages: usize,
    pub(crate) long: usize,
    pub(crate) pages: usize,
    /// `members`: members of a conversation, run by run.
    pub(crate) members: Vec<usize>,
    /// `devices`: devices of the receiving account, run by run.
    pub(crate) devices: Vec<usize>,
    /// `history`: messages of a log, step by step.
    pub(crate) history: Vec<usize>,
    /// `linking`: devices of the account at last.
    pub(crate) linked: usize,
    /// `open`: messages.
    pub(crate) opened: usize,
    /// `recovery`: conversations of the account, run by run.
    pub(crate) recovered: Vec<usize>,
    /// `search`: messages, and searches of each kind.
    pub(crate) searched: usize,
    pub(crate) searches: usize,
    /// How long one step of a small measurement takes.
    pub(crate) moment: Duration,
}

impl Bench {
    pub(crate) fn new(args: &Args) -> Result<Self> {
        let root = match &args.data {
            Some(folder) => folder.clone(),
            None => beside_the_build()?,
        };
        std::fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
        let (short, long) = (Duration::from_millis(200), Duration::from_secs(1));
        let mut idle: Vec<usize> = if args.quick { vec![50, 100] } else { vec![1_000, 5_000, 10_000] };
        if let Some(most) = args.devices {
            idle.retain(|n| *n < most);
            idle.push(most);
        }
        let mut listed: Vec<usize> = if args.quick { vec![30] } else { vec![100, 1_000, 10_000] };
        listed.retain(|n| args.conversations.is_none_or(|most| *n <= most));
        let pick = |quick: usize, full: usize| if args.quick { quick } else { full };
        Ok(Self {
            root,
            pairs: args.pairs.unwrap_or(pick(1, 8)).max(1),
            warm_up: if args.quick { short } else { 2 * long },
            duration: if args.quick { long } else { 10 * long },
            singles: pick(50, 2_000),
            at_rate: pick(25, 1_000),
            crowds: if args.quick { vec![1, 2] } else { vec![8, 400] },
            rates: if args.quick { vec![50, 200] } else { RATES.to_vec() },
            step: if args.quick { long / 2 } else { 3 * long },
            idle,
            conversations: pick(2, 10),
            missed: pick(100, 1_000),
            runs: pick(1, 5),
            listed,
            listed_messages: pick(300, 100_000),
            long: pick(1_000, 100_000),
            pages: pick(3, 50),
            members: if args.quick { vec![3, 6] } else { vec![10, 100, 1_000] },
            devices: if args.quick { vec![2, 4] } else { vec![3, 10, 30] },
            history: if args.quick { vec![100, 500] } else { vec![1_000, 10_000, 100_000] },
            linked: pick(3, 31),
            opened: pick(512, 5_120),
            recovered: if args.quick { vec![3, 10] } else { vec![10, 100, 1_000] },
            searched: pick(1_000, 100_000),
            searches: pick(5, 200),
            moment: if args.quick { short / 4 } else { long },
        })
    }

    /// A new folder, gone when it is dropped.
    pub(crate) fn folder(&self) -> Result<TempDir> {
        tempfile::tempdir_in(&self.root).with_context(|| format!("cannot write to {}", self.root.display()))
    }

    /// Where the folders lie.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// `bench-data` in the target folder: on a disk, as the temporary folder may not be.
pub(crate) fn beside_the_build() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program lies in no folder")?;
    Ok(target.join("bench-data"))
}
