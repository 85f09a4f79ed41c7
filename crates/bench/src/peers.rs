//! Other servers in the same run, by scripts that stand them up on loopback and put the same work on each.
//!
//! The scripts are not part of this repository; docs/performance.md says what they do. A script `run.sh NAME…` takes
//! the scenarios from `SCEN` and prints lines such as `nats S1 run=1 msg_s=19000 srv_cpu_per_1k=0.06`, of which every
//! `key=number` becomes a figure.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::args::{Args, Scenario};
use crate::report::Report;

/// Peers, with the program by which one sees that they are installed.
const KNOWN: [(&str, &str); 4] = [
    ("nats", "nats-server"),
    ("mosquitto", "mosquitto"),
    ("prosody", "prosody"),
    ("ejabberd-pg", "ejabberdctl"),
];

/// What was asked of a peer, and is no figure.
const SIZES: [&str; 4] = ["run", "k", "n", "rate"];

/// Measures the peers in the scenarios of this run that they know.
pub(crate) fn run(args: &Args, report: &mut Report) -> Result<()> {
    let Some(folder) = &args.peers else { return Ok(()) };
    let (named, known): (Vec<&str>, Vec<&str>) =
        (args.peer.iter().map(String::as_str).collect(), installed());
    let peers = if named.is_empty() { known } else { named };
    if peers.is_empty() {
        eprintln!("peers: none of {} is installed: nothing is compared", KNOWN.map(|k| k.0).join(", "));
        return Ok(());
    }
    let mut scenarios: Vec<&str> = args
        .wanted()
        .filter_map(|scenario| match scenario {
            Scenario::S1 | Scenario::S2 => Some("s1s2"),
            Scenario::S3 => Some("s3"),
            Scenario::S4 => Some("s4"),
            Scenario::S5 => Some("s5"),
            _ => None,
        })
        .collect();
    scenarios.dedup();
    for peer in peers {
        eprintln!("peers: {peer}: {}", scenarios.join(" "));
        let lines = measure(folder, peer, &scenarios)?;
        let mut section = report.scenario("peers", 0.0);
        for (name, value) in lines.iter().flat_map(|line| figures(peer, line)) {
            section.put(&name, value, "");
        }
    }
    Ok(())
}

fn installed() -> Vec<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect();
    let there = |program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    KNOWN.iter().filter(|(_, program)| there(program)).map(|(name, _)| *name).collect()
}

fn measure(folder: &Path, peer: &str, scenarios: &[&str]) -> Result<Vec<String>> {
    let script = folder.join("run.sh").canonicalize().context("there is no run.sh in that folder")?;
    let mut command = Command::new(script);
    command.arg(peer).env("SCEN", scenarios.join(" ")).env("RUNS", "1").stderr(Stdio::inherit());
    let out = command.output()?;
    if !out.status.success() {
        bail!("the script of {peer} failed");
    }
    Ok(String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect())
}

/// The figures in a line of a peer's.
fn figures(peer: &str, line: &str) -> Vec<(String, f64)> {
    let Some((what, rest)) = line.split_once(' ') else { return Vec::new() };
    if !what.starts_with(peer) {
        return Vec::new();
    }
    let scenario = rest.split_whitespace().next().unwrap_or_default();
    let pairs = rest.split_whitespace().filter_map(|word| {
        let (key, value) = word.split_once('=')?;
        if SIZES.contains(&key) {
            return None;
        }
        Some((format!("{what} {scenario}: {key}"), value.parse().ok()?))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_line_are_figures() {
        let line = "nats-coresub S2serial run=1 n=200 p50ms=0.151 what=x others_cores=0.02";
        let found = figures("nats", line);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].0, "nats-coresub S2serial: p50ms");
        assert!((found[0].1 - 0.151).abs() < 1e-9);
        assert_eq!(figures("nats", "== 10:00 nats s1s2"), []);
        assert_eq!(figures("nats", "prosody S1 msg_s=5"), []);
    }
}
