//! What a commit says in the clear, read without the group.
//!
//! Commits are `PublicMessage`s (RFC 9420 section 6.2). Without the group of that epoch neither signature nor
//! confirmation tag can be checked: what is read here is worth as much as the log that it stands in.

use diario_protocol::ConversationId;
use diario_protocol::roster::{PARTICIPANTS_EXTENSION, Participants};
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _, VLBytes};
use openmls::prelude::{Extension, ProposalIn, ProposalOrRefIn, Sender};

/// `mls10`, `mls_public_message` and `commit` of RFC 9420, sections 6 and 17.
const MLS_1_0: u16 = 1;
const PUBLIC_MESSAGE: u16 = 1;
const COMMIT: u8 = 3;

/// Who is in a conversation after a commit, if the commit changes that.
pub(crate) fn participants_said(conversation: ConversationId, commit: &[u8]) -> Option<Participants> {
    let rest = &mut &commit[..];
    let version = u16::tls_deserialize(rest).ok()?;
    let wire_format = u16::tls_deserialize(rest).ok()?;
    let group = VLBytes::tls_deserialize(rest).ok()?;
    let _epoch = u64::tls_deserialize(rest).ok()?;
    let _sender = Sender::tls_deserialize(rest).ok()?;
    let _authenticated_data = VLBytes::tls_deserialize(rest).ok()?;
    let content = u8::tls_deserialize(rest).ok()?;
    if (version, wire_format, content) != (MLS_1_0, PUBLIC_MESSAGE, COMMIT)
        || group.as_slice() != conversation.as_bytes()
    {
        return None;
    }
    let proposals = Vec::<ProposalOrRefIn>::tls_deserialize(rest).ok()?;
    let extensions = proposals.iter().find_map(|proposal| match proposal {
        ProposalOrRefIn::Proposal(proposal) => match &**proposal {
            ProposalIn::GroupContextExtensions(change) => change.tls_serialize_detached().ok(),
            _ => None,
        },
        ProposalOrRefIn::Reference(_) => None,
    })?;
    let extensions = Vec::<Extension>::tls_deserialize_exact(extensions).ok()?;
    let said = extensions.iter().find_map(|extension| match extension {
        Extension::Unknown(PARTICIPANTS_EXTENSION, content) => {
            diario_protocol::decode::<Participants>(&content.0, content.0.len()).ok()
        }
        _ => None,
    })?;
    said.fit(conversation).then_some(said)
}
