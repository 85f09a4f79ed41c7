//! The command line, as clap reads it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::patience::{seconds, told_if_any};

/// A private messenger in which all of your devices are equal: the server and the command line in one.
#[derive(Debug, Parser)]
#[command(name = "diario", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// Folder in which this device lives [default: the platform's folder for data].
    #[arg(long, global = true, env = "DIARIO_HOME", value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Print one JSON object a line on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How long to wait for the server.
    #[arg(long, global = true, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Log to standard error; twice for more. `RUST_LOG` says it in detail.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do. It is serialised to be handed to the process that holds the folder.
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
pub(crate) enum Command {
    /// Run a server.
    Serve(Serve),
    /// Make an invite for a server that takes new accounts by invite only.
    Invite(Invite),
    /// Make an account on a server.
    Register(Register),
    /// Make this a device of an account you have: shows a code for your other device.
    Link(Link),
    /// Let a new device into your account, with the code that it shows.
    Approve(Approve),
    /// Make a recovery key: 24 words with which you get your account back when every device is lost.
    RecoveryKey(RecoveryKey),
    /// List what your account can be recovered by, or remove one.
    RecoveryMethods(RecoveryMethods),
    /// Get your account back, with the words of your recovery key.
    Recover(Recover),
    /// Give a name that is taken to who lost its account and has no recovery key.
    ReleaseName(ReleaseName),
    /// List your devices, and change them.
    Devices(Devices),
    /// Show what you and somebody else compare to know that nobody stands between you.
    SafetyNumber(Safety),
    /// Send a message.
    Send(Send),
    /// List conversations, the newest first.
    Conversations,
    /// Show the messages of a conversation.
    History(History),
    /// Fetch messages of the past that are not here yet, and choose whether that happens by itself.
    Fetch(Fetch),
    /// Look for messages by their words.
    Search(Search),
    /// Catch up with the server and print what is new.
    Sync(Sync),
    /// Mark a conversation as read.
    Read(Read),
    /// Show the others of a conversation that you type.
    Typing(Typing),
    /// Make and change groups.
    Group {
        #[command(subcommand)]
        change: Group,
    },
    /// Take in a chat that WhatsApp exported, or what `diario export` wrote.
    Import(Import),
    /// Write conversations into a file of your own: JSON lines, or a page to read.
    Export(Export),
    /// Show or set for how long the server keeps what is said in a conversation.
    Retention(Retention),
    /// Drop the local copy of all messages and fetch it anew. What is not sent yet stays.
    Rebuild,
    /// Look for what is wrong with this device and say what to do.
    Doctor,
    /// Show account and device.
    Whoami,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Serve {
    /// Address and port to listen on; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Directory of the database.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// File with settings (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Who may make an account: open, invite or closed.
    #[arg(long, value_name = "WHO")]
    pub(crate) registration: Option<String>,
    /// Folder with a web app that was built, in place of the one in this program.
    #[arg(long, value_name = "DIR")]
    pub(crate) web_dir: Option<PathBuf>,
    /// Any other setting; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    /// How to log.
    #[arg(long, value_enum, default_value_t, env = "DIARIO_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    /// Print every setting with its meaning and default, as a settings file, and end.
    #[arg(long)]
    pub(crate) print_settings: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Invite {
    /// Directory of the server's database.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// File with the server's settings.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How many people may register with it.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) uses: u32,
}

// What a device without an account needs, however it comes by one. (A doc comment would become the commands' own.)
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct NewDevice {
    /// The server's address, like `https://chat.example.org`.
    #[arg(long, value_name = "URL", env = "DIARIO_SERVER")]
    pub(crate) server: String,
    /// What to call this device [default: the machine's name].
    #[arg(long, value_name = "NAME")]
    pub(crate) device_name: Option<String>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Register {
    #[command(flatten)]
    pub(crate) new: NewDevice,
    /// The name that others find you by: 2 to 32 of a-z, 0-9, '.', '_', '-'.
    #[arg(long, value_name = "NAME")]
    pub(crate) username: String,
    /// The code that who runs the server gave you.
    #[arg(long, value_name = "CODE")]
    pub(crate) invite: Option<String>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Link {
    #[command(flatten)]
    pub(crate) new: NewDevice,
    /// Show eight characters to type instead of a QR code.
    #[arg(long)]
    pub(crate) code: bool,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Approve {
    /// The code that the new device shows: the text of its QR code, or the eight characters.
    pub(crate) code: String,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Revoke this device of yours in the same step: its id, the beginning of it, or its name.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) revoke: Option<String>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct RecoveryKey {
    /// Language of the words.
    #[arg(long, value_enum, default_value_t, value_name = "LANGUAGE")]
    pub(crate) language: Words,
    /// Do not ask for three of the words: for scripts that keep what is printed.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Words {
    /// English.
    #[default]
    En,
    /// Italian.
    It,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct RecoveryMethods {
    /// Remove this one: its id or the beginning of it.
    #[arg(long, value_name = "METHOD")]
    pub(crate) remove: Option<String>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Recover {
    #[command(flatten)]
    pub(crate) new: NewDevice,
    /// Your name on it.
    #[arg(long, value_name = "NAME")]
    pub(crate) username: String,
    /// Revoke every other device.
    #[arg(long, conflicts_with = "revoke")]
    pub(crate) revoke_others: bool,
    /// Revoke this device; may be given several times.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) revoke: Vec<String>,
    /// The words, from standard input; never from the command line, which others can see.
    #[arg(skip)]
    pub(crate) words: Option<String>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct ReleaseName {
    /// The name.
    pub(crate) username: String,
    /// Directory of the server's database.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// File with the server's settings.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// For how many days the code is good.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=365))]
    pub(crate) days: u32,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Devices {
    #[command(subcommand)]
    pub(crate) change: Option<DeviceChange>,
}

#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
pub(crate) enum DeviceChange {
    /// Take a device out of your account; it is cut off at once.
    Revoke {
        /// The device's id, the beginning of it, or its name.
        device: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Call a device otherwise, on all of your devices.
    Rename {
        /// The device's id, the beginning of it, or its name.
        device: String,
        /// What to call it.
        #[arg(required = true)]
        name: Vec<String>,
    },
    /// Vouch for a linked device anew, for the full time from now on.
    Renew {
        /// The device's id, the beginning of it, or its name [default: all linked devices].
        device: Option<String>,
    },
    /// Make a device a primary: it may let devices in and revoke them, and its time does not run out.
    MakePrimary {
        /// The device's id, the beginning of it, or its name.
        device: String,
        /// Give this device's own role up as soon as the other one has it.
        #[arg(long)]
        hand_over: bool,
    },
    /// Make a primary a linked device.
    MakeLinked {
        /// The device's id, the beginning of it, or its name.
        device: String,
    },
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Safety {
    /// The other one's username.
    pub(crate) username: String,
    /// Show it as a QR code besides.
    #[arg(long)]
    pub(crate) qr: bool,
    /// Mark them as verified, on all of your devices; with --compare only if it fits.
    #[arg(long)]
    pub(crate) verified: bool,
    /// Take that mark back.
    #[arg(long, conflicts_with_all = ["verified", "compare"])]
    pub(crate) not_verified: bool,
    /// Compare it with the 60 digits, or the QR code's text, that the other one sees.
    #[arg(long, value_name = "CODE")]
    pub(crate) compare: Option<String>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Send {
    /// A username, a group's title, a conversation's id or the beginning of it, or `self`.
    pub(crate) to: String,
    /// The message; read from standard input if it is `-` or missing.
    pub(crate) text: Vec<String>,
    /// Only put it into the outbox; it goes out at the next connection.
    #[arg(long)]
    pub(crate) queue: bool,
    /// Send it though the name means another account, with another key, than before.
    #[arg(long)]
    pub(crate) accept_new_key: bool,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Retention {
    /// A username, a group's title, a conversation's id or the beginning of it, or `self`.
    pub(crate) conversation: String,
    /// `forever`, a number of days like `30d`, or `delivered`: until every device has it.
    #[serde(with = "keep")]
    pub(crate) keep: Option<diario_protocol::Retention>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct History {
    /// A username, a group's title, a conversation's id or the beginning of it, or `self`.
    pub(crate) conversation: String,
    /// How many messages.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u32,
    /// Only messages before this sequence.
    #[arg(long, value_name = "SEQ")]
    pub(crate) before: Option<u64>,
    /// From this day, month or year on, like 2024-05-31, 2024-05 or 2024.
    #[arg(long, value_name = "DATE", conflicts_with = "before")]
    pub(crate) at: Option<String>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Fetch {
    /// Only say what is missing, and about what it would cost.
    #[arg(long)]
    pub(crate) status: bool,
    /// When this device fetches the past by itself.
    #[arg(long, value_enum, value_name = "WHEN", conflicts_with_all = ["status", "pause", "resume"])]
    pub(crate) auto: Option<Auto>,
    /// Stop fetching by itself for now.
    #[arg(long, conflicts_with_all = ["status", "resume"])]
    pub(crate) pause: bool,
    /// Go on fetching by itself.
    #[arg(long, conflicts_with = "status")]
    pub(crate) resume: bool,
}

/// When the past is fetched without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Auto {
    /// What is looked at, and no more.
    Never,
    /// Whenever there is a connection.
    Always,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Search {
    /// Words, each of which may go on; "several in quotes" stand like that. Case and accents make no difference.
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// Only in this conversation: a username, a group's title, an id or the beginning of it, or `self`.
    #[arg(long = "in", value_name = "CONVERSATION")]
    pub(crate) conversation: Option<String>,
    /// Only what this person said: a username, or a name in an imported chat.
    #[arg(long, value_name = "NAME")]
    pub(crate) from: Option<String>,
    /// Only from this day, month or year on, like 2024-05-31, 2024-05 or 2024.
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<String>,
    /// Only until the end of this day, month or year.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// How many messages.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Sync {
    /// Stay and print what comes, until interrupted.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Stay for so long.
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds, conflicts_with = "follow")]
    #[serde(deserialize_with = "told_if_any")]
    pub(crate) stay: Option<Duration>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Read {
    /// A username, a group's title, a conversation's id or the beginning of it.
    pub(crate) conversation: String,
    /// Up to and with this sequence [default: the newest].
    pub(crate) seq: Option<u64>,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Typing {
    /// A username, a group's title, a conversation's id or the beginning of it.
    pub(crate) conversation: String,
}

#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
pub(crate) enum Group {
    /// Make a group.
    Create {
        /// Its title.
        name: String,
        /// Usernames of those to be in it.
        members: Vec<String>,
    },
    /// Take people in.
    Add {
        /// The group.
        group: String,
        /// Usernames.
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Put people out.
    Remove {
        /// The group.
        group: String,
        /// Usernames.
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Leave a group; what you have of it stays readable.
    Leave {
        /// The group.
        group: String,
    },
    /// List who is in a group.
    Members {
        /// The group.
        group: String,
    },
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Import {
    /// The export: the .zip or .txt that WhatsApp's "Export chat" made, or the .jsonl of `diario export`.
    pub(crate) file: PathBuf,
    /// Title of the conversation [default: the chat's name].
    #[arg(long, value_name = "TITLE")]
    pub(crate) title: Option<String>,
    /// Time zone of the phone that made the export, like Europe/Rome [default: this machine's].
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    /// Order of day, month and year in the file [default: found out from the file].
    #[arg(long, value_enum, value_name = "ORDER")]
    pub(crate) date_order: Option<DateOrder>,
    /// Of a Diario export: also conversations that are here already, as a copy of your own.
    #[arg(long)]
    pub(crate) copy: bool,
    /// Only put the messages into the outbox; they go out at the next connection.
    #[arg(long)]
    pub(crate) queue: bool,
}

#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub(crate) struct Export {
    /// The file to write: .jsonl for JSON lines, which `diario import` takes; .html for a page to read.
    pub(crate) file: PathBuf,
    /// Only this conversation: a username, a group's title, an id or the beginning of it, or `self`.
    #[arg(long = "in", value_name = "CONVERSATION")]
    pub(crate) conversation: Option<String>,
    /// Replace the file if there is one.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum DateOrder {
    /// 31/12/24
    Dmy,
    /// 12/31/24
    Mdy,
    /// 2024-12-31
    Ymd,
}

impl Command {
    /// Whether it only reads the store, or only writes to it: no connection is made for it.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Conversations
            | Self::History(History { at: None, .. })
            | Self::Search(_)
            | Self::Export(_)
            | Self::Whoami
            | Self::Group { change: Group::Members { .. } }
            | Self::Retention(Retention { keep: None, .. })
            | Self::RecoveryMethods(RecoveryMethods { remove: None })
            | Self::Devices(Devices { change: None }) => true,
            Self::Fetch(fetch) => fetch.status || fetch.pause || fetch.auto == Some(Auto::Never),
            Self::Send(send) => send.queue,
            Self::Import(import) => import.queue,
            _ => false,
        }
    }

    /// Whether it may take long, so that it lets others use the folder meanwhile.
    pub(crate) fn stays(&self) -> bool {
        matches!(
            self,
            Self::Sync(_)
                | Self::Import(_)
                | Self::Export(_)
                | Self::Link(_)
                | Self::Approve(_)
                | Self::Recover(_)
                | Self::Rebuild
        )
    }

    /// Whether an interruption is how it ends, rather than an accident.
    pub(crate) fn ends_when_told(&self) -> bool {
        matches!(self, Self::Sync(sync) if sync.follow || sync.stay.is_some())
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("expected NAME=VALUE; --print-settings lists the names")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// For how long to keep something, as text.
mod keep {
    use diario_protocol::Retention;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[allow(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(super) fn serialize<S: Serializer>(keep: &Option<Retention>, to: S) -> Result<S::Ok, S::Error> {
        keep.map(|keep| keep.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Retention>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
