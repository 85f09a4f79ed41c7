//! Races of two operations: two devices that have heard nothing of each other do something at the same moment.

use anyhow::{Context as _, Result};

use super::operations::Operation;
use super::peer::Purpose;
use super::world::World;

/// Two operations that meet.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// What is done first, if only by order.
    pub first: Operation,
    /// What is done before anybody hears of the first.
    pub second: Operation,
    /// By two devices of one person, and not by two people.
    pub siblings: bool,
    /// Both connections are torn while the answers are on their way.
    pub torn: bool,
}

impl Pair {
    /// Every ordered pair, between siblings and between people, with and without torn connections: 2,116 of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Operation::ALL.into_iter().flat_map(|first| {
            Operation::ALL.into_iter().flat_map(move |second| {
                [(true, false), (false, false), (true, true), (false, true)].map(|(siblings, torn)| Self {
                    first,
                    second,
                    siblings,
                    torn,
                })
            })
        })
    }
}

impl World {
    /// Two people with two primary devices each, who have a direct conversation and a group, do two things at once.
    pub(crate) async fn live_pair(&mut self, pair: Pair) -> Result<()> {
        self.start_server().await?;
        let phones = [0, 1].map(|person| self.add_peer(&format!("{person}-phone"), person, Purpose::Member));
        let [first, other] = phones;
        let (first, other) = (first?, other?);
        self.come_to_rest().await?;
        for phone in [first, other] {
            self.perform(phone, Operation::Link)?;
            self.come_to_rest().await?;
            self.promote_siblings(phone)?;
            self.come_to_rest().await?;
            self.perform(phone, Operation::RecoveryKey)?;
        }
        self.give_up_candidates()?;
        self.perform(first, Operation::Direct)?;
        self.perform(other, Operation::Group)?;
        self.perform(first, Operation::Say)?;
        self.come_to_rest().await?;
        self.perform(other, Operation::Say)?;
        self.come_to_rest().await?;

        let second = if pair.siblings { self.sibling_of(first).unwrap_or(other) } else { other };
        self.hostile = true;
        self.perform(first, pair.first)?;
        self.perform(second, pair.second)?;
        if pair.torn {
            // Half of what was sent is at the server by then.
            let soon = tokio::time::Instant::now() + self.plan.latency();
            while self.step(soon).await? {}
            for peer in [first, second] {
                if self.peers[peer].wire.is_some() {
                    self.hang_up(peer)?;
                }
            }
        }
        self.heal_everything().await?;
        // A device that was to let another in may be no primary any more: then its user gives up after a while.
        let patience = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
        while self.step(patience).await? {}
        self.give_up_candidates()?;
        self.come_to_rest().await?;
        self.check_at_rest().context(format!("{pair:?}"))
    }
}
