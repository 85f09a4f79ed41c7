//! The folder in which a device lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use diario_engine::{Engine, EngineConfig, EngineError};

/// A device's folder, held by this process alone.
///
/// Two engines on one store would each take the other's frames, so a lock keeps the second one out.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    /// Held for as long as the process has the store open; the system frees it when the process dies.
    _lock: File,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Another process holds it.
    #[error(transparent)]
    InUse(#[from] InUse),
    /// The file system refused.
    #[error("cannot use the folder {}: {cause}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The store in it cannot be opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Another process of this user has the folder open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another Diario is using {}", path.display())]
pub struct InUse {
    /// The folder.
    pub path: PathBuf,
}

impl Home {
    /// Takes the folder, making it if it is not there.
    pub fn take(path: &Path) -> Result<Self, HomeError> {
        let io = |cause| HomeError::Io { path: path.to_owned(), cause };
        std::fs::create_dir_all(path).map_err(io)?;
        private(path).map_err(io)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(InUse { path: path.to_owned() }.into()),
            Err(TryLockError::Error(cause)) => Err(io(cause)),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.path.join("diario.db")
    }

    /// Opens the device that lives here.
    pub fn engine(&self, config: EngineConfig) -> Result<Engine, HomeError> {
        let db = rusqlite::Connection::open(self.store()).map_err(EngineError::from)?;
        // Shown means stored: what the user saw as queued outlives a power failure.
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;")
            .map_err(EngineError::from)?;
        Ok(Engine::open(db, config)?)
    }
}

/// Keys are in there: nobody else may look.
#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Home::take(folder.path()).unwrap();
        assert!(matches!(Home::take(folder.path()), Err(HomeError::InUse(_))));
        drop(first);
        assert!(Home::take(folder.path()).is_ok());
    }
}
