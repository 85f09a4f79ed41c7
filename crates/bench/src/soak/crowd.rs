//! People who write, read, come, go, get new devices and lose them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use diario_engine::{Draft, GroupChange};
use diario_protocol::{AccountId, ConversationId, Retention, Seq};
use serde::Serialize;

use crate::device::{Device, in_file_with_small_cache, now, together};
use crate::server::ServerProcess;
use crate::socket::Socket;

/// How often things were done.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Done {
    pub(crate) messages: u32,
    pub(crate) reconnections: u32,
    pub(crate) devices_linked_and_revoked: u32,
    pub(crate) members_removed_and_added: u32,
    pub(crate) strangers: u32,
}

struct Person {
    name: String,
    account: AccountId,
    devices: Vec<Device>,
    /// Conversation with the neighbour.
    direct: ConversationId,
}

/// People in pairs, and one group of them all.
pub(crate) struct Crowd {
    folder: PathBuf,
    people: Vec<Person>,
    group: ConversationId,
    random: u64,
    done: Done,
}

impl Crowd {
    /// Makes accounts and conversations. Bodies go from the server once every device has them.
    pub(crate) async fn gather(server: &ServerProcess, folder: &Path, people: usize) -> Result<Self> {
        let folder = folder.join("devices");
        std::fs::create_dir_all(&folder)?;
        let mut crowd = Vec::new();
        for n in 0..(people / 2).max(1) * 2 {
            let name = format!("person{n}");
            let mut phone = Device::register(server, store(&folder, &name)?, &name).await?;
            let pc = Device::link(server, store(&folder, &format!("{name}-pc"))?, &mut phone).await?;
            let account = phone.engine.whoami().context("no account")?.1;
            crowd.push(Person {
                name,
                account,
                devices: vec![phone, pc],
                direct: ConversationId::of_self(account),
            });
        }
        let accounts: Vec<AccountId> = crowd.iter().map(|p| p.account).collect();
        let mut conversations = Vec::new();
        for (n, [account, other]) in accounts.as_chunks::<2>().0.iter().enumerate() {
            let direct = crowd[2 * n].devices[0].engine.direct(*other, now())?;
            debug_assert_eq!(direct, ConversationId::of_pair(*account, *other));
            (crowd[2 * n].direct, crowd[2 * n + 1].direct) = (direct, direct);
            conversations.push((2 * n, direct));
        }
        let group = crowd[0].devices[0].engine.create_conversation("All", &accounts[1..], now())?;
        conversations.push((0, group));
        let mut crowd = Self { folder, people: crowd, group, random: 1, done: Done::default() };
        for (who, conversation) in conversations {
            crowd.people[who].devices[0].engine.send(conversation, &Draft::Text("begins".into()), now())?;
            let there = |all: &[&mut Device]| all.iter().all(|d| d.engine.is_live() && d.engine.at_rest());
            together(&mut crowd.devices(), "in the conversation", there).await?;
            let once_delivered = Retention { days: None, delivered: true };
            crowd.people[who].devices[0].engine.set_retention(conversation, once_delivered, now())?;
        }
        Ok(crowd)
    }

    /// How often things were done so far.
    pub(crate) fn done(&self) -> Done {
        self.done
    }

    fn devices(&mut self) -> Vec<&mut Device> {
        self.people.iter_mut().flat_map(|p| p.devices.iter_mut()).collect()
    }

    /// Everybody's devices go on for a while.
    pub(crate) async fn live(&mut self, time: Duration) -> Result<()> {
        let mut devices = self.devices();
        for device in &mut devices {
            device.events.clear();
        }
        match tokio::time::timeout(time, together(&mut devices, "over", |_| false)).await {
            Ok(ended) => ended,
            Err(_) => Ok(()),
        }
    }

    /// Somebody does something.
    pub(crate) async fn act(&mut self, server: &ServerProcess) -> Result<()> {
        let (who, which, what) = (self.below(self.people.len()), self.below(2), self.below(100));
        let conversation = if self.below(2) == 0 { self.group } else { self.people[who].direct };
        match what {
            0..60 => {
                let text = format!("{:0>length$}", self.done.messages, length = crate::bench::TEXT);
                self.engine(who, which).send(conversation, &Draft::Text(text), now())?;
                self.done.messages += 1;
            }
            60..72 => self.engine(who, which).mark_read(conversation, Seq(u64::MAX), now())?,
            72..80 => self.engine(who, which).typing(conversation, now())?,
            80..90 => {
                let engine = self.people[who].devices.remove(which).disconnect();
                self.people[who].devices.insert(which, Device::connect(server, engine).await?);
                self.done.reconnections += 1;
            }
            90..97 => {
                drop(Socket::connect(server.address()).await?);
                self.done.strangers += 1;
            }
            97..99 => self.new_device(server, who).await?,
            _ => self.remove_and_add(who).await?,
        }
        Ok(())
    }

    /// Somebody lets a device in, uses it, and takes it out again.
    async fn new_device(&mut self, server: &ServerProcess, who: usize) -> Result<()> {
        let name = format!("{}-new-{}", self.people[who].name, self.done.devices_linked_and_revoked);
        let mut new = {
            let engine = store(&self.folder, &name)?;
            let primary = &mut self.people[who].devices[0];
            together(&mut [primary], "live", |d| d[0].engine.is_live()).await?;
            Device::link(server, engine, primary).await?
        };
        let conversation = self.people[who].direct;
        new.engine.send(conversation, &Draft::Text("from a new device".into()), now())?;
        new.until("sent", |d| d.engine.at_rest()).await?;
        self.done.messages += 1;
        let device = new.engine.whoami().context("no device")?.2;
        self.engine(who, 0).revoke(device, now())?;
        let rests = |all: &[&mut Device]| all.iter().all(|d| d.engine.is_live() && d.engine.at_rest());
        drop(new);
        together(&mut self.devices(), "without the device", rests).await?;
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.join(format!("{name}.sqlite{end}")));
        }
        self.done.devices_linked_and_revoked += 1;
        Ok(())
    }

    async fn remove_and_add(&mut self, who: usize) -> Result<()> {
        // The first person stays: somebody has to bring the others back.
        let account = self.people[who.max(1)].account;
        let group = self.group;
        let rests = |all: &[&mut Device]| all.iter().all(|d| d.engine.is_live() && d.engine.at_rest());
        together(&mut self.devices(), "at rest", rests).await?;
        for change in [GroupChange::Remove(vec![account]), GroupChange::Add(vec![account])] {
            self.engine(0, 0).change_group(group, &change, now())?;
            together(&mut self.devices(), "at rest with other members", rests).await?;
        }
        self.done.members_removed_and_added += 1;
        Ok(())
    }

    fn engine(&mut self, who: usize, which: usize) -> &mut diario_engine::Engine {
        &mut self.people[who].devices[which].engine
    }

    /// The next of a sequence of numbers that is the same every time (splitmix64).
    fn below(&mut self, most: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap_or(0) % most.max(1)
    }
}

fn store(folder: &Path, name: &str) -> Result<diario_engine::Engine> {
    in_file_with_small_cache(&folder.join(format!("{name}.sqlite")))
}
