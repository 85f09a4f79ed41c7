//! `diario whoami`: account and device.

use diario_engine::CommandError;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::style::{Ink, Table, one_line, rfc3339};

#[derive(Serialize)]
struct Me {
    username: String,
    account: String,
    device: String,
    device_name: String,
    primary: bool,
    valid_until: Option<String>,
    server: String,
    home: String,
}

pub(crate) async fn run(context: &mut Context) -> Result<(), CliError> {
    let home = context.home.display().to_string();
    let me = context
        .engine(move |engine, now| {
            let (username, account, device) = engine.whoami().ok_or(CommandError::NoAccount)?;
            let this = engine.devices(now)?.into_iter().find(|d| d.this);
            Ok::<_, CliError>(Me {
                username,
                account: account.to_string(),
                device: device.to_string(),
                device_name: this.as_ref().map(|d| d.name.clone()).unwrap_or_default(),
                primary: engine.is_primary(),
                valid_until: this.and_then(|d| d.valid_until).map(rfc3339),
                server: engine.server().unwrap_or_default().to_owned(),
                home,
            })
        })
        .await?;
    context
        .out
        .show(&me, |style| {
            let mut table = Table::default();
            let mut row = |name: &str, value: &str| {
                table.row(vec![(Ink::Dim, name.to_owned()), (Ink::Plain, one_line(value).into_owned())]);
            };
            row("account", &format!("{} ({})", me.username, &me.account[..8]));
            row("server", &me.server);
            let role = if me.primary { "primary" } else { "linked" };
            row("device", &format!("{} ({}, {role})", me.device_name, &me.device[..8]));
            row("folder", &me.home);
            table.print(style)
        })
        .await?;
    super::devices::warn_of_end(context).await
}
