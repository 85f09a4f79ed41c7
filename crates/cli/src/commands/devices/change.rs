//! Changes of the account's devices.

use std::time::Duration;

use diario_engine::{CommandError, DeviceView};
use diario_protocol::ConversationId;
use serde::Serialize;
use tokio::time::Instant;

use super::{DeviceJson, all, json, pick, shown};
use crate::args::DeviceChange;
use crate::context::Context;
use crate::error::CliError;

#[derive(Serialize)]
struct Revoked {
    revoked: DeviceJson,
}

#[derive(Serialize)]
struct Renamed {
    renamed: DeviceJson,
}

#[derive(Serialize)]
struct Renewed {
    renewed: DeviceJson,
}

#[derive(Serialize)]
struct Role {
    role: DeviceJson,
    /// Whether this device is still a primary.
    primary_here: bool,
}

/// A device that is connected takes the account's key within this time.
const TAKEN_WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn run(context: &mut Context, change: DeviceChange) -> Result<(), CliError> {
    let account = context.engine(|engine, _| engine.whoami().ok_or(CommandError::NoAccount)).await?.1;
    // What the server refuses ends the command.
    context.concern = Some((ConversationId::of_self(account), None));
    match change {
        DeviceChange::Revoke { device, yes } => revoke(context, &device, yes).await,
        DeviceChange::Rename { device, name } => rename(context, &device, name.join(" ")).await,
        DeviceChange::Renew { device } => renew(context, device.as_deref()).await,
        DeviceChange::MakePrimary { device, hand_over } => make_primary(context, &device, hand_over).await,
        DeviceChange::MakeLinked { device } => make_linked(context, &device).await,
    }
}

async fn revoke(context: &mut Context, wanted: &str, yes: bool) -> Result<(), CliError> {
    let device = pick(&all(context).await?, wanted)?;
    let id = device.id;
    // What cannot be is said before anything is asked.
    context
        .engine(|engine, _| if engine.is_primary() { Ok(()) } else { Err(CommandError::NotPrimary) })
        .await?;
    if !yes && !device.this && context.out.face.asks {
        let name = shown(&device);
        let what = format!(
            "{name} gets nothing new from now on and can send no more; what it did not send yet is lost.\n\
             What it has stays on it. Your other devices and the account lose nothing.\nRevoke {name}? [y/N] "
        );
        let answer = context.out.ask(&what).await?;
        if !answer.is_some_and(|a| matches!(a.to_ascii_lowercase().as_str(), "y" | "yes")) {
            return Err(CliError::failed("the device was not revoked"));
        }
    }
    context.engine(move |engine, now| engine.revoke(id, now)).await?;
    let gone = context
        .until(move |engine, now| Ok(engine.devices(now)?.iter().all(|d| d.id != id).then_some(())))
        .await?;
    if gone.is_none() {
        return Err(context.offline("the device will be revoked at the next connection").await);
    }
    // The conversations' keys turn with it: the sooner the better.
    context.settled().await?;
    let revoked = Revoked { revoked: json(&device) };
    context
        .out
        .show(&revoked, |_| {
            format!("{} is no device of yours any more. What it had stays on it.\n", shown(&device))
        })
        .await
}

async fn rename(context: &mut Context, wanted: &str, name: String) -> Result<(), CliError> {
    let device = pick(&all(context).await?, wanted)?;
    let id = device.id;
    context.engine(move |engine, now| engine.rename_device(id, &name, now)).await?;
    let told = context.settled().await?;
    let renamed = again(context, &device).await?;
    let object = Renamed { renamed: json(&renamed) };
    context.out.show(&object, |_| format!("{} is called {} now.\n", shown(&device), shown(&renamed))).await?;
    if told {
        Ok(())
    } else {
        Err(context.offline("your other devices learn it at the next connection").await)
    }
}

