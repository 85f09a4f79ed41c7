//! How text for people looks: colours, columns, times, and nothing that could take over a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use diario_protocol::Timestamp;
use jiff::Zoned;
use jiff::tz::TimeZone;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How to print for one terminal.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    /// Whether to colour.
    pub(crate) color: bool,
    /// Columns of the terminal; `None` if there is none.
    pub(crate) width: Option<usize>,
    /// The user's time zone.
    pub(crate) zone: TimeZone,
}

/// What a piece of text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Bold,
    Dim,
    Mine,
    Read,
    Warn,
    Error,
}

impl Style {
    /// `text` in a colour, where there are colours.
    pub(crate) fn paint(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Plain => return text.to_owned(),
            _ if !self.color || text.is_empty() => return text.to_owned(),
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Mine => "36",
            Ink::Read => "1;36",
            Ink::Warn => "33",
            Ink::Error => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// A time in the user's zone.
    pub(crate) fn local(&self, at: Timestamp) -> Zoned {
        instant(at).to_zoned(self.zone.clone())
    }

    /// `09:14`
    pub(crate) fn clock(&self, at: Timestamp) -> String {
        self.local(at).strftime("%H:%M").to_string()
    }

    /// `Mon 23 Nov 2026`
    pub(crate) fn day(&self, at: Timestamp) -> String {
        self.local(at).strftime("%a %-d %b %Y").to_string()
    }

    /// `Mon 23 Nov 2026, 09:14`
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        self.local(at).strftime("%a %-d %b %Y, %H:%M").to_string()
    }

    /// As short as it can be told apart today: `09:14`, `23 Nov`, `Nov 2024`.
    pub(crate) fn brief(&self, at: Timestamp, now: Timestamp) -> String {
        let (at, now) = (self.local(at), self.local(now));
        let shape = if at.date() == now.date() {
            "%H:%M"
        } else if at.year() == now.year() {
            "%-d %b"
        } else {
            "%b %Y"
        };
        at.strftime(shape).to_string()
    }

    /// `— Mon 23 Nov 2026 —`
    pub(crate) fn day_line(&self, at: Timestamp) -> String {
        self.paint(Ink::Dim, &format!("— {} —", self.day(at)))
    }
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}

/// A time as RFC 3339 with milliseconds, in UTC.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    instant(at).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Whether a character could move the cursor, change the terminal, or turn the direction of what follows.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Somebody else's words, in one line, with nothing in them that a terminal would obey.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => clean.push(' '),
            '\r' => {}
            c if is_harmful(c) => clean.push('\u{fffd}'),
            c => clean.push(c),
        }
    }
    Cow::Owned(clean)
}

/// Somebody else's words, its lines kept.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split(['\n', '\u{2028}', '\u{2029}']).map(one_line)
}

/// Columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` and spaces, `to` columns wide.
pub(crate) fn pad(text: &str, to: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(' ', to.saturating_sub(width(text))));
    padded
}

/// The beginning of a text, at most `to` columns wide, with an ellipsis if there is more.
pub(crate) fn cut(text: &str, to: usize) -> Cow<'_, str> {
    if width(text) <= to {
        return Cow::Borrowed(text);
    }
    let mut short = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used >= to {
            break;
        }
        short.push(c);
    }
    short.push('…');
    Cow::Owned(short)
}

/// Breaks a line between words, and within those that are too long.
pub(crate) fn wrap(line: &str, to: usize) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let visible = width(word.trim_end_matches(' '));
        if used > 0 && used + visible > to {
            out.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used + wide > to && c != ' ' {
                out.push(String::new());
                used = 0;
            }
            if let Some(last) = out.last_mut() {
                last.push(c);
            }
            used += wide;
        }
    }
    out.iter().map(|line| line.trim_end_matches(' ').to_owned()).collect()
}

/// Rows of cells, each column as wide as its widest cell.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<(Ink, String)>>,
}

impl Table {
    pub(crate) fn row(&mut self, cells: Vec<(Ink, String)>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self, style: &Style) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|i| {
                self.rows.iter().filter_map(|row| row.get(i)).map(|(_, cell)| width(cell)).max().unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            // What is blank to the end is not printed.
            let last = row.iter().rposition(|(_, cell)| !cell.is_empty()).unwrap_or(0);
            for (i, (ink, cell)) in row.iter().enumerate().take(last + 1) {
                let gap = if i == 0 { "" } else { "  " };
                let cell_width = if i == last { 0 } else { widths.get(i).copied().unwrap_or(0) };
                let fill = " ".repeat(cell_width.saturating_sub(width(cell)));
                let _ = write!(out, "{gap}{}{fill}", style.paint(*ink, cell));
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Style {
        Style { color: false, width: None, zone: TimeZone::UTC }
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(
            one_line("a\x1b[2Jb\u{9b}31m\u{202e}c\r\nd\te\x07"),
            "a\u{fffd}[2Jb\u{fffd}31m\u{fffd}c d e\u{fffd}"
        );
        let kept: Vec<_> = lines("one\ntwo\u{1b}").collect();
        assert_eq!(kept, ["one", "two\u{fffd}"]);
        assert!(matches!(one_line("ciào 👩‍👩‍👧 שלום"), Cow::Borrowed(_)), "what is harmless stays as it is");
    }

    #[test]
    fn columns_line_up_whatever_is_in_them() {
        let mut table = Table::default();
        table.row(vec![(Ink::Plain, "日本".into()), (Ink::Plain, "x".into()), (Ink::Dim, String::new())]);
        table.row(vec![(Ink::Bold, "abcde".into()), (Ink::Plain, "y".into())]);
        assert_eq!(table.print(&plain()), "日本   x\nabcde  y\n");
    }

    #[test]
    fn long_lines_break_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(cut("abcdef", 4), "abc…");
    }

    #[test]
    fn times_are_as_people_read_them() {
        let at = Timestamp(1_795_424_096_007);
        assert_eq!(rfc3339(at), "2026-11-23T08:54:56.007Z");
        assert_eq!(plain().day_line(at), "— Mon 23 Nov 2026 —");
        assert_eq!(plain().brief(at, at.plus_ms(86_400_000)), "23 Nov");
        assert_eq!(rfc3339(Timestamp(u64::MAX)).len(), 24, "any number is some time");
    }
}
