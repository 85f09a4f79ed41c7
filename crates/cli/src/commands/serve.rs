//! `diario serve`: the server.

use std::net::SocketAddr;
use std::sync::Arc;

use diario_server::{Flags, Server, Settings, StartError};
use serde::Serialize;

use crate::args::Serve;
use crate::error::CliError;
use crate::output::Output;
use crate::shutdown;
use crate::web_app::EmbeddedWebApp;

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
        web_dir: args.web_dir.clone(),
        set: args.set.clone(),
    };
    let settings = Settings::load(args.config.as_deref(), environment(), &flags).map_err(|e| {
        CliError::usage(e.to_string()).hint("`diario serve --print-settings` lists every setting")
    })?;
    let stop = shutdown::requested();
    let web = EmbeddedWebApp::is_built() || !settings.web_dir.as_os_str().is_empty();
    let mut server = Server::bind(settings).await.map_err(|e| explain(&e))?;
    if EmbeddedWebApp::is_built() {
        server = server.with_web_app(Arc::new(EmbeddedWebApp));
    }
    let address = server.local_addr();
    let listening = Listening { listening: address.to_string() };
    out.show(&listening, |_| format!("{}{}", in_a_browser(address, web), in_terminals(address))).await?;
    server.serve(stop).await;
    Ok(())
}

/// What to open next.
fn in_a_browser(address: SocketAddr, web: bool) -> String {
    let here = address.ip().is_loopback() || address.ip().is_unspecified();
    let open = match (web, here) {
        // By this name, not by its address: browsers trust both, and this is one origin for everything.
        (true, true) => format!("Open http://localhost:{} in a browser.", address.port()),
        (true, false) => "In a browser, open the https address of the proxy before it.".into(),
        (false, _) => "It was built without the web app; `cargo xtask serve` builds both.".into(),
    };
    format!("Listening on http://{address}\n\n{open}\n\n")
}

/// What to type next, in another terminal.
fn in_terminals(address: SocketAddr) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "diario".into());
    format!(
        "Two people on this machine, to try it (each in a folder of its own; type this in other terminals):

  {program} --home /tmp/giulia register --server http://{address} --username giulia
  {program} --home /tmp/marco  register --server http://{address} --username marco
  {program} --home /tmp/marco  sync --follow
  {program} --home /tmp/giulia send marco 'Ciao!'

A second device of Giulia's:

  {program} --home /tmp/giulia-pc link --server http://{address}
  {program} --home /tmp/giulia approve CODE

Ctrl-C stops the server; what it acknowledged is on disk.
"
    )
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
