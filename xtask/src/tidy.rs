//! Style rules that matter, as a test.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::tools::root;

/// The one crate that calls functions of C: what the simulation stands in for.
const STANDS_BELOW_SAFETY: &str = "crates/sim/src/lib.rs";

/// A file longer than this has two rooms in it. The number only ever goes down.
const MOST_LINES: usize = 600;
/// Words that say that something is not done.
const UNFINISHED: [&str; 3] = ["todo!(", "unimplemented!(", "FIXME"];

/// Checks every Rust file of the workspace.
pub fn tidy() -> Result<()> {
    let mut faults = Vec::new();
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "fuzz"] {
        collect(&root().join(folder), &mut files)?;
    }
    files.sort();
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        let name = file.strip_prefix(root()).unwrap_or(file).display();
        let lines = text.lines().count();
        if lines > MOST_LINES {
            faults.push(format!("{name}: {lines} lines; more than {MOST_LINES} are two subjects"));
        }
        let crate_root = file.ends_with("src/lib.rs") || file.ends_with("src/main.rs");
        let lint = if file.ends_with(STANDS_BELOW_SAFETY) {
            "#![deny(unsafe_code)]"
        } else {
            "#![forbid(unsafe_code)]"
        };
        if crate_root && !text.contains(lint) {
            faults.push(format!("{name}: a crate forbids unsafe code"));
        }
        if !text.starts_with("//!") && !text.starts_with("#!") {
            faults.push(format!("{name}: a file begins with what it is about (//!)"));
        }
        // This file has to name what it looks for.
        if !file.ends_with("xtask/src/tidy.rs") {
            faults.extend(
                UNFINISHED
                    .iter()
                    .filter(|w| text.contains(**w))
                    .map(|word| format!("{name}: unfinished: {word}")),
            );
        }
    }
    for check in [crate::bugs::check, crate::fuzz::check_lock] {
        if let Err(e) = check() {
            faults.push(format!("{e:#}"));
        }
    }
    if faults.is_empty() {
        println!("{} files are tidy", files.len());
        return Ok(());
    }
    bail!("untidy:\n  {}", faults.join("\n  "))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let skipped = path.file_name().is_some_and(|n| n == "target" || n == "fixtures" || n == "corpus");
        if path.is_dir() && !skipped {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
