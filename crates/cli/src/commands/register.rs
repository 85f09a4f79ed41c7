//! `diario register`: an account, with this device as its first.

use diario_client::{reach, websocket_url};
use diario_engine::Event;
use serde::Serialize;

use crate::args::{NewDevice, Register};
use crate::context::{Context, Wake};
use crate::error::{CliError, Kind};
use crate::home::machine_name;
use crate::style::one_line;

#[derive(Serialize)]
struct Registered {
    registered: Me,
}

#[derive(Serialize)]
struct Me {
    username: String,
    account: String,
    device: String,
    device_name: String,
    server: String,
}

pub(crate) async fn run(context: &mut Context, args: Register) -> Result<(), CliError> {
    let Register { new: NewDevice { server, device_name }, username, invite } = args;
    websocket_url(&server)?;
    let has_account = context.engine(|engine, _| Ok::<_, CliError>(engine.whoami().is_some())).await?;
    if !has_account {
        // Nothing is made on this device before it is known that the address is good.
        match tokio::time::timeout(context.out.face.timeout, reach(&server)).await {
            Ok(reached) => reached?,
            Err(_) => return Err(CliError::new(Kind::Offline, format!("{server} does not answer"))),
        }
    }
    let device_name = device_name.unwrap_or_else(machine_name);
    let (at, name) = (server.clone(), device_name.clone());
    context
        .engine(move |engine, now| engine.register(&at, &username, &name, invite.as_deref(), now))
        .await
        .map_err(explain)?;
    let deadline = context.deadline();
    loop {
        match context.next(Some(deadline)).await.map_err(explain)? {
            Wake::Event(Event::Ready(_)) => break,
            Wake::Late => {
                let e = context.offline("the account is not made yet").await;
                return Err(e.hint("`diario sync` tries again"));
            }
            _ => {}
        }
    }
    // Keys that others need to write to this account are on the server when it is at rest.
    context.settled().await?;
    let me = context.engine(|engine, _| Ok::<_, CliError>(engine.whoami())).await?;
    let (username, account, device) = me.ok_or_else(CliError::stopped)?;
    let registered = Registered {
        registered: Me {
            username,
            account: account.to_string(),
            device: device.to_string(),
            device_name,
            server,
        },
    };
    context
        .out
        .show(&registered, |_| {
            let Me { username, device_name, server, .. } = &registered.registered;
            format!(
                "You are {username} on {}. This device is called {:?}.\n",
                one_line(server),
                one_line(device_name)
            )
        })
        .await
}

fn explain(e: CliError) -> CliError {
    if e.kind == Kind::Refused {
        e.hint("nothing was made: register again, with what was wrong put right")
    } else {
        e
    }
}
