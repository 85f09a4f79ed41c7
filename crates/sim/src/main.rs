//! Runs seeds: what `cargo xtask sim` calls.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::{Context, Result};
use clap::Parser;
use diario_sim::run::marks::Marks;
use diario_sim::run::{FIXED, Outcome, Pair, run, run_pair};
use diario_sim::viewer;

/// Many devices and a server in virtual time, in a hostile network: a seed is a run, the same every time.
#[derive(Debug, Parser)]
#[command(name = "diario-sim")]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Run this seed alone, and write what happened.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    replay: Option<u64>,
    /// The seeds that CI runs.
    #[arg(long, conflicts_with_all = ["seeds", "from", "replay"])]
    fixed: bool,
    /// Races of every pair of operations, in place of seeds.
    #[arg(long, conflicts_with_all = ["seeds", "replay", "fixed"])]
    pairs: bool,
    /// One race, by its number.
    #[arg(long, requires = "pairs")]
    pair: Option<usize>,
    /// How many things people do, in place of as many as the seed says: a failure found early fails early.
    #[arg(long)]
    operations: Option<usize>,
    /// Seeds that run side by side; as many as there are processors without it.
    #[arg(long)]
    jobs: Option<usize>,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
    /// Where the journal and the viewer of a failed or replayed seed go.
    #[arg(long, default_value = "target/sim")]
    out: PathBuf,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let failures = match args.replay {
        Some(seed) => {
            let outcome = run(seed, args.operations);
            report(&args, &outcome)?;
            print!("{}", outcome.journal.text());
            println!("digest {}", outcome.journal.digest());
            u64::from(outcome.violation.is_some())
        }
        None if args.pairs => run_pairs(&args)?,
        None => run_all(&args)?,
    };
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the seeds on all processors; gives how many failed.
fn run_all(args: &Args) -> Result<u64> {
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let seeds: Vec<u64> =
        if args.fixed { FIXED.to_vec() } else { (args.from..args.from.saturating_add(args.seeds)).collect() };
    let (next, failures) = (AtomicUsize::new(0), AtomicU64::new(0));
    let totals = Mutex::new((Marks::default(), 0usize, 0u64));
    let bar = indicatif::ProgressBar::new(seeds.len() as u64);
    bar.set_style(indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} seeds, {eta} left {msg}")?);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    if !args.keep_going && failures.load(Ordering::Relaxed) > 0 {
                        return;
                    }
                    let outcome = run(*seed, args.operations);
                    if let Ok(mut totals) = totals.lock() {
                        totals.0.add(&outcome.marks);
                        totals.1 += outcome.said;
                        totals.2 += outcome.virtual_ms;
                    }
                    if outcome.violation.is_some() {
                        failures.fetch_add(1, Ordering::Relaxed);
                        bar.suspend(|| {
                            if let Err(e) = report(args, &outcome) {
                                eprintln!("the report could not be written: {e:#}");
                            }
                        });
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let failures = failures.into_inner();
    if let Ok((marks, said, virtual_ms)) = totals.into_inner() {
        let days = virtual_ms / (24 * 60 * 60 * 1000);
        println!("{} seeds, {said} messages, {days} days of virtual time, {failures} failures", seeds.len());
        for (mark, n) in marks.counts() {
            println!("{n:>9} {mark}");
        }
    }
    Ok(failures)
}

/// Runs the races of all pairs, or of one; gives how many failed.
fn run_pairs(args: &Args) -> Result<u64> {
    let all: Vec<(usize, Pair)> =
        Pair::all().enumerate().filter(|(n, _)| args.pair.is_none_or(|only| only == *n)).collect();
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let (next, failures) = (AtomicUsize::new(0), AtomicU64::new(0));
    let bar = indicatif::ProgressBar::new(all.len() as u64);
    bar.set_style(indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} pairs, {eta} left")?);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some((n, pair)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Each draws what is its own: which of the variants of an operation it is.
                    let outcome = run_pair(args.from + *n as u64, *pair);
                    bar.inc(1);
                    let Some(violation) = &outcome.violation else { continue };
                    failures.fetch_add(1, Ordering::Relaxed);
                    bar.suspend(|| {
                        eprintln!("pair {n} FAILED: {pair:?}: {violation}");
                        eprintln!("  again:   cargo xtask sim --pairs --pair {n} --from {}", args.from);
                        match write_down(args, &format!("pair-{n}"), &outcome) {
                            Ok(()) => {}
                            Err(e) => eprintln!("the report could not be written: {e:#}"),
                        }
                    });
                }
            });
        }
    });
    bar.finish_and_clear();
    let failures = failures.into_inner();
    println!("{} pairs of operations, {failures} failures", all.len());
    Ok(failures)
}

/// Says what a seed did, and writes its journal and viewer.
fn report(args: &Args, outcome: &Outcome) -> Result<()> {
    let seed = outcome.seed;
    match &outcome.violation {
        Some(violation) => {
            eprintln!("seed {seed} FAILED: {violation}");
            let operations = args.operations.map(|n| format!(" --operations {n}")).unwrap_or_default();
            eprintln!("  again:   cargo xtask sim --replay {seed}{operations}");
        }
        None => eprintln!("seed {seed} is well: {} messages", outcome.said),
    }
    write_down(args, &format!("seed-{seed}"), outcome)
}

/// Writes a journal and its viewer, and says where.
fn write_down(args: &Args, name: &str, outcome: &Outcome) -> Result<()> {
    let kept = viewer::write_down(&args.out, name, outcome);
    eprintln!("{}", kept.with_context(|| format!("cannot write into {}", args.out.display()))?);
    Ok(())
}
