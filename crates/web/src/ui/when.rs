//! Times, as people of the chosen language and of this place on earth say them.

use std::cell::RefCell;
use std::collections::HashMap;

use diario_protocol::Timestamp;
use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use leptos::prelude::Get as _;
use wasm_bindgen::JsValue;

use crate::model::when::{Form, form};
use crate::state::State;
use crate::text::{language, tr};

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Style {
    Time,
    Weekday,
    Date,
    FullDate,
    Day,
    Month,
    Exact,
}

impl Style {
    const fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Time => &[("hour", "2-digit"), ("minute", "2-digit")],
            Self::Weekday => &[("weekday", "short")],
            Self::Date => &[("day", "numeric"), ("month", "short")],
            Self::FullDate => &[("day", "numeric"), ("month", "short"), ("year", "numeric")],
            Self::Day => &[("weekday", "long"), ("day", "numeric"), ("month", "long"), ("year", "numeric")],
            Self::Month => &[("month", "long"), ("year", "numeric")],
            Self::Exact => &[("dateStyle", "full"), ("timeStyle", "short")],
        }
    }
}

thread_local! {
    /// Making a format takes far longer than using it.
    static FORMATS: RefCell<HashMap<(&'static str, Style), Function>> = RefCell::default();
}

fn write(at: Timestamp, style: Style) -> String {
    let tag = language().tag();
    let format = FORMATS.with(|formats| {
        formats
            .borrow_mut()
            .entry((tag, style))
            .or_insert_with(|| {
                let options = Object::new();
                for (name, value) in style.options() {
                    // Setting a property of a plain object cannot fail.
                    let _ = Reflect::set(&options, &(*name).into(), &(*value).into());
                }
                Intl::DateTimeFormat::new(&locales(tag), &options).format()
            })
            .clone()
    });
    let date = JsValue::from_f64(milliseconds(at));
    format.call1(&JsValue::UNDEFINED, &date).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// The language as the browser wants it, with its region if it is the same language: hours of 12 or of 24.
fn locales(tag: &str) -> Array {
    let of_browser = leptos::prelude::window()
        .navigator()
        .languages()
        .iter()
        .filter_map(|wanted| wanted.as_string())
        .find(|wanted| wanted.split('-').next() == Some(tag));
    Array::of1(&of_browser.unwrap_or_else(|| tag.to_owned()).into())
}

/// Whatever a sender claims, it is a date that browsers know.
#[expect(clippy::cast_precision_loss, reason = "below 2^53 for the next 285,000 years")]
fn milliseconds(at: Timestamp) -> f64 {
    at.0.min(8_640_000_000_000_000) as f64
}

/// The number of the local day of a time, at most that of tomorrow: nobody writes later than that.
pub(crate) fn local_day(at: Timestamp) -> i64 {
    let now = Date::now();
    let at = milliseconds(at).min(now + 86_400_000.0);
    let offset = Date::new(&at.into()).get_timezone_offset() * 60_000.0;
    #[expect(clippy::cast_possible_truncation, reason = "days since 1970")]
    let day = ((at - offset) / 86_400_000.0).floor() as i64;
    day
}

/// The local date of a time, as date fields have it: year-month-day.
pub(crate) fn local_date(at: Timestamp) -> String {
    let date = Date::new(&milliseconds(at).into());
    format!("{:04}-{:02}-{:02}", date.get_full_year(), date.get_month() + 1, date.get_date())
}

/// When a local date begins, ms since 1970; `None` if it is none, or before 1970.
pub(crate) fn local_midnight(date: &str) -> Option<u64> {
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let begins =
        Date::new_with_year_month_day(year, i32::try_from(month).ok()? - 1, i32::try_from(day).ok()?);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    let at = Some(begins.get_time()).filter(|at| *at >= 0.0).map(|at| at as u64);
    at
}

/// Hours and minutes.
pub(crate) fn time(at: Timestamp) -> String {
    write(at, Style::Time)
}

/// The month.
pub(crate) fn month(at: Timestamp) -> String {
    write(at, Style::Month)
}

/// The date, with its year.
pub(crate) fn date(at: Timestamp) -> String {
    write(at, Style::FullDate)
}

/// The beginning of a day that was chosen, as `2026-11-27`, or of the day after it; `None` if it is none.
pub(crate) fn of_day(chosen: &str, after: bool) -> Option<Timestamp> {
    let mut parts = chosen.split('-').map(|part| part.parse::<i32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let date = Date::new_with_year_month_day(u32::try_from(year).ok()?, month - 1, day + i32::from(after));
    let ms = date.get_time();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a date after 1970")]
    (ms >= 0.0).then_some(Timestamp(ms as u64))
}

/// Date and time in full, for those who point at it.
pub(crate) fn exact(at: Timestamp) -> String {
    write(at, Style::Exact)
}

/// A time in the list: of today the hour, of this week the day, else the date.
pub(crate) fn listed(state: State, at: Timestamp) -> String {
    let now = Timestamp(state.now.get());
    let year = |at: Timestamp| Date::new(&milliseconds(at).into()).get_full_year();
    match form(local_day(at), local_day(now), year(at) == year(now)) {
        Form::Time => write(at, Style::Time),
        Form::Yesterday => tr("yesterday"),
        Form::Weekday => write(at, Style::Weekday),
        Form::Date => write(at, Style::Date),
        Form::FullDate => write(at, Style::FullDate),
    }
}

/// The name of a day in a conversation.
pub(crate) fn day(state: State, at: Timestamp) -> String {
    let now = Timestamp(state.now.get());
    match form(local_day(at), local_day(now), true) {
        Form::Time => tr("today"),
        Form::Yesterday => tr("yesterday"),
        _ => write(at, Style::Day),
    }
}
