//! `diario release-name`: gives a name that is taken to who has lost its account.

use diario_engine::CommandError;
use diario_protocol::Username;
use diario_server::release_name;
use serde::Serialize;

use crate::args::ReleaseName;
use crate::error::CliError;
use crate::output::Output;

#[derive(Serialize)]
struct Released {
    invite: String,
    username: String,
    days: u32,
}

pub(crate) async fn run(out: &mut Output, args: &ReleaseName) -> Result<(), CliError> {
    let username: Username = args.username.parse().map_err(CommandError::from)?;
    let dir = super::invite::data_dir(args.data.clone(), args.config.as_deref())?;
    let code = release_name(&dir, &username, args.days).await.map_err(|e| CliError::failed(e.to_string()))?;
    let released = Released { invite: code, username: username.to_string(), days: args.days };
    out.show(&released, |_| {
        format!(
            "{}\n\nWith this code, once and within {} days: diario register --username {username} --invite CODE\n\
             The account that has the name now goes on under another one, and those who know it are warned.\n",
            released.invite, released.days
        )
    })
    .await
}
