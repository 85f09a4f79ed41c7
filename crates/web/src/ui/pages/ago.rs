//! How long ago something was, or how long it is till then, in words.

use diario_protocol::Timestamp;
use js_sys::{Array, Intl, Object, Reflect};

use crate::text::{language, tr};

/// "5 minutes ago", "in 3 days".
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    const UNITS: [(u64, &str); 6] = [
        (31_557_600_000, "year"),
        (2_629_800_000, "month"),
        (604_800_000, "week"),
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
    ];
    let apart = at.0.abs_diff(now.0);
    // What comes is counted in days: "next week" may be 13 days away.
    let fits = |(length, unit): &(u64, &str)| apart >= *length && (at <= now || *unit != "week");
    let Some((length, unit)) = UNITS.into_iter().find(fits) else {
        return tr("ago-now");
    };
    #[expect(clippy::cast_precision_loss, reason = "years at most thousands")]
    let count = (apart / length) as f64;
    let options = Object::new();
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(&options, &"numeric".into(), &"auto".into());
    let format = Intl::RelativeTimeFormat::new(&Array::of1(&language().tag().into()), &options);
    format.format(if at > now { count } else { -count }, unit).into()
}
