//! `cargo xtask bench`: the scenarios, on a release build.

use anyhow::Result;

use crate::tools::{cargo, run};

/// Runs the named scenarios, or all.
pub fn bench(args: &[String]) -> Result<()> {
    run(cargo()
        .args(["run", "--release", "--locked", "--quiet", "--package", "diario-bench", "--"])
        .args(args))
}
