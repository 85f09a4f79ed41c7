//! `cargo xtask sim --bugs`: bugs that Diario had or could have, put back one at a time. The simulation must find each.
//!
//! A bug is a patch in `crates/sim/bugs`: a line about what its users would suffer, then the change. It is applied to a
//! copy of the tree under `target/bugs`, so an interruption leaves nothing behind where people work.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::tools::{cargo, root, run};

/// Seeds that are looked at where the fixed ones find nothing: from, and how many.
const MORE_SEEDS: (u64, u64) = (101, 12);

struct Bug {
    name: String,
    patch: PathBuf,
    what: String,
}

/// How a bug showed.
struct Found {
    seed: u64,
    violation: String,
}

/// Runs the bugs of these names, or all; fails if one stays hidden.
pub fn bugs(names: &[String]) -> Result<()> {
    let all = known()?;
    if let Some(name) = names.iter().find(|name| all.iter().all(|bug| bug.name != **name)) {
        let names: Vec<_> = all.iter().map(|bug| bug.name.as_str()).collect();
        bail!("there is no bug {name}; there are {}", names.join(", "));
    }
    let chosen: Vec<_> = all.iter().filter(|bug| names.is_empty() || names.contains(&bug.name)).collect();
    copy_tree()?;
    println!("building the tree as it is");
    let sound = folder().join("sound");
    std::fs::copy(build()?, &sound)?;
    let mut hidden = Vec::new();
    for (n, bug) in chosen.iter().enumerate() {
        println!("{}/{} {}: {}", n + 1, chosen.len(), bug.name, bug.what);
        copy_tree()?;
        apply(bug, &folder().join("tree"), false)?;
        let bugged = build().with_context(|| format!("{} no longer builds", bug.name))?;
        let began = Instant::now();
        let found = look(&bugged, &sound)?;
        let took = began.elapsed().as_secs();
        if let Some(found) = found {
            println!("    seed {}, {took} s: {}", found.seed, found.violation);
        } else {
            println!("    NOT FOUND in {took} s");
            hidden.push(bug.name.as_str());
        }
    }
    if hidden.is_empty() {
        println!("all {} were found", chosen.len());
        return Ok(());
    }
    bail!("the simulation does not find {}", hidden.join(", "))
}

/// Checks that each patch still fits the tree.
pub fn check() -> Result<()> {
    for bug in known()? {
        apply(&bug, &root(), true)
            .with_context(|| format!("crates/sim/bugs/{}.patch no longer fits; write it anew", bug.name))?;
    }
    Ok(())
}

/// Runs seeds until one fails that holds without the bug.
fn look(bugged: &Path, sound: &Path) -> Result<Option<Found>> {
    // CI runs these without the bug.
    if let Some(found) = fails(bugged, &["--fixed"])? {
        if fails(sound, &["--replay", &found.seed.to_string()])?.is_some() {
            bail!("seed {} of CI fails without a bug: {}", found.seed, found.violation);
        }
        return Ok(Some(found));
    }
    let (mut from, end) = (MORE_SEEDS.0, MORE_SEEDS.0 + MORE_SEEDS.1);
    while from < end {
        let seeds = ["--from", &from.to_string(), "--seeds", &(end - from).to_string()];
        let Some(found) = fails(bugged, &seeds)? else { break };
        if fails(sound, &["--from", &found.seed.to_string(), "--seeds", "1"])?.is_none() {
            return Ok(Some(found));
        }
        from = found.seed + 1;
    }
    Ok(None)
}

/// Runs seeds; the first that fails.
fn fails(program: &Path, args: &[&str]) -> Result<Option<Found>> {
    let output = Command::new(program)
        .args(args)
        .args([OsStr::new("--out"), folder().join("journals").as_os_str()])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if output.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let found = said.lines().find_map(|line| {
        let (seed, violation) = line.trim().strip_prefix("seed ")?.split_once(" FAILED: ")?;
        Some(Found { seed: seed.parse().ok()?, violation: violation.to_owned() })
    });
    found.map(Some).with_context(|| format!("the simulation broke: {said}"))
}

fn known() -> Result<Vec<Bug>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("crates/sim/bugs"))? {
        let patch = entry?.path();
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&patch)?;
        let what = text.lines().next().unwrap_or_default().to_owned();
        found.push(Bug { name, patch, what });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn folder() -> PathBuf {
    root().join("target/bugs")
}

/// Brings the copy to what the working tree has; what is the same stays untouched, so that little is built anew.
fn copy_tree() -> Result<()> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("cannot start git")?;
    for name in listed.stdout.split(|b| *b == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8_lossy(name).into_owned();
        let (from, to) = (root().join(&name), folder().join("tree").join(&name));
        // What git lists may be deleted here.
        let Ok(content) = std::fs::read(&from) else { continue };
        if std::fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&to, content).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

fn apply(bug: &Bug, tree: &Path, only_check: bool) -> Result<()> {
    let mut git = Command::new("git");
    git.arg("apply").args(only_check.then_some("--check")).arg(&bug.patch).current_dir(tree);
    if let Some(above) = tree.parent() {
        // The copy lies inside the repository and is none of its files.
        git.env("GIT_CEILING_DIRECTORIES", above);
    }
    run(&mut git)
}

/// Builds the simulation of the copy; gives the program.
fn build() -> Result<PathBuf> {
    let target = folder().join("target");
    let output = cargo()
        .current_dir(folder().join("tree"))
        .args(["build", "--locked", "--quiet", "--package", "diario-sim", "--target-dir"])
        .arg(&target)
        .output()
        .context("cannot start cargo")?;
    // A bug may leave something unused: that is no failure.
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(target.join("debug/diario-sim"))
}
