//! `diario devices`: the account's devices, and what can be done with them.

mod change;

use diario_engine::{CommandError, DeviceState, DeviceView};
use diario_protocol::DeviceId;
use serde::Serialize;

use crate::args::Devices;
use crate::context::Context;
use crate::error::CliError;
use crate::style::{Ink, Style, Table, cut, one_line, rfc3339};
use crate::view::now;

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own in the JSON")]
pub(crate) struct DeviceJson {
    device: String,
    name: String,
    platform: String,
    primary: bool,
    awaits_key: bool,
    this: bool,
    linked_at: Option<String>,
    linked_by: Option<String>,
    last_seen: Option<String>,
    valid_until: Option<String>,
    expires_soon: bool,
    state: &'static str,
}

pub(crate) async fn run(context: &mut Context, args: Devices) -> Result<(), CliError> {
    match args.change {
        None => list(context).await,
        Some(change) => change::run(context, change).await,
    }
}

pub(super) async fn all(context: &Context) -> Result<Vec<DeviceView>, CliError> {
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
    context.out.out(text).await?;
    warn_of_end(context).await
}

fn json(device: &DeviceView) -> DeviceJson {
    DeviceJson {
        device: device.id.to_string(),
        name: device.name.clone(),
        platform: device.platform.clone(),
        primary: device.primary,
        awaits_key: device.awaits_key,
        this: device.this,
        linked_at: device.linked_at.map(rfc3339),
        linked_by: device.linked_by.clone(),
        last_seen: device.last_seen.map(rfc3339),
        valid_until: device.valid_until.map(rfc3339),
        expires_soon: device.state == DeviceState::ExpiresSoon,
        state: if device.state == DeviceState::Expired { "expired" } else { "valid" },
    }
}

pub(super) fn table(devices: &[DeviceView], style: &Style) -> String {
    let mut table = Table::default();
    let head = ["ID", "NAME", "ROLE", "RUNS ON", "LINKED", "SEEN", "VALID UNTIL"];
    table.row(head.iter().map(|title| (Ink::Dim, (*title).to_owned())).collect());
    for device in devices {
        let (ink, until) = match (device.valid_until, device.state) {
            (None, _) => (Ink::Dim, "always".to_owned()),
            (Some(until), DeviceState::Expired) => (Ink::Error, format!("{} (over)", style.day(until))),
            (Some(until), DeviceState::ExpiresSoon) => (Ink::Warn, format!("{} (soon)", style.day(until))),
            (Some(until), DeviceState::Valid) => (Ink::Plain, style.day(until)),
        };
        let role = match (device.primary, device.awaits_key) {
            (true, true) => "primary once it is online",
            (true, false) => "primary",
            (false, _) => "linked",
        };
        let by = device.linked_by.as_deref().map(|by| format!(" by {}", cut(&one_line(by), 20)));
        let linked = device.linked_at.map(|at| style.brief(at, now()) + &by.unwrap_or_default());
        let seen = device.last_seen.filter(|_| !device.this).map(|at| style.brief(at, now()));
        table.row(vec![
            (Ink::Dim, device.id.to_string()[..8].to_owned()),
            (Ink::Bold, shown(device)),
            (Ink::Plain, role.to_owned()),
            (Ink::Plain, cut(&one_line(&device.platform), 24).into_owned()),
            (Ink::Plain, linked.unwrap_or_default()),
            (Ink::Plain, seen.unwrap_or_default()),
            (ink, until),
            (Ink::Mine, if device.this { "this device" } else { "" }.to_owned()),
        ]);
    }
    table.print(style)
}

/// A device's name, fit for a line.
fn shown(device: &DeviceView) -> String {
    let name = one_line(&device.name);
    if name.is_empty() { "?".into() } else { cut(&name, 32).into_owned() }
}

/// Says so if this device's time runs out soon, or has.
pub(crate) async fn warn_of_end(context: &mut Context) -> Result<(), CliError> {
    let devices = context.engine(|engine, now| Ok::<_, CliError>(engine.devices(now)?)).await?;
    let Some(this) = devices.iter().find(|d| d.this) else { return Ok(()) };
    let Some(until) = this.valid_until else { return Ok(()) };
    let primaries: Vec<_> = devices.iter().filter(|d| d.primary && !d.awaits_key).map(shown).collect();
    let there = format!("`diario devices renew` on a primary device ({}) renews it", primaries.join(", "));
    let day = context.out.style.day(until);
    match this.state {
        DeviceState::Valid => Ok(()),
        DeviceState::ExpiresSoon => {
            context.out.warn(&format!("this device's time runs out on {day}; {there}")).await
        }
        DeviceState::Expired => {
            let kept = "what is stored here and what waits to be sent is kept";
            context.out.warn(&format!("this device's time has run out on {day}; {there}, and {kept}")).await
        }
    }
}

/// The device that is called so, or whose id begins so.
pub(super) fn pick(devices: &[DeviceView], wanted: &str) -> Result<DeviceView, CliError> {
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
