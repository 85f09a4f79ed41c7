//! What Diario costs: throughput, latency, memory, catching up, first screens, and what these grow with.
//!
//! The server runs in a process of its own, so that its processor time and memory are its own; the devices are a
//! load generator in this process, whose share is reported apart. [`scenarios`] has a file for each scenario,
//! [`report`] prints what they found beside the bars ([`bars`]) and what other servers reached, [`saved`] beside what an
//! earlier run found, and [`chart`] draws it. docs/performance.md has the figures.

#![forbid(unsafe_code)]

mod args;
mod bars;
mod bench;
mod chart;
mod device;
mod machine;
mod mls;
mod peers;
mod people;
mod proc;
mod report;
mod saved;
mod scenarios;
mod server;
mod soak;
mod socket;
mod spread;
mod wire;

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;

use args::{Args, Scenario, Task};
use bench::Bench;
use report::Report;
use saved::Saved;

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match &args.task {
        Some(Task::Server { data, cache_mib }) => runtime.block_on(server::serve(data, *cache_mib)),
        Some(Task::CatchUp { home }) => runtime.block_on(scenarios::s4::catch_up(home)),
        Some(Task::Soak(soak)) => runtime.block_on(soak::run(soak)),
        None => runtime.block_on(run(&args)),
    }
}

async fn run(args: &Args) -> Result<()> {
    let bench = Bench::new(args)?;
    // Before the measuring, which takes minutes.
    let before = args.compare.as_deref().map(Saved::read).transpose()?;
    let mut report = Report::new(machine::look(&bench)?);
    for scenario in args.wanted() {
        eprintln!("{}: {}", scenario.name(), scenario.about());
        match scenario {
            Scenario::S1 => scenarios::s1::run(&bench, &mut report).await,
            Scenario::S2 => scenarios::s2::run(&bench, &mut report).await,
            Scenario::Load => scenarios::load::run(&bench, &mut report).await,
            Scenario::S3 => scenarios::s3::run(&bench, &mut report).await,
            Scenario::S4 => scenarios::s4::run(&bench, &mut report).await,
            Scenario::S5 => scenarios::s5::run(&bench, &mut report).await,
            Scenario::Members => scenarios::members::run(&bench, &mut report).await,
            Scenario::Devices => scenarios::devices::run(&bench, &mut report).await,
            Scenario::History => scenarios::history::run(&bench, &mut report).await,
            Scenario::Linking => scenarios::linking::run(&bench, &mut report).await,
            Scenario::Open => scenarios::open::run(&bench, &mut report).await,
            Scenario::Recovery => scenarios::recovery::run(&bench, &mut report).await,
            Scenario::Search => scenarios::search::run(&bench, &mut report),
        }
        .with_context(|| format!("scenario {}", scenario.name()))?;
    }
    peers::run(args, &mut report)?;
    std::io::stdout().write_all(report.table().as_bytes())?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(folder) = &args.pictures {
        std::fs::create_dir_all(folder)?;
        for (name, chart) in &report.charts {
            let path = folder.join(format!("{name}.svg"));
            std::fs::write(&path, chart.svg()).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    if let Some(before) = before {
        let comparison = before.compare(&report, args.tolerance)?;
        println!("\n{}", comparison.table);
        if comparison.worse > 0 {
            bail!(
                "{} figures are more than {} % worse than before, or gone",
                comparison.worse,
                args.tolerance
            );
        }
    }
    let missed: Vec<_> = report.missed().collect();
    if !missed.is_empty() && !args.quick {
        bail!("{} bars are missed: {}", missed.len(), missed.join("; "));
    }
    Ok(())
}
