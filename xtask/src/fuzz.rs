//! `cargo xtask fuzz`: runs the fuzz targets, and keeps what they found.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools::{cargo, find, root, run};

/// Seconds for each target, if none are said.
const SECONDS: u32 = 60;
/// What a target may take at most, in MiB: in all, and at once. The largest thing that anybody may send is a frame of
/// 4 MiB, and whoever reads it takes a small multiple of that.
const MEMORY: [&str; 2] = ["-rss_limit_mb=1024", "-malloc_limit_mb=64"];
/// An input that takes longer, in seconds, is a fault.
const LONGEST: &str = "-timeout=20";
/// The simulation stands in for functions of the C library that the address sanitizer stands in for, too; and it takes
/// as much memory as several devices and a server do.
const SIMULATION: &str = "simulation";

/// The fuzz targets are no part of the workspace.
pub const MANIFEST: &str = "--manifest-path=fuzz/Cargo.toml";
const LOCKS: [&str; 2] = ["Cargo.lock", "fuzz/Cargo.lock"];

/// Lints the targets with the stable compiler and without the fuzzer, so that they compile when somebody wants to run
/// them. Whatever the workspace has of the same version and features is taken from its target folder.
pub fn lint() -> Result<()> {
    let clippy = ["clippy", "--locked", MANIFEST, "--target-dir=target", "--no-default-features"];
    run(cargo().args(clippy).args(["--all-targets", "--", "--deny", "warnings"]))
}

/// Gives the fuzz targets the workspace's versions of everything.
fn lock() -> Result<()> {
    let [from, to] = LOCKS.map(|lock| root().join(lock));
    std::fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    run(cargo().args(["update", "--workspace", MANIFEST]))
}

/// Whether what is fuzzed is what is shipped: packages of both locks have the same versions in both.
pub fn check_lock() -> Result<()> {
    let [ours, fuzzed] = LOCKS.map(locked);
    let (ours, fuzzed) = (ours?, fuzzed?);
    let other = fuzzed.iter().find(|(name, version)| {
        ours.iter().any(|(known, _)| known == name) && !ours.contains(&(name.clone(), version.clone()))
    });
    match other {
        Some((name, version)) => {
            bail!(
                "fuzz/Cargo.lock has {name} {version}, Cargo.lock has not; `cargo xtask fuzz lock` mends it"
            )
        }
        None => Ok(()),
    }
}

/// Names and versions of a lock file.
fn locked(file: &str) -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(root().join(file)).with_context(|| format!("cannot read {file}"))?;
    let value = |line: &str, key: &str| Some(line.strip_prefix(key)?.trim_matches('"').to_owned());
    let packages = text.split("[[package]]").skip(1).filter_map(|package| {
        let find = |key: &str| package.lines().find_map(|line| value(line, key));
        Some((find("name = ")?, find("version = ")?))
    });
    Ok(packages.collect())
}

/// Runs every fuzz target, or those that are named, for some seconds each; with `keep`, adds what earlier runs found
/// to the corpus; with `lock`, makes their lock file anew.
pub fn fuzz(args: &[String]) -> Result<()> {
    if args == ["lock"] {
        return lock();
    }
    if find("cargo-fuzz").is_none() {
        run(cargo().args(["install", "--locked", "cargo-fuzz"]))?;
    }
    let keep = args.iter().any(|arg| arg == "keep");
    let seconds = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(SECONDS);
    let all = targets()?;
    let wanted: Vec<_> = args.iter().filter(|arg| *arg != "keep" && arg.parse::<u32>().is_err()).collect();
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        bail!("there is no target {unknown:?}; there are {}", all.join(", "));
    }
    for name in all.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        if keep { keep_found(name)? } else { fuzz_one(name, seconds)? }
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for file in std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let file = file?.path();
        names.extend(file.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// libFuzzer writes what it finds into the first folder: not into the corpus, which is in the repository.
fn fuzz_one(name: &str, seconds: u32) -> Result<()> {
    let (corpus, found) = folders(name)?;
    let mut command = target(name);
    command.args([found, corpus]).args(["--", &format!("-max_total_time={seconds}"), LONGEST]);
    if name != SIMULATION {
        command.args(MEMORY);
    }
    run(&mut command)
}

/// Adds the fewest of the inputs that were found which come through everything that all of them come through.
fn keep_found(name: &str) -> Result<()> {
    let (corpus, found) = folders(name)?;
    run(target(name).args([corpus, found]).args(["--", "-set_cover_merge=1"]))
}

fn folders(name: &str) -> Result<(PathBuf, PathBuf)> {
    let found = root().join("fuzz/target/corpus").join(name);
    std::fs::create_dir_all(&found)?;
    Ok((root().join("fuzz/corpus").join(name), found))
}

/// The sanitizers are behind the nightly flag; the stable compiler has them too.
fn target(name: &str) -> Command {
    let mut command = cargo();
    command.env_remove("RUSTFLAGS").env("RUSTC_BOOTSTRAP", "1").args(["fuzz", "run"]);
    if name == SIMULATION {
        command.args(["--sanitizer", "none"]);
    }
    command.arg(name);
    command
}
