//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures Diario in the scenarios of its bars.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// What to measure; everything if none is named.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// A few seconds in all: shows that everything works, not how fast.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Also writes the figures into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Where servers and devices keep their data while it runs; a real disk [default: bench-data beside the build].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// S5: only up to so many conversations.
    #[arg(long, value_name = "N")]
    pub(crate) conversations: Option<usize>,
    /// S1: sending accounts, and as many receiving ones.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) pairs: Option<usize>,
    /// S3: the most devices that are idle at the same time.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) devices: Option<usize>,
    #[command(subcommand)]
    pub(crate) hidden: Option<Hidden>,
}

/// What this program starts itself as.
#[derive(Debug, Subcommand)]
pub(crate) enum Hidden {
    /// Runs a server until its standard input ends, and prints its address.
    #[command(hide = true)]
    Server {
        #[arg(long)]
        data: PathBuf,
    },
    /// Runs the device in a folder until it is live, and prints what that cost.
    #[command(hide = true)]
    CatchUp {
        #[arg(long)]
        home: PathBuf,
    },
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Throughput.
    S1,
    /// Latency.
    S2,
    /// Memory of idle devices, and logins.
    S3,
    /// A device that was away.
    S4,
    /// A new device: its first screen, its history.
    S5,
    /// Opening one message.
    Open,
    /// Coming back by a recovery key.
    Recovery,
    /// Looking for messages.
    Search,
}

impl Scenario {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::S1 => "s1",
            Self::S2 => "s2",
            Self::S3 => "s3",
            Self::S4 => "s4",
            Self::S5 => "s5",
            Self::Open => "open",
            Self::Recovery => "recovery",
            Self::Search => "search",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::S1 => "throughput of the server",
            Self::S2 => "from sent to seen",
            Self::S3 => "idle devices",
            Self::S4 => "a device that was away",
            Self::S5 => "a new device",
            Self::Open => "opening messages",
            Self::Recovery => "coming back by a recovery key",
            Self::Search => "looking for messages",
        }
    }
}

impl Args {
    /// The scenarios to run, in their order, each once.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Scenario> {
        let all = self.scenarios.is_empty();
        Scenario::value_variants().iter().copied().filter(move |s| all || self.scenarios.contains(s))
    }
}
