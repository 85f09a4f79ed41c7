//! `diario invite`: a code with which people may register.

use std::path::{Path, PathBuf};

use diario_server::{Flags, Settings, create_invite};
use serde::Serialize;

use crate::args::Invite;
use crate::error::CliError;
use crate::output::Output;

#[derive(Serialize)]
struct Made {
    invite: String,
    uses: u32,
}

pub(crate) async fn run(out: &mut Output, args: &Invite) -> Result<(), CliError> {
    let dir = data_dir(args.data.clone(), args.config.as_deref())?;
    let code = create_invite(&dir, args.uses).await.map_err(|e| CliError::failed(e.to_string()))?;
    let made = Made { invite: code, uses: args.uses };
    out.show(&made, |_| format!("{}\n", made.invite)).await
}

/// Where the database of a server lies that was started before, by its flags and settings.
pub(super) fn data_dir(data: Option<PathBuf>, config: Option<&Path>) -> Result<PathBuf, CliError> {
    let flags = Flags { data_dir: data, ..Flags::default() };
    let settings = Settings::load(config, super::serve::environment(), &flags)
        .map_err(|e| CliError::usage(e.to_string()))?;
    let dir = settings.data_dir;
    if !dir.is_dir() {
        return Err(CliError::failed(format!("there is no server's database in {}", dir.display()))
            .hint("name its directory with --data, as in `diario serve`"));
    }
    Ok(dir)
}
