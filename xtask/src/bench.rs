//! `cargo xtask bench`: the scenarios, on a release build.

use anyhow::Result;

use crate::tools::{cargo, run};

/// Runs the named scenarios, or all.
pub fn bench(args: &[String]) -> Result<()> {
    run(cargo()
        .args(["run", "--release", "--locked", "--quiet", "--package", "diario-bench", "--"])
        .args(args))
}

/// The soak, on the same build.
pub fn soak(args: &[String]) -> Result<()> {
    let mut all = vec!["soak".to_owned()];
    all.extend_from_slice(args);
    bench(&all)
}
