//! What a command works with: the engine, the output, and ways to wait for things to happen.

use std::path::{Path, PathBuf};

use diario_client::Client;
use diario_engine::{ConnectionState, Engine, Event, Misbehaviour, RecoveryStep};
use diario_protocol::{ConversationId, EntryId, Timestamp};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::error::{CliError, Kind};
use crate::output::Output;

/// What every command gets.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) out: Output,
    pub(crate) home: PathBuf,
    /// Whether the command was typed in another process.
    pub(crate) forwarded: bool,
    /// Whether no connection is made.
    pub(crate) local: bool,
    /// Whether the command goes on though this device's time has run out.
    pub(crate) patient: bool,
    /// What the command waits for: its refusal ends the command.
    pub(crate) concern: Option<(ConversationId, Option<EntryId>)>,
    events: broadcast::Receiver<Event>,
    pub(crate) connection: watch::Receiver<ConnectionState>,
    pub(crate) rest: watch::Receiver<bool>,
    stop: watch::Receiver<bool>,
}

/// What a wait ends with.
#[derive(Debug)]
pub(crate) enum Wake {
    /// Something happened.
    Event(Event),
    /// More happened than could be told: look into the store.
    Lagged,
    /// The connection, or whether there is something to do, is other than before.
    Changed,
    /// The process is to end.
    Stop,
    /// Nothing happened in time.
    Late,
}

impl Context {
    /// Events count from here on.
    pub(crate) fn new(client: Client, out: Output, home: &Path, stop: watch::Receiver<bool>) -> Self {
        let (events, connection, rest) = (client.events(), client.connection(), client.rest());
        Self {
            client,
            out,
            home: home.to_owned(),
            forwarded: false,
            local: false,
            patient: false,
            concern: None,
            events,
            connection,
            rest,
            stop,
        }
    }

    /// Runs `body` on the engine.
    pub(crate) async fn engine<T, E>(
        &self,
        body: impl FnOnce(&mut Engine, Timestamp) -> Result<T, E> + Send + 'static,
    ) -> Result<T, CliError>
    where
        T: Send + 'static,
        E: Into<CliError> + Send + 'static,
    {
        self.client.with(body).await?.map_err(Into::into)
    }

