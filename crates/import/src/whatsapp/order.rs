//! Whether the day or the month comes first, from all dates of a file.

use std::fmt;

use jiff::civil::{Date, DateTime};

use super::ImportError;
use super::stamp::{Field, Shape, Stamp};

/// The order of the numbers in a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// `31/12/24`, `31.12.24`
    DayFirst,
    /// `12/31/24`
    MonthFirst,
    /// `2024-12-31`
    YearFirst,
}

impl fmt::Display for DateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DayFirst => "day first",
            Self::MonthFirst => "month first",
            Self::YearFirst => "year first",
        })
    }
}

/// How the dates of an export were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// The order that was used.
    pub order: DateOrder,
    /// Why.
    pub evidence: Evidence,
}

/// Why dates were read in an order; the first that applies, from certain to likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The caller said so.
    Given,
    /// A number above 12, or a year in front.
    Numbers,
    /// Read the other way, time would run backwards.
    Sequence,
    /// How such dates are usually written: dots, leading zeros, AM or PM. May be wrong.
    Convention,
}

/// What all dates of a file say.
pub(super) struct Census {
    shape: Shape,
    first_line: u64,
    /// Lines that can only be read day first, and the first of them.
    only_day_first: Tally,
    /// Lines that can only be read month first, and the first of them.
    only_month_first: Tally,
    day_first: Walk,
    month_first: Walk,
    /// A leading zero or a small `am`, which the United States do not write.
    not_american: bool,
    bare_digit: bool,
    capital_meridiem: bool,
}

impl Census {
    /// Starts with the first date of the file, whose shape all others must have.
    pub(super) fn new(first: &Stamp<'_>, line: u64) -> Self {
        let mut census = Self {
            shape: first.shape,
            first_line: line,
            only_day_first: Tally::default(),
            only_month_first: Tally::default(),
            day_first: Walk::default(),
            month_first: Walk::default(),
            not_american: false,
            bare_digit: false,
            capital_meridiem: false,
        };
        census.count(first, line);
        census
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Takes a date into account, if it has the file's shape.
    pub(super) fn count(&mut self, stamp: &Stamp<'_>, line: u64) {
        if stamp.shape != self.shape {
            return;
        }
        match (stamp.date_time(DateOrder::DayFirst), stamp.date_time(DateOrder::MonthFirst)) {
            (Some(day_first), Some(month_first)) => {
                self.day_first.step(day_first);
                self.month_first.step(month_first);
            }
            (Some(_), None) => self.only_day_first.add(line),
            (None, Some(_)) => self.only_month_first.add(line),
            (None, None) => {}
        }
        let small = |field: &&Field| field.value < 10;
        self.not_american |= stamp.fields.iter().filter(small).any(|field| field.digits == 2);
        self.bare_digit |= stamp.fields.iter().filter(small).any(|field| field.digits == 1);
        if let Some(meridiem) = stamp.meridiem {
            let capital = meridiem.starts_with(['A', 'P']);
            self.capital_meridiem |= capital;
            self.not_american |= !capital;
        }
    }

    /// The order of the file's dates, or the one given if the file does not deny it.
    pub(super) fn decide(&self, given: Option<DateOrder>) -> Result<Dates, ImportError> {
        let Some(order) = given else {
            return Ok(self.guess());
        };
        let denied = match order {
            DateOrder::YearFirst => (!self.shape.year_first()).then_some(self.first_line),
            _ if self.shape.year_first() => Some(self.first_line),
            DateOrder::DayFirst => self.only_month_first.outvotes(&self.only_day_first),
            DateOrder::MonthFirst => self.only_day_first.outvotes(&self.only_month_first),
        };
        match denied {
            Some(line) => Err(ImportError::DateOrderContradicted { given: order, line }),
            None => Ok(Dates { order, evidence: Evidence::Given }),
        }
    }

    fn guess(&self) -> Dates {
        let (order, evidence) = if self.shape.year_first() {
            (DateOrder::YearFirst, Evidence::Numbers)
        } else if let Some(order) = self.by_numbers() {
            (order, Evidence::Numbers)
        } else if let Some(order) = self.by_sequence() {
            (order, Evidence::Sequence)
        } else {
            (self.by_convention(), Evidence::Convention)
        };
        Dates { order, evidence }
    }

    /// A vote, for a message may quote a line of another export; those few are then read as text.
    fn by_numbers(&self) -> Option<DateOrder> {
        less(self.only_month_first.lines, self.only_day_first.lines)
    }

    fn by_sequence(&self) -> Option<DateOrder> {
        less(self.day_first.returns, self.month_first.returns)
    }

    fn by_convention(&self) -> DateOrder {
        // Only slashes are ever written month first.
        if self.shape.separator() != '/' || self.not_american {
            return DateOrder::DayFirst;
        }
        if self.capital_meridiem && self.bare_digit {
            return DateOrder::MonthFirst;
        }
        // Some days in a row look, read the other way, like the same day of some months in a row.
        if let Some(order) = Walk::denser(&self.day_first, &self.month_first) {
            return order;
        }
        if self.capital_meridiem { DateOrder::MonthFirst } else { DateOrder::DayFirst }
    }
}

/// Day first if the first count is smaller, month first if the second one is.
fn less(day_first: u64, month_first: u64) -> Option<DateOrder> {
    match day_first.cmp(&month_first) {
        std::cmp::Ordering::Less => Some(DateOrder::DayFirst),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(DateOrder::MonthFirst),
    }
}

/// Lines that hold one reading impossible.
#[derive(Default)]
struct Tally {
    lines: u64,
    first: u64,
}

impl Tally {
    fn add(&mut self, line: u64) {
        if self.lines == 0 {
            self.first = line;
        }
        self.lines += 1;
    }

