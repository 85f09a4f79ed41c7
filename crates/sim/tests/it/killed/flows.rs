//! The flows.

use anyhow::{Result, ensure};
use diario_engine::recovery::{Keep, RecoverySecret, WordLanguage};
use diario_engine::{Event, LinkingStep, MessageState, Stage};
use diario_protocol::{AccountRef, Retention};

use super::stage::Cast;
use super::{Flow, Who, killed_at_every_step};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Giulia's phone admits a new device.
struct Linking;

impl Linking {
    async fn show_a_code(cast: &mut Cast) -> Result<()> {
        let url = cast.world.url();
        cast.off(Who::New);
        let new = cast.get(Who::New);
        let now = new.now();
        new.engine.cancel_link(now)?;
        new.events.clear();
        new.engine.link(&url, "new", true, now)?;
        cast.connect(Who::New).await
    }
}

impl Flow for Linking {
    const VICTIMS: &'static [Who] = &[Who::New, Who::Phone];
    const ON: &'static [Who] = &[Who::Phone, Who::Pc, Who::Marco, Who::MarcoPc];

    async fn prepare(_: &mut Cast) -> Result<Self> {
        Ok(Self)
    }

    async fn begin(&self, cast: &mut Cast) -> Result<()> {
        Self::show_a_code(cast).await
    }

    async fn act(&self, cast: &mut Cast, at_rest: bool) -> Result<bool> {
        let requested = |e: &Event| matches!(e, Event::Linking(LinkingStep::Requested { .. }));
        let phone = cast.get(Who::Phone);
        if phone.events.iter().any(requested) {
            phone.events.retain(|e| !requested(e));
            // Of a linking that failed meanwhile there is nothing to confirm.
            return Ok(phone.engine.confirm_link(true, phone.now()).is_ok());
        }
        let new = cast.get(Who::New);
        if new.engine.whoami().is_some() {
            return Ok(false);
        }
        if let Some(code) = new.shown_code().filter(|code| !cast.entered.contains(code)) {
            let phone = cast.get(Who::Phone);
            if phone.engine.is_live() && phone.engine.approve(&code, phone.now()).is_ok() {
                cast.entered.push(code);
                return Ok(true);
            }
            return Ok(false);
        }
        if at_rest {
            // It failed, or nothing comes any more: the user begins again.
            Self::show_a_code(cast).await?;
        }
        Ok(at_rest)
    }

    fn check(&self, cast: &mut Cast) -> Result<()> {
        let (id, chat) = (cast.id(Who::New)?, cast.chat);
        let texts = cast.get(Who::Phone).texts(chat)?;
        let new = cast.get(Who::New);
        ensure!(new.engine.is_live() && new.texts(chat)? == texts, "{:?}", new.texts(chat)?);
        let listed = new.engine.devices(new.now())?;
        ensure!(listed.iter().filter(|d| d.id == id).count() == 1, "{listed:?}");
        // One that was admitted and killed before it knew is in the list, and nobody has its key.
        ensure!(listed.len() <= 4, "{listed:?}");
        Ok(())
    }
}

/// Giulia's PC begins with a first screen while Marco writes.
struct FirstScreen;

impl Flow for FirstScreen {
    const VICTIMS: &'static [Who] = &[Who::Pc, Who::Marco];
    const ON: &'static [Who] = &[Who::Phone, Who::Marco, Who::MarcoPc];

    async fn prepare(cast: &mut Cast) -> Result<Self> {
        let chat = cast.chat;
        for n in 0..20 {
            let who = if n % 2 == 0 { Who::Marco } else { Who::MarcoPc };
            cast.get(who).say(chat, &format!("earlier {n}"))?;
        }
        cast.settle().await?;
        let pc = cast.get(Who::Pc);
        pc.disconnect();
        pc.engine.rebuild(pc.now())?;
        Ok(Self)
    }

    async fn begin(&self, cast: &mut Cast) -> Result<()> {
        let chat = cast.chat;
        for n in 0..5 {
            cast.get(Who::Marco).say(chat, &format!("meanwhile {n}"))?;
        }
        cast.connect(Who::Pc).await
    }

    fn check(&self, cast: &mut Cast) -> Result<()> {
        let chat = cast.chat;
        let expected = cast.get(Who::Phone).texts(chat)?;
        ensure!(expected.len() == 29, "{expected:?}");
        for who in [Who::Pc, Who::Marco, Who::MarcoPc] {
            ensure!(cast.get(who).texts(chat)? == expected, "{who:?}: {:?}", cast.get(who).texts(chat)?);
        }
        ensure!(cast.get(Who::Pc).engine.fill_state()?.missing == 0);
        Ok(())
    }
}

