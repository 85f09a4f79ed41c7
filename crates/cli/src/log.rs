//! Logs, to standard error: no user's words and no secrets are in them.

use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command, LogFormat};

/// Starts logging: off unless asked for, but for the server.
pub(crate) fn start(args: &Args) {
    let default = match (&args.command, args.verbose) {
        (Command::Serve(_), 0) => "info",
        (_, 0) => "off",
        (_, 1) => "info,diario=debug,diario_client=debug,diario_engine=debug,diario_server=debug",
        (_, _) => "debug,diario=trace,diario_client=trace,diario_engine=trace,diario_server=trace",
    };
    // A RUST_LOG that cannot be read is as none.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    match &args.command {
        Command::Serve(serve) if serve.log_format == LogFormat::Json => builder.json().init(),
        _ => builder.init(),
    }
}
