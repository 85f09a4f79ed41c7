//! What the browser tests need: the web app, Chromium with its driver, and axe-core.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::tools::{apt_install, cargo, find, root, run};
use crate::web::{self, Flavour};

/// The tests that start browsers.
pub const TESTS: &str = "web::";

/// Builds and installs what is missing.
pub fn prepare() -> Result<()> {
    web::build(Flavour::Shipped, &web::dist())?;
    if find("chromedriver").is_none() {
        apt_install(&["chromium", "chromium-driver", "fonts-noto-core"])?;
    }
    axe().map(drop)
}

/// The accessibility checks, as a script. npm compares the package with the hash in the lock file.
fn axe() -> Result<PathBuf> {
    let folder = root().join("target/web-tests/npm");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    let mut same = script.is_file();
    std::fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json"] {
        let wanted = std::fs::read(root().join("xtask/npm").join(name))?;
        if std::fs::read(folder.join(name)).ok().as_ref() != Some(&wanted) {
            same = false;
            std::fs::write(folder.join(name), wanted)?;
        }
    }
    if !same {
        if find("npm").is_none() {
            apt_install(&["nodejs", "npm"])?;
        }
        let quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new("npm").args(quiet).current_dir(&folder))?;
    }
    Ok(script)
}

/// Runs tests that make something and are left out of the others, one after the other.
pub fn make(tests: &str) -> Result<()> {
    prepare()?;
    run(cargo().args(["test", "--locked", "--package", "diario", "--test", "it", "--"]).args([
        tests,
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]))
}
