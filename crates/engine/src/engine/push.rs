//! Waking this device by Web Push: where, and for which conversations not.

use diario_protocol::{PushSubscription, Request, Timestamp, limits};

use super::requests::Asked;
use super::{Engine, Result};
use crate::error::CommandError;

/// What the server should know of this device's push subscription. The browser holds it: the store does not.
#[derive(Debug, Default)]
pub(super) struct Push {
    /// As the browser says.
    wanted: Place,
    /// What was sent on this connection, refused or not.
    sent: Place,
    /// The muted conversations are others than when it was looked at last.
    stale: bool,
}

/// Where a device is to be woken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Place {
    /// Nobody has said anything.
    #[default]
    Unsaid,
    Nowhere,
    There(PushSubscription),
}

impl Push {
    /// Conversations were muted, or are no more.
    pub(super) fn muted_changed(&mut self) {
        self.stale = true;
    }

    /// The server may have forgotten what it was told, or never have heard it.
    pub(super) fn begin(&mut self) {
        self.sent = Place::Unsaid;
        self.stale = true;
    }
}

impl Engine {
    /// Where to wake this device; `None`: nowhere any more. What `silent` names is not looked at: it is filled with the
    /// muted conversations, and sent again when they change.
    ///
    /// It is kept in memory: the driver says it after every start, for browsers change their subscriptions. Sent at
    /// once if there is a connection, else at the next login.
    pub fn set_push(
        &mut self,
        subscription: Option<PushSubscription>,
        now: Timestamp,
    ) -> std::result::Result<(), CommandError> {
        self.command(now, |engine| {
            engine.active()?;
            engine.push.wanted = subscription.map_or(Place::Nowhere, Place::There);
            engine.push.stale = true;
            Ok(())
        })
    }

    /// Asks for the server's key for push subscriptions; [`crate::Event::PushKey`] answers.
    pub fn ask_push_key(&mut self, now: Timestamp) -> std::result::Result<(), CommandError> {
        self.command(now, |engine| {
            engine.active()?;
            if !engine.session.is_logged_in() {
                return Err(CommandError::Offline);
            }
            engine.ask(Request::PushKey, Asked::PushKey);
            Ok(())
        })
    }

    /// Tells the server what it does not know yet.
    pub(super) fn send_push(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.push.stale) {
            return Ok(());
        }
        let subscription = match self.push.wanted.clone() {
            Place::Unsaid => return Ok(()),
            Place::Nowhere => None,
            Place::There(subscription) => {
                let mut silent = self.muted()?;
                silent.truncate(limits::PUSH_SILENT);
                Some(PushSubscription { silent, ..subscription })
            }
        };
        let told = subscription.clone().map_or(Place::Nowhere, Place::There);
        if self.push.sent != told {
            self.push.sent = told;
            self.ask(Request::PutPush(subscription), Asked::Push);
        }
        Ok(())
    }
}
