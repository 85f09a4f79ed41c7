//! Where the device's store lies in a browser.

use diario_engine::{Engine, EngineConfig, EngineError};
use rusqlite::Connection;
use sqlite_wasm_rs::WasmOsCallback;
use sqlite_wasm_rs::vfs::VfsFilesManager;
use sqlite_wasm_vfs::sahpool::{OpfsSAHError, OpfsSAHPoolCfgBuilder, OpfsSAHPoolUtil, install};

use super::timer;

/// The store's file.
const FILE: &str = "diario.db";
/// The files of a worker that died are freed a moment later: how often to try, and how long to wait in between.
const TRIES: u32 = 50;
const PAUSE_MS: u32 = 100;

/// Where the diary is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In the browser's private file system.
    Disk,
    /// In memory, since the browser gives no files. Its words.
    Memory(String),
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another worker has the files.
    #[error("the diary's files are in use by another tab that does not let go of them")]
    InUse,
    /// The files are not what they should be.
    #[error("the diary's files cannot be used: {0}")]
    Files(OpfsSAHError),
    /// The engine cannot use what is in them.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The place where a device's store lies.
pub struct Store {
    pool: Option<OpfsSAHPoolUtil>,
    kept: Kept,
}

impl Store {
    /// Opens a folder of the browser's private files; without any, the diary is in memory only.
    pub async fn open(folder: &str) -> Result<Self, OpenError> {
        let config = OpfsSAHPoolCfgBuilder::new().directory(folder).initial_capacity(6).build();
        let mut tries = 0;
        loop {
            let e = match install::<WasmOsCallback>(&config, true).await {
                Ok(pool) => return Ok(Self { pool: Some(pool), kept: Kept::Disk }),
                Err(e) => e,
            };
            match Failure::of(&e) {
                Failure::NoFiles => return Ok(Self { pool: None, kept: Kept::Memory(e.to_string()) }),
                Failure::Busy if tries == TRIES => return Err(OpenError::InUse),
                Failure::Busy => {
                    tries += 1;
                    timer::sleep(PAUSE_MS).await;
                }
                Failure::Other => return Err(OpenError::Files(e)),
            }
        }
    }

    /// Where it is.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Opens the device that lives here.
    pub fn engine(&self, config: EngineConfig) -> Result<Engine, OpenError> {
        let db = match &self.pool {
            Some(_) => Connection::open(FILE),
            None => Connection::open_in_memory(),
        }
        .map_err(EngineError::from)?;
        // Shown means stored: what the user saw as queued outlives a power failure. One connection is all there is.
        db.execute_batch(
            "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -16000;",
        )
        .map_err(EngineError::from)?;
        Ok(Engine::open(db, config)?)
    }

    /// Deletes what is stored. The engine on it must have been dropped.
    pub fn wipe(&self) -> Result<(), OpenError> {
        match &self.pool {
            Some(pool) => pool.clear().map_err(OpenError::Files),
            // It went with the engine.
            None => Ok(()),
        }
    }
}

/// What it means that the files cannot be opened.
enum Failure {
    /// The browser gives no files, as in some private windows.
    NoFiles,
    /// Another worker has them open, as one that is ending.
    Busy,
    /// There may be a diary in them: an empty one must not be shown in its place.
    Other,
}

impl Failure {
    fn of(e: &OpfsSAHError) -> Self {
        match e {
            OpfsSAHError::NotSupported
            | OpfsSAHError::Opfs { operation: "check OPFS support" | "get OPFS root", .. } => Self::NoFiles,
            // Browsers do not agree on the exception's name.
            OpfsSAHError::Opfs { operation: "acquire sync access handle", .. } => Self::Busy,
            _ => Self::Other,
        }
    }
}
