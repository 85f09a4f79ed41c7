//! `cargo xtask counts`: how many instructions the engine's hot paths take, by Valgrind's callgrind.
//!
//! Time on a shared machine is noise; instructions are not: the same program takes the same number wherever it runs, but
//! for what is drawn at random. So CI compares them with those that are committed. They do depend on the compiler, which
//! rust-version pins, and on what the processor offers, which Valgrind shows the program as far as it knows it: x86-64
//! with AVX2 on every machine of the last ten years; where that is missing nothing is compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools::{apt_install, cargo, find, root, run};

/// By how many per cent a count may grow.
const TOLERANCE: u64 = 10;
/// The function whose instructions are counted, see crates/engine/benches/counts.rs.
const COUNTED: &str = "*counts::measured*";

fn committed() -> PathBuf {
    root().join("crates/engine/benches/counts.txt")
}

/// Counts, and compares with the committed file or writes it anew.
pub fn counts(args: &[String]) -> Result<()> {
    let update = match args {
        [] => false,
        [only] if only == "--update" => true,
        _ => bail!("cargo xtask counts takes nothing but --update"),
    };
    if !comparable() {
        println!("not counted: this is not an x86-64 machine with AVX2, so its instructions are other ones");
        return Ok(());
    }
    if find("valgrind").is_none() {
        apt_install(&["valgrind", "libc6-dbg"])?;
    }
    let program = build()?;
    let names = Command::new(&program).output().context("cannot list the cases")?;
    let mut now = BTreeMap::new();
    for name in String::from_utf8_lossy(&names.stdout).lines() {
        now.insert(name.to_owned(), count(&program, name)?);
    }
    if update {
        let mut text = String::from("# Instructions, by `cargo xtask counts --update`.\n");
        for (name, count) in &now {
            let _ = writeln!(text, "{name} {count}");
        }
        std::fs::write(committed(), text)?;
    }
    compare(&read(&std::fs::read_to_string(committed())?)?, &now)
}

/// Whether this machine runs the instructions that the committed counts are of.
fn comparable() -> bool {
    cfg!(target_arch = "x86_64")
        && std::fs::read_to_string("/proc/cpuinfo")
            .is_ok_and(|info| info.split_whitespace().any(|w| w == "avx2"))
}

/// Builds the cases; gives the program.
fn build() -> Result<PathBuf> {
    let build = || {
        let mut cargo = cargo();
        cargo
            .args(["build", "--locked", "--profile", "counts", "--package", "diario-engine"])
            .args(["--features", "bench", "--bench", "counts"])
            // Whatever is set here would be in the counts.
            .env_remove("RUSTFLAGS");
        cargo
    };
    run(&mut build())?;
    let out = build().args(["--message-format", "json", "--quiet"]).output()?;
    let text = String::from_utf8_lossy(&out.stdout);
    let program = text
        .lines()
        .filter(|line| line.contains("\"name\":\"counts\""))
        .find_map(|line| line.split("\"executable\":\"").nth(1)?.split('"').next())
        .context("cargo does not say where the cases are")?;
    Ok(program.into())
}

/// Instructions of one case.
fn count(program: &PathBuf, name: &str) -> Result<u64> {
    let out = root().join("target/counts-callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--quiet", "--cache-sim=no", "--dump-instr=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .arg(name);
    run(&mut valgrind)?;
    let text = std::fs::read_to_string(&out)?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary:").or(line.strip_prefix("totals:")));
    let count = total.context("callgrind says no total")?.trim().parse()?;
    if count == 0 {
        bail!("nothing of {name} was counted");
    }
    Ok(count)
}

/// The lines of a file of counts.
fn read(text: &str) -> Result<BTreeMap<String, u64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (name, count) = line.split_once(' ').with_context(|| format!("not a count: {line}"))?;
            Ok((name.to_owned(), count.trim().parse()?))
        })
        .collect()
}

fn compare(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Result<()> {
    let (mut worse, mut better) = (Vec::new(), false);
    for (name, count) in now {
        let Some(before) = before.get(name) else {
            worse.push(format!("{name} has no committed count"));
            continue;
        };
        // Whole instructions in, a ratio to be read out.
        #[expect(clippy::cast_precision_loss, reason = "for reading")]
        let ratio = *count as f64 / *before as f64;
        println!("{name:<24} {count:>12} {before:>12} {ratio:>6.3}");
        if *count > before + before * TOLERANCE / 100 {
            worse.push(format!("{name} takes {count} instructions, before {before}"));
        }
        better |= count + count * TOLERANCE / 100 < *before;
    }
    worse.extend(before.keys().filter(|name| !now.contains_key(*name)).map(|name| format!("{name} is gone")));
    if better {
        println!(
            "some are better by more than {TOLERANCE} %: commit them with `cargo xtask counts --update`"
        );
    }
    if worse.is_empty() {
        return Ok(());
    }
    bail!(
        "more than {TOLERANCE} % more instructions than committed; make it cheaper, or if it is worth it \
         `cargo xtask counts --update`:\n  {}",
        worse.join("\n  ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> BTreeMap<String, u64> {
        read(text).unwrap()
    }

    #[test]
    fn growth_beyond_the_tolerance_fails_and_less_is_fine() {
        let before = counts("# a comment\nseal 1000\nopen 2000\n");
        assert!(compare(&before, &counts("seal 1099\nopen 100\n")).is_ok());
        let error = compare(&before, &counts("seal 1101\nopen 2000\n")).unwrap_err().to_string();
        assert!(error.contains("seal takes 1101 instructions, before 1000"), "{error}");
    }

    #[test]
    fn a_case_without_a_count_or_a_count_without_a_case_fails() {
        let before = counts("seal 1000\n");
        assert!(compare(&before, &counts("seal 1000\nopen 1\n")).is_err());
        assert!(compare(&before, &BTreeMap::new()).is_err());
    }
}
