//! Which form of a time says enough.

/// How a time in the list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Hours and minutes.
    Time,
    /// "Yesterday".
    Yesterday,
    /// The day of the week.
    Weekday,
    /// Day and month.
    Date,
    /// Day, month and year.
    FullDate,
}

/// The form for a time of the local day `day`, seen on the local day `today`. `same_year`: whether both are of
/// one year.
pub fn form(day: i64, today: i64, same_year: bool) -> Form {
    match today - day {
        // What lies ahead is of a clock that goes fast: its hour is all that can be believed.
        ..=0 => Form::Time,
        1 => Form::Yesterday,
        2..=6 => Form::Weekday,
        _ if same_year => Form::Date,
        _ => Form::FullDate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_further_away_the_longer() {
        assert_eq!(form(10, 10, true), Form::Time);
        assert_eq!(form(11, 10, true), Form::Time);
        assert_eq!(form(9, 10, true), Form::Yesterday);
        assert_eq!(form(4, 10, true), Form::Weekday);
        assert_eq!(form(3, 10, true), Form::Date);
        assert_eq!(form(3, 10, false), Form::FullDate);
    }
}
