//! A server and devices as processes, each with a folder of its own; every wait is bounded.

#![allow(dead_code, reason = "a kit: not every test file uses all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// No single thing may take longer.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A server and a folder for the devices of a test.
pub(crate) struct World {
    pub(crate) server: Server,
    folder: TempDir,
}

impl World {
    /// A world with a server that has no limits of rate.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A world whose server has these flags besides.
    pub(crate) fn with(flags: &[&str]) -> Self {
        Self { server: Server::start(flags), folder: tempfile::tempdir().unwrap() }
    }

    /// A folder without an account.
    pub(crate) fn home(&self, name: &str) -> Home {
        self.home_over(name, &self.server.url())
    }

    /// The same, of a device that finds the server elsewhere.
    pub(crate) fn home_over(&self, name: &str, url: &str) -> Home {
        Home { folder: self.folder.path().join(name), server: url.to_owned() }
    }

    /// A device with a new account.
    pub(crate) fn register(&self, username: &str) -> Home {
        self.register_over(username, &self.server.url())
    }

    /// The same, over a line of its own.
    pub(crate) fn register_over(&self, username: &str, url: &str) -> Home {
        let home = self.home_over(username, url);
        home.ok(&["register", "--username", username, "--device-name", &format!("{username}-1")]);
        home
    }

    /// Another device of `primary`'s account.
    pub(crate) fn link(&self, primary: &Home, name: &str) -> Home {
        self.link_over(primary, name, &self.server.url())
    }

    /// The same, over a line of its own.
    pub(crate) fn link_over(&self, primary: &Home, name: &str, url: &str) -> Home {
        let home = self.home_over(name, url);
        let mut linking = home.spawn(&["link", "--code", "--device-name", name]);
        let code = linking.next()["code"].as_str().unwrap().to_owned();
        primary.ok(&["approve", &code, "--yes"]);
        assert!(linking.next()["linked"].is_object());
        linking.ends(0);
        home
    }

    /// A path of its own for a file of the test.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// `diario serve` on a data directory of its own.
pub(crate) struct Server {
    process: Option<Child>,
    address: String,
    data: TempDir,
    flags: Vec<String>,
}

impl Server {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut server = Self {
            process: None,
            address: "127.0.0.1:0".into(),
            data: tempfile::tempdir().unwrap(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        };
        server.run();
        server
    }

    /// Starts it (again), on the same data and, from the second time on, the same port.
    pub(crate) fn run(&mut self) {
        self.run_by(diario());
    }

    /// The same, where no file may become larger than so many bytes.
    pub(crate) fn run_in(&mut self, room: u64) {
        self.run_by(diario_in(room));
    }

    fn run_by(&mut self, mut command: Command) {
        assert!(self.process.is_none(), "the server runs already");
        command.args(["serve", "--json", "--listen", &self.address, "--data"]).arg(self.data.path());
        command.args(["--set", "entries_per_second=0", "--set", "requests_per_second=0"]);
        command.args(["--set", "attempts_per_minute=0"]).args(&self.flags);
        let quiet = command.env("RUST_LOG", "warn").stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = quiet.spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let first: Value = serde_json::from_str(&lines.recv_timeout(PATIENCE).unwrap()).unwrap();
        first["listening"].as_str().unwrap().clone_into(&mut self.address);
        self.process = Some(child);
    }

    /// Lets files grow again.
    pub(crate) fn make_room(&self) {
        let pid = self.process.as_ref().unwrap().id().to_string();
        let made = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:"]).status().unwrap();
        assert!(made.success());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        let mut child = self.process.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let mut child = self.process.take().unwrap();
        signal(&child, "TERM");
        wait(&mut child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A device's folder.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    server: String,
}

impl Home {
    fn command(&self, args: &[&str]) -> Command {
        self.command_by(diario(), args)
    }

    fn command_by(&self, mut command: Command, args: &[&str]) -> Command {
        command.arg("--home").arg(&self.folder).args(args).env("DIARIO_SERVER", &self.server);
        command
    }

    /// Runs a command with `--json` to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, "")
    }

    /// Runs a command with `--json` and this on its standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Run {
        let mut command = self.command(args);
        finish(args, command.arg("--json").env("RUST_LOG", "off"), input)
    }

    /// Runs a command with `--json` where no file may become larger than so many bytes.
    pub(crate) fn run_in(&self, room: u64, args: &[&str]) -> Run {
        let mut command = self.command_by(diario_in(room), args);
        finish(args, command.arg("--json").env("RUST_LOG", "off"), "")
    }

