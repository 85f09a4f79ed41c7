//! The machine, and what it can do at best.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Serialize;

use crate::bench::Bench;
use crate::proc;
use crate::spread::Spread;

/// Bytes of a small message on the wire.
const SMALL: usize = 350;
/// Bytes of what is signed and sealed for a text of 300 bytes.
const SEALED: usize = 450;

/// See the module's documentation.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Machine {
    processor: String,
    processors: usize,
    kernel: String,
    file_system: String,
    open_files: usize,
    build: &'static str,
    rust: &'static str,
    /// What was measured: the commit, `-dirty` with changes that are not in it.
    revision: String,
    fdatasync_us: f64,
    loopback_us: f64,
    sign_us: f64,
    pub(crate) verify_us: f64,
    pub(crate) aead_us: f64,
}

/// Looks at the machine and takes a few small measurements.
pub(crate) fn look(bench: &Bench) -> Result<Machine> {
    let (processor, kernel) = proc::system()?;
    Ok(Machine {
        processor,
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        kernel,
        file_system: proc::file_system(bench.root())?,
        open_files: proc::open_files()?,
        build: if cfg!(debug_assertions) { "dev, not optimised" } else { "optimised" },
        rust: env!("CARGO_PKG_RUST_VERSION"),
        revision: revision(),
        fdatasync_us: fdatasync(bench)?,
        loopback_us: loopback(bench.moment)?,
        sign_us: sign(bench.moment)?,
        verify_us: verify(bench.moment)?,
        aead_us: aead(bench.moment)?,
    })
}

impl Machine {
    /// What is printed above the table.
    pub(crate) fn lines(&self) -> String {
        let Self { processor, processors, kernel, file_system, open_files, build, .. } = self;
        let Self { rust, revision, fdatasync_us: sync, loopback_us: echo, .. } = self;
        let Self { sign_us: sign, verify_us: verify, aead_us: aead, .. } = self;
        format!(
            "revision {revision}, Rust {rust}, build: {build}\n\
             {processors} x {processor}, Linux {kernel}, {file_system}, {open_files} open files\n\
             fdatasync {sync:.0} us ({:.0}/s), loopback echo {echo:.1} us, Ed25519 sign {sign:.1} us and verify \
             {verify:.1} us, ChaCha20-Poly1305 of {SEALED} B {aead:.2} us\n",
            1e6 / sync
        )
    }
}

/// The commit that this program was built from, as far as git knows here.
fn revision() -> String {
    let Ok(program) = std::env::current_exe() else { return "unknown".into() };
    let folder = program.parent().unwrap_or_else(|| Path::new("."));
    let described =
        Command::new("git").arg("-C").arg(folder).args(["describe", "--always", "--dirty"]).output();
    match described {
        Ok(out) if out.status.success() => String::from_utf8_lossy(&out.stdout).trim().to_owned(),
        _ => "unknown".into(),
    }
}

/// Runs `step` over and over for a while; the median in microseconds.
pub(crate) fn median_us(moment: Duration, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    let end = Instant::now() + moment;
    let mut last = Instant::now();
    while last < end {
        step()?;
        let now = Instant::now();
        times.push(now - last);
        last = now;
    }
    Ok(Spread::new(times).ms(50) * 1e3)
}

/// One appended page and its sync.
fn fdatasync(bench: &Bench) -> Result<f64> {
    let folder = bench.folder()?;
    let mut file = std::fs::File::create(folder.path().join("sync"))?;
    median_us(bench.moment, || {
        file.write_all(&[1; 4096])?;
        Ok(file.sync_data()?)
    })
}

/// There and back between two threads.
fn loopback(moment: Duration) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let echo = std::thread::spawn(move || {
        let mut buffer = [0; SMALL];
        while far.read_exact(&mut buffer).is_ok() && far.write_all(&buffer).is_ok() {}
    });
    let mut buffer = [0; SMALL];
    let median = median_us(moment, || {
        near.write_all(&buffer)?;
        Ok(near.read_exact(&mut buffer)?)
    });
    drop(near);
    echo.join().map_err(|_| anyhow!("the echo failed"))?;
    median
}

fn sign(moment: Duration) -> Result<f64> {
    let (key, message) = (SigningKey::from_bytes(&[1; 32]), [2; SEALED]);
    median_us(moment, || {
        std::hint::black_box(key.sign(&message));
        Ok(())
    })
}

fn verify(moment: Duration) -> Result<f64> {
    let (key, message) = (SigningKey::from_bytes(&[1; 32]), [2; SEALED]);
    let (signature, public) = (key.sign(&message), key.verifying_key());
    median_us(moment, || Ok(public.verify_strict(&message, &signature)?))
}

fn aead(moment: Duration) -> Result<f64> {
    let broken = |_| anyhow!("the cipher failed");
    let cipher = ChaCha20Poly1305::new(Key::from_slice(&[3; 32]));
    let nonce = Nonce::from([4; 12]);
    let sealed = cipher.encrypt(&nonce, [5; SEALED].as_slice()).map_err(broken)?;
    median_us(moment, || cipher.decrypt(&nonce, sealed.as_slice()).map(drop).map_err(broken))
}
