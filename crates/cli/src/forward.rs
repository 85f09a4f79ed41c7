//! Hands a command to the process that holds the folder, over its control socket.
//!
//! One line of JSON each way at a time: the [`Request`], then [`Frame`]s back, and answers to what is asked.

use serde::{Deserialize, Serialize};

use crate::args::Command;
use crate::output::Face;

/// A command for another process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Both processes must be of one version: the command is its parsed form.
    pub(crate) version: String,
    pub(crate) face: Face,
    pub(crate) command: Command,
}

impl Request {
    /// Reads a request's line; `None` if it is none of this version.
    pub(crate) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok().filter(|request: &Self| request.version == VERSION)
    }
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Frame {
    /// The command runs now.
    Begun,
    /// For standard output.
    Out(String),
    /// For standard error.
    Err(String),
    /// How far it has come.
    Progress {
        /// What.
        what: String,
        /// Done of it.
        done: u64,
        /// In all; 0 if that is not known.
        total: u64,
    },
    /// The progress is to be taken away.
    Done,
    /// A question; an [`Answer`] is expected.
    Ask(String),
    /// The command has ended, with this exit code.
    Exit(u8),
    /// The holder ends: begin again.
    Again,
}

/// The answer to a question; `None` at the end of the input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer(pub(crate) Option<String>);

/// How forwarding went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// The command ran; its exit code.
    Ran(u8),
    /// The holder ended before the command did, and the command can be begun anew.
    Again,
    /// Nobody listens.
    Nobody,
}

/// This program's version, as told in a [`Request`].
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(not(unix))]
pub(crate) async fn forward(
    _home: &std::path::Path,
    _request: &Request,
    _out: &mut crate::output::Output,
) -> Result<Forwarded, crate::error::CliError> {
    Ok(Forwarded::Nobody)
}

#[cfg(unix)]
pub(crate) use unix::{forward, socket_path};

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::{Path, PathBuf};

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::UnixStream;

    use super::{Answer, Forwarded, Frame, Request};
    use crate::error::CliError;
    use crate::output::Output;

    /// The longest path that every system takes for a socket, in bytes.
    const LONGEST: usize = 103;

    /// The control socket of a folder: in it, or where its path is too long, in a private folder elsewhere.
    pub(crate) fn socket_path(home: &Path) -> std::io::Result<PathBuf> {
        let home = std::fs::canonicalize(home)?;
        let within = home.join("control.sock");
        if within.as_os_str().len() <= LONGEST {
            return Ok(within);
        }
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        let folder = runtime
            .unwrap_or_else(std::env::temp_dir)
            .join(format!("diario-{:016x}", fnv1a(home.as_os_str().as_bytes())));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        // In a shared folder anybody could have made it first.
        let (made, own) = (std::fs::symlink_metadata(&folder)?, std::fs::metadata(&home)?);
        if !made.is_dir() || made.uid() != own.uid() || made.mode() & 0o077 != 0 {
            return Err(std::io::Error::other(format!("{} belongs to somebody else", folder.display())));
        }
        Ok(folder.join("control.sock"))
    }

    /// The same in every build, unlike the standard library's.
    fn fnv1a(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// Has the holder of `home` run the command, with its output coming out here.
    pub(crate) async fn forward(
        home: &Path,
        request: &Request,
        out: &mut Output,
    ) -> Result<Forwarded, CliError> {
        let Ok(path) = socket_path(home) else { return Ok(Forwarded::Nobody) };
        let Ok(stream) = UnixStream::connect(path).await else { return Ok(Forwarded::Nobody) };
        let (read, mut write) = stream.into_split();
        let broken = || CliError::failed("the diario that holds the folder ended while it ran this command");
        if write.write_all(line(request)?.as_bytes()).await.is_err() {
            return Ok(Forwarded::Nobody);
        }
        let mut frames = BufReader::new(read).lines();
        let mut begun = false;
        loop {
            let Ok(Some(text)) = frames.next_line().await else {
                return if begun { Err(broken()) } else { Ok(Forwarded::Nobody) };
            };
            let frame: Frame = serde_json::from_str(&text).map_err(|_| {
                CliError::failed("a diario of another version holds the folder")
                    .hint("end it, or use the same version in both terminals")
            })?;
            match frame {
                Frame::Begun => begun = true,
                Frame::Out(text) => out.out(text).await?,
                Frame::Err(text) => out.err(text).await?,
                Frame::Progress { what, done, total } => out.progress(&what, done, total).await?,
                Frame::Done => out.done().await?,
                Frame::Ask(question) => {
                    let answer = out.ask(&question).await?;
                    write.write_all(line(&Answer(answer))?.as_bytes()).await.map_err(|_| broken())?;
                }
                Frame::Exit(code) => {
                    out.done().await?;
                    return Ok(Forwarded::Ran(code));
                }
                Frame::Again => return Ok(Forwarded::Again),
            }
        }
    }

    /// One line of JSON.
    fn line(object: &impl serde::Serialize) -> Result<String, CliError> {
        let mut text = serde_json::to_string(object)
            .map_err(|_| CliError::failed("the command line has what is not Unicode text in it"))?;
        text.push('\n');
        Ok(text)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_long_path_still_has_a_socket_of_its_own() {
            let folder = tempfile::tempdir().unwrap();
            let short = socket_path(folder.path()).unwrap();
            assert!(short.ends_with("control.sock"));
            let [one, two] = ["x", "y"].map(|name| {
                let long = folder.path().join(name.repeat(120));
                std::fs::create_dir(&long).unwrap();
                let path = socket_path(&long).unwrap();
                assert!(path.as_os_str().len() <= LONGEST, "{}", path.display());
                std::fs::remove_dir(path.parent().unwrap()).unwrap();
                path
            });
            assert_ne!(one, two);
        }
    }
}
