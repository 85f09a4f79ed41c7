//! The one thread that writes: it gathers what waits, runs it in one transaction, and answers when that is on disk.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use diario_protocol::Refusal;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::cache::Cache;
use crate::metrics::Metrics;
use crate::storage::{Event, Listener, StorageSettings, Threads};

/// Why a job did not do what it was asked.
#[derive(Debug)]
pub(super) enum Fail {
    /// A rule forbids it; the job wrote nothing.
    Refused(Refusal),
    /// SQLite failed; the whole transaction goes.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Fail {
    fn from(e: rusqlite::Error) -> Self {
        Self::Sql(e)
    }
}

impl From<Refusal> for Fail {
    fn from(r: Refusal) -> Self {
        Self::Refused(r)
    }
}

/// What a job gives.
pub(super) type Outcome<T> = Result<T, Fail>;

/// The writer's connection, and what it knows without asking it.
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) cache: Cache,
    /// What the transaction under way tells when it is committed.
    pub(super) events: Vec<Event>,
}

/// One write, from its request to its answer.
trait Job: Send {
    fn run(&mut self, writer: &mut Writer) -> Result<(), rusqlite::Error>;
    /// Sends the answer; `durable` says whether the transaction was committed.
    fn answer(self: Box<Self>, durable: bool);
}

struct Task<F, T> {
    work: Option<F>,
    outcome: Result<T, Refusal>,
    reply: oneshot::Sender<Result<T, Refusal>>,
}

impl<F, T> Job for Task<F, T>
where
    F: FnOnce(&mut Writer) -> Outcome<T> + Send,
    T: Send,
{
    fn run(&mut self, writer: &mut Writer) -> Result<(), rusqlite::Error> {
        let Some(work) = self.work.take() else { return Ok(()) };
        self.outcome = match work(writer) {
            Ok(value) => Ok(value),
            Err(Fail::Refused(refusal)) => Err(refusal),
            Err(Fail::Sql(e)) => return Err(e),
        };
        Ok(())
    }

    fn answer(self: Box<Self>, durable: bool) {
        // Whoever asked may be gone; the write stands.
        let _ = self.reply.send(if durable { self.outcome } else { Err(Refusal::StorageUnavailable) });
    }
}

/// What the thread is told.
enum Message {
    Job(Box<dyn Job>),
    Checkpoint,
    Close(oneshot::Sender<()>),
}

/// The way to the writer's thread.
#[derive(Clone)]
pub(super) struct WriterHandle {
    queue: mpsc::Sender<Message>,
    metrics: Arc<Metrics>,
}

impl WriterHandle {
    /// Starts the thread.
    pub(super) fn start(
        writer: Writer,
        settings: &StorageSettings,
        metrics: Arc<Metrics>,
        listener: Arc<dyn Listener>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(settings.writer_queue);
        let handle = Self { queue, metrics: Arc::clone(&metrics) };
        let most = settings.writer_batch;
        let work = Loop { writer, metrics, listener, batch: Vec::new(), most, closing: None };
        match settings.threads {
            Threads::Own => {
                std::thread::Builder::new().name("diario-writer".into()).spawn(move || work.run(jobs))?;
            }
            Threads::None(takes) => drop(tokio::spawn(work.run_as_task(jobs, takes))),
        }
        Ok(handle)
    }

    /// Runs `work` in the next transaction, and gives its answer when that is on disk.
    ///
    /// Waits where too many writes wait already. Work is done in the order in which it came here.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Refusal>
    where
        F: FnOnce(&mut Writer) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task { work: Some(work), outcome: Err(Refusal::StorageUnavailable), reply };
        let Ok(place) = self.queue.reserve().await else { return Err(Refusal::Draining) };
        self.metrics.writer_queue.fetch_add(1, Relaxed);
        place.send(Message::Job(Box::new(task)));
        answer.await.unwrap_or(Err(Refusal::Draining))
    }

    /// Asks for the end of a checkpoint, which needs a moment without writes.
    pub(super) fn finish_checkpoint(&self) -> bool {
        self.queue.blocking_send(Message::Checkpoint).is_ok()
    }

    /// Does what waits, then ends the thread.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

struct Loop {
    writer: Writer,
    metrics: Arc<Metrics>,
    listener: Arc<dyn Listener>,
    batch: Vec<Box<dyn Job>>,
    most: usize,
    /// Who waits for the end.
    closing: Option<oneshot::Sender<()>>,
}

impl Loop {
    fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        while let Some(first) = queue.blocking_recv() {
            self.turn(first, &mut queue);
        }
        self.end();
    }

    async fn run_as_task(mut self, mut queue: mpsc::Receiver<Message>, takes: Duration) {
        while let Some(first) = queue.recv().await {
            tokio::time::sleep(takes).await;
            self.turn(first, &mut queue);
        }
        self.end();
    }

    /// Does what waits, as far as it fits into one transaction.
    fn turn(&mut self, first: Message, queue: &mut mpsc::Receiver<Message>) {
        let mut next = Some(first);
        let mut checkpoint = false;
        while let Some(message) = next {
            match message {
                Message::Job(job) => self.batch.push(job),
                Message::Checkpoint => checkpoint = true,
                Message::Close(done) => {
                    queue.close();
                    self.closing = Some(done);
                }
            }
            next = if self.batch.len() < self.most { queue.try_recv().ok() } else { None };
        }
        self.metrics.writer_queue.fetch_sub(self.batch.len() as u64, Relaxed);
        if !self.batch.is_empty() {
            self.transaction();
        }
        if checkpoint {
            checkpoint_now(&self.writer.db, "PASSIVE");
        }
    }

    fn end(self) {
        checkpoint_now(&self.writer.db, "TRUNCATE");
        drop(self.writer);
        if let Some(done) = self.closing {
            let _ = done.send(());
        }
    }

    fn transaction(&mut self) {
        self.metrics.batches.fetch_add(1, Relaxed);
        self.metrics.batch_jobs.fetch_add(self.batch.len() as u64, Relaxed);
        let committed = self.try_transaction();
        let durable = match committed {
            Ok(()) => true,
            Err(e) => {
                self.metrics.batches_failed.fetch_add(1, Relaxed);
                // SQLite's messages name tables and files, never what is in them.
                tracing::error!(error = %e, jobs = self.batch.len(), "the database failed; nothing of the batch was kept");
                if !self.writer.db.is_autocommit()
                    && let Err(e) = self.writer.db.execute_batch("ROLLBACK")
                {
                    tracing::error!(error = %e, "the database cannot roll back");
                }
                self.writer.cache.clear();
                self.writer.events.clear();
                false
            }
        };
        // Listeners first: a device that is answered finds what it did in the stream.
        let events = std::mem::take(&mut self.writer.events);
        if !events.is_empty() {
            self.listener.committed(events);
        }
        for job in self.batch.drain(..) {
            job.answer(durable);
        }
    }

    fn try_transaction(&mut self) -> Result<(), rusqlite::Error> {
        self.writer.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for job in &mut self.batch {
            job.run(&mut self.writer)?;
        }
        let begin = Instant::now();
        self.writer.db.prepare_cached("COMMIT")?.execute([])?;
        self.metrics.synced(begin.elapsed());
        Ok(())
    }
}

/// Moves the write-ahead log into the database; gives its pages and how many of them were moved.
pub(super) fn checkpoint_now(db: &Connection, mode: &str) -> Option<(i64, i64)> {
    let moved = db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    moved.map_err(|e| tracing::warn!(error = %e, "checkpoint failed")).ok()
}
