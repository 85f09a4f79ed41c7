//! Which rows of a long list are in sight.

use std::ops::Range;

/// Rows that are kept before and after what is in sight, so that scrolling and the tab key find them there.
const SPARE: usize = 8;

/// The rows to show of `count`, each `height` pixels, in a box that is scrolled by `top` and `room` pixels high.
pub fn in_sight(top: f64, room: f64, height: f64, count: usize) -> Range<usize> {
    if height <= 0.0 || !top.is_finite() || !room.is_finite() {
        return 0..count.min(2 * SPARE);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating"
    )]
    let rows = |pixels: f64| (pixels.max(0.0) / height) as usize;
    let first = rows(top).saturating_sub(SPARE).min(count);
    let last = rows(top.max(0.0) + room).saturating_add(1 + SPARE).min(count);
    // In steps, so that not every pixel of scrolling is a change.
    (first - first % 4)..last.next_multiple_of(4).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_sight_is_shown_and_little_more() {
        for top in [0.0, 13.0, 700.0, 71_000.0, 72_000.0, 1e12] {
            let range = in_sight(top, 800.0, 72.0, 1_000);
            let seen = 12 + 2 * SPARE + 8;
            assert!(range.len() <= seen && range.end <= 1_000, "{top}: {range:?}");
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small numbers of a test"
            )]
            let first = ((top / 72.0) as usize).min(999);
            assert!(top > 72_000.0 || range.contains(&first), "{top}: {range:?}");
        }
        assert_eq!(in_sight(-50.0, 300.0, 72.0, 3), 0..3);
        assert_eq!(in_sight(0.0, 300.0, 0.0, 500).start, 0);
        assert_eq!(in_sight(f64::NAN, 300.0, 72.0, 0), 0..0);
    }
}
