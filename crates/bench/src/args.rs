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
    /// Sets the figures beside those of a file that `--json` wrote, as ratios; ends with an error if one is worse.
    #[arg(long, value_name = "FILE")]
    pub(crate) compare: Option<PathBuf>,
    /// How many per cent worse than in the compared file a figure may be.
    #[arg(long, value_name = "PERCENT", default_value_t = 25.0)]
    pub(crate) tolerance: f64,
    /// Draws latency against load and memory against devices into this folder, as SVG.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) pictures: Option<PathBuf>,
    /// Measures other servers in the same run, by the scripts in this folder; see docs/performance.md.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) peers: Option<PathBuf>,
    /// Which of them; those that are installed if none is named.
    #[arg(long, value_name = "NAME", requires = "peers")]
    pub(crate) peer: Vec<String>,
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
    pub(crate) task: Option<Task>,
}

/// What it does beside measuring, and what it starts itself as.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Lets people live with Diario for hours; memory, descriptors and disk must stay flat.
    Soak(crate::soak::SoakArgs),
    /// Runs a server until its standard input ends, and prints its address.
    #[command(hide = true)]
    Server {
        #[arg(long)]
        data: PathBuf,
        /// MiB of the database kept in memory.
        #[arg(long)]
        cache_mib: Option<u32>,
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
    /// Latency at rates up to what the server can do.
    Load,
    /// Memory of idle devices, and logins.
    S3,
    /// A device that was away.
    S4,
    /// A new device: its first screen, its history.
    S5,
    /// What a send costs in conversations of 10, 100 and 1,000 members.
    Members,
    /// What a send costs with 3, 10 and 30 devices on the other side.
    Devices,
    /// What a send and a page cost after 1,000, 10,000 and 100,000 messages.
    History,
    /// Letting a device into an account.
    Linking,
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
            Self::Load => "load",
            Self::S3 => "s3",
            Self::S4 => "s4",
            Self::S5 => "s5",
            Self::Members => "members",
            Self::Devices => "devices",
            Self::History => "history",
            Self::Linking => "linking",
            Self::Open => "open",
            Self::Recovery => "recovery",
            Self::Search => "search",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::S1 => "throughput of the server",
            Self::S2 => "from sent to seen",
            Self::Load => "from sent to seen, up to what the server can do",
            Self::S3 => "idle devices",
            Self::S4 => "a device that was away",
            Self::S5 => "a new device",
            Self::Members => "sending to many members",
            Self::Devices => "sending to many devices",
            Self::History => "sending and reading with much behind",
            Self::Linking => "letting a device in",
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
