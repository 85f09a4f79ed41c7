//! Who came and went in parts of a log that this device did not follow as a member.
//!
//! A commit that changes who is in a group says in the clear who is in it afterwards. That it stands in the log is
//! proven as for every entry; that it is a good one, the members found out then, and their messages vouch for the log
//! with it. Its MLS signature cannot be checked here, without the group as it was.

use diario_protocol::{AccountId, ConversationId, ConversationKind, Seq};

use super::commit::MembershipNote;
use super::{Engine, Result};
use crate::group::participants_said;
use crate::store::conversation;
use crate::store::hole;
use crate::store::past::{self, PastRoster};

impl Engine {
    /// Keeps what a commit says of who is in the group; gives it if it says anything.
    pub(super) fn keep_past_roster(
        &mut self,
        id: ConversationId,
        seq: Seq,
        commit: &[u8],
    ) -> Result<Option<diario_protocol::roster::Participants>> {
        let said = participants_said(id, commit).filter(|said| said.kind == ConversationKind::Group);
        if let Some(said) = &said {
            let accounts: Vec<_> = said.accounts.iter().map(|p| p.account).collect();
            past::put(&self.db, id, seq, &accounts)?;
        }
        Ok(said)
    }

    /// A commit at the end of a log, taken from outside of the group.
    pub(super) fn note_from_outside(
        &mut self,
        id: ConversationId,
        seq: Seq,
        commit: &[u8],
    ) -> Result<MembershipNote> {
        let Some(said) = self.keep_past_roster(id, seq, commit)? else {
            return Ok(MembershipNote::default());
        };
        // As much on trust as the list before, and newer.
        conversation::set_participants(&self.db, id, &said.accounts)?;
        let after: Vec<_> = said.accounts.iter().map(|p| p.account).collect();
        let before = self.past_before(id, seq, &after)?;
        Ok(before.map_or_else(MembershipNote::default, |before| difference(&before, &after)))
    }

    /// Notes who came and went, of a part of the log that has just come, and with the first change after it.
    pub(super) fn note_past_changes(&mut self, id: ConversationId, first: Seq, last: Seq) -> Result<()> {
        let mut changes = past::between(&self.db, id, first, last)?;
        if let Some(next) = past::after(&self.db, id, last)? {
            changes.push(next);
        }
        for PastRoster { seq, accounts } in changes {
            let Some(before) = self.past_before(id, seq, &accounts)? else { continue };
            let note = difference(&before, &accounts);
            if !note.joined.is_empty() || !note.left.is_empty() {
                past::note(&self.db, id, seq, &diario_protocol::encode(&note))?;
            }
        }
        Ok(())
    }

    /// Who was in a group before a place in its log, if all is here from where that is known.
    fn past_before(
        &mut self,
        id: ConversationId,
        seq: Seq,
        after: &[AccountId],
    ) -> Result<Option<Vec<AccountId>>> {
        let known = past::before(&self.db, id, seq)?;
        let from = known.as_ref().map_or(Seq(0), |roster| roster.seq);
        if hole::below(&self.db, id, seq)?.is_some_and(|hole| hole.last > from) {
            return Ok(None);
        }
        if let Some(known) = known {
            return Ok(Some(known.accounts));
        }
        // A group begins with its maker, whom its id names; whoever came in later does not know who was there before.
        let whole = self.conversation(id)?.is_some_and(|c| c.since == Seq(1));
        let maker = after.iter().copied().find(|account| whole && id.is_group_of(*account));
        Ok(maker.map(|maker| vec![maker]))
    }
}

fn difference(before: &[AccountId], after: &[AccountId]) -> MembershipNote {
    MembershipNote {
        joined: after.iter().copied().filter(|a| !before.contains(a)).collect(),
        left: before.iter().copied().filter(|a| !after.contains(a)).collect(),
    }
}
