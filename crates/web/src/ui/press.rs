//! A finger that stays: not every browser tells pages of it.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

/// How long a finger stays for it to mean something else than a tap.
const LONG: Duration = Duration::from_millis(500);
/// How far it may move meanwhile, in pixels.
const NEAR: i32 = 10;

/// A finger on something. Copies mean the same.
#[derive(Clone, Copy)]
pub(crate) struct Press {
    timer: StoredValue<Option<TimeoutHandle>>,
    at: StoredValue<(i32, i32)>,
    long: StoredValue<bool>,
}

impl Press {
    /// No finger yet.
    pub(crate) fn new() -> Self {
        Self { timer: StoredValue::new(None), at: StoredValue::new((0, 0)), long: StoredValue::new(false) }
    }

    /// A finger comes; calls if it stays.
    pub(crate) fn begin(self, x: i32, y: i32, call: impl Fn() + 'static) {
        self.end();
        self.at.set_value((x, y));
        self.long.set_value(false);
        let timer = set_timeout_with_handle(
            move || {
                // The row may be gone by now.
                if self.long.try_set_value(true).is_none() {
                    call();
                }
            },
            LONG,
        );
        self.timer.set_value(timer.ok());
    }

    /// It moves: further than a little, it scrolls.
    pub(crate) fn moved(self, x: i32, y: i32) {
        let Some((x0, y0)) = self.at.try_get_value() else { return };
        if (x - x0).abs().max((y - y0).abs()) > NEAR {
            self.end();
        }
    }

    /// It goes.
    pub(crate) fn end(self) {
        if let Some(timer) = self.timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    }

    /// Whether the click that follows is of a finger that stayed.
    pub(crate) fn was_long(self) -> bool {
        self.long.try_update_value(std::mem::take) == Some(true)
    }
}
