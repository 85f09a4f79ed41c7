//! `cargo xtask sim`: seeds of the simulation, in a build that is quick.

use anyhow::Result;

use crate::tools::{cargo, run};

/// Runs seeds, replays one, or puts known bugs back.
pub fn sim(args: &[String]) -> Result<()> {
    if let Some((first, names)) = args.split_first()
        && first == "--bugs"
    {
        return crate::bugs::bugs(names);
    }
    run(cargo()
        .args(["run", "--profile", "quick", "--locked", "--quiet", "--package", "diario-sim", "--"])
        .args(args))
}
