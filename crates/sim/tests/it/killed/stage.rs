//! Five devices of two accounts on a stage that can be set up again as it was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use diario_engine::Event;
use diario_protocol::{ConversationId, Timestamp};
use diario_sim::{SimDevice, World, settle};

use super::{Flow, Who};

/// How long nothing may move before what was begun is over.
const OVER: Duration = Duration::from_millis(60);

/// The devices, and the conversation of the two accounts.
pub(super) struct Cast {
    pub(super) world: World,
    pub(super) chat: ConversationId,
    devices: Vec<Option<SimDevice>>,
    /// Codes of linkings that were entered.
    pub(super) entered: Vec<String>,
}

/// What a flow begins with.
pub(super) struct Template {
    world: World,
    chat: ConversationId,
    at: Timestamp,
}

fn store(world: &World, who: Who) -> PathBuf {
    world.folder().join(format!("{who:?}.db"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        std::fs::create_dir_all(to)?;
        for file in std::fs::read_dir(from)? {
            let file = file?;
            copy(&file.path(), &to.join(file.file_name()))?;
        }
    } else {
        std::fs::copy(from, to)?;
    }
    Ok(())
}

impl Template {
    /// Sets the stage up for a flow.
    pub(super) async fn prepare<F: Flow>() -> Result<(Self, F)> {
        let world = World::new().await?;
        let mut cast =
            Cast { world, chat: ConversationId::new([0; 16]), devices: Vec::new(), entered: Vec::new() };
        for who in Who::ALL {
            let device = SimDevice::at(&cast.world, &format!("{who:?}"), &store(&cast.world, who))?;
            cast.devices.push(Some(device));
        }
        let [phone, pc, marco, marco_pc, _] = &mut cast.devices[..] else { bail!("five devices") };
        let (Some(phone), Some(pc)) = (phone, pc) else { bail!("giulia's devices") };
        let (Some(marco), Some(marco_pc)) = (marco, marco_pc) else { bail!("marco's devices") };
        phone.register("giulia").await?;
        marco.register("marco").await?;
        pc.link_to(phone, true).await?;
        marco_pc.link_to(marco, false).await?;
        let to = phone.find("marco").await?;
        cast.chat = phone.direct(to)?;
        phone.say(cast.chat, "one")?;
        settle(&mut [phone, pc, marco, marco_pc]).await?;
        for device in [pc, marco, marco_pc] {
            device.say(cast.chat, &format!("hello from {}", device.name))?;
        }
        cast.settle().await?;
        let flow = F::prepare(&mut cast).await?;
        for who in Who::ALL {
            cast.off(who);
        }
        cast.devices.clear();
        let Cast { mut world, chat, .. } = cast;
        world.stop().await;
        let at = world.clock().time();
        Ok((Self { world, chat, at }, flow))
    }

    /// The stage as it was then; nobody is on.
    pub(super) async fn revive(&self) -> Result<Cast> {
        let mut world = World::new().await?;
        world.stop().await;
        std::fs::remove_dir_all(world.data())?;
        for file in std::fs::read_dir(self.world.folder())? {
            let file = file?;
            copy(&file.path(), &world.folder().join(file.file_name()))?;
        }
        world.clock().advance(self.at.ms_since(world.clock().time()));
        world.start().await?;
        let mut cast = Cast { world, chat: self.chat, devices: Vec::new(), entered: Vec::new() };
        for who in Who::ALL {
            let device = SimDevice::at(&cast.world, &format!("{who:?}"), &store(&cast.world, who))?;
            cast.devices.push(Some(device));
        }
        Ok(cast)
    }
}

impl Cast {
    pub(super) fn get(&mut self, who: Who) -> &mut SimDevice {
        #[allow(clippy::expect_used)]
        self.devices[who as usize].as_mut().expect("a device is gone only while it is killed")
    }

    pub(super) async fn connect(&mut self, who: Who) -> Result<()> {
        self.get(who).connect().await
    }

    pub(super) fn off(&mut self, who: Who) {
        self.get(who).disconnect();
    }

    /// Ends the process of a device, and starts it again.
    pub(super) async fn kill(&mut self, who: Who) -> Result<()> {
        self.devices[who as usize] = None;
        let device = SimDevice::at(&self.world, &format!("{who:?}"), &store(&self.world, who))?;
        self.devices[who as usize] = Some(device);
        if self.get(who).engine.wants_connection() {
            self.connect(who).await?;
        }
        Ok(())
    }

    /// Ends the connection of a device, and makes another one.
    pub(super) async fn tear(&mut self, who: Who) -> Result<()> {
        self.off(who);
        if self.get(who).engine.wants_connection() {
            self.connect(who).await?;
        }
        Ok(())
    }

    /// Lets everything flow until the victim sent and took so many frames; says whether all came to rest before.
    pub(super) async fn step<F: Flow>(&mut self, flow: &F, victim: Who, frames: usize) -> Result<bool> {
        let (mut count, mut last) = (0, tokio::time::Instant::now());
        while count < frames {
            let mut moved = flow.act(self, false).await?;
            for who in Who::ALL {
                let device = self.get(who);
                if !device.is_connected() {
                    continue;
                }
                let now = device.now();
                if device.engine.deadline().is_some_and(|at| at <= now) {
                    device.engine.tick(now)?;
                }
                let sent = device.send_one().await?;
                moved |= device.fetch_one(Duration::from_millis(1)).await;
                let taken = device.deliver_one()?;
                let rests = device.engine.at_rest()
                    || device.engine.awaits_link()
                    || device.engine.awaits_recovery_choice();
                moved |= sent || taken || !rests;
                if who == victim {
                    count += usize::from(sent) + usize::from(taken);
                }
            }
            if moved {
                last = tokio::time::Instant::now();
            } else if last.elapsed() > OVER {
                if !flow.act(self, true).await? {
                    return Ok(true);
                }
                last = tokio::time::Instant::now();
            }
        }
        Ok(false)
    }

    pub(super) async fn settle(&mut self) -> Result<()> {
        let mut on: Vec<_> = self.devices.iter_mut().flatten().filter(|d| d.is_connected()).collect();
        settle(&mut on).await
    }

    /// Every device that is on says something, and all of them have it, once and in one order.
    pub(super) async fn talk(&mut self) -> Result<()> {
        let chat = self.chat;
        let on: Vec<_> = Who::ALL.into_iter().filter(|who| self.get(*who).engine.is_live()).collect();
        for who in &on {
            let device = self.get(*who);
            device.say(chat, &format!("said by {who:?} in the end"))?;
        }
        self.settle().await?;
        let said = |device: &SimDevice| -> Result<Vec<String>> {
            Ok(device.texts(chat)?.into_iter().filter(|text| text.ends_with("in the end")).collect())
        };
        let expected = said(self.get(on[0]))?;
        if expected.len() != on.len() {
            bail!("not all of {on:?} said it: {expected:?}");
        }
        for who in on {
            let device = self.get(who);
            let texts = said(device)?;
            let found = device.engine.diagnose()?;
            if texts != expected || (found.waiting, found.refused, found.outgoing) != (0, 0, 0) {
                bail!("{who:?}: {texts:?}, not {expected:?}; {found:?}; {:#?}", device.last_events());
            }
            let lies: Vec<_> =
                device.events.iter().filter(|e| matches!(e, Event::Misbehaviour { .. })).collect();
            if !lies.is_empty() {
                bail!("{who:?} holds somebody for a liar: {lies:?}");
            }
        }
        Ok(())
    }

    /// What happened last, for messages of failed tests.
    pub(super) fn last_events(&self) -> Vec<(&str, &[Event])> {
        self.devices.iter().flatten().map(|d| (d.name.as_str(), d.last_events())).collect()
    }

    /// Lets time pass.
    pub(super) fn wait(&self, ms: u64) {
        self.world.clock().advance(ms);
    }

    /// A device's id.
    pub(super) fn id(&mut self, who: Who) -> Result<diario_protocol::DeviceId> {
        Ok(self.get(who).engine.whoami().context("no account")?.2)
    }
}
