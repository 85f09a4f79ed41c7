//! What came out, and whether a first visit is small enough.

use std::path::Path;

use anyhow::{Result, bail};

use crate::compress::Packed;
use crate::fill::is_for_some;

/// A first visit downloads no more: the service worker fetches every file of the app but those for some visitors, of
/// which the page fetches one.
const MOST_BYTES: usize = 3 * 512 * 1024;

/// Prints a table of sizes.
pub fn print(files: &[Packed], out: &Path, changed: bool) {
    println!("{:<44} {:>10} {:>10}", "file", "bytes", "brotli");
    for Packed { file, brotli } in files {
        println!("{:<44} {:>10} {:>10}", file.path, file.content.len(), brotli.len());
    }
    let whole: usize = files.iter().map(|f| f.file.content.len()).sum();
    let brotli: usize = files.iter().map(|f| f.brotli.len()).sum();
    println!("{:<44} {whole:>10} {brotli:>10}", "all");
    println!("{:<44} {:>10} {:>10}", "a first visit", "", first_visit(files));
    println!("{}: {}", out.display(), if changed { "new" } else { "as it was" });
}

/// Refuses an app that is too large.
pub fn check(files: &[Packed]) -> Result<()> {
    let bytes = first_visit(files);
    if bytes > MOST_BYTES {
        bail!("a first visit downloads {bytes} bytes; at most {MOST_BYTES} are allowed");
    }
    Ok(())
}

/// What a first visit downloads: what everybody gets, and the largest of what only some do.
fn first_visit(files: &[Packed]) -> usize {
    let sizes = |for_some: bool| {
        files.iter().filter(move |f| is_for_some(&f.file.path) == for_some).map(|f| f.brotli.len())
    };
    sizes(false).sum::<usize>() + sizes(true).max().unwrap_or_default()
}
