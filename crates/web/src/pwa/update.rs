//! A newer version of the app: it waits until the user wants it.

use leptos::prelude::*;
use web_sys::{ServiceWorker, ServiceWorkerRegistration, ServiceWorkerState};

use super::{Pwa, reach};

impl Pwa {
    /// Notices when a newer version is there.
    pub(super) fn watch_for_update(self) {
        leptos::task::spawn_local(async move {
            let Some(registration) = reach::registration().await else { return };
            self.look(&registration);
            let found = registration.clone();
            reach::on(&registration, "updatefound", move |_| {
                if let Some(worker) = found.installing() {
                    self.follow(&worker);
                }
            });
            if let Some(worker) = registration.installing() {
                self.follow(&worker);
            }
        });
    }

    fn look(self, registration: &ServiceWorkerRegistration) {
        self.update.set(registration.waiting().is_some());
    }

    fn follow(self, worker: &ServiceWorker) {
        let followed = worker.clone();
        reach::on(worker, "statechange", move |_| {
            // The first version ever has nothing to wait for.
            let controlled = reach::container().is_some_and(|c| c.controller().is_some());
            if followed.state() == ServiceWorkerState::Installed && controlled {
                self.update.set(true);
            } else if followed.state() == ServiceWorkerState::Activating {
                self.update.set(false);
            }
        });
    }
}

/// Lets the newer version take over; the start script then loads every open page of this browser anew.
pub(crate) fn apply_update() {
    leptos::task::spawn_local(async move {
        let waiting = reach::registration().await.and_then(|registration| registration.waiting());
        match waiting {
            // Plain data can be posted.
            Some(waiting) => drop(waiting.post_message(&reach::object(&[("type", "skip-waiting")]))),
            None => drop(window().location().reload()),
        }
    });
}
