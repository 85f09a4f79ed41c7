//! `diario approve`: lets a new device into the account.

use std::time::Duration;

use diario_engine::linking::LinkCode;
use diario_engine::{Event, LinkingStep};
use diario_protocol::DeviceId;
use serde::Serialize;
use tokio::time::Instant;

use crate::args::Approve;
use crate::context::{Context, Wake};
use crate::error::{CliError, Kind};
use crate::style::{Ink, one_line};

#[derive(Clone, Serialize)]
struct Device {
    name: String,
    device: String,
}

#[derive(Serialize)]
struct Request {
    request: Device,
}

#[derive(Serialize)]
struct Approved {
    approved: Device,
}

/// A new device tells its name as one of the first things.
const NAMED_WITHIN: Duration = Duration::from_secs(2);

pub(crate) async fn run(context: &mut Context, args: Approve) -> Result<(), CliError> {
    let Approve { code, yes, revoke } = args;
    if !yes && !context.out.face.asks {
        return Err(CliError::usage(
            "a new device is let in only when somebody says so, and there is no terminal to ask on",
        )
        .hint("with --yes it is let in without asking: only where you trust who made the code"));
    }
    context.live().await?;
    let mut gone = match revoke {
        Some(wanted) => Some(super::devices::pick(&super::devices::all(context).await?, &wanted)?.id),
        None => None,
    };
    let elsewhere = server_of(context, &code).await?;
    context.engine(move |engine, now| engine.approve(&code, now)).await?;
    let (name, device) = requested(context).await.map_err(|e| match &elsewhere {
        Some(server) => {
            e.hint(format!("the code was made for {server}, which may be another server than yours"))
        }
        None => e,
    })?;
    let asking = Device { name, device: device.to_string() };
    let request = Request { request: asking.clone() };
    let short = &asking.device[..8];
    context
        .out
        .show(&request, |style| {
            format!(
                "{} asks to be a device of yours ({}).\n",
                style.paint(Ink::Bold, &one_line(&asking.name)),
                style.paint(Ink::Dim, short)
            )
        })
        .await?;
    if !yes {
        let answer = context.out.ask("It will see everything you see. Let it in? [y/N] ").await?;
        if !answer.is_some_and(|a| matches!(a.to_ascii_lowercase().as_str(), "y" | "yes")) {
            context.engine(|engine, now| engine.confirm_link(false, now)).await?;
            // The other side is told before this one goes.
            context.settled().await?;
            return Err(CliError::failed("the device was not let in"));
        }
    }
    loop {
        let full = context.engine(move |engine, now| engine.admit_device(gone, now)).await;
        match full {
            Ok(()) => break,
            Err(e) if e.kind != Kind::Full || yes || !context.out.face.asks => {
                return Err(e.hint("run it again with --revoke DEVICE; `diario devices` lists them"));
            }
            Err(e) => gone = Some(instead(context, e).await?),
        }
    }
    done(context).await?;
    // The new device is let in; that it is called by its name in `diario devices` soon after is a courtesy.
    let soon = context.deadline().min(Instant::now() + NAMED_WITHIN);
    context
        .until_by(soon, move |engine, now| {
            let named = engine.devices(now)?.iter().any(|d| d.id == device && !d.name.is_empty());
            Ok((named && engine.at_rest()).then_some(()))
        })
        .await?;
    let approved = Approved { approved: asking };
    context
        .out
        .show(&approved, |_| format!("{} is a device of yours now.\n", one_line(&approved.approved.name)))
        .await
}

/// Asks which device the new one is to take the place of.
async fn instead(context: &mut Context, full: CliError) -> Result<DeviceId, CliError> {
    let devices = super::devices::all(context).await?;
    let text = super::devices::table(&devices, &context.out.style);
    context.out.warn(&full.message).await?;
    context.out.err(text).await?;
    loop {
        let Some(answer) = context.out.ask("Which one to revoke? ").await?.filter(|a| !a.is_empty()) else {
            return Err(full);
        };
        match super::devices::pick(&devices, &answer) {
            Ok(device) => return Ok(device.id),
            Err(e) => context.out.warn(&e.message).await?,
        }
    }
}

/// The server that a code from a QR was made for, if it is not this device's by its name.
async fn server_of(context: &Context, code: &str) -> Result<Option<String>, CliError> {
    let Ok(code) = code.parse::<LinkCode>() else { return Ok(None) };
    let own = context.engine(|engine, _| Ok::<_, CliError>(engine.server().map(str::to_owned))).await?;
    let differs = own.is_none_or(|own| own.trim_end_matches('/') != code.server().trim_end_matches('/'));
    Ok(differs.then(|| code.server().to_owned()))
}

async fn requested(context: &mut Context) -> Result<(String, DeviceId), CliError> {
    let deadline = context.deadline();
    loop {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Linking(LinkingStep::Requested { name, device })) => {
                return Ok((name, device));
            }
            Wake::Event(Event::Linking(LinkingStep::Failed(why))) => return Err(failed(&why)),
            Wake::Late => {
                return Err(context
                    .offline("the new device did not answer")
                    .await
                    .hint("is it still showing the code?"));
            }
            _ => {}
        }
    }
}

async fn done(context: &mut Context) -> Result<(), CliError> {
    let deadline = context.deadline();
    loop {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Linking(LinkingStep::Done { .. })) => return Ok(()),
            Wake::Event(Event::Linking(LinkingStep::Failed(why))) => return Err(failed(&why)),
            Wake::Late => {
                let e = context.offline("the new device did not say that it is done").await;
                return Err(e.hint("`diario devices` shows whether it was let in"));
            }
            _ => {}
        }
    }
}

fn failed(why: &str) -> CliError {
    CliError::new(Kind::Refused, format!("the linking failed: {why}"))
        .hint("make another code on the new device with `diario link`")
}
