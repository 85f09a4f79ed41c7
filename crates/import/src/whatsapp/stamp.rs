//! The date and time at the start of a message.

use jiff::civil::{Date, DateTime, Time};

use super::{DateOrder, Layout};

/// The left-to-right mark that WhatsApp puts before what it writes itself.
pub(super) const LRM: char = '\u{200e}';

/// Whether `c` only steers layout: marks, embeddings, isolates and the byte order mark.
pub(super) fn is_layout_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The date and time of a line, not yet knowing which number is the day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp<'a> {
    pub(super) shape: Shape,
    /// First and second number of the date; month and day if the year came before them.
    pub(super) fields: [Field; 2],
    year: i16,
    time: Time,
    /// `AM`, `p.m.` and the like, as written.
    pub(super) meridiem: Option<&'a str>,
}

/// A number of a date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) value: i8,
    pub(super) digits: usize,
}

/// What is the same for all dates that one phone writes into one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    layout: Layout,
    separator: char,
    year: Year,
    time_separator: char,
    seconds: bool,
    twelve_hours: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Year {
    First,
    LastOfTwo,
    LastOfFour,
}

impl Shape {
    pub(super) fn layout(self) -> Layout {
        self.layout
    }

    pub(super) fn separator(self) -> char {
        self.separator
    }

    pub(super) fn year_first(self) -> bool {
        self.year == Year::First
    }
}

impl Stamp<'_> {
    /// The local time, if the numbers make a date in this order.
    pub(super) fn date_time(&self, order: DateOrder) -> Option<DateTime> {
        let [first, second] = self.fields.map(|field| field.value);
        let (month, day) = match order {
            DateOrder::DayFirst => (second, first),
            DateOrder::MonthFirst | DateOrder::YearFirst => (first, second),
        };
        Some(Date::new(self.year, month, day).ok()?.to_datetime(self.time))
    }

    /// The numbers as written, in one spelling.
    pub(super) fn normalised(&self) -> String {
        let [first, second] = self.fields.map(|field| field.value);
        let (hour, minute, second_of_minute) = (self.time.hour(), self.time.minute(), self.time.second());
        format!("{first:02}/{second:02}/{:04} {hour:02}:{minute:02}:{second_of_minute:02}\0", self.year)
    }
}

/// Reads the date and time that a line starts with; gives the rest of the line too.
pub(super) fn parse(line: &str) -> Option<(Stamp<'_>, &str)> {
    let mut at = Cursor(line.trim_start_matches(is_layout_mark));
    let bracketed = at.eat('[');

    let (a, a_digits) = at.number(1..=4)?;
    let separator = at.eat_any(&['/', '.', '-'])?;
    let (b, b_digits) = at.number(1..=2)?;
    at.eat(separator).then_some(())?;
    let (c, c_digits) = at.number(1..=4)?;
    let (year, year_shape, fields) = match (a_digits, c_digits) {
        (4, 1..=2) => (a, Year::First, [(b, b_digits), (c, c_digits)]),
        (1..=2, 2) => (2000 + c, Year::LastOfTwo, [(a, a_digits), (b, b_digits)]),
        (1..=2, 4) => (c, Year::LastOfFour, [(a, a_digits), (b, b_digits)]),
        _ => return None,
    };
    // A phone's clock may be wrong by decades, not by centuries.
    if !(1970..2200).contains(&year) {
        return None;
    }
    let [first, second] = fields;
    let fields = [field(first)?, field(second)?];

    at.eat(',');
    at.spaces().then_some(())?;
    if ["um ", "alle ", "at "].into_iter().any(|word| at.eat_word(word)) {
        at.spaces();
    }

    let (hour, _) = at.number(1..=2)?;
    let time_separator = at.eat_any(&[':', '.'])?;
    let (minute, _) = at.number(2..=2)?;
    let second = if at.eat(time_separator) { Some(at.number(2..=2)?.0) } else { None };
    let spaced = at.spaces();
    let meridiem = at.meridiem();
    let hour = match meridiem {
        None => hour,
        Some(_) if hour > 12 => return None,
        Some(word) => hour % 12 + if word.starts_with(['p', 'P']) { 12 } else { 0 },
    };
    let time = Time::new(small(hour)?, small(minute)?, small(second.unwrap_or(0))?, 0).ok()?;

    let layout = if bracketed {
        at.eat(']').then_some(())?;
        at.eat(' ');
        Layout::Ios
    } else {
        (spaced | at.spaces()).then_some(())?;
        at.eat_any(&['-', '–'])?;
        (at.eat(' ') || at.0.is_empty()).then_some(())?;
        Layout::Android
    };
    let shape = Shape {
        layout,
        separator,
        year: year_shape,
        time_separator,
        seconds: second.is_some(),
        twelve_hours: meridiem.is_some(),
    };
    let stamp = Stamp { shape, fields, year: i16::try_from(year).ok()?, time, meridiem };
    // At least one order must make a date of it: 31/02 and 13/13 are somebody's text.
    let dated = [DateOrder::DayFirst, DateOrder::MonthFirst]
        .into_iter()
        .any(|order| stamp.date_time(order).is_some());
    dated.then_some((stamp, at.0))
}

