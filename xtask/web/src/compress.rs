//! Brotli, once per content.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;

use crate::fill::{File, hash};

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// What a visitor waits for.
    Shipped,
    /// What a developer waits for.
    Quick,
}

/// A file and its compressed form.
#[derive(Debug)]
pub struct Packed {
    /// The file.
    pub file: File,
    /// It, compressed.
    pub brotli: Vec<u8>,
}

/// Compresses every file, or takes what came out the last time.
pub fn compress(files: Vec<File>, effort: Effort, cache: &Path) -> Result<Vec<Packed>> {
    let (quality, suffix) = match effort {
        Effort::Shipped => (11, "-11"),
        Effort::Quick => (5, "-5"),
    };
    std::fs::create_dir_all(cache)?;
    let mut used = BTreeSet::new();
    let mut packed = Vec::new();
    for file in files {
        let name = hash(&file.content) + suffix;
        let kept = cache.join(&name);
        let brotli = if let Ok(brotli) = std::fs::read(&kept) {
            brotli
        } else {
            let brotli = compressed(&file.content, quality).with_context(|| file.path.clone())?;
            // Whoever is interrupted leaves nothing half-written under the good name.
            let unfinished = cache.join(format!("{name}.new"));
            std::fs::write(&unfinished, &brotli)?;
            std::fs::rename(unfinished, kept)?;
            brotli
        };
        used.insert(name);
        packed.push(Packed { file, brotli });
    }
    for entry in std::fs::read_dir(cache)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(suffix) && !used.contains(&name) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(packed)
}

fn compressed(content: &[u8], quality: i32) -> Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality,
        lgwin: 24,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut out, &parameters)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back_and_is_kept_by_content() {
        let cache = tempfile::tempdir().unwrap();
        let file = |content: &str| File { path: "a.js".into(), content: content.repeat(100).into() };
        for content in ["one ", "two ", "two "] {
            let packed = compress(vec![file(content)], Effort::Shipped, cache.path()).unwrap();
            let mut back = Vec::new();
            brotli::BrotliDecompress(&mut &*packed[0].brotli, &mut back).unwrap();
            assert_eq!(back, packed[0].file.content);
            assert_eq!(
                std::fs::read_dir(cache.path()).unwrap().count(),
                1,
                "what is not used any more is gone"
            );
        }
    }
}
