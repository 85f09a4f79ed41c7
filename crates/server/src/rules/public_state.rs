//! The state of an OpenMLS [`PublicGroup`] as one value: OpenMLS's storage trait over a map in memory.
//!
//! OpenMLS's trait is generic in every method; this is the only file that knows it.

use std::cell::RefCell;

use openmls::prelude::{GroupId as MlsGroupId, PublicGroup};
use openmls_traits::public_storage::PublicStorageProvider;
use openmls_traits::storage::{CURRENT_VERSION, traits};
use serde::Serialize;
use serde::de::DeserializeOwned;

type Cbor = Option<Vec<u8>>;

/// What OpenMLS stores for one public group.
#[derive(Debug, Default)]
pub(crate) struct PublicState(RefCell<Parts>);

#[derive(Debug, Default)]
struct Parts {
    tree: Cbor,
    context: Cbor,
    interim: Cbor,
    tag: Cbor,
}

/// A state that cannot be written or read: the database is damaged, or OpenMLS has a defect.
#[derive(Debug, thiserror::Error)]
#[error("a group's public state cannot be read or written")]
pub(crate) struct StateError;

fn put<T: Serialize>(slot: &mut Cbor, value: &T) -> Result<(), StateError> {
    let mut bytes = Vec::with_capacity(512);
    ciborium::into_writer(value, &mut bytes).map_err(|_| StateError)?;
    *slot = Some(bytes);
    Ok(())
}

fn take<T: DeserializeOwned>(slot: &Cbor) -> Result<Option<T>, StateError> {
    slot.as_deref().map(|bytes| ciborium::from_reader(bytes).map_err(|_| StateError)).transpose()
}

impl PublicState {
    /// The state as bytes, for the database.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let parts = self.0.into_inner();
        let mut out = Vec::new();
        for part in [parts.tree, parts.context, parts.interim, parts.tag] {
            let part = part.unwrap_or_default();
            out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(&part);
        }
        out
    }

    /// Reads what [`Self::into_bytes`] gave.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Result<Self, StateError> {
        let mut next = || {
            let (len, rest) = bytes.split_first_chunk::<4>().ok_or(StateError)?;
            let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| StateError)?;
            let (part, rest) = rest.split_at_checked(len).ok_or(StateError)?;
            bytes = rest;
            Ok(Some(part.to_vec()))
        };
        let parts = Parts { tree: next()?, context: next()?, interim: next()?, tag: next()? };
        Ok(Self(RefCell::new(parts)))
    }

    /// The group of that id.
    pub(crate) fn load(&self, id: &[u8]) -> Result<PublicGroup, StateError> {
        PublicGroup::load(self, &MlsGroupId::from_slice(id))?.ok_or(StateError)
    }
}

impl PublicStorageProvider<CURRENT_VERSION> for PublicState {
    type PublicError = StateError;

    fn write_tree<G: traits::GroupId<CURRENT_VERSION>, T: traits::TreeSync<CURRENT_VERSION>>(
        &self,
        _: &G,
        tree: &T,
    ) -> Result<(), StateError> {
        put(&mut self.0.borrow_mut().tree, tree)
    }

    fn write_interim_transcript_hash<
        G: traits::GroupId<CURRENT_VERSION>,
        H: traits::InterimTranscriptHash<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        hash: &H,
    ) -> Result<(), StateError> {
        put(&mut self.0.borrow_mut().interim, hash)
    }

    fn write_context<G: traits::GroupId<CURRENT_VERSION>, C: traits::GroupContext<CURRENT_VERSION>>(
        &self,
        _: &G,
        context: &C,
    ) -> Result<(), StateError> {
        put(&mut self.0.borrow_mut().context, context)
    }

    fn write_confirmation_tag<
        G: traits::GroupId<CURRENT_VERSION>,
        T: traits::ConfirmationTag<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        tag: &T,
    ) -> Result<(), StateError> {
        put(&mut self.0.borrow_mut().tag, tag)
    }

    // Proposals travel inside commits only, so that there is no queue to keep.
    fn queue_proposal<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
        Q: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        _: &R,
        _: &Q,
    ) -> Result<(), StateError> {
        Err(StateError)
    }

    fn queued_proposals<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
        Q: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<Vec<(R, Q)>, StateError> {
        Ok(Vec::new())
    }

    fn tree<G: traits::GroupId<CURRENT_VERSION>, T: traits::TreeSync<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<Option<T>, StateError> {
        take(&self.0.borrow().tree)
    }

    fn group_context<G: traits::GroupId<CURRENT_VERSION>, C: traits::GroupContext<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<Option<C>, StateError> {
        take(&self.0.borrow().context)
    }

    fn interim_transcript_hash<
        G: traits::GroupId<CURRENT_VERSION>,
        H: traits::InterimTranscriptHash<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<Option<H>, StateError> {
        take(&self.0.borrow().interim)
    }

    fn confirmation_tag<G: traits::GroupId<CURRENT_VERSION>, T: traits::ConfirmationTag<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<Option<T>, StateError> {
        take(&self.0.borrow().tag)
    }

    fn delete_tree<G: traits::GroupId<CURRENT_VERSION>>(&self, _: &G) -> Result<(), StateError> {
        self.0.borrow_mut().tree = None;
        Ok(())
    }

    fn delete_confirmation_tag<G: traits::GroupId<CURRENT_VERSION>>(&self, _: &G) -> Result<(), StateError> {
        self.0.borrow_mut().tag = None;
        Ok(())
    }

    fn delete_context<G: traits::GroupId<CURRENT_VERSION>>(&self, _: &G) -> Result<(), StateError> {
        self.0.borrow_mut().context = None;
        Ok(())
    }

    fn delete_interim_transcript_hash<G: traits::GroupId<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<(), StateError> {
        self.0.borrow_mut().interim = None;
        Ok(())
    }

    fn remove_proposal<G: traits::GroupId<CURRENT_VERSION>, R: traits::ProposalRef<CURRENT_VERSION>>(
        &self,
        _: &G,
        _: &R,
    ) -> Result<(), StateError> {
        Ok(())
    }

    fn clear_proposal_queue<G: traits::GroupId<CURRENT_VERSION>, R: traits::ProposalRef<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<(), StateError> {
        Ok(())
    }
}
