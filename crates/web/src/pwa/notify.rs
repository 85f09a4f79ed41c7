//! Notifications of messages that come while nobody looks at the page.
//!
//! The service worker shows them, and it alone knows whether another tab is looked at. Only the page that leads
//! asks for them: a message is notified once.

use leptos::prelude::*;
use web_sys::VisibilityState;

use super::{Notifications, Pwa, reach};
use crate::bridge::Role;
use crate::model::Place;
use crate::text::tr;

impl Pwa {
    /// Follows what arrives.
    pub(super) fn notify_of_messages(self) {
        let state = self.state;
        Effect::new(move || {
            let Some(message) = state.arrived.get() else { return };
            let looked_at = is_looked_at();
            let leads = matches!(*state.role.read_untracked(), Some(Role::Leader));
            // As it is kept: another tab may have changed it.
            let wanted = super::push::standing().is_on();
            if looked_at || !leads || !wanted || message.muted {
                return;
            }
            let body = if message.title == message.sender {
                message.text
            } else {
                format!("{}: {}", message.sender, message.text)
            };
            reach::tell(&[
                ("type", "notify"),
                ("tag", &message.conversation.to_string()),
                ("title", &message.title),
                ("body", &body),
                ("path", &Place::Conversation(message.conversation).path()),
            ]);
        });
        // What is looked at needs no notification any more.
        let seen = move || {
            if let Some(conversation) = state.nav.place_now().conversation().filter(|_| is_looked_at()) {
                reach::tell(&[("type", "seen"), ("tag", &conversation.to_string())]);
            }
        };
        Effect::new(move || {
            state.nav.place();
            if self.notifications.get_untracked() != Notifications::Unsupported {
                seen();
            }
        });
        reach::on(&document(), "visibilitychange", move |_| {
            self.notifications.set(super::push::standing());
            seen();
        });
        reach::on(&window(), "focus", move |_| seen());
        // What it says of a push, which has no words of its own, in the language of this page.
        Effect::new(move || reach::tell(&[("type", "words"), ("pushed", &tr("notify-pushed"))]));
    }
}

fn is_looked_at() -> bool {
    let document = document();
    document.visibility_state() == VisibilityState::Visible && document.has_focus().unwrap_or(true)
}
