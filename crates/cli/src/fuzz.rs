//! What the fuzz targets of this crate do with an input; see `diario_protocol::fuzz`.

use diario_protocol::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::args::Command;
use crate::day::{Edge, read};
use crate::forward::{Answer, Frame, Request, VERSION};
use crate::patience::LONGEST;
use crate::style::{Ink, Style, width, wrap};

/// A date as somebody types it: its beginning is not after its end, and written out it is the same time.
pub fn date(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let edge = |edge| read(text, &TimeZone::UTC, edge).ok();
    let (Some(first), Some(last)) = (edge(Edge::First), edge(Edge::Last)) else { return false };
    assert!(first <= last);
    let Ok(ms) = i64::try_from(first.0) else { panic!("a time that no calendar has") };
    let Ok(written) = jiff::Timestamp::from_millisecond(ms) else { panic!("a time that no calendar has") };
    assert_eq!(read(&written.to_string(), &TimeZone::UTC, Edge::First).ok(), Some(first));
    true
}

/// A line on the control socket of a folder; the first byte says whether it is a request, a frame or an answer.
///
/// Commands are not run: they would do to this machine whatever the input says.
pub fn local_socket(bytes: &[u8]) -> bool {
    let Some((which, bytes)) = bytes.split_first() else { return false };
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match which {
        0 => {
            // Seeds outlive the version.
            let Some(request) = Request::read(&text.replace("VERSION", VERSION)) else { return false };
            same_again(&request);
            a_holder_can_take(&request);
            true
        }
        1 => serde_json::from_str::<Frame>(text).is_ok_and(|frame| same_again(&frame)),
        2 => serde_json::from_str::<Answer>(text).is_ok_and(|answer| same_again(&answer)),
        _ => false,
    }
}

/// Written, it is one line; and read again it is the same.
fn same_again<T: Serialize + DeserializeOwned>(object: &T) -> bool {
    let line = serde_json::to_string(object).expect("what was read is Unicode text");
    assert!(!line.contains('\n'), "{line}");
    let again: T = serde_json::from_str(&line).expect("its own line");
    assert_eq!(serde_json::to_string(&again).ok(), Some(line));
    true
}

/// What the process that holds the folder does with a request before and while its command runs: clocks can add its
/// durations, and its terminal can be written for.
fn a_holder_can_take(request: &Request) {
    let Request { face, command, .. } = request;
    let stays = matches!(command, Command::Sync(sync) if sync.stay.is_some());
    assert!(!stays || command.ends_when_told());
    assert!(!(command.is_local() && command.ends_when_told()));
    let told = if let Command::Sync(sync) = command { sync.stay } else { None };
    for wait in [Some(face.timeout), told].into_iter().flatten() {
        assert!(wait <= LONGEST && Instant::now().checked_add(wait).is_some(), "{wait:?}");
    }
    let style: Style = face.style();
    let at = Timestamp(1_700_000_000_000);
    assert!(!style.day_line(at).is_empty() && !style.brief(at, Timestamp(u64::MAX)).is_empty());
    let line = style.moment(at);
    assert!(style.paint(Ink::Warn, &line).contains(&line));
    let columns = style.width.unwrap_or(80);
    for part in wrap(&line, columns) {
        assert!(columns < 2 || width(&part) <= columns, "{part:?}");
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpora_go_through() {
        replay("date", super::date);
        replay("local_socket", super::local_socket);
    }
}