    /// When the user's patience ends.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.out.face.timeout
    }

    /// The next thing that happens.
    pub(crate) async fn next(&mut self, until: Option<Instant>) -> Result<Wake, CliError> {
        let late = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let wake = tokio::select! {
            biased;
            event = self.events.recv() => match event {
                Ok(event) => Wake::Event(event),
                Err(RecvError::Lagged(_)) => Wake::Lagged,
                Err(RecvError::Closed) => return Err(CliError::stopped()),
            },
            changed = self.connection.changed() => told(changed)?,
            changed = self.rest.changed() => told(changed)?,
            Ok(()) = self.stop.changed() => Wake::Stop,
            () = late => Wake::Late,
        };
        if let Wake::Event(event) = &wake {
            self.heed(event).await?;
        }
        Ok(wake)
    }

    /// Something that has happened already, if there is anything left of that.
    pub(crate) async fn next_now(&mut self) -> Result<Option<Wake>, CliError> {
        match self.events.try_recv() {
            Ok(event) => {
                self.heed(&event).await?;
                Ok(Some(Wake::Event(event)))
            }
            Err(TryRecvError::Lagged(_)) => Ok(Some(Wake::Lagged)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Closed) => Err(CliError::stopped()),
        }
    }

    /// Waits until `probe` gives something, looking whenever something happens; `None` if it takes too long.
    pub(crate) async fn until<T: Send + 'static>(
        &mut self,
        probe: impl FnOnce(&mut Engine, Timestamp) -> Result<Option<T>, CliError> + Clone + Send + 'static,
    ) -> Result<Option<T>, CliError> {
        self.until_by(self.deadline(), probe).await
    }

    /// [`until`](Self::until) a time of the caller's.
    pub(crate) async fn until_by<T: Send + 'static>(
        &mut self,
        deadline: Instant,
        probe: impl FnOnce(&mut Engine, Timestamp) -> Result<Option<T>, CliError> + Clone + Send + 'static,
    ) -> Result<Option<T>, CliError> {
        loop {
            if let Some(found) = self.engine(probe.clone()).await? {
                return Ok(Some(found));
            }
            if let Wake::Late = self.next(Some(deadline)).await? {
                return Ok(None);
            }
            while self.next_now().await?.is_some() {}
        }
    }

    /// Waits for the live stream: commands that only the server can answer begin with it.
    pub(crate) async fn live(&mut self) -> Result<(), CliError> {
        self.engine(|engine, _| match engine.whoami() {
            None => Err(diario_engine::CommandError::NoAccount),
            // Revoked devices want no connection any more.
            Some(_) if !engine.wants_connection() => Err(diario_engine::CommandError::Revoked),
            Some(_) => Ok(()),
        })
        .await?;
        if self.local {
            return Err(CliError::new(
                Kind::Offline,
                "this needs the server, and no connection is made for it",
            ));
        }
        match self.until(|engine, _| Ok(engine.is_live().then_some(()))).await? {
            Some(()) => Ok(()),
            None => Err(self.offline("this needs the server").await),
        }
    }

    /// Waits until the device is up to date and has nothing under way; says whether it came to that.
    pub(crate) async fn settled(&mut self) -> Result<bool, CliError> {
        Ok(self.until(|engine, _| Ok(engine.at_rest().then_some(()))).await?.is_some())
    }

    /// The error that the server did not answer in time; `what` says what that means.
    pub(crate) async fn offline(&self, what: &str) -> CliError {
        let server = self.client.with(|engine, _| engine.server().map(str::to_owned)).await.ok().flatten();
        let server = server.unwrap_or_else(|| "the server".to_owned());
        let trouble = self.client.trouble().borrow().clone();
        let seconds = self.out.face.timeout.as_secs_f64();
        let connected = *self.connection.borrow() != ConnectionState::Offline;
        let why = match trouble {
            Some(why) if !connected => format!("no connection to {server} ({why})"),
            _ => format!("no answer from {server} within {seconds} s"),
        };
        CliError::new(Kind::Offline, format!("{why}; {what}"))
    }

    /// Warns of what is left to hear when a command ends: it may have been told once and never again.
    pub(crate) async fn hear_the_rest(&mut self) {
        loop {
            match self.events.try_recv() {
                // Where a warning cannot be written there is no place left to tell it.
                Ok(event) => drop(self.warn_of(&event).await),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Every command hears of misbehaviour here, whatever it waits for.
    async fn heed(&mut self, event: &Event) -> Result<(), CliError> {
        self.check(event)?;
        self.warn_of(event).await
    }

    async fn warn_of(&mut self, event: &Event) -> Result<(), CliError> {
        match event {
            // Its error says the same.
            Event::Misbehaviour { what, .. } if ends_commands(what) => Ok(()),
            Event::Misbehaviour { what, .. } => self.out.warn(&what.to_string()).await,
            _ => Ok(()),
        }
    }

    /// Events that end whatever runs.
    fn check(&self, event: &Event) -> Result<(), CliError> {
        match event {
            Event::Rejected(refusal) if !refusal.is_temporary() => Err(CliError::refused(refusal)),
            Event::Recovery(RecoveryStep::Failed(why)) => Err(CliError::recovery(why)),
            Event::Revoked => Err(diario_engine::CommandError::Revoked.into()),
            Event::Expired if !self.patient => Err(CliError::refused(
                &diario_protocol::Refusal::DeviceExpired,
            )
            .hint(
                "`diario devices renew` on a primary device renews this one; what waits here goes out then",
            )),
            Event::Misbehaviour { what, .. } if ends_commands(what) => Err(what.clone().into()),
            Event::Failed { conversation, id, refusal } => match self.concern {
                Some((concern, entry)) if concern == *conversation && (id.is_none() || *id == entry) => {
                    Err(CliError::refused(refusal))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// Whether nothing can be done with such a server.
fn ends_commands(what: &Misbehaviour) -> bool {
    matches!(what, Misbehaviour::OtherServer | Misbehaviour::OtherProtocol(_))
}

fn told(changed: Result<(), watch::error::RecvError>) -> Result<Wake, CliError> {
    changed.map(|()| Wake::Changed).map_err(|_| CliError::stopped())
}
