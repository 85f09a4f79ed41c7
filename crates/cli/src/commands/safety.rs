//! `diario safety-number`: what two people compare to know that no third stands between them.

use std::fmt::Write as _;

use diario_engine::{CommandError, SafetyComparison, SafetyNumber};
use serde::Serialize;

use super::link::drawing;
use crate::args::Safety;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve;
use crate::style::{Ink, one_line, rfc3339};

#[derive(Serialize)]
struct Shown<'a> {
    username: &'a str,
    account: String,
    number: &'a str,
    code: &'a str,
    verified: bool,
    verified_at: Option<String>,
    comparison: Option<&'static str>,
}

pub(crate) async fn run(context: &mut Context, args: Safety) -> Result<(), CliError> {
    let Safety { username, qr, verified, not_verified, compare } = args;
    let accounts = resolve::accounts(context, std::slice::from_ref(&username)).await?;
    let Some(account) = accounts.first().copied() else { return Err(CliError::stopped()) };
    let me = context.engine(|engine, _| engine.whoami().ok_or(CommandError::NoAccount)).await?.1;
    if account == me {
        return Err(CliError::failed("that is you; a safety number is of two people"));
    }
    let comparison = match compare {
        Some(code) => {
            Some(context.engine(move |engine, _| engine.compare_safety_code(account, &code)).await?)
        }
        None => None,
    };
    let fits = comparison.is_none_or(|c| c == SafetyComparison::Match);
    let mut told = true;
    if (verified && fits) || not_verified {
        context.engine(move |engine, now| engine.set_verified(account, verified, now)).await?;
        told = context.settled().await?;
    }
    let (number, username) = context
        .engine(move |engine, _| {
            let number = engine.safety_number(account)?.ok_or(CommandError::NoKey)?;
            Ok::<_, CommandError>((number, engine.name_of(account)?))
        })
        .await?;
    let shown = Shown {
        username: &username,
        account: account.to_string(),
        number: &number.digits,
        code: &number.code,
        verified: number.verified_at.is_some(),
        verified_at: number.verified_at.map(rfc3339),
        comparison: comparison.map(name),
    };
    let name = one_line(&username);
    context
        .out
        .show(&shown, |style| {
            let state = match number.verified_at {
                Some(at) => format!("verified on {}", style.day(at)),
                None => "not verified".to_owned(),
            };
            let mut text = format!("Safety number of you and {name} ({state}):\n\n");
            for line in lines(&number) {
                let _ = writeln!(text, "    {}", style.paint(Ink::Bold, &line));
            }
            if qr {
                let _ = writeln!(text, "\n{}", drawing(style, &number.code));
            }
            text.push_str(match comparison {
                None if number.verified_at.is_some() => "",
                None => {
                    "\nCompare it with what the other one sees, side by side or in a call. \
                     If it is the same, run this again with --verified.\n"
                }
                Some(SafetyComparison::Match) => "\nThey are the same: nobody stands between you.\n",
                Some(_) => "",
            });
            text
        })
        .await?;
    match comparison {
        Some(SafetyComparison::Mismatch) => Err(CliError::failed(format!(
            "this is not the number that is seen here for {name}"
        ))
        .hint("if it was shown for you on their own device, somebody stands between you: tell them nothing secret here")),
        Some(SafetyComparison::NotACode) => {
            Err(CliError::failed("this is no safety number, or not all of it")
                .hint("it is 60 digits, or what their QR code says"))
        }
        Some(SafetyComparison::OtherVersion) => {
            Err(CliError::failed("this code was made by another version of Diario")
                .hint("update Diario on whichever of the two is older, or compare the digits"))
        }
        Some(SafetyComparison::Match) | None if told => Ok(()),
        Some(SafetyComparison::Match) | None => {
            Err(context.offline("your other devices learn it at the next connection").await)
        }
    }
}

/// Three lines of four groups.
fn lines(number: &SafetyNumber) -> Vec<String> {
    let groups: Vec<_> = number.groups().collect();
    groups.chunks(4).map(|line| line.join(" ")).collect()
}

const fn name(comparison: SafetyComparison) -> &'static str {
    match comparison {
        SafetyComparison::Match => "match",
        SafetyComparison::Mismatch => "mismatch",
        SafetyComparison::NotACode => "not_a_code",
        SafetyComparison::OtherVersion => "other_version",
    }
}
