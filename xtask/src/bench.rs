//! `cargo xtask bench`: the scenarios, on a release build.

use std::process::Command;

use anyhow::Result;

use crate::tools::{cargo, run};

/// Runs the named scenarios, or all.
pub fn bench(args: &[String]) -> Result<()> {
    run(program().args(args))
}

/// The soak, on the same build, with one arena of the C library's allocator: more of them, one for each thread that finds
/// the others taken, grow for hours by what each keeps for itself, and hide a leak behind them.
pub fn soak(args: &[String]) -> Result<()> {
    run(program().arg("soak").args(args).env("MALLOC_ARENA_MAX", "1"))
}

fn program() -> Command {
    let mut program = cargo();
    program.args(["run", "--release", "--locked", "--quiet", "--package", "diario-bench", "--"]);
    program
}
