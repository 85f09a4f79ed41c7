//! The own account's devices, as they are shown.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{DeviceId, Timestamp};

use super::Result;
use crate::engine::{Engine, WARNING_MS, facts_of};
use crate::store::people::{self, KnownDevice, Me};

/// What a device is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// May act for the account.
    Valid,
    /// May act for the account, and its time runs out within three days.
    ExpiresSoon,
    /// Its time has run out; a primary renews it.
    Expired,
}

/// A device of the own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// The device.
    pub id: DeviceId,
    /// What its user calls it; empty while that is not known here.
    pub name: String,
    /// What it says that it runs on, like "Firefox on Linux"; empty while that is not known here.
    pub platform: String,
    /// Whether the account's list calls it a primary.
    pub primary: bool,
    /// Whether it is to be a primary and has not said yet that it holds the account's key.
    pub awaits_key: bool,
    /// Whether it is this one.
    pub this: bool,
    /// When it came into the account, if that is known here.
    pub linked_at: Option<Timestamp>,
    /// The name of the device that let it in; `None` if it made the account, or that is not known here.
    pub linked_by: Option<String>,
    /// When the server saw it last, as far as it told; [`crate::Event::LastSeen`] tells what is true now.
    pub last_seen: Option<Timestamp>,
    /// When its time runs out; `None` never.
    pub valid_until: Option<Timestamp>,
    /// Whether it has, or soon will have.
    pub state: DeviceState,
}

impl Engine {
    /// Devices of the own account, as they are at `now` by this device's clock.
    ///
    /// The server's clock counts, as far as it is known: it is told at every connection.
    pub fn devices(&self, now: Timestamp) -> Result<Vec<DeviceView>> {
        let Some(me) = self.identity() else { return Ok(Vec::new()) };
        let now = self.time_of_server(now);
        people::devices(self.db(), me.account)?
            .into_iter()
            .filter(|d| d.listed)
            .map(|d| self.device_view(me, &d, now))
            .collect()
    }

    fn device_view(&self, me: &Me, d: &KnownDevice, now: Timestamp) -> Result<DeviceView> {
        let own = me.own;
        let facts = facts_of(self.db(), own, d.device)?;
        let this = d.device == me.device;
        let primary = d.role == DeviceRole::Primary;
        let holds = if this { me.is_primary() } else { facts.word.as_ref().is_none_or(|w| w.holds_identity) };
        let state = match d.valid_until {
            Some(until) if until <= now => DeviceState::Expired,
            Some(until) if until <= now.plus_ms(WARNING_MS) => DeviceState::ExpiresSoon,
            _ => DeviceState::Valid,
        };
        let linked_by =
            facts.linked_by.map(|by| Ok::<_, crate::EngineError>(facts_of(self.db(), own, by)?.name));
        Ok(DeviceView {
            id: d.device,
            name: if facts.name.is_empty() && this { me.name.clone() } else { facts.name },
            platform: facts.word.map(|word| word.platform).unwrap_or_default(),
            primary,
            awaits_key: primary && !holds,
            this,
            linked_at: facts.linked_at,
            linked_by: linked_by.transpose()?,
            last_seen: facts.seen_at,
            valid_until: d.valid_until,
            state,
        })
    }
}
