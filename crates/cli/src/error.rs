//! What goes wrong, told to the user: what happened, what to do, and an exit code.

use diario_client::{ConnectError, HomeError};
use diario_engine::{CommandError, EngineError, Misbehaviour, StoreError};
use diario_protocol::Refusal;

use crate::day::NotADate;

/// Sort of an error; each has an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It cannot be done.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// There is no connection, or no answer in time.
    Offline,
    /// The server said no.
    Refused,
    /// The account has as many devices as the server allows.
    Full,
    /// The user interrupted it.
    Interrupted,
    /// Nobody reads the output any more; there is nobody to tell.
    OutputClosed,
    /// The process that held the folder ends: begin again in one's own.
    Again,
}

impl Kind {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Failed | Self::OutputClosed | Self::Again => 1,
            Self::Usage => 2,
            Self::Offline => 3,
            Self::Refused | Self::Full => 4,
            Self::Interrupted => 130,
        }
    }
}

/// An error with hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
}

impl CliError {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn refused(refusal: &Refusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string())
    }

    /// A recovery failed; nothing of it is left.
    pub(crate) fn recovery(why: &diario_engine::RecoveryFailure) -> Self {
        let why = why.to_string();
        // The part after "; " is what to do.
        let (why, hint) = why.split_once("; ").unwrap_or((&why, "nothing was changed: begin again"));
        Self::new(Kind::Refused, format!("the recovery failed: {why}")).hint(hint)
    }

    /// The engine has ended while it was needed.
    pub(crate) fn stopped() -> Self {
        Self::failed("the engine has stopped")
            .hint("run the command again; `diario doctor` looks for the cause")
    }

    /// With one more hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// The part after the first "; " of an engine's message is what to do.
fn with_hint(kind: Kind, message: &str) -> CliError {
    match message.split_once("; ") {
        Some((what, hint)) => CliError::new(kind, what).hint(hint),
        None => CliError::new(kind, message),
    }
}

impl From<CommandError> for CliError {
    fn from(e: CommandError) -> Self {
        let kind = match e {
            CommandError::Offline => Kind::Offline,
            CommandError::Revoked => Kind::Refused,
            CommandError::DeviceLimit(_) => Kind::Full,
            _ => Kind::Failed,
        };
        match e {
            CommandError::Engine(e) => e.into(),
            CommandError::NoAccount => Self::failed("no account here yet")
                .hint("`diario register` makes one, `diario link` joins one of yours"),
            e => with_hint(kind, &e.to_string()),
        }
    }
}

impl From<EngineError> for CliError {
    fn from(e: EngineError) -> Self {
        with_hint(Kind::Failed, &e.to_string())
    }
}

impl From<NotADate> for CliError {
    fn from(NotADate(text): NotADate) -> Self {
        Self::usage(format!("not a date: {text:?}")).hint("dates are like 2024-05-31, 2024-05 or 2024")
    }
}

impl From<diario_client::Closed> for CliError {
    fn from(_: diario_client::Closed) -> Self {
        Self::stopped()
    }
}

impl From<HomeError> for CliError {
    fn from(e: HomeError) -> Self {
        match e {
            HomeError::Engine(e @ EngineError::Store(StoreError::Sqlite(_) | StoreError::Damaged(_))) => {
                Self::from(e).hint(
                    "if it cannot be opened at all, move the folder of this device away and link it anew, or \
                     recover: the server and your other devices keep the history",
                )
            }
            HomeError::Engine(e) => e.into(),
            HomeError::InUse(_) => Self::failed(e.to_string())
                .hint("it has not ended in time: look for it in your other terminals and try again"),
            HomeError::Io { .. } => Self::failed(e.to_string())
                .hint("choose another folder with --home, or make this one writable"),
        }
    }
}

impl From<ConnectError> for CliError {
    fn from(e: ConnectError) -> Self {
        match e {
            ConnectError::BadUrl(_) => with_hint(Kind::Usage, &e.to_string()),
            _ => Self::new(Kind::Offline, e.to_string())
                .hint("is the address right, and are you online? Ask who runs the server whether it is up"),
        }
    }
}

impl From<Misbehaviour> for CliError {
    fn from(what: Misbehaviour) -> Self {
        let error = Self::new(Kind::Refused, what.to_string());
        match what {
            Misbehaviour::OtherServer => error.hint(
                "somebody else may answer in its place, or it was set up anew; ask who runs it. Nothing was sent to it",
            ),
            Misbehaviour::OtherProtocol(_) => error.hint("update Diario on whichever of the two is older"),
            _ => error,
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(e: std::io::Error) -> Self {
        match e.kind() {
            std::io::ErrorKind::BrokenPipe => Self::new(Kind::OutputClosed, ""),
            _ => Self::failed(format!("cannot write the output: {e}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_becomes_a_hint() {
        let e = CliError::from(CommandError::NoConversation("x".into()));
        assert_eq!(e.message, "no such conversation: x");
        assert_eq!(e.hints, ["`diario conversations` lists them"]);
        assert_eq!(e.kind.code(), 1);
        assert_eq!(CliError::from(CommandError::Offline).kind.code(), 3);
    }
}