    /// The first of these lines, if there are more of them than of the others.
    fn outvotes(&self, other: &Self) -> Option<u64> {
        (self.lines > other.lines).then_some(self.first)
    }
}

/// The dates of a file in one reading.
#[derive(Default)]
struct Walk {
    last: Option<DateTime>,
    range: Option<(Date, Date)>,
    /// Changes of the date from one line to the next.
    changes: u64,
    /// How often time ran back by more than a phone that was off explains.
    returns: u64,
}

impl Walk {
    fn step(&mut self, now: DateTime) {
        const LATE_HOURS: i64 = 36;
        if let Some(last) = self.last {
            self.changes += u64::from(last.date() != now.date());
            self.returns += u64::from(now.duration_until(last).as_hours() >= LATE_HOURS);
        }
        let today = now.date();
        self.range = Some(self.range.map_or((today, today), |(from, to)| (from.min(today), to.max(today))));
        self.last = Some(now);
    }

    fn denser(day_first: &Self, month_first: &Self) -> Option<DateOrder> {
        let days = |walk: &Self| {
            walk.range.map(|(from, to)| from.duration_until(to).as_hours().unsigned_abs() / 24 + 1)
        };
        let (by_day, by_month) = (days(day_first)?, days(month_first)?);
        // Two dates are too few, and a factor of four is far from chance.
        if day_first.changes < 2 || by_day.max(by_month) < 4 * by_day.min(by_month) {
            return None;
        }
        less(by_day, by_month)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stamp;
    use super::*;

    fn census(dates: &[&str]) -> Census {
        let lines: Vec<String> = dates.iter().map(|date| format!("{date} - A: b")).collect();
        let mut stamps = lines.iter().map(|line| stamp::parse(line).unwrap().0).zip(1..);
        let (first, line) = stamps.next().unwrap();
        let mut census = Census::new(&first, line);
        stamps.for_each(|(stamp, line)| census.count(&stamp, line));
        census
    }

    fn guess(dates: &[&str]) -> (DateOrder, Evidence) {
        let Dates { order, evidence } = census(dates).guess();
        (order, evidence)
    }

    #[test]
    fn a_number_above_twelve_decides() {
        assert_eq!(guess(&["1/2/24, 1:05 PM", "13/2/24, 1:05 PM"]), (DateOrder::DayFirst, Evidence::Numbers));
        assert_eq!(
            guess(&["01/02/24, 13:05", "02/13/24, 13:05"]),
            (DateOrder::MonthFirst, Evidence::Numbers)
        );
        assert_eq!(guess(&["2024-02-01, 13:05"]), (DateOrder::YearFirst, Evidence::Numbers));
    }

    #[test]
    fn a_few_quoted_lines_do_not_outvote_the_file() {
        let dates = ["14/02/24, 13:05", "02/13/24, 13:05", "15/02/24, 13:05"];
        assert_eq!(guess(&dates), (DateOrder::DayFirst, Evidence::Numbers));
    }

    #[test]
    fn time_runs_forward() {
        let dates = ["1/12/24, 1:05 PM", "2/10/24, 1:05 PM"];
        assert_eq!(guess(&dates), (DateOrder::MonthFirst, Evidence::Sequence));
        let dates = ["01/03/24, 13:05", "12/03/24, 13:05", "01/04/24, 13:05"];
        assert_eq!(guess(&dates), (DateOrder::DayFirst, Evidence::Sequence));
    }

    #[test]
    fn a_late_message_does_not_turn_the_order() {
        let dates = ["01/03/24, 23:59", "02/03/24, 10:00", "01/03/24, 23:58"];
        assert_eq!(guess(&dates).0, DateOrder::DayFirst);
    }

    #[test]
    fn else_what_is_usual() {
        for (dates, order) in [
            (&["1.3.24, 13:05"][..], DateOrder::DayFirst),
            (&["01/03/24, 13:05"], DateOrder::DayFirst),
            (&["1/3/24, 1:05 PM"], DateOrder::MonthFirst),
            (&["12/11/24, 1:05 PM"], DateOrder::MonthFirst),
            (&["03/01/24, 1:05 PM"], DateOrder::DayFirst),
            (&["3/1/24, 1:05 pm"], DateOrder::DayFirst),
            (&["3/1/24, 1:05 p.m."], DateOrder::DayFirst),
            (&["3/1/24, 13:05"], DateOrder::DayFirst),
            (&["3/1/24, 13:05", "3/2/24, 13:05", "3/4/24, 13:05"], DateOrder::MonthFirst),
            (&["1/3/24, 13:05", "2/3/24, 13:05", "4/3/24, 13:05"], DateOrder::DayFirst),
        ] {
            assert_eq!(guess(dates), (order, Evidence::Convention), "{dates:?}");
        }
    }

    #[test]
    fn a_given_order_wins_unless_the_file_denies_it() {
        let clear = census(&["01/02/24, 13:05", "13/02/24, 13:05"]);
        assert!(matches!(
            clear.decide(Some(DateOrder::MonthFirst)),
            Err(ImportError::DateOrderContradicted { given: DateOrder::MonthFirst, line: 2 })
        ));
        assert!(clear.decide(Some(DateOrder::YearFirst)).is_err());
        let open = census(&["01/02/24, 13:05"]);
        let dates = open.decide(Some(DateOrder::MonthFirst)).unwrap();
        assert_eq!((dates.order, dates.evidence), (DateOrder::MonthFirst, Evidence::Given));
        assert!(census(&["2024-01-02, 13:05"]).decide(Some(DateOrder::DayFirst)).is_err());
    }
}
