//! `diario devices`: the account's devices, and revoking one.

use diario_engine::{CommandError, DeviceView};
use diario_protocol::{ConversationId, DeviceId};
use serde::Serialize;

use crate::args::{DeviceChange, Devices};
use crate::context::Context;
use crate::error::CliError;
use crate::style::{Ink, Style, Table, cut, one_line, rfc3339};
use crate::view::now;

#[derive(Serialize)]
pub(crate) struct DeviceJson {
    device: String,
    name: String,
    primary: bool,
    this: bool,
    valid_until: Option<String>,
    state: &'static str,
}

#[derive(Serialize)]
struct Revoked {
    revoked: DeviceJson,
}

pub(crate) async fn run(context: &mut Context, args: Devices) -> Result<(), CliError> {
    match args.change {
        None => list(context).await,
        Some(DeviceChange::Revoke { device }) => revoke(context, &device).await,
    }
}

async fn all(context: &Context) -> Result<Vec<DeviceView>, CliError> {
    context
        .engine(|engine, now| {
            if engine.whoami().is_none() {
                return Err(CliError::from(CommandError::NoAccount));
            }
            Ok(engine.devices(now)?)
        })
        .await
}

async fn list(context: &mut Context) -> Result<(), CliError> {
    let devices = all(context).await?;
    if context.out.face.json {
        for device in &devices {
            context.out.show(&json(device), |_| String::new()).await?;
        }
        return Ok(());
    }
    let text = table(&devices, &context.out.style);
    context.out.out(text).await
}

fn is_expired(device: &DeviceView) -> bool {
    // The engine knows the server's time only while it is connected.
    device.valid_until.is_some_and(|until| until <= now())
}

fn json(device: &DeviceView) -> DeviceJson {
    DeviceJson {
        device: device.id.to_string(),
        name: device.name.clone(),
        primary: device.primary,
        this: device.this,
        valid_until: device.valid_until.map(rfc3339),
        state: if is_expired(device) { "expired" } else { "valid" },
    }
}

fn table(devices: &[DeviceView], style: &Style) -> String {
    let mut table = Table::default();
    let head = ["ID", "NAME", "ROLE", "VALID UNTIL"];
    table.row(head.iter().map(|title| (Ink::Dim, (*title).to_owned())).collect());
    for device in devices {
        let (ink, until) = match device.valid_until {
            None => (Ink::Dim, "always".to_owned()),
            Some(until) if is_expired(device) => (Ink::Error, format!("{} (over)", style.day(until))),
            Some(until) => (Ink::Plain, style.day(until)),
        };
        let name = one_line(&device.name);
        table.row(vec![
            (Ink::Dim, device.id.to_string()[..8].to_owned()),
            (Ink::Bold, if name.is_empty() { "?".into() } else { cut(&name, 32).into_owned() }),
            (Ink::Plain, if device.primary { "primary" } else { "linked" }.to_owned()),
            (ink, until),
            (Ink::Mine, if device.this { "this device" } else { "" }.to_owned()),
        ]);
    }
    table.print(style)
}

async fn revoke(context: &mut Context, wanted: &str) -> Result<(), CliError> {
    let device = pick(&all(context).await?, wanted)?;
    let id = device.id;
    let account = context.engine(|engine, _| engine.whoami().ok_or(CommandError::NoAccount)).await?.1;
    context.engine(move |engine, now| engine.revoke(id, now)).await?;
    context.concern = Some((ConversationId::of_self(account), None));
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
            format!("{} is no device of yours any more. What it had stays on it.\n", one_line(&device.name))
        })
        .await
}

/// The device that is called so, or whose id begins so.
fn pick(devices: &[DeviceView], wanted: &str) -> Result<DeviceView, CliError> {
    let prefix = wanted.to_ascii_lowercase();
    if let Ok(id) = prefix.parse::<DeviceId>()
        && let Some(device) = devices.iter().find(|d| d.id == id)
    {
        return Ok(device.clone());
    }
    let named: Vec<_> = devices.iter().filter(|d| d.name.to_lowercase() == wanted.to_lowercase()).collect();
    let by_id: Vec<_> =
        devices.iter().filter(|d| !prefix.is_empty() && d.id.to_string().starts_with(&prefix)).collect();
    match (named.as_slice(), by_id.as_slice()) {
        ([one], _) | ([], [one]) => Ok((*one).clone()),
        ([], []) => Err(CommandError::NoDevice(wanted.to_owned()).into()),
        _ => Err(CliError::failed(format!("{wanted:?} may mean several devices"))
            .hint("use more of the id; `diario --json devices` shows all of it")),
    }
}

#[cfg(test)]
mod tests {
    use diario_engine::DeviceState;

    use super::*;

    fn device(byte: u8, name: &str) -> DeviceView {
        DeviceView {
            id: DeviceId::new([byte; 16]),
            name: name.to_owned(),
            platform: String::new(),
            primary: false,
            awaits_key: false,
            this: false,
            linked_at: None,
            linked_by: None,
            last_seen: None,
            valid_until: None,
            state: DeviceState::Valid,
        }
    }

    #[test]
    fn a_device_is_found_by_what_tells_it_apart() {
        let devices = || vec![device(0x1a, "phone"), device(0x1b, "tablet"), device(0x2c, "tablet")];
        assert_eq!(pick(&devices(), "Phone").unwrap().id, DeviceId::new([0x1a; 16]));
        assert_eq!(pick(&devices(), "1B").unwrap().name, "tablet");
        assert!(
            pick(&devices(), "1").is_err()
                && pick(&devices(), "tablet").is_err()
                && pick(&devices(), "").is_err()
        );
    }
}
