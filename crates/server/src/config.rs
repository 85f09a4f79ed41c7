//! Settings: a TOML file, then `DIARIO_*` environment variables, then flags; the later one wins.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diario_protocol::limits::Limits;
use diario_protocol::{Retention, RetentionError};
use serde::Deserialize;
use toml::{Table, Value};

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever has an invite, see [`crate::create_invite`].
    Invite,
    /// Nobody.
    Closed,
}

/// [`Retention`] as a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeepFor(pub Retention);

impl TryFrom<String> for KeepFor {
    type Error = RetentionError;

    fn try_from(text: String) -> Result<Self, RetentionError> {
        text.parse().map(Self)
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the settings file {path} is not valid TOML: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// A setting is unknown, or has a value that it cannot have.
    #[error("wrong setting: {0}")]
    Wrong(String),
}

/// The greatest number that a setting may be. In seconds it is more than a century: a clock can still add it, and a queue
/// can still be made for so many.
const GREATEST: i64 = u32::MAX as i64;

/// What the command line gave; `None` leaves the setting as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// See [`Settings::listen`].
    pub listen: Option<SocketAddr>,
    /// See [`Settings::data_dir`].
    pub data_dir: Option<PathBuf>,
    /// See [`Settings::registration`].
    pub registration: Option<String>,
    /// See [`Settings::web_dir`].
    pub web_dir: Option<PathBuf>,
    /// Any other setting by name, its value as TOML or as a bare word.
    pub set: Vec<(String, String)>,
}

