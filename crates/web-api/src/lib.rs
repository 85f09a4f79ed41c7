//! What the pages of the web app and the worker that holds the engine say to each other.
//!
//! A browser profile is one device: one worker holds the engine, and every open page (tab) speaks to it over a
//! message port of its own. A page sends [`ToWorker`] frames, the worker [`ToPage`] frames, each one CBOR item.
//! Every [`Ask`] is answered once, under its id, by an [`Answer`] or a [`Problem`]; [`Tell`]s come unasked.
//!
//! The worker that holds the engine can go (its tab is closed) and another one take over. A page then asks again
//! what was not answered: an [`Ask`] done twice does no more than done once. Those that make something carry a
//! random value of the page's for that.
//!
//! Texts that people read are made by the page, in its language: what comes from here is data.

#![forbid(unsafe_code)]

mod ask;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod problem;
mod recovery;
mod search;
mod tell;
mod view;

pub use ask::{Anchor, Answer, Ask, Edge, MAX_PAGE, PushSubscription};
pub use problem::Problem;
pub use recovery::{
    CheckedWords, LostDevice, Proof, RecoverStep, RecoveryAnswer, RecoveryAsk, RecoveryMethod,
};
pub use search::{Export, Exported, Hit, HitPiece, Hits, Search};
pub use tell::{LinkStep, Snapshot, Tell};
pub use view::{
    Account, Comparison, Connection, ConversationRow, Device, Fill, Filling, Markers, Member, Membership,
    Message, MessageState, Preview, SafetyNumber, Settings, Stage, Status, StoreKind, Trust, Usage,
};

/// The folder of the device's store in the browser's private files.
pub const STORE_FOLDER: &str = "diario";

/// From a page to the worker.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct ToWorker {
    /// The page's number for it, given back with the answer. Chosen anew for every ask, kept when asked again.
    #[n(0)]
    pub id: u64,
    /// What.
    #[n(1)]
    pub ask: Ask,
}

/// From the worker to a page.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum ToPage {
    /// It is done.
    #[n(0)]
    Answer(#[n(0)] u64, #[n(1)] Answer),
    /// It cannot be done; nothing was changed.
    #[n(1)]
    Problem(#[n(0)] u64, #[n(1)] Problem),
    /// Something happened.
    #[n(2)]
    Tell(#[n(0)] Tell),
}
