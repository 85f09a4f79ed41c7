//! One seed, one run: accounts, devices and a server in virtual time, on one thread, in a hostile network.
//!
//! The engines, the server's rules and its storage are the real ones. Time, random bytes and the disk come from the
//! seed ([`crate::os`]), so that a run is the same every time, to the last byte of its journal. After each event the
//! safety properties are checked; when nothing breaks any more, everybody must come to agree.

mod check;
mod clock;
mod devices;
mod faults;
mod frames;
mod host;
mod humans;
mod journal;
pub mod marks;
mod operations;
mod oracle;
mod outside;
mod pairs;
mod peer;
mod plan;
mod queue;
mod rest;
mod talk;
mod wire;
mod world;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::{Result, anyhow};
use futures_util::FutureExt as _;
use tokio::time::Instant;

pub use self::journal::{Journal, Kind, Record};
use self::marks::Marks;
pub use self::operations::Operation;
pub use self::pairs::Pair;
use self::peer::Purpose;
pub use self::plan::Plan;
use self::world::{Due, World};
use crate::Random;
use crate::os::Simulated;

/// Seeds that come through most of the rare paths in little time: those of CI.
pub const FIXED: &[u64] = &[18, 26, 27, 36, 43, 46, 63, 69, 70, 73, 76, 80, 90, 104, 108];

/// Bytes that one thing that somebody does takes to choose, about.
const BYTES_OF_ONE: usize = 4;
/// Things that people do in a steered run at most: many short runs find more in the same time than one long one.
const MOST_STEERED: usize = 60;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What must never be and was, if anything.
    pub violation: Option<String>,
    /// Everything that happened.
    pub journal: Journal,
    /// The rare paths.
    pub marks: Marks,
    /// Virtual time, in milliseconds.
    pub virtual_ms: u64,
    /// Messages that were said.
    pub said: usize,
}

/// Runs a seed, in a thread of its own. With `operations`, people do so many things, instead of as many as the seed
/// says.
pub fn run(seed: u64, operations: Option<usize>) -> Outcome {
    run_with(seed, Random::new(seed), Life::Whole(operations))
}

/// The same, steered: the first byte is the seed, the others choose what people do and what breaks. People do as many
/// things as the bytes are enough for, about.
pub fn run_steered(bytes: &[u8]) -> Outcome {
    let (seed, choices) =
        bytes.split_first().map_or((0, bytes), |(seed, choices)| (u64::from(*seed), choices));
    let operations = (choices.len() / BYTES_OF_ONE).clamp(1, MOST_STEERED);
    run_with(seed, Random::steered(seed, choices), Life::Whole(Some(operations)))
}

/// Runs a race of two operations.
pub fn run_pair(seed: u64, pair: Pair) -> Outcome {
    run_with(seed, Random::new(seed), Life::Pair(pair))
}

/// What happens in a run.
#[derive(Debug, Clone, Copy)]
enum Life {
    /// People do so many things, or as many as the seed says, while things break.
    Whole(Option<usize>),
    /// Two things happen at once.
    Pair(Pair),
}

fn run_with(seed: u64, random: Random, life: Life) -> Outcome {
    let run = move || {
        let os = Simulated::begin(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        match runtime {
            Ok(runtime) => runtime.block_on(in_virtual_time(seed, random, life, os)),
            Err(e) => failed(seed, &e.into()),
        }
    };
    let thread = std::thread::Builder::new().name(format!("seed {seed}")).stack_size(16 << 20).spawn(run);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => failed(seed, &panicked(&*panic)),
        Err(e) => failed(seed, &e.into()),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> anyhow::Error {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    anyhow!("panic: {}", words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default())
}

fn failed(seed: u64, error: &anyhow::Error) -> Outcome {
    let (journal, marks) = (Journal::default(), Marks::default());
    Outcome { seed, violation: Some(format!("{error:#}")), journal, marks, virtual_ms: 0, said: 0 }
}

async fn in_virtual_time(seed: u64, mut random: Random, life: Life, os: Simulated) -> Outcome {
    let plan = match life {
        Life::Whole(operations) => Plan::new(&mut random, operations),
        Life::Pair(_) => Plan::of_pair(&mut random),
    };
    let mut world = match World::new(random, plan, os) {
        Ok(world) => world,
        Err(e) => return failed(seed, &e),
    };
    let lived = async {
        match life {
            Life::Whole(_) => world.live().await,
            Life::Pair(pair) => world.live_pair(pair).await,
        }
    };
    // What led to a panic is what somebody wants to read.
    let result = AssertUnwindSafe(lived).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)));
    if let Err(e) = &result {
        world.note("world", Kind::Violation, format!("{e:#}"));
    }
    Outcome {
        seed,
        violation: result.err().map(|e| format!("{e:#}")),
        virtual_ms: world.clock.elapsed_ms(),
        said: world.oracle.said_in_all,
        marks: world.marks,
        journal: world.journal,
    }
}

impl World {
    async fn live(&mut self) -> Result<()> {
        self.note("world", Kind::Life, format!("{:?}", self.plan));
        self.start_server().await?;
        for person in 0..self.plan.people {
            self.add_peer(&format!("{person}-phone"), person, Purpose::Member)?;
        }
        self.come_to_rest().await?;
        self.note_cut_offs()?;
        self.hostile = true;
        self.in_ms(1, Due::Operate);
        while self.operations_left > 0 {
            let until = Instant::now() + Duration::from_mins(1);
            self.step(until).await?;
        }
        self.heal_everything().await?;
        self.give_up_candidates()?;
        self.come_to_rest().await?;
        self.check_at_rest()
    }
}
