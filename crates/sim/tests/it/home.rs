//! An account that gets a new device, and its past.

use anyhow::{Result, bail};
use diario_engine::{EngineConfig, Event, Fill, LinkingStep};
use diario_protocol::{ConversationId, Seq};
use diario_sim::{SimDevice, World, settle};

/// An account with a phone, and a friend with whom it has conversations.
pub(crate) struct Home {
    pub(crate) world: World,
    pub(crate) phone: SimDevice,
    pub(crate) friend: SimDevice,
    pub(crate) chats: Vec<ConversationId>,
}

/// A device that fetches only what is looked at.
pub(crate) fn lazy() -> EngineConfig {
    EngineConfig { fill: Fill::Never, ..EngineConfig::default() }
}

impl Home {
    /// `chats` conversations with `messages` in each, of which the phone has read all in the first one.
    pub(crate) async fn new(chats: usize, messages: usize) -> Result<Self> {
        Self::with_epochs(chats, messages, EngineConfig::default()).await
    }

    pub(crate) async fn with_epochs(chats: usize, messages: usize, config: EngineConfig) -> Result<Self> {
        let world = World::new().await?;
        let few_an_epoch = config.epoch_entries < 10;
        let mut phone = SimDevice::with_config(&world, "phone", config.clone())?;
        let mut friend = SimDevice::with_config(&world, "friend", config)?;
        phone.register("giulia").await?;
        friend.register("marco").await?;
        let giulia = friend.find("giulia").await?;
        let mut ids = vec![friend.direct(giulia)?];
        for n in 1..chats {
            ids.push(friend.engine.create_conversation(&format!("Group {n}"), &[giulia], friend.now())?);
        }
        for id in &ids {
            for n in 1..=messages {
                friend.say(*id, &format!("message {n}"))?;
                if few_an_epoch && n % 4 == 0 {
                    settle(&mut [&mut phone, &mut friend]).await?;
                }
            }
            settle(&mut [&mut phone, &mut friend]).await?;
        }
        phone.engine.mark_read(ids[0], Seq(u64::MAX), phone.now())?;
        settle(&mut [&mut phone, &mut friend]).await?;
        Ok(Self { world, phone, friend, chats: ids })
    }

    /// Links a device and turns the phone off in the moment in which it is admitted.
    pub(crate) async fn link(&mut self, config: EngineConfig) -> Result<SimDevice> {
        let mut new = self.admitted(config).await?;
        self.phone.disconnect();
        settle(&mut [&mut new]).await?;
        Ok(new)
    }

    /// A device that was admitted a moment ago and took nothing since.
    pub(crate) async fn admitted(&mut self, config: EngineConfig) -> Result<SimDevice> {
        let mut new = SimDevice::with_config(&self.world, "new", config)?;
        new.engine.link(&self.world.url(), "new", true, new.now())?;
        new.connect().await?;
        settle(&mut [&mut new]).await?;
        let code = new.take_events().into_iter().find_map(|e| match e {
            Event::Linking(LinkingStep::Code { code, .. }) => Some(code),
            _ => None,
        });
        self.phone.engine.approve(&code.unwrap_or_default(), self.phone.now())?;
        settle(&mut [&mut self.phone, &mut new]).await?;
        self.phone.engine.confirm_link(true, self.phone.now())?;
        for _ in 0..2_000 {
            while self.phone.send_one().await? {}
            self.phone.fetch_one(std::time::Duration::from_millis(1)).await;
            while self.phone.deliver_one()? {}
            while new.send_one().await? {}
            new.fetch_one(std::time::Duration::from_millis(1)).await;
            new.deliver_one()?;
            let done = |e: &Event| matches!(e, Event::Linking(LinkingStep::Done { .. }));
            if new.events.iter().any(done) {
                return Ok(new);
            }
        }
        bail!("not admitted: {:?}", new.last_events())
    }
}