/// Giulia's phone makes her PC a second primary, and steps down once it is.
struct HandOver;

impl Flow for HandOver {
    const VICTIMS: &'static [Who] = &[Who::Phone, Who::Pc];
    const ON: &'static [Who] = &[Who::Phone, Who::Pc, Who::Marco, Who::MarcoPc];

    async fn prepare(_: &mut Cast) -> Result<Self> {
        Ok(Self)
    }

    async fn begin(&self, cast: &mut Cast) -> Result<()> {
        let pc = cast.id(Who::Pc)?;
        let phone = cast.get(Who::Phone);
        Ok(phone.engine.hand_over(pc, phone.now())?)
    }

    fn check(&self, cast: &mut Cast) -> Result<()> {
        let (phone, pc) = (cast.id(Who::Phone)?, cast.id(Who::Pc)?);
        ensure!(cast.get(Who::Pc).engine.is_primary() && !cast.get(Who::Phone).engine.is_primary());
        for who in [Who::Phone, Who::Pc] {
            let device = cast.get(who);
            let listed = device.engine.devices(device.now())?;
            let roles: Vec<_> = listed.iter().map(|d| (d.id, d.primary && !d.awaits_key)).collect();
            ensure!(roles.contains(&(pc, true)) && roles.contains(&(phone, false)), "{who:?}: {listed:?}");
        }
        Ok(())
    }
}

/// Giulia's devices are off for weeks in which Marco turns epochs, and then lost. A new device recovers the account by the
/// recovery key, revokes the lost ones, and asks Marco for the keys of those weeks.
struct Week {
    words: String,
}

impl Week {
    async fn open_the_vault(&self, cast: &mut Cast) -> Result<()> {
        let url = cast.world.url();
        cast.off(Who::New);
        let new = cast.get(Who::New);
        new.events.clear();
        let (giulia, secret) =
            (AccountRef::Name("giulia".parse()?), RecoverySecret::from_words(&self.words)?);
        new.engine.begin_recovery(&url, &giulia, &secret, "new", new.now())?;
        cast.connect(Who::New).await
    }
}

impl Flow for Week {
    const VICTIMS: &'static [Who] = &[Who::New, Who::Marco];
    const ON: &'static [Who] = &[Who::Marco, Who::MarcoPc];

    async fn prepare(cast: &mut Cast) -> Result<Self> {
        let chat = cast.chat;
        let words = cast.get(Who::Phone).make_recovery_key(WordLanguage::English).await?;
        cast.settle().await?;
        cast.off(Who::Phone);
        cast.off(Who::Pc);
        for week in 1..=3 {
            cast.wait(8 * DAY);
            cast.get(Who::Marco).say(chat, &format!("week {week}"))?;
            cast.settle().await?;
            cast.get(Who::MarcoPc).say(chat, &format!("week {week} from the pc"))?;
            cast.settle().await?;
        }
        Ok(Self { words })
    }

    async fn begin(&self, cast: &mut Cast) -> Result<()> {
        self.open_the_vault(cast).await
    }

    async fn act(&self, cast: &mut Cast, at_rest: bool) -> Result<bool> {
        let chat = cast.chat;
        let new = cast.get(Who::New);
        if new.engine.awaits_recovery_choice() {
            new.engine.finish_recovery(&Keep::None, new.now())?;
            return Ok(true);
        }
        if new.engine.whoami().is_none() {
            if at_rest {
                self.open_the_vault(cast).await?;
            }
            return Ok(at_rest);
        }
        let waits = at_rest && new.messages(chat)?.iter().any(|m| m.state == MessageState::Waiting);
        if waits {
            cast.wait(6_000);
        }
        Ok(waits)
    }

    fn check(&self, cast: &mut Cast) -> Result<()> {
        let chat = cast.chat;
        let expected = cast.get(Who::Marco).texts(chat)?;
        ensure!(expected.len() == 10, "{expected:?}");
        let new = cast.get(Who::New);
        ensure!(new.engine.is_primary() && new.texts(chat)? == expected, "{:?}", new.texts(chat)?);
        let listed = new.engine.devices(new.now())?;
        ensure!(listed.len() == 1, "{listed:?}");
        Ok(())
    }
}

/// Giulia's PC comes back after its 14 days, and her phone renews it.
struct Renewal;

impl Flow for Renewal {
    const VICTIMS: &'static [Who] = &[Who::Phone, Who::Pc];
    const ON: &'static [Who] = &[Who::Phone, Who::Pc, Who::Marco, Who::MarcoPc];

