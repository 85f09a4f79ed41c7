//! `diario doctor`: what is wrong with this device, and what to do.

use std::fmt::Write as _;
use std::path::Path;

use diario_engine::{ConnectionState, DeviceState, Diagnosis, EngineError, WaitingFor};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use crate::style::{Ink, one_line, pad};

/// A clock that is wrong by more is worth a word, in milliseconds.
const CLOCK_TOLERANCE_MS: u64 = 60_000;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Finding {
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, ok: true, detail: detail.into(), hint: None }
    }

    fn bad(check: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, ok: false, detail: detail.into(), hint: Some(hint.into()) }
    }
}

pub(crate) async fn run(context: &mut Context) -> Result<(), CliError> {
    let mut findings = Vec::new();
    let has_account = context.engine(|engine, _| Ok::<_, CliError>(engine.whoami().is_some())).await?;
    // Everything is looked at, whatever is found.
    let connected = if has_account { context.live().await } else { Ok(()) };
    if has_account && connected.is_ok() {
        context.settled().await?;
    }
    let diagnosis = context.engine(|engine, _| engine.diagnose()).await?;
    findings.push(store(&diagnosis));
    if has_account {
        findings.push(server(context, connected.err()));
        findings.push(clock(&diagnosis));
        findings.push(device(context).await?);
        findings.extend(contents(&diagnosis, *context.connection.borrow()));
    } else {
        findings.push(Finding::bad(
            "account",
            "no account here yet",
            "`diario register` makes one, `diario link` joins one of yours",
        ));
    }
    report(&mut context.out, &findings).await
}

/// The store cannot even be opened.
pub(crate) async fn unopened(out: &mut Output, home: &Path, e: &EngineError) -> Result<(), CliError> {
    let hint = format!(
        "move {} away and link this device anew with `diario link`: the server has all but what was never sent",
        home.display()
    );
    report(out, &[Finding::bad("store", e.to_string(), hint)]).await
}

async fn report(out: &mut Output, findings: &[Finding]) -> Result<(), CliError> {
    for finding in findings {
        out.show(finding, |style| {
            let (mark, ink) = if finding.ok { ("✓", Ink::Read) } else { ("✗", Ink::Error) };
            let mut text = format!(
                "{} {}  {}\n",
                style.paint(ink, mark),
                pad(finding.check, 8),
                one_line(&finding.detail)
            );
            if let Some(hint) = &finding.hint {
                let hint = style.paint(Ink::Bold, &one_line(hint));
                let _ = writeln!(text, "  {}  {hint}", " ".repeat(8));
            }
            text
        })
        .await?;
    }
    match findings.iter().filter(|f| !f.ok).count() {
        0 => Ok(()),
        1 => Err(CliError::failed("one thing is wrong")),
        n => Err(CliError::failed(format!("{n} things are wrong"))),
    }
}

fn store(diagnosis: &Diagnosis) -> Finding {
    match diagnosis.damage.first() {
        None => Finding::good("store", "opens, and is whole"),
        Some(first) => Finding::bad(
            "store",
            format!("is damaged: {first}"),
            "`diario rebuild` fills it anew from the server; if that fails, move the folder away and link again",
        ),
    }
}

fn server(context: &Context, trouble: Option<CliError>) -> Finding {
    match trouble {
        None if *context.connection.borrow() == ConnectionState::Live => {
            Finding::good("server", "answers, and this device is up to date")
        }
        None => {
            Finding::bad("server", "the connection was lost again", "is the network good? Run this again")
        }
        Some(e) => {
            let hint = e.hints.first().cloned();
            Finding {
                check: "server",
                ok: false,
                detail: e.message,
                hint: hint
                    .or_else(|| Some("are you online? Ask who runs the server whether it is up".to_owned())),
            }
        }
    }
}

