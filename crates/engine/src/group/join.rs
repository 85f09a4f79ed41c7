//! Ways into a group that exists: by a welcome, or by external commit.

use diario_protocol::{AccountId, ConversationId, ConversationKind};
use openmls::prelude::{tls_codec::Deserialize as _, *};

use super::{
    Group, GroupError, Leaf, Member, Provider, RosterError, capabilities, failed, join_config, read, wire,
};
use crate::group::roster;

/// A group that was just entered and is not yet trusted: check its leaves.
pub(crate) struct Join {
    pub(crate) group: Group,
    pub(crate) leaves: Vec<Leaf>,
    /// The commit and `GroupInfo` to send, when joining from outside.
    pub(crate) external: Option<(Vec<u8>, Vec<u8>)>,
}

impl Join {
    /// The group must be the conversation that its id names; every leaf must be of a participant, and signed for by it
    /// in a list known here, the newest or an older one.
    pub(crate) fn check(
        &self,
        conversation: ConversationId,
        me: AccountId,
        known: roster::ListedKey<'_>,
    ) -> Result<(), GroupError> {
        let participants = self.group.participants()?;
        let same = self.group.0.group_id().as_slice() == conversation.as_bytes();
        if !same || !participants.fit(conversation) || !participants.contains(me) {
            return Err(RosterError::OtherConversation.into());
        }
        for leaf in &self.leaves {
            // In a group, a leaf whose account has just left stays until the next commit, which removes it before
            // anything is sealed. Nobody leaves a conversation of two, or of one.
            let may_have_left = participants.kind == ConversationKind::Group;
            if !may_have_left || participants.contains(leaf.identity.account) {
                roster::check_leaf(&participants, leaf.identity, leaf.key, known)?;
            }
        }
        Ok(())
    }
}

fn tree(bytes: &[u8]) -> Result<RatchetTreeIn, GroupError> {
    RatchetTreeIn::tls_deserialize_exact(bytes).map_err(failed("reading the tree"))
}

impl Group {
    /// Enters by a welcome, with the tree of that epoch (RFC 9420 section 12.4.3.1).
    pub(crate) fn by_welcome(
        provider: &Provider<'_>,
        welcome: &[u8],
        tree_bytes: &[u8],
    ) -> Result<Join, GroupError> {
        let MlsMessageBodyIn::Welcome(welcome) = read(welcome)?.extract() else {
            return Err(GroupError::Mls { action: "welcome", cause: "another kind of message".into() });
        };
        // The leaves' own lifetimes are not Diario's rule: the signed device lists are, and they are checked.
        let staged = StagedWelcome::build_from_welcome(provider, &join_config(), welcome)
            .map_err(|e| match e {
                WelcomeError::NoMatchingKeyPackage => GroupError::NoKeyPackage,
                other => failed("welcome")(other),
            })?
            .with_ratchet_tree(tree(tree_bytes)?)
            .skip_lifetime_validation()
            .replace_old_group()
            .build()
            .map_err(failed("welcome"))?;
        let group = Self(staged.into_group(provider).map_err(failed("welcome"))?);
        let leaves = group.leaves()?;
        Ok(Join { group, leaves, external: None })
    }

    /// Enters by external commit (RFC 9420 section 12.4.3.2); the group counts once the log shows the commit.
    ///
    /// An external commit carries no `GroupInfo`, so the joiner exports that of the epoch it begins.
    pub(crate) fn by_external_commit(
        provider: &Provider<'_>,
        me: &Member,
        group_info: &[u8],
        tree_bytes: &[u8],
    ) -> Result<Join, GroupError> {
        let MlsMessageBodyIn::GroupInfo(info) = read(group_info)?.extract() else {
            return Err(GroupError::Mls {
                action: "external commit",
                cause: "another kind of message".into(),
            });
        };
        let leaf = LeafNodeParameters::builder().with_capabilities(capabilities()).build();
        let (group, bundle) = MlsGroup::external_commit_builder()
            .with_ratchet_tree(tree(tree_bytes)?)
            .with_config(join_config())
            .skip_lifetime_validation()
            .build_group(provider, info, me.credential())
            .map_err(failed("external commit"))?
            .leaf_node_parameters(leaf)
            .load_psks(provider.storage())
            .map_err(failed("external commit"))?
            .build(provider.rand(), provider.crypto(), &me.key, |_| true)
            .map_err(failed("external commit"))?
            .finalize(provider)
            .map_err(failed("external commit"))?;
        let group = Self(group);
        let leaves = group.leaves()?;
        let info = group.group_info(provider, me)?;
        Ok(Join { leaves, external: Some((wire(bundle.commit())?, info)), group })
    }
}