/// One macro gives the struct, its defaults and the documented file, so that they cannot disagree.
macro_rules! settings {
    ($($(#[doc = $doc:literal])* $name:ident: $ty:ty = $default:literal;)*) => {
        /// Every setting of the server. [`Settings::documented`] gives them as a commented TOML file.
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Settings {
            $($(#[doc = $doc])* pub $name: $ty,)*
        }

        /// Name, documentation, and default as TOML, of each setting.
        const ENTRIES: &[(&str, &[&str], &str)] = &[$((stringify!($name), &[$($doc),*], $default),)*];
    };
}

settings! {
    /// Address and port to listen on. Plain HTTP: for other machines, put a TLS proxy before it.
    listen: SocketAddr = "\"127.0.0.1:8080\"";
    /// Directory of the database.
    data_dir: PathBuf = "\"diario-data\"";
    /// Who may make an account: "open", "invite" or "closed".
    registration: Registration = "\"open\"";
    /// Whether the client's address is the last one in X-Forwarded-For, and the host the one in X-Forwarded-Host; only
    /// behind a proxy that sets both.
    trust_forwarded_for: bool = "false";
    /// Folder with a web app that was built (dist/), in place of the one in this program; empty: none.
    web_dir: PathBuf = "\"\"";
    /// Origins besides this server's own whose pages may connect, such as `https://chat.example.org`.
    allowed_origins: Vec<String> = "[]";

    /// Connections at the same time.
    max_connections: usize = "20000";
    /// Connections at the same time that have not logged in.
    max_unauthenticated: usize = "2000";
    /// Seconds until a connection that has not logged in is closed, unless it has a linking mailbox open.
    login_timeout_s: u64 = "10";
    /// Seconds that a connection may speak HTTP, until it has become a WebSocket: enough to load the web app slowly.
    http_timeout_s: u64 = "300";
    /// Seconds between WebSocket pings.
    ping_interval_s: u64 = "30";
    /// Pings without any sign of life after which a connection is closed.
    ping_misses: u32 = "2";
    /// Seconds that a device may take nothing while the server has something to send, before it is closed.
    write_timeout_s: u64 = "30";
    /// Seconds that a stopping server waits for requests under way.
    drain_timeout_s: u64 = "10";
    /// Milliseconds after which devices are told to come back when the server stops.
    drain_retry_ms: u32 = "1000";
    /// Bytes read from a socket at once; held by every connection.
    read_buffer_bytes: usize = "2048";
    /// Bytes gathered before they are written to a socket.
    write_buffer_bytes: usize = "16384";
    /// Live changes waiting for one connection; beyond them it catches up from disk.
    push_queue: usize = "256";
    /// Bytes of live changes waiting for one connection; beyond them it catches up from disk.
    push_queue_bytes: usize = "1048576";
    /// Signals and mailbox messages waiting for one connection; beyond them they are dropped.
    signal_queue: usize = "64";

    /// Bytes of one frame of a device.
    max_frame_bytes: u32 = "4194304";
    /// Bytes of one frame before login.
    max_unauthenticated_frame_bytes: u32 = "1048576";
    /// Bytes of one entry's body.
    max_entry_bytes: u32 = "65536";
    /// Bytes of one slot's body.
    max_slot_bytes: u32 = "65536";
    /// Bytes of one signal's body.
    max_signal_bytes: u32 = "4096";
    /// Bytes of one key package.
    max_key_package_bytes: u32 = "16384";
    /// Requests of one connection that may wait for their answer; beyond them the server stops reading.
    max_in_flight: u16 = "64";
    /// Devices of one account.
    max_devices: u16 = "32";
    /// Accounts in one conversation.
    max_members: u16 = "1000";
    /// One-time key packages kept for a device.
    max_key_packages: u16 = "100";
    /// Slot writes or look-ups in one request.
    max_batch: u16 = "256";

    /// Entries, commits, slot writes and new conversations of one device in a second, lasting; 0 is no limit.
    entries_per_second: u32 = "200";
    /// The same, at once.
    entries_burst: u32 = "2000";
    /// Other requests of one device in a second, lasting; 0 is no limit.
    requests_per_second: u32 = "500";
    /// The same, at once.
    requests_burst: u32 = "5000";
    /// Requests before login of one address in a minute, lasting (a registration counts as ten); 0 is no limit.
    attempts_per_minute: u32 = "600";
    /// The same, at once.
    attempts_burst: u32 = "1200";

    /// Wrong recovery keys that may be tried in a minute, lasting, by one address and for one account; 0 is no limit.
    recovery_tries_per_minute: u32 = "5";
    /// The same, at once.
    recovery_tries_burst: u32 = "5";
    /// Recovery methods (keys of words, passkeys) of one account.
    max_recovery_methods: u16 = "8";
    /// Seconds that a linking mailbox lives.
    mailbox_lifetime_s: u64 = "600";
    /// Messages that each side may put into a mailbox.
    mailbox_messages: u32 = "16";
    /// Bytes of one message in a mailbox.
    mailbox_message_bytes: u32 = "65536";
    /// Mailboxes open at the same time.
    max_mailboxes: usize = "1000";
    /// Mailboxes opened by one address at the same time.
    max_mailboxes_per_address: usize = "8";

    /// Whether devices that are not connected are woken by Web Push.
    push_enabled: bool = "true";
    /// Whom push services can tell about trouble: a `mailto:` or `https:` address. Some take no pushes without.
    push_subject: String = "\"\"";
    /// Seconds that a push service keeps a push for a device that is off.
    push_ttl_s: u64 = "604800";
    /// Seconds between two pushes to one device, unless it has connected in between; the first one goes at once.
    push_min_interval_s: u64 = "30";
    /// Seconds that a push service may take to answer.
    push_timeout_s: u64 = "10";
    /// Attempts to deliver one push while the push service is busy or out of reach.
    push_attempts: u32 = "4";
    /// Milliseconds until the second attempt; four times as long until each further one.
    push_retry_ms: u64 = "2000";
    /// Seconds of failing without a break after which a subscription is dropped.
    push_give_up_s: u64 = "259200";
    /// Pushes on their way at the same time; at most a quarter of them to one push service.
    push_concurrency: usize = "32";
    /// Devices that may wait to be woken; beyond them the next message tries again.
    push_waiting: usize = "4096";
    /// Whether push services may have addresses of this machine or its network, and plain http. Only for tests and closed
    /// networks: devices choose the address.
    push_allow_local: bool = "false";

    /// Writes put into one transaction and one fsync.
    writer_batch: usize = "512";
    /// Writes that may wait for the writer; beyond them requests wait.
    writer_queue: usize = "1024";
    /// Connections to the database that read.
    readers: usize = "4";
    /// MiB of the database kept in memory by the writer, and by all readers together.
    cache_mib: u32 = "32";
    /// Conversations whose newest state the writer keeps in memory.
    conversation_cache: usize = "10000";
    /// MLS groups kept ready for the next commit.
    group_cache: usize = "64";
    /// Pages of the write-ahead log (4 KiB each) after which they are moved into the database.
    checkpoint_pages: u32 = "4000";
    /// Most pages that the database may have (4 KiB each); 0 is no limit.
    max_database_pages: u32 = "0";
    /// For how long the server keeps what was said: "forever", days like "30d", or "delivered" (until every device has
    /// it). Conversations may agree on less.
    retention: KeepFor = "\"forever\"";
    /// Days after which a device that does not connect holds nothing back that is kept until every device has it.
    retention_absent_days: u32 = "30";
    /// Milliseconds between looks for expired devices and mailboxes.
    sweep_interval_ms: u64 = "30000";
}

impl Default for Settings {
    fn default() -> Self {
        let Ok(settings) = Self::from_table(default_table()) else { unreachable!("the defaults are tested") };
        settings
    }
}

impl Settings {
    /// Reads the settings: defaults, then `file`, then `DIARIO_<NAME>` of `env`, then `flags`.
    pub fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let text = |path: &Path| {
            std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.into(), source })
        };
        let file = file.map(|path| text(path).map(|text| (path, text))).transpose()?;
        Self::read(file.as_ref().map(|(path, text)| (*path, text.as_str())), env, flags)
    }

    /// The same, of a file that was read.
    pub(crate) fn read(
        file: Option<(&Path, &str)>,
        env: impl IntoIterator<Item = (String, String)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut table = default_table();
        if let Some((path, text)) = file {
            let read: Table = text.parse().map_err(|e: toml::de::Error| ConfigError::Malformed {
                path: path.into(),
                message: e.to_string(),
            })?;
            table.extend(read);
        }
        let known: BTreeMap<String, &str> =
            ENTRIES.iter().map(|(name, ..)| (format!("DIARIO_{}", name.to_uppercase()), *name)).collect();
        for (variable, text) in env {
            // Other variables that begin so belong to the command line and the clients.
            if let Some(name) = known.get(&variable) {
                table.insert((*name).into(), value(&text));
            }
        }
        for (name, text) in &flags.set {
            table.insert(name.clone(), value(text));
        }
        let text = |v: &dyn ToString| Value::String(v.to_string());
        if let Some(listen) = &flags.listen {
            table.insert("listen".into(), text(listen));
        }
        if let Some(dir) = &flags.data_dir {
            table.insert("data_dir".into(), text(&dir.display()));
        }
        if let Some(mode) = &flags.registration {
            table.insert("registration".into(), text(mode));
        }
        if let Some(dir) = &flags.web_dir {
            table.insert("web_dir".into(), text(&dir.display()));
        }
        Self::from_table(table)
    }

    /// A TOML file with every setting, its documentation and its default.
    pub fn documented() -> String {
        let mut out = String::from("# Diario server. Every line shows a default; an environment variable\n");
        out.push_str("# DIARIO_<NAME IN CAPITALS> and a flag win over this file.\n");
        for (name, docs, default) in ENTRIES {
            out.push('\n');
            for line in *docs {
                let _ = writeln!(out, "#{line}");
            }
            let _ = writeln!(out, "{name} = {default}");
        }
        out
    }

    /// The limits as devices are told them.
    pub fn limits(&self) -> Limits {
        Limits {
            frame: self.max_frame_bytes,
            entry: self.max_entry_bytes,
            slot: self.max_slot_bytes,
            signal: self.max_signal_bytes,
            in_flight: self.max_in_flight,
            devices: self.max_devices,
            members: self.max_members,
            key_packages: self.max_key_packages,
            batch: self.max_batch,
            retention: self.retention.0,
        }
    }

    /// [`Self::write_timeout_s`] as a duration.
    pub(crate) fn write_timeout(&self) -> Duration {
        Duration::from_secs(self.write_timeout_s)
    }

    fn from_table(table: Table) -> Result<Self, ConfigError> {
        if let Some((name, _)) = table.iter().find(|(_, v)| v.as_integer().is_some_and(|n| n > GREATEST)) {
            return Err(ConfigError::Wrong(format!("{name} must be at most {GREATEST}")));
        }
        let settings: Self =
            Value::Table(table).try_into().map_err(|e: toml::de::Error| ConfigError::Wrong(e.to_string()))?;
        let at_least_one = [
            ("max_in_flight", usize::from(settings.max_in_flight)),
            ("max_batch", settings.max_batch.into()),
            ("max_devices", settings.max_devices.into()),
            ("writer_batch", settings.writer_batch),
            ("writer_queue", settings.writer_queue),
            ("readers", settings.readers),
            ("push_queue", settings.push_queue),
        ];
        // It goes into tokens as it is.
        let subject = settings.push_subject.as_str();
        let plain = subject.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'));
        if !subject.is_empty()
            && !(plain && (subject.starts_with("mailto:") || subject.starts_with("https:")))
        {
            return Err(ConfigError::Wrong("push_subject must be a mailto: or https: address".into()));
        }
        match at_least_one.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(ConfigError::Wrong(format!("{name} must be at least 1"))),
            None => Ok(settings),
        }
    }
}

