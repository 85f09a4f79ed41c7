//! A Diario device, sans-IO: keys, groups, outbox, history, linking and the local store.
//!
//! [`Engine`] owns a SQLite connection and nothing else of the world. A driver gives it what comes in (frames,
//! the user's wishes, the time) and takes what goes out (frames, events, the next deadline). The calling order
//! is on [`Engine`]. The crate compiles to `wasm32-unknown-unknown` as it is.

#![forbid(unsafe_code)]

mod base32;
pub mod content;
mod crypto;
mod engine;
mod error;
mod event;
mod export;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod group;
pub mod linking;
pub mod recovery;
mod search;
mod store;
mod view;

#[cfg(feature = "bench")]
pub use engine::bench;

pub use crypto::fingerprint::SafetyComparison;
pub use crypto::seal::OpenError;
pub use engine::{
    Arrangement, Diagnosis, Draft, Engine, EngineConfig, Fill, FillView, GroupChange, ImportItem, KeyChange,
    SafetyNumber, Settings, Trust, WaitingFor,
};
pub use error::{CommandError, EngineError, Misbehaviour};
pub use event::{ConnectionState, Event, LinkingStep, RecoveryFailure, RecoveryStep};
pub use export::{EXPORT_VERSION, Export, ExportFormat, ExportProgress, ExportWords, LocalTime};
pub use group::{GroupError, RosterError};
pub use store::StoreError;
pub use view::{
    Anchor, ConversationRow, DeviceState, DeviceView, LISTED_NAMES, LogState, MOST_UNREAD, Markers,
    MemberView, MembershipChange, MessageState, MessageView, Missing, Page, SearchHit, SearchPage,
    SearchPlace, SearchQuery, Stage, Unsearched, Usage,
};