fn field((value, digits): (u16, usize)) -> Option<Field> {
    Some(Field { value: small(value)?, digits })
}

fn small(value: u16) -> Option<i8> {
    i8::try_from(value).ok()
}

/// What is left of a line.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn eat(&mut self, c: char) -> bool {
        self.0.strip_prefix(c).map(|rest| self.0 = rest).is_some()
    }

    fn eat_any(&mut self, allowed: &[char]) -> Option<char> {
        allowed.iter().copied().find(|c| self.eat(*c))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.0.strip_prefix(word).map(|rest| self.0 = rest).is_some()
    }

    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<(u16, usize)> {
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        if !digits.contains(&length) {
            return None;
        }
        let (number, rest) = self.0.split_at(length);
        self.0 = rest;
        Some((number.parse().ok()?, length))
    }

    /// Skips spaces, breaking or not; whether there were any.
    fn spaces(&mut self) -> bool {
        let rest = self.0.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
        let any = rest.len() < self.0.len();
        self.0 = rest;
        any
    }

    /// `AM`, `am`, `a.m.`, `a. m.` and the same with p.
    fn meridiem(&mut self) -> Option<&'a str> {
        let start = self.0;
        let mut at = Cursor(start);
        at.eat_any(&['a', 'A', 'p', 'P'])?;
        if at.eat('.') {
            at.spaces();
        }
        at.eat_any(&['m', 'M'])?;
        at.eat('.');
        self.0 = at.0;
        Some(&start[..start.len() - at.0.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stamp in one spelling, read day first, and what follows it.
    fn read(line: &str) -> Option<(String, &str)> {
        let (stamp, rest) = parse(line)?;
        let order = if stamp.shape.year_first() { DateOrder::YearFirst } else { DateOrder::DayFirst };
        Some((stamp.date_time(order)?.to_string(), rest))
    }

    #[test]
    fn reads_every_known_spelling() {
        for (line, time) in [
            ("12/03/24, 14:05 - A: b", "2024-03-12T14:05:00"),
            ("12/03/2024, 14:05 - A: b", "2024-03-12T14:05:00"),
            ("12/3/24, 2:05 PM - A: b", "2024-03-12T14:05:00"),
            ("12/3/24, 2:05\u{202f}PM - A: b", "2024-03-12T14:05:00"),
            ("12/3/24 2:05\u{a0}p. m. - A: b", "2024-03-12T14:05:00"),
            ("12/03/2024, 2:05 p.m. – A: b", "2024-03-12T14:05:00"),
            ("12/03/2024, 12:05 am - A: b", "2024-03-12T00:05:00"),
            ("12/03/2024, 12:05 pm - A: b", "2024-03-12T12:05:00"),
            ("12.03.24, 14:05 - A: b", "2024-03-12T14:05:00"),
            ("12.03.24 um 14:05 - A: b", "2024-03-12T14:05:00"),
            ("12/03/24 alle 14.05 - A: b", "2024-03-12T14:05:00"),
            ("12-03-24, 14:05 - A: b", "2024-03-12T14:05:00"),
            ("2024-03-12, 14:05 - A: b", "2024-03-12T14:05:00"),
            ("\u{200e}[12/03/24, 14:05:33] A: b", "2024-03-12T14:05:33"),
            ("[12.03.24, 14:05:33] A: b", "2024-03-12T14:05:33"),
            ("[12/3/24, 2:05:33\u{202f}PM] A: b", "2024-03-12T14:05:33"),
            ("\u{feff}[12/03/2024, 14:05] A: b", "2024-03-12T14:05:00"),
        ] {
            assert_eq!(read(line), Some((time.to_owned(), "A: b")), "{line:?}");
        }
    }

    #[test]
    fn refuses_what_only_looks_like_a_date() {
        for line in [
            "",
            "hello",
            "12/03/24",
            "12/03/24, 14:05",
            "12/03/24, 14:05 -A: b",
            "12/03/24, 14:05- A: b",
            "12/03.24, 14:05 - A: b",
            "12/03/124, 14:05 - A: b",
            "12/03/1824, 14:05 - A: b",
            "13/13/24, 14:05 - A: b",
            "30/02/24, 14:05 - A: b",
            "00/00/24, 14:05 - A: b",
            "12/03/24, 24:05 - A: b",
            "12/03/24, 14:65 - A: b",
            "12/03/24, 14:5 - A: b",
            "12/03/24, 14:05 PM - A: b",
            "12/03/24,14:05 - A: b",
            "[12/03/24, 14:05:33 A: b",
            "99999999999999999999/03/24, 14:05 - A: b",
            "١٢/٠٣/٢٤, 14:05 - A: b",
        ] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }

    #[test]
    fn an_empty_line_after_the_date_is_a_message() {
        assert_eq!(read("12/03/24, 14:05 -"), Some(("2024-03-12T14:05:00".to_owned(), "")));
        assert_eq!(read("[12/03/24, 14:05:33]"), Some(("2024-03-12T14:05:33".to_owned(), "")));
    }
}
