//! Amounts of data, in words.

use crate::text::tr_args;

/// A number of bytes as people say it.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes * 10 / unit;
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let number = tenths as f64 / 10.0;
        number
    };
    match bytes {
        0..1_000_000 => tr_args("size-kilobytes", &[("count", (bytes / 1000).max(1).into())]),
        1_000_000..1_000_000_000 => tr_args("size-megabytes", &[("count", tenths(1_000_000).into())]),
        _ => tr_args("size-gigabytes", &[("count", tenths(1_000_000_000).into())]),
    }
}
