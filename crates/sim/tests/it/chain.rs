//! The keyring and the self chain: a key that any device of an account had, every device has.

use anyhow::Result;
use diario_sim::{SimDevice, settle};

use crate::cast::Four;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_device_reads_back_through_many_turns_of_the_self_key() -> Result<()> {
    let mut four = Four::new().await?;
    four.giulia.say(four.chat, "first")?;
    four.settle().await?;
    // Each device that comes or goes turns the self key; what is said between lies under another one each time.
    for i in 0..4 {
        let mut passing = SimDevice::new(&four.world, &format!("passing {i}"))?;
        passing.link_to(&mut four.giulia, i % 2 == 0).await?;
        four.marco.say(four.chat, &format!("while {i} is there"))?;
        four.settle().await?;
        settle(&mut [&mut passing]).await?;
        let (device, now) = (passing.engine.whoami().unwrap().2, four.giulia.now());
        four.giulia.engine.revoke(device, now)?;
        four.settle().await?;
        four.marco.say(four.chat, &format!("after {i}"))?;
        four.settle().await?;
    }
    let mut late = SimDevice::new(&four.world, "late")?;
    late.link_to(&mut four.giulia, true).await?;
    four.giulia.disconnect();
    four.giulia_pc.disconnect();
    settle(&mut [&mut late]).await?;
    assert_eq!(late.texts(four.chat)?, four.marco.texts(four.chat)?, "{:?}", late.last_events());
    assert_eq!(late.texts(four.chat)?.len(), 9);
    // And what the late device sends after, the phone reads.
    late.say(four.chat, "from the late one")?;
    settle(&mut [&mut late, &mut four.marco]).await?;
    four.giulia.connect().await?;
    settle(&mut [&mut late, &mut four.marco, &mut four.giulia]).await?;
    assert_eq!(four.giulia.texts(four.chat)?.last().unwrap(), "from the late one");
    Ok(())
}
