//! `diario recover`: an account comes back to a new device, by its recovery key.

use diario_client::websocket_url;
use diario_engine::recovery::{Keep, RecoverableDevice, RecoverySecret};
use diario_engine::{CommandError, Event, RecoveryStep};
use diario_protocol::{AccountRef, DeviceId, Username};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::args::{NewDevice, Recover};
use crate::context::{Context, Wake};
use crate::error::CliError;
use crate::home::machine_name;
use crate::style::{Ink, Style, Table, cut, one_line, rfc3339};

#[derive(Serialize)]
struct Opened {
    account: OpenedAccount,
}

#[derive(Serialize)]
struct OpenedAccount {
    username: String,
    devices: Vec<DeviceJson>,
}

#[derive(Serialize)]
struct DeviceJson {
    device: String,
    name: String,
    primary: bool,
    valid_until: Option<String>,
    last_seen: Option<String>,
}

#[derive(Serialize)]
struct Recovered {
    recovered: RecoveredAccount,
}

#[derive(Serialize)]
struct RecoveredAccount {
    username: String,
    device: String,
}

pub(crate) async fn run(context: &mut Context, args: Recover) -> Result<(), CliError> {
    let Recover { new: NewDevice { server, device_name }, username, revoke_others, revoke, words } = args;
    websocket_url(&server)?;
    let username: Username = username.parse().map_err(CommandError::from)?;
    let words = match words {
        Some(words) => Zeroizing::new(words),
        None => ask_for_words(context).await?,
    };
    let secret = RecoverySecret::from_words(&words).map_err(CommandError::from)?;
    drop(words);
    let name = device_name.unwrap_or_else(machine_name);
    let account = AccountRef::Name(username);
    context.engine(move |engine, now| engine.begin_recovery(&server, &account, &secret, &name, now)).await?;
    let devices = opened(context).await?;
    let keep = if revoke_others {
        Keep::None
    } else if revoke.is_empty() {
        ask_what_stays(context, &devices).await?
    } else {
        let gone: Result<Vec<_>, _> = revoke.iter().map(|wanted| pick(&devices, wanted)).collect();
        Keep::AllBut(gone?)
    };
    context.engine(move |engine, now| engine.finish_recovery(&keep, now)).await.map_err(|e| {
        e.hint("run it again with --revoke DEVICE, or --revoke-others; the devices are listed above")
    })?;
    let username = done(context).await?;
    let device = context.engine(|engine, _| Ok::<_, CliError>(engine.whoami())).await?;
    let (_, _, device) = device.ok_or_else(CliError::stopped)?;
    let recovered = Recovered { recovered: RecoveredAccount { username, device: device.to_string() } };
    context
        .out
        .show(&recovered, |_| {
            let name = one_line(&recovered.recovered.username);
            format!("You are {name} again, and this is a primary device of yours.\n")
        })
        .await?;
    super::link::fetch(context).await
}

/// Reads words until there are 24, line by line.
async fn ask_for_words(context: &mut Context) -> Result<Zeroizing<String>, CliError> {
    let mut words = Zeroizing::new(String::new());
    let mut question = "The 24 words of your recovery key: ";
    while words.split_whitespace().count() < 24 {
        let line = context.out.ask(question).await?.map(Zeroizing::new);
        match line.filter(|line| !line.is_empty()) {
            Some(line) => {
                words.push(' ');
                words.push_str(&line);
            }
            None => break,
        }
        question = "and the next ones: ";
    }
    Ok(words)
}

/// Waits until the server has shown the vault; gives the account's devices.
async fn opened(context: &mut Context) -> Result<Vec<RecoverableDevice>, CliError> {
    let deadline = context.deadline();
    loop {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Recovery(RecoveryStep::Opened { username, devices, .. })) => {
                let shown = Opened {
                    account: OpenedAccount {
                        username: username.to_string(),
                        devices: devices.iter().map(json).collect(),
                    },
                };
                context.out.show(&shown, |style| table(&devices, style)).await?;
                return Ok(devices);
            }
            Wake::Late => return Err(context.offline("nothing was recovered yet").await),
            _ => {}
        }
    }
}

async fn done(context: &mut Context) -> Result<String, CliError> {
    let deadline = context.deadline();
    loop {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Recovery(RecoveryStep::Done { username })) => return Ok(username.to_string()),
            // The vault is also told anew when the connection was, while the user was still choosing: only if the
            // choice is asked for again were too many devices kept.
            Wake::Event(Event::Recovery(RecoveryStep::Opened { most, .. }))
                if context.engine(|e, _| Ok::<_, CliError>(e.awaits_recovery_choice())).await? =>
            {
                return Err(CommandError::DeviceLimit(most.into()).into());
            }
            Wake::Late => {
                let e = context.offline("the server did not say whether it took this device").await;
                return Err(e.hint("`diario sync` finds out; if it did not, run this command again"));
            }
            _ => {}
        }
    }
}

async fn ask_what_stays(context: &mut Context, devices: &[RecoverableDevice]) -> Result<Keep, CliError> {
    if devices.is_empty() || !context.out.face.asks {
        return Ok(Keep::All);
    }
    let question = "Keep these devices? [Y] all of them, [n] none, or the ids of those to revoke: ";
    loop {
        let answer = context.out.ask(question).await?.unwrap_or_default();
        match answer.to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => return Ok(Keep::All),
            "n" | "no" => return Ok(Keep::None),
            ids => {
                let gone: Result<Vec<_>, _> = ids.split_whitespace().map(|id| pick(devices, id)).collect();
                match gone {
                    Ok(gone) => return Ok(Keep::AllBut(gone)),
                    Err(e) => context.out.warn(&e.message).await?,
                }
            }
        }
    }
}

fn pick(devices: &[RecoverableDevice], wanted: &str) -> Result<DeviceId, CliError> {
    let prefix = wanted.to_ascii_lowercase();
    let is_it = |d: &&RecoverableDevice| {
        !prefix.is_empty() && (d.id.to_string().starts_with(&prefix) || d.name.to_lowercase() == prefix)
    };
    match devices.iter().filter(is_it).collect::<Vec<_>>().as_slice() {
        [one] => Ok(one.id),
        [] => Err(CliError::failed(format!("no such device: {wanted}")).hint("they are listed above")),
        _ => Err(CliError::failed(format!("{wanted:?} may mean several devices")).hint("use more of the id")),
    }
}

fn json(device: &RecoverableDevice) -> DeviceJson {
    DeviceJson {
        device: device.id.to_string(),
        name: device.name.clone(),
        primary: device.primary,
        valid_until: device.valid_until.map(rfc3339),
        last_seen: device.seen.map(rfc3339),
    }
}

fn table(devices: &[RecoverableDevice], style: &Style) -> String {
    if devices.is_empty() {
        return String::new();
    }
    let mut table = Table::default();
    let head = ["ID", "NAME", "ROLE", "LAST SEEN"];
    table.row(head.iter().map(|title| (Ink::Dim, (*title).to_owned())).collect());
    for device in devices {
        table.row(vec![
            (Ink::Dim, device.id.to_string()[..8].to_owned()),
            (
                Ink::Bold,
                if device.name.is_empty() {
                    "?".into()
                } else {
                    cut(&one_line(&device.name), 32).into_owned()
                },
            ),
            (Ink::Plain, if device.primary { "primary" } else { "linked" }.to_owned()),
            (Ink::Plain, device.seen.map_or_else(|| "?".to_owned(), |at| style.day(at))),
        ]);
    }
    table.print(style)
}