fn default_table() -> Table {
    ENTRIES.iter().map(|(name, _, default)| ((*name).to_owned(), value(default))).collect()
}

/// A value as TOML, or else the text itself.
fn value(text: &str) -> Value {
    let parsed = format!("v = {text}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_gives_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("diario.toml");
        std::fs::write(&path, Settings::documented()).unwrap();
        let read = Settings::load(Some(&path), [], &Flags::default()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", Settings::default()));
        assert_eq!(read.limits(), Limits::default());
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("diario.toml");
        std::fs::write(&path, "max_devices = 3\nmax_members = 4\nreaders = 5").unwrap();
        let env = [("DIARIO_MAX_MEMBERS", "6"), ("DIARIO_READERS", "7"), ("DIARIO_HOME", "x")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        let flags = Flags { set: vec![("readers".into(), "8".into())], ..Flags::default() };
        let s = Settings::load(Some(&path), env, &flags).unwrap();
        assert_eq!((s.max_devices, s.max_members, s.readers), (3, 6, 8));
        let flags = Flags { registration: Some("invite".into()), ..Flags::default() };
        assert_eq!(Settings::load(None, [], &flags).unwrap().registration, Registration::Invite);
    }

    #[test]
    fn unknown_and_senseless_settings_are_told() {
        let set = |name: &str, v: &str| Flags { set: vec![(name.into(), v.into())], ..Flags::default() };
        let bad = [set("push_subject", "me"), set("push_subject", "mailto:a\"b")];
        let others = [set("max_devicse", "3"), set("readers", "0"), set("registration", "maybe")];
        // A connection's deadline, and a queue: beyond what a clock adds, and what a queue holds.
        let endless = ["login_timeout_s", "writer_queue"].map(|name| set(name, "9223372036854775807"));
        for flags in bad.iter().chain(&others).chain(&endless) {
            assert!(matches!(Settings::load(None, [], flags), Err(ConfigError::Wrong(_))));
        }
    }
}
