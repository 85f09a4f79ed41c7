//! What came out, and whether a first visit is small enough.

use std::path::Path;

use anyhow::{Result, bail};

use crate::compress::Packed;

/// A first visit downloads no more: the service worker fetches every file of the app.
const MOST_BYTES: usize = 3 * 512 * 1024;

/// Prints a table of sizes.
pub fn print(files: &[Packed], out: &Path, changed: bool) {
    println!("{:<44} {:>10} {:>10}", "file", "bytes", "brotli");
    for Packed { file, brotli } in files {
        println!("{:<44} {:>10} {:>10}", file.path, file.content.len(), brotli.len());
    }
    let whole: usize = files.iter().map(|f| f.file.content.len()).sum();
    println!("{:<44} {whole:>10} {:>10}", "all", compressed(files));
    println!("{}: {}", out.display(), if changed { "new" } else { "as it was" });
}

/// Refuses an app that is too large.
pub fn check(files: &[Packed]) -> Result<()> {
    let bytes = compressed(files);
    if bytes > MOST_BYTES {
        bail!("a first visit downloads {bytes} bytes; at most {MOST_BYTES} are allowed");
    }
    Ok(())
}

fn compressed(files: &[Packed]) -> usize {
    files.iter().map(|f| f.brotli.len()).sum()
}