    /// Runs a command with `--json` that must succeed.
    pub(crate) fn ok(&self, args: &[&str]) -> Vec<Value> {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
        run.json()
    }

    /// Runs a command with `--json` that must succeed and print one object.
    pub(crate) fn one(&self, args: &[&str]) -> Value {
        let mut objects = self.ok(args);
        assert_eq!(objects.len(), 1, "{args:?}: {objects:?}");
        objects.remove(0)
    }

    /// Runs a command that must fail with this exit code; gives what it says.
    pub(crate) fn fails(&self, code: i32, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, code, "{args:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("error: "), "{args:?} says what is wrong: {:?}", run.stderr);
        run.stderr
    }

    /// Runs a command for people.
    pub(crate) fn text(&self, args: &[&str]) -> Run {
        finish(args, &mut self.command(args), "")
    }

    /// Starts a command with `--json` that stays.
    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        let mut command = self.command(args);
        command.arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let errors = lines_of_any(child.stderr.take().unwrap());
        Running { child, lines, errors, what: format!("{args:?}") }
    }

    /// Starts `sync --follow` and waits until it holds the folder and listens.
    pub(crate) fn follow(&self) -> Running {
        let running = self.spawn(&["sync", "--follow"]);
        let socket = self.folder.join("control.sock");
        // One that was killed may have left its own behind.
        until("the follower listens", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        running
    }

    /// The texts of a conversation's messages.
    pub(crate) fn texts(&self, conversation: &str) -> Vec<String> {
        let history = self.ok(&["history", conversation, "--limit", "1000000"]);
        let said = history.iter().filter(|m| m["kind"] == "message");
        said.map(|m| m["text"].as_str().unwrap().to_owned()).collect()
    }
}

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// What it printed, an object a line.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// A command that runs.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
    what: String,
}

impl Running {
    /// The next object that it prints.
    pub(crate) fn next(&mut self) -> Value {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => serde_json::from_str(&line).expect(&line),
            Err(e) => panic!("{} printed nothing more ({e}): {}", self.what, self.said()),
        }
    }

    /// The next object that it prints, or nothing if it ends before.
    pub(crate) fn try_next(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(serde_json::from_str(&line).expect(&line)),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(e) => panic!("{} printed nothing more ({e}): {}", self.what, self.said()),
        }
    }

    /// Whether it prints nothing for so long.
    pub(crate) fn is_silent(&mut self, span: Duration) -> bool {
        self.lines.recv_timeout(span) == Err(RecvTimeoutError::Timeout)
    }

    /// Waits for its end.
    pub(crate) fn ends(&mut self, code: i32) {
        let status = wait(&mut self.child);
        assert_eq!(status.code(), Some(code), "{}: {}", self.what, self.said());
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Interrupts it, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        signal(&self.child, "INT");
    }

    /// What it said on standard error until now.
    pub(crate) fn said(&self) -> String {
        self.errors.try_iter().map(|line| line + "\n").collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn diario() -> Command {
    without_settings(Command::new(env!("CARGO_BIN_EXE_diario")))
}

/// The program where no file may become larger than so many bytes: a full disk that needs no privilege to make. The
/// signal that would end it is not delivered, so that writing fails as on a disk that is full.
fn diario_in(room: u64) -> Command {
    let mut command = Command::new("bash");
    let limited = r#"trap '' XFSZ; ulimit -S -f "$1"; shift; exec "$@""#;
    command.args(["-c", limited, "limited", &(room / 1024).to_string(), env!("CARGO_BIN_EXE_diario")]);
    without_settings(command)
}

fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DIARIO_") {
            command.env_remove(name);
        }
    }
    command.env("TZ", "UTC");
    command
}

fn finish(what: &[&str], command: &mut Command, input: &str) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Commands that read nothing may be gone before.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let [out, err] = [reading(out), reading(err)];
    let status = wait(&mut child);
    let (stdout, stderr) = (out.join().unwrap(), err.join().unwrap());
    let code = status.code().unwrap_or_else(|| panic!("{what:?} was killed: {stderr}"));
    Run { code, stdout, stderr }
}

fn reading(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

fn lines_of(from: ChildStdout) -> Receiver<String> {
    lines_of_any(from)
}

fn lines_of_any(from: impl Read + Send + 'static) -> Receiver<String> {
    let (line, lines) = channel();
    std::thread::spawn(move || {
        for read in BufReader::new(from).lines().map_while(Result::ok) {
            if line.send(read).is_err() {
                return;
            }
        }
    });
    lines
}

fn wait(child: &mut Child) -> ExitStatus {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("a process did not end in time");
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}
