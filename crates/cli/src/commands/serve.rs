//! `diario serve`: the server.

use diario_server::{Flags, Server, Settings, StartError};
use serde::Serialize;

use crate::args::Serve;
use crate::error::CliError;
use crate::output::Output;
use crate::shutdown;

#[derive(Serialize)]
struct Listening {
    listening: String,
}

pub(crate) async fn run(out: &mut Output, args: &Serve) -> Result<(), CliError> {
    if args.print_settings {
        return out.out(Settings::documented()).await;
    }
    let flags = Flags {
        listen: args.listen,
        data_dir: args.data.clone(),
        registration: args.registration.clone(),
        set: args.set.clone(),
    };
    let settings = Settings::load(args.config.as_deref(), environment(), &flags).map_err(|e| {
        CliError::usage(e.to_string()).hint("`diario serve --print-settings` lists every setting")
    })?;
    let stop = shutdown::requested();
    let server = Server::bind(settings).await.map_err(|e| explain(&e))?;
    let listening = Listening { listening: server.local_addr().to_string() };
    out.show(&listening, |_| format!("Listening on http://{}\n", listening.listening)).await?;
    server.serve(stop).await;
    Ok(())
}

/// The environment, without what is not text.
pub(super) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn explain(e: &StartError) -> CliError {
    let error = CliError::failed(e.to_string());
    match e {
        StartError::Listen { .. } => {
            error.hint("choose another address with --listen; port 0 takes any that is free")
        }
        StartError::Storage(_) => {
            error.hint("choose another directory with --data, or make this one writable")
        }
        StartError::Refused(_) => error,
    }
}
