//! The soak: people who live with Diario for hours, and what that leaves behind in memory, descriptors and on disk.
//!
//! SQLite's page caches, of the server and of every device, are set small here: at their usual sizes they would go on
//! filling for hours, and hide a leak behind them.

mod crowd;
mod sample;
mod verdict;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use self::crowd::Crowd;
use self::sample::Sample;
use self::verdict::Verdict;
use crate::chart::{Chart, Line, Scale};
use crate::server::ServerProcess;

/// How the soak runs.
#[derive(Debug, Args)]
pub(crate) struct SoakArgs {
    /// How long.
    #[arg(long, default_value_t = 120.0)]
    minutes: f64,
    /// People, with two devices each.
    #[arg(long, default_value_t = 16)]
    people: usize,
    /// Things that people do in a second.
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// Seconds between two looks at the processes.
    #[arg(long, default_value_t = 10.0)]
    every: f64,
    /// Writes all samples into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws the curves into this folder, as SVG.
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
    /// Where the server and the devices keep their data while it runs; a real disk.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// What a run leaves in a file.
#[derive(Serialize)]
struct Record<'a> {
    people: usize,
    rate: f64,
    samples: &'a [Sample],
    verdict: &'a Verdict,
}

/// Runs it, also up to an interruption; an error if something is not flat.
pub(crate) async fn run(args: &SoakArgs) -> Result<()> {
    let root = match &args.data {
        Some(folder) => folder.clone(),
        None => crate::bench::beside_the_build()?,
    };
    std::fs::create_dir_all(&root)?;
    let folder = tempfile::tempdir_in(&root)?;
    let data = folder.path().join("server");
    std::fs::create_dir_all(&data)?;
    let server = ServerProcess::start_with_small_cache(&data)?;
    let mut crowd = Crowd::gather(&server, folder.path(), args.people).await?;
    eprintln!("{} people with two devices each; Ctrl-C ends the soak early", args.people);

    let (begun, whole) = (Instant::now(), Duration::from_secs_f64(args.minutes * 60.0));
    let (pause, every) = (Duration::from_secs_f64(1.0 / args.rate), Duration::from_secs_f64(args.every));
    let bar = ProgressBar::new(whole.as_secs());
    bar.set_style(ProgressStyle::with_template("{bar:30} {percent} %, {eta} left  {msg}")?);
    let mut samples: Vec<Sample> = Vec::new();
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    while begun.elapsed() < whole {
        let at = begun.elapsed();
        if samples.last().is_none_or(|last| at.as_secs_f64() >= last.seconds + every.as_secs_f64()) {
            let sample = Sample::take(at, &server, folder.path(), crowd.done())?;
            bar.set_position(at.as_secs());
            bar.set_message(sample.line());
            samples.push(sample);
            // A bar is for people who watch; a log has lines.
            if bar.is_hidden() && samples.len() % 30 == 1 {
                eprintln!("{:>6.0} s  {}", at.as_secs_f64(), sample.line());
            }
        }
        crowd.act(&server).await.context("somebody could not do something")?;
        tokio::select! {
            _ = &mut interrupted => break,
            lived = crowd.live(pause) => lived?,
        }
    }
    bar.finish_and_clear();
    samples.push(Sample::take(begun.elapsed(), &server, folder.path(), crowd.done())?);
    let verdict = Verdict::of(&samples);
    println!("{}", verdict.table());
    if let Some(path) = &args.json {
        let record = Record { people: args.people, rate: args.rate, samples: &samples, verdict: &verdict };
        std::fs::write(path, serde_json::to_string_pretty(&record)? + "\n")?;
    }
    if let Some(folder) = &args.pictures {
        std::fs::create_dir_all(folder)?;
        for (name, chart) in charts(&samples) {
            std::fs::write(folder.join(format!("soak-{name}.svg")), chart.svg())?;
        }
    }
    if !verdict.is_flat() {
        bail!("not everything is flat");
    }
    Ok(())
}

fn charts(samples: &[Sample]) -> [(&'static str, Chart); 2] {
    const MIB: f64 = 1024.0 * 1024.0;
    let line = |name: &str, of: fn(&Sample) -> f64| {
        Line::new(name, samples.iter().map(|s| (s.seconds / 60.0, of(s))).collect())
    };
    let chart = |title: &str, y: &str, lines| Chart {
        title: title.into(),
        x: ("minutes".into(), Scale::Linear),
        y: (y.into(), Scale::Linear),
        lines,
    };
    [
        (
            "memory",
            chart(
                "Memory over time",
                "MiB",
                vec![
                    line("server", |s| s.server.memory / MIB),
                    line("all devices, one process", |s| s.devices.memory / MIB),
                ],
            ),
        ),
        (
            "disk",
            chart(
                "Disk over time",
                "MiB",
                vec![
                    line("the server's database", |s| s.database / MIB),
                    line("its write-ahead log", |s| s.log / MIB),
                    line("all devices' stores", |s| s.stores / MIB),
                ],
            ),
        ),
    ]
}
