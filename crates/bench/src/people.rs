//! Two accounts that talk to each other, set up by real engines.

use std::path::Path;

use anyhow::{Context as _, Result};
use diario_engine::Engine;
use diario_protocol::{Append, Bin, ConversationId, EntryId, Epoch, Request};

use crate::device::{Device, in_file, in_memory, together};
use crate::server::ServerProcess;
use crate::socket::Socket;
use crate::wire::Tally;

/// Entries of one sender that wait for their answer.
pub(crate) const IN_FLIGHT: u64 = 16;

/// An account with 2 devices that sends, one with 3 that receives, and their conversation.
pub(crate) struct Pair {
    pub(crate) from: Vec<Device>,
    pub(crate) to: Vec<Device>,
    pub(crate) talk: Talk,
}

/// A conversation, as far as a device that sends raw entries has to know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    pub(crate) conversation: ConversationId,
    pub(crate) epoch: Epoch,
    /// The log's newest sequence.
    pub(crate) head: u64,
    /// Bytes of a sealed text.
    pub(crate) body: usize,
}

/// Where the devices of a pair keep what they have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stores<'a> {
    Memory,
    /// In a folder, synced as `PRAGMA synchronous` says.
    Disk(&'a Path, &'a str),
}

impl Stores<'_> {
    fn open(self, name: &str) -> Result<Engine> {
        match self {
            Self::Memory => in_memory(),
            Self::Disk(folder, sync) => in_file(&folder.join(format!("{name}.db")), sync),
        }
    }
}

/// An account with so many devices.
async fn account(
    stores: Stores<'_>,
    server: &ServerProcess,
    name: &str,
    devices: usize,
) -> Result<Vec<Device>> {
    let mut all = vec![Device::register(server, stores.open(name)?, name).await?];
    for n in 1..devices {
        let linked = Device::link(server, stores.open(&format!("{name}.{n}"))?, &mut all[0]).await?;
        all.push(linked);
    }
    Ok(all)
}

impl Pair {
    /// Sets a pair up; everybody is in the group and has the first message.
    pub(crate) async fn make(server: &ServerProcess, name: &str) -> Result<Self> {
        Self::with_devices(server, name, 2, 3).await
    }

    /// The same, with stores elsewhere.
    pub(crate) async fn make_in(stores: Stores<'_>, server: &ServerProcess, name: &str) -> Result<Self> {
        Self::with(stores, server, name, (2, 3)).await
    }

    /// The same with other numbers of devices.
    pub(crate) async fn with_devices(
        server: &ServerProcess,
        name: &str,
        sending: usize,
        receiving: usize,
    ) -> Result<Self> {
        Self::with(Stores::Memory, server, name, (sending, receiving)).await
    }

    async fn with(
        stores: Stores<'_>,
        server: &ServerProcess,
        name: &str,
        (sending, receiving): (usize, usize),
    ) -> Result<Self> {
        let mut from = account(stores, server, &format!("{name}.from"), sending).await?;
        let mut to = account(stores, server, &format!("{name}.to"), receiving).await?;
        let recipient = to[0].engine.whoami().context("no account")?.1;
        let conversation = from[0].engine.direct(recipient, crate::device::now())?;
        from[0].say(conversation, 1).await?;
        let mut seq = next(&from[0], conversation)? - 1;
        settle(&mut from, &mut to, conversation, seq).await?;
        let body = from[0].sealed_length(conversation)?;
        seq += 1;
        settle(&mut from, &mut to, conversation, seq).await?;
        let state = from[0].engine.log_state(conversation)?.context("no conversation")?;
        let talk = Talk { conversation, epoch: state.epoch, head: state.next.0 - 1, body };
        Ok(Self { from, to, talk })
    }
}

fn next(device: &Device, conversation: ConversationId) -> Result<u64> {
    Ok(device.engine.log_state(conversation)?.context("no conversation")?.next.0)
}

async fn settle(
    from: &mut [Device],
    to: &mut [Device],
    conversation: ConversationId,
    seq: u64,
) -> Result<()> {
    let mut all: Vec<&mut Device> = from.iter_mut().chain(to).collect();
    together(&mut all, "in the conversation", |all| all.iter().all(|d| d.has(conversation, seq))).await
}

impl Talk {
    /// Sends so many entries, up to [`IN_FLIGHT`] of them unanswered, and waits for all answers.
    pub(crate) async fn write(&self, socket: &mut Socket, count: u64) -> Result<()> {
        let (mut sent, mut own) = (0, Tally::default());
        while own.acks < count {
            while sent < count && sent - own.acks < IN_FLIGHT {
                sent += 1;
                self.append(socket, u32::try_from(sent)?)?;
            }
            socket.flush().await?;
            socket.fill().await?;
            socket.take(|frame| own.count(frame))?;
        }
        Ok(())
    }

    /// Puts an entry with a random body into the outbox.
    pub(crate) fn append(&self, socket: &mut Socket, request: u32) -> Result<()> {
        let mut random = vec![0; 16 + self.body];
        getrandom::fill(&mut random).map_err(|e| anyhow::anyhow!("no random bytes: {e}"))?;
        let body = random.split_off(16);
        let id = EntryId::from_slice(&random).context("an id has 16 bytes")?;
        let append = Append {
            conversation: self.conversation,
            id,
            epoch: self.epoch,
            annotates: None,
            body: Bin(body),
        };
        socket.ask(request, Request::Append(append));
        Ok(())
    }
}