fn clock(diagnosis: &Diagnosis) -> Finding {
    match diagnosis.clock_offset_ms {
        None => Finding::good("clock", "was not compared: no connection"),
        Some(offset) if offset.unsigned_abs() <= CLOCK_TOLERANCE_MS => {
            Finding::good("clock", format!("{offset:+} ms to the server's"))
        }
        Some(offset) => Finding::bad(
            "clock",
            format!("the server's clock is {:+} s from this one", offset / 1000),
            "set this machine's clock; if it is right, tell who runs the server",
        ),
    }
}

async fn device(context: &Context) -> Result<Finding, CliError> {
    let this = context.engine(|engine, now| engine.devices(now)).await?.into_iter().find(|d| d.this);
    let Some(this) = this else {
        return Ok(Finding::bad(
            "device",
            "is not one of the account's",
            "it was revoked, or the account is not made yet: `diario sync` says which",
        ));
    };
    let style = &context.out.style;
    // What is soon is for the engine to say, so that `devices` and the web app warn from the same day on.
    Ok(match (this.valid_until, this.state) {
        (None, _) => Finding::good("device", "is a primary one: valid for as long as it is listed"),
        (Some(until), DeviceState::Expired) => Finding::bad(
            "device",
            format!("its time ran out on {}", style.moment(until)),
            "`diario devices renew` on any primary device renews it; nothing here is lost",
        ),
        (Some(until), DeviceState::ExpiresSoon) => Finding::bad(
            "device",
            format!("its time runs out on {}", style.moment(until)),
            "`diario devices renew` on any primary device renews it, and so does `diario sync` there",
        ),
        (Some(until), DeviceState::Valid) => {
            Finding::good("device", format!("is valid until {}", style.moment(until)))
        }
    })
}

fn contents(diagnosis: &Diagnosis, connection: ConnectionState) -> Vec<Finding> {
    let Diagnosis { outgoing, waiting, waiting_for, refused, failed, gaps, .. } = diagnosis;
    let live = connection == ConnectionState::Live;
    let mut findings = Vec::new();
    findings.push(match outgoing {
        0 => Finding::good("outbox", "nothing waits to be sent"),
        n if live => Finding::bad(
            "outbox",
            format!("{n} waiting to be sent, though there is a connection"),
            "wait a little and run this again; if it stays, report it",
        ),
        n => Finding::good("outbox", format!("{n} waiting for the next connection")),
    });
    findings.push(match gaps.as_slice() {
        [] => Finding::good("gaps", "no part of a conversation is missing"),
        gaps => Finding::bad(
            "gaps",
            format!("parts of {} conversations are missing", gaps.len()),
            "`diario sync` fetches them; `diario rebuild` fetches everything",
        ),
    });
    findings.push(keys(*waiting, waiting_for));
    if *refused > 0 {
        findings.push(Finding::bad(
            "refused",
            format!("{refused} entries were not accepted: forged, or changed on their way"),
            "`diario history` says where; tell who runs the server",
        ));
    }
    if *failed > 0 {
        findings.push(Finding::bad(
            "failed",
            format!("{failed} messages of yours were refused by the server"),
            "`diario history` shows them; send them again",
        ));
    }
    findings
}

/// What cannot be read, and who was asked for the keys.
fn keys(waiting: u64, waiting_for: &[WaitingFor]) -> Finding {
    if waiting == 0 && waiting_for.is_empty() {
        return Finding::good("keys", "every message can be read");
    }
    let epochs: usize = waiting_for.iter().map(|w| w.epochs.len()).sum();
    let asked = waiting_for.iter().filter(|w| w.asked_at.is_some()).count();
    let mut detail = format!("{waiting} messages cannot be read yet");
    if epochs > 0 {
        let _ = write!(detail, "; {epochs} keys are missing, in {} conversations", waiting_for.len());
    }
    if asked == 0 {
        return Finding::bad(
            "keys",
            detail,
            "`diario sync` here and on another device of yours brings their keys",
        );
    }
    let _ = write!(detail, "; members of {asked} were asked");
    let hint =
        "they answer by themselves when one of their devices is online; `diario sync` then takes the answer";
    Finding::bad("keys", detail, hint)
}
