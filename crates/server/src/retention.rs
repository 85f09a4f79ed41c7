//! Dropping the bodies of entries whose time is over, a little at a time.

use std::sync::atomic::Ordering::Relaxed;

use diario_protocol::{ConversationId, Timestamp};

use crate::app::App;
use crate::storage::RetentionRules;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Looks at every conversation once. Each write is small, and others come in between.
pub(crate) async fn sweep(app: &App, now: Timestamp) {
    let absent_ms = u64::from(app.settings.retention_absent_days) * DAY_MS;
    let rules = RetentionRules { server: app.settings.retention.0, absent_ms };
    let mut after: Option<ConversationId> = None;
    loop {
        let Ok((erasures, next)) = app.storage.erasable(rules, after, now).await else { return };
        let more = !erasures.is_empty();
        for erasure in erasures {
            let Ok(erased) = app.storage.erase(erasure).await else { return };
            app.metrics.bodies_erased.fetch_add(erased, Relaxed);
        }
        if !more {
            // The same ones again as long as they have something to give.
            match next {
                Some(_) => after = next,
                None => return,
            }
        }
    }
}