    async fn prepare(cast: &mut Cast) -> Result<Self> {
        let chat = cast.chat;
        cast.off(Who::Pc);
        cast.off(Who::Phone);
        for week in 1..=2 {
            cast.wait(8 * DAY);
            cast.get(Who::Marco).say(chat, &format!("week {week}"))?;
            cast.settle().await?;
        }
        cast.get(Who::Pc).say(chat, "kept in the outbox")?;
        Ok(Self)
    }

    async fn begin(&self, _: &mut Cast) -> Result<()> {
        Ok(())
    }

    async fn act(&self, cast: &mut Cast, at_rest: bool) -> Result<bool> {
        if !at_rest || cast.get(Who::Pc).is_connected() {
            return Ok(false);
        }
        let id = cast.id(Who::Pc)?;
        let phone = cast.get(Who::Phone);
        let now = phone.now();
        if phone.engine.devices(now)?.iter().any(|d| d.id == id && d.valid_until.is_some_and(|at| at < now)) {
            phone.engine.renew(id, now)?;
        } else {
            cast.connect(Who::Pc).await?;
        }
        Ok(true)
    }

    fn check(&self, cast: &mut Cast) -> Result<()> {
        let chat = cast.chat;
        let expected = cast.get(Who::Phone).texts(chat)?;
        let kept = expected.iter().filter(|text| *text == "kept in the outbox").count();
        ensure!(kept == 1 && expected.len() == 7, "{expected:?}");
        for who in [Who::Pc, Who::Marco, Who::MarcoPc] {
            ensure!(cast.get(who).texts(chat)? == expected, "{who:?}: {:?}", cast.get(who).texts(chat)?);
        }
        let pc = cast.get(Who::Pc);
        ensure!(pc.engine.stage(pc.now())? == Some(Stage::Active));
        Ok(())
    }
}

/// Giulia's phone was off for longer than the server keeps commits, and enters its conversation anew.
struct Rejoin;

impl Flow for Rejoin {
    const VICTIMS: &'static [Who] = &[Who::Phone, Who::Marco];
    const ON: &'static [Who] = &[Who::Phone, Who::Marco, Who::MarcoPc];

    async fn prepare(cast: &mut Cast) -> Result<Self> {
        let chat = cast.chat;
        let phone = cast.get(Who::Phone);
        phone.engine.set_retention(chat, Retention { days: Some(30), delivered: false }, phone.now())?;
        cast.settle().await?;
        cast.off(Who::Phone);
        cast.off(Who::Pc);
        for week in 0..8 {
            cast.get(Who::Marco).say(chat, &format!("week {week}"))?;
            cast.settle().await?;
            cast.wait(8 * DAY);
        }
        cast.get(Who::Phone).say(chat, "written meanwhile")?;
        // The server looks for what is over every 50 ms here.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        Ok(Self)
    }

    async fn begin(&self, _: &mut Cast) -> Result<()> {
        Ok(())
    }

    async fn act(&self, cast: &mut Cast, at_rest: bool) -> Result<bool> {
        let chat = cast.chat;
        let waits =
            |m: &diario_engine::MessageView| matches!(m.state, MessageState::Waiting | MessageState::Pending);
        let waits = at_rest && cast.get(Who::Phone).messages(chat)?.iter().any(waits);
        if waits {
            cast.wait(6_000);
        }
        Ok(waits)
    }

    fn check(&self, cast: &mut Cast) -> Result<()> {
        let chat = cast.chat;
        let marcos = cast.get(Who::Marco).texts(chat)?;
        ensure!(marcos == cast.get(Who::MarcoPc).texts(chat)?);
        ensure!(marcos.iter().filter(|text| *text == "written meanwhile").count() == 1, "{marcos:?}");
        let phone = cast.get(Who::Phone);
        let texts = phone.texts(chat)?;
        ensure!(texts.len() == marcos.len(), "{texts:?}");
        let gone = texts.iter().filter(|text| text.is_empty()).count();
        ensure!((3..=6).contains(&gone), "{texts:?}");
        let same = texts.iter().zip(&marcos).all(|(here, there)| here.is_empty() || here == there);
        ensure!(same, "{texts:?}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linking_goes_on() -> Result<()> {
    killed_at_every_step::<Linking>().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_screen_goes_on() -> Result<()> {
    killed_at_every_step::<FirstScreen>().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_over_goes_on() -> Result<()> {
    killed_at_every_step::<HandOver>().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_of_weeks_that_no_device_lived_through_goes_on() -> Result<()> {
    killed_at_every_step::<Week>().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_of_an_expired_device_goes_on() -> Result<()> {
    killed_at_every_step::<Renewal>().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_return_after_commits_are_gone_goes_on() -> Result<()> {
    killed_at_every_step::<Rejoin>().await
}