async fn renew(context: &mut Context, wanted: Option<&str>) -> Result<(), CliError> {
    let devices = all(context).await?;
    let chosen = match wanted {
        Some(wanted) => vec![pick(&devices, wanted)?],
        None => devices.into_iter().filter(|d| !d.primary).collect(),
    };
    if chosen.is_empty() {
        return Err(CliError::failed("there is no linked device to renew"));
    }
    let ids: Vec<_> = chosen.iter().map(|d| (d.id, d.valid_until)).collect();
    let wanted = ids.clone();
    context.engine(move |engine, now| wanted.iter().try_for_each(|(id, _)| engine.renew(*id, now))).await?;
    let done = context
        .until(move |engine, now| {
            let devices = engine.devices(now)?;
            let later = ids.iter().all(|(id, before)| {
                devices.iter().find(|d| d.id == *id).is_none_or(|d| d.valid_until > *before)
            });
            Ok(later.then_some(()))
        })
        .await?;
    if done.is_none() {
        return Err(context.offline("it will be renewed at the next connection").await);
    }
    for device in chosen {
        let renewed = again(context, &device).await?;
        let object = Renewed { renewed: json(&renewed) };
        context
            .out
            .show(&object, |style| {
                let until = renewed.valid_until.map(|until| style.day(until)).unwrap_or_default();
                format!("{} is good until {until}.\n", shown(&renewed))
            })
            .await?;
    }
    Ok(())
}

async fn make_primary(context: &mut Context, wanted: &str, hand_over: bool) -> Result<(), CliError> {
    let device = pick(&all(context).await?, wanted)?;
    let id = device.id;
    context
        .engine(
            move |engine, now| if hand_over { engine.hand_over(id, now) } else { engine.promote(id, now) },
        )
        .await?;
    let listed = context
        .until(move |engine, now| {
            Ok(engine.devices(now)?.iter().any(|d| d.id == id && d.primary).then_some(()))
        })
        .await?;
    if listed.is_none() {
        return Err(context.offline("it will be made a primary at the next connection").await);
    }
    // One that is connected takes the key at once. If it is not, all of this goes on by itself.
    let soon = context.deadline().min(Instant::now() + TAKEN_WITHIN);
    context
        .until_by(soon, move |engine, now| {
            let taken = engine.devices(now)?.iter().any(|d| d.id == id && !d.awaits_key);
            Ok((taken && engine.is_primary() != hand_over && engine.at_rest()).then_some(()))
        })
        .await?;
    let promoted = again(context, &device).await?;
    let primary_here = context.engine(|engine, _| Ok::<_, CliError>(engine.is_primary())).await?;
    let role = Role { role: json(&promoted), primary_here };
    context
        .out
        .show(&role, |_| {
            let name = shown(&promoted);
            let mut text = if promoted.awaits_key {
                format!("{name} becomes a primary as soon as it is online.\n")
            } else {
                format!("{name} is a primary now.\n")
            };
            if hand_over {
                text.push_str(if primary_here {
                    "This device gives up its role when that is done, at its next connection.\n"
                } else {
                    "This device is a linked one now, and has forgotten the account's key.\n"
                });
            }
            text
        })
        .await
}

async fn make_linked(context: &mut Context, wanted: &str) -> Result<(), CliError> {
    let device = pick(&all(context).await?, wanted)?;
    let id = device.id;
    context.engine(move |engine, now| engine.demote(id, now)).await?;
    let done = context
        .until(move |engine, now| {
            Ok(engine.devices(now)?.iter().all(|d| d.id != id || !d.primary).then_some(()))
        })
        .await?;
    if done.is_none() {
        return Err(context.offline("it will be made a linked device at the next connection").await);
    }
    context.settled().await?;
    let demoted = again(context, &device).await?;
    let primary_here = context.engine(|engine, _| Ok::<_, CliError>(engine.is_primary())).await?;
    let role = Role { role: json(&demoted), primary_here };
    context.out.show(&role, |_| format!("{} is a linked device now.\n", shown(&demoted))).await
}

/// The device as it is now.
async fn again(context: &Context, device: &DeviceView) -> Result<DeviceView, CliError> {
    let id = device.id;
    let found = all(context).await?.into_iter().find(|d| d.id == id);
    Ok(found.unwrap_or_else(|| device.clone()))
}
