//! What a send and a page cost the server with more and more of the log behind.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use diario_protocol::limits::SERVER_FRAME;
use diario_protocol::{LogRange, Reply, Request, Seq, ServerFrame};

use crate::bench::Bench;
use crate::people::{Pair, Talk};
use crate::proc::Watch;
use crate::report::Report;
use crate::server::ServerProcess;
use crate::socket::Socket;
use crate::spread::{Spread, number};

/// Messages after each step by which a send is measured, and those of a page.
const MEASURED: u64 = 5_000;
const PAGE: u64 = 100;

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(folder.path())?;
    let Pair { from, to, talk } = Pair::with_devices(&server, "history", 1, 1).await?;
    drop(to);
    let mut socket = from.into_iter().next().context("a sender")?.into_socket();
    let mut behind = 0;
    let measured = MEASURED.min(u64::try_from(bench.singles)? * 10);
    for step in &bench.history {
        let step = u64::try_from(*step)?;
        talk.write(&mut socket, step.saturating_sub(behind)).await?;
        behind = behind.max(step);
        let watch = Watch::start(server.pid())?;
        talk.write(&mut socket, measured).await?;
        let sends = watch.read()?;
        behind += measured;
        let database = bytes_of(folder.path(), "sqlite")? / number(usize::try_from(behind)?);
        let ahead = bytes_of(folder.path(), "sqlite-wal")? / 1_048_576.0;

        let newest = talk.head + behind;
        let watch = Watch::start(server.pid())?;
        let mut pages = Vec::new();
        for first in [newest + 1 - PAGE, 1] {
            let mut times = Vec::new();
            for _ in 0..bench.pages * 4 {
                times.push(page(&mut socket, &talk, first).await?);
            }
            pages.push(Spread::new(times));
        }
        let reads = watch.read()?;
        let of = format!("{step} behind");
        let mut section = report.scenario("history", sends.others.max(reads.others));
        let each = sends.server / number(usize::try_from(measured)?) * 1e6;
        section.put(&format!("{of}: server CPU of a send"), each, "us");
        section.put(&format!("{of}: a page of {PAGE} at the head, p50"), pages[0].ms(50), "ms");
        section.put(&format!("{of}: a page of {PAGE} at the beginning, p50"), pages[1].ms(50), "ms");
        let page = reads.server / number(bench.pages * 8) * 1e6;
        section.put(&format!("{of}: server CPU of a page"), page, "us");
        section.put(&format!("{of}: bytes of the database, a message"), database, "B");
        section.put(&format!("{of}: write-ahead log"), ahead, "MiB");
    }
    Ok(())
}

/// Asks for a page.
async fn page(socket: &mut Socket, talk: &Talk, first: u64) -> Result<Duration> {
    let (from, to) = (Seq(first), Seq(first + PAGE - 1));
    let range = LogRange {
        conversation: talk.conversation,
        from,
        to,
        commits_only: false,
        newest: false,
        about: None,
    };
    let began = Instant::now();
    socket.ask(0, Request::Log(range));
    socket.flush().await?;
    loop {
        let Some(frame) = socket.take_one()? else {
            socket.fill().await?;
            continue;
        };
        match diario_protocol::decode(&frame, SERVER_FRAME)? {
            ServerFrame::Reply(_, Reply::Log(page)) if page.entries.len() as u64 == PAGE => {
                return Ok(began.elapsed());
            }
            ServerFrame::Changes(_) => {}
            other => bail!("not the page: {other:?}"),
        }
    }
}

/// Bytes of the files in a folder whose names end so.
fn bytes_of(folder: &std::path::Path, extension: &str) -> Result<f64> {
    let mut bytes = 0;
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        if file.path().extension().is_some_and(|found| found == extension) {
            bytes += file.metadata()?.len();
        }
    }
    Ok(number(usize::try_from(bytes)?))
}
