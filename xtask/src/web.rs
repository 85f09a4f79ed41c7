//! `cargo xtask web`: the web app, from its sources to the files that a server serves.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::tools::{cargo, root, run};
use crate::wasm::{PACKAGES, TARGET, cargo_for_browser};

/// How the web app is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Small: what users get.
    Shipped,
    /// Soon built: what developers look at.
    Dev,
}

/// Where the app is that the server's binary takes in.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// The task: `web [--dev]`.
pub fn web(args: &[String]) -> Result<()> {
    match args {
        [] => build(Flavour::Shipped, &dist()),
        [flag] if flag == "--dev" => build(Flavour::Dev, &dist()),
        _ => bail!("usage: cargo xtask web [--dev]"),
    }
}

/// Builds the web app into a folder. Nothing changed: the folder is not touched.
pub fn build(flavour: Flavour, out: &Path) -> Result<()> {
    let target = root().join("target/web");
    let profile = match flavour {
        Flavour::Shipped => "web",
        Flavour::Dev => "web-dev",
    };
    for package in PACKAGES {
        // Only as what a browser loads: beside a library, link-time optimisation keeps whatever that would export.
        run(cargo_for_browser()?
            .args(["rustc", "--locked", "--profile", profile, "--lib", "--crate-type", "cdylib"])
            .args(["--package", package, "--target-dir"])
            .arg(&target))?;
    }
    let mut pack = cargo();
    pack.args(["run", "--quiet", "--locked", "--package", "diario-web-pack", "--", "--modules"])
        .arg(target.join(TARGET).join(profile))
        .arg("--static")
        .arg(root().join("crates/web/static"))
        .arg("--locales")
        .arg(root().join("crates/web/locales"))
        .arg("--cache")
        .arg(&target)
        .arg("--out")
        .arg(out);
    if flavour == Flavour::Dev {
        pack.arg("--dev");
    }
    run(&mut pack)
}
