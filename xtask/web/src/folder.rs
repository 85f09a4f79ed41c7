//! Folders: the sources as they are read, the app as it is put in its place.

use std::path::Path;

use anyhow::{Context, Result};

use crate::compress::Packed;
use crate::fill::File;

/// Every file below a folder, by its path in it, sorted.
pub fn read(folder: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    collect(folder, "", &mut files).with_context(|| folder.display().to_string())?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Editors keep their copies here.
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.push(File { path, content: std::fs::read(entry.path())? });
        }
    }
    Ok(())
}

/// Puts the app in its place as a whole; leaves it alone if it is there already. Whether it was changed.
pub fn replace(out: &Path, cache: &Path, files: &[Packed]) -> Result<bool> {
    let mut wanted = Vec::new();
    for Packed { file, brotli } in files {
        wanted.push(file.clone());
        wanted.push(File { path: format!("{}.br", file.path), content: brotli.clone() });
    }
    wanted.sort_by(|a, b| a.path.cmp(&b.path));
    if out.exists() && read(out)? == wanted {
        return Ok(false);
    }
    // Beside each other on one file system, so that the swap is a rename.
    let name = out.file_name().map(|n| n.to_string_lossy().into_owned()).context("--out has no name")?;
    let [new, old] = ["new", "old"].map(|which| cache.join(format!("{name}.{which}")));
    for folder in [&new, &old] {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
    }
    for file in &wanted {
        let path = new.join(&file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, &file.content)?;
    }
    if out.exists() {
        std::fs::rename(out, &old)?;
    }
    std::fs::rename(&new, out)?;
    if old.exists() {
        std::fs::remove_dir_all(&old)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_app_is_not_written_again() {
        let place = tempfile::tempdir().unwrap();
        let (out, cache) = (place.path().join("dist"), place.path().join("cache"));
        std::fs::create_dir(&cache).unwrap();
        let app = |content: &str| {
            let file = File { path: "assets/a.js".into(), content: content.into() };
            vec![Packed { file, brotli: b"br".to_vec() }]
        };
        assert!(replace(&out, &cache, &app("one")).unwrap());
        let made = || std::fs::metadata(out.join("assets/a.js")).unwrap().modified().unwrap();
        let before = made();
        assert!(!replace(&out, &cache, &app("one")).unwrap());
        assert_eq!(made(), before);
        assert!(replace(&out, &cache, &app("two")).unwrap());
        assert_eq!(std::fs::read(out.join("assets/a.js")).unwrap(), b"two");
        assert_eq!(std::fs::read(out.join("assets/a.js.br")).unwrap(), b"br");
        assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 0);
    }
}
