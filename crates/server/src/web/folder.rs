//! A built web app in a folder, for those who work on it or build their own.

use std::path::{Path, PathBuf};

use super::{WebApp, WebFile};

/// Reads each file when it is asked for, so that a new build is seen at once. `NAME.br` goes before `NAME`.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Reads a file, if it is one and lies inside: links may not lead out.
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let root = self.0.canonicalize().ok()?;
        let path = root.join(Path::new(name)).canonicalize().ok()?;
        if !path.starts_with(&root) || !path.is_file() {
            return None;
        }
        std::fs::read(path).ok()
    }
}

impl WebApp for Folder {
    fn file(&self, name: &str) -> Option<WebFile> {
        if let Some(compressed) = self.read(&format!("{name}.br")) {
            return Some(WebFile::new(compressed, true));
        }
        self.read(name).map(|bytes| WebFile::new(bytes, false))
    }
}
