//! A server's words to a device, recorded once and said again to copies of it.

use anyhow::{Context as _, Result, bail};
use diario_engine::Engine;
use diario_protocol::{Change, Changes, ServerFrame, What};

use crate::device::now;

/// A connection from the greeting to the last change.
pub(super) struct Script {
    /// What came before the first change: the greeting, the answer to the login, that to the subscription.
    greeting: Vec<Vec<u8>>,
    entries: Vec<Change>,
}

impl Script {
    /// Reads what was recorded; keeps the entries.
    pub(super) fn of(recorded: &[Vec<u8>]) -> Result<Self> {
        let mut script = Self { greeting: Vec::new(), entries: Vec::new() };
        let mut greeted = false;
        for bytes in recorded {
            match diario_protocol::decode::<ServerFrame>(bytes, bytes.len())? {
                ServerFrame::Changes(changes) => {
                    greeted = true;
                    let entries = changes.items.into_iter().filter(|c| matches!(c.what, What::Entry(_)));
                    script.entries.extend(entries);
                }
                _ if !greeted => script.greeting.push(bytes.clone()),
                _ => {}
            }
        }
        Ok(script)
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says everything before the first change.
    pub(super) fn greet(&self, engine: &mut Engine) -> Result<()> {
        engine.connected(now());
        for frame in &self.greeting {
            engine.receive(&[frame], now())?;
        }
        if engine.must_disconnect() {
            bail!("the device does not take what was recorded");
        }
        Ok(())
    }

    /// Frames with so many entries each; `live` as while the device is on, or as while it catches up.
    pub(super) fn frames(&self, size: usize, live: bool) -> Vec<Vec<u8>> {
        let frame = |items: &[Change]| ServerFrame::Changes(Changes { items: items.to_vec(), live });
        self.entries.chunks(size).map(|items| diario_protocol::encode(&frame(items))).collect()
    }

    /// Whether the device has the last entry, in order.
    pub(super) fn check(&self, engine: &Engine) -> Result<()> {
        let last = self.entries.last().context("nothing was recorded")?;
        let What::Entry(entry) = &last.what else { bail!("not an entry") };
        let state = engine.log_state(entry.conversation)?.context("no conversation")?;
        let diagnosis = engine.diagnose()?;
        if state.next != entry.seq.next() || diagnosis.waiting + diagnosis.refused > 0 {
            bail!("not everything was opened: {state:?} {diagnosis:?}");
        }
        Ok(())
    }
}
