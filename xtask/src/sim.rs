//! `cargo xtask sim`: seeds of the simulation, in a build that is quick.

use anyhow::Result;

use crate::tools::{cargo, run};

/// Runs seeds, or replays one.
pub fn sim(args: &[String]) -> Result<()> {
    run(cargo()
        .args(["run", "--profile", "quick", "--locked", "--quiet", "--package", "diario-sim", "--"])
        .args(args))
}
