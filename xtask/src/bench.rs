//! `cargo xtask bench`: the scenarios, on a release build.

use std::process::Command;

use anyhow::Result;

use crate::tools::{cargo, run};

/// Runs the named scenarios, or all.
pub fn bench(args: &[String]) -> Result<()> {
    run(program().args(args))
}

/// The soak, on the same build, without what grows for hours and is no leak: arenas of the C library's allocator, one for
/// each thread that finds the others taken, and the tables of symbols that backtraces of errors are read with.
pub fn soak(args: &[String]) -> Result<()> {
    run(program().arg("soak").args(args).env("MALLOC_ARENA_MAX", "1").env("RUST_BACKTRACE", "0"))
}

fn program() -> Command {
    let mut program = cargo();
    program.args(["run", "--release", "--locked", "--quiet", "--package", "diario-bench", "--"]);
    program
}
