//! The people of these tests.

use anyhow::Result;
use diario_protocol::{AccountId, ConversationId};
use diario_sim::{SimDevice, World, settle};

/// Anna and Bruno, and Bruno's account as Anna finds it.
pub(crate) async fn two() -> Result<(World, SimDevice, SimDevice, AccountId)> {
    let world = World::new().await?;
    let mut anna = SimDevice::new(&world, "anna")?;
    let mut bruno = SimDevice::new(&world, "bruno")?;
    anna.register("anna").await?;
    bruno.register("bruno").await?;
    let bruno_id = anna.find("bruno").await?;
    Ok((world, anna, bruno, bruno_id))
}

/// Two accounts with a phone and a PC each, and their conversation.
pub(crate) struct Four {
    pub(crate) world: World,
    pub(crate) giulia: SimDevice,
    pub(crate) giulia_pc: SimDevice,
    pub(crate) marco: SimDevice,
    pub(crate) marco_pc: SimDevice,
    pub(crate) chat: ConversationId,
}

impl Four {
    pub(crate) async fn new() -> Result<Self> {
        let world = World::new().await?;
        let mut giulia = SimDevice::new(&world, "giulia's phone")?;
        let mut giulia_pc = SimDevice::new(&world, "giulia's pc")?;
        let mut marco = SimDevice::new(&world, "marco's phone")?;
        let mut marco_pc = SimDevice::new(&world, "marco's pc")?;
        giulia.register("giulia").await?;
        marco.register("marco").await?;
        giulia_pc.link_to(&mut giulia, true).await?;
        marco_pc.link_to(&mut marco, false).await?;
        let to = giulia.find("marco").await?;
        let chat = giulia.direct(to)?;
        let from = marco.find("giulia").await?;
        giulia_pc.direct(to)?;
        marco.direct(from)?;
        marco_pc.direct(from)?;
        let mut four = Self { world, giulia, giulia_pc, marco, marco_pc, chat };
        four.settle().await?;
        Ok(four)
    }

    pub(crate) async fn settle(&mut self) -> Result<()> {
        settle(&mut [&mut self.giulia, &mut self.giulia_pc, &mut self.marco, &mut self.marco_pc]).await
    }

    /// Every connected device shows the same messages; gives their words.
    pub(crate) fn agree(&self) -> Result<Vec<String>> {
        let devices = [&self.giulia, &self.giulia_pc, &self.marco, &self.marco_pc];
        let expected = self.giulia.texts(self.chat)?;
        let state = self.giulia.engine.log_state(self.chat)?;
        for device in devices {
            assert_eq!(device.texts(self.chat)?, expected, "{}: {:#?}", device.name, device.last_events());
            let own = device.engine.log_state(self.chat)?;
            assert_eq!(
                own.as_ref().map(|s| (s.next, s.hash)),
                state.as_ref().map(|s| (s.next, s.hash)),
                "{}",
                device.name
            );
        }
        Ok(expected)
    }
}
