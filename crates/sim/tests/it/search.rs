//! Looking for messages on devices that get, lose and refill them.

use anyhow::Result;
use diario_engine::SearchQuery;
use diario_sim::SimDevice;

use crate::cast::Four;

/// The texts that a device finds, newest first.
fn found(device: &mut SimDevice, words: &str) -> Result<Vec<String>> {
    let query = SearchQuery { words: words.to_owned(), limit: 100, ..SearchQuery::default() };
    let now = device.now();
    let page = device.engine.search(&query, now)?;
    Ok(page.hits.into_iter().map(|hit| hit.message.text).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_device_finds_what_was_said_on_any_and_finds_it_again_after_a_rebuild() -> Result<()> {
    let mut four = Four::new().await?;
    four.giulia.say(four.chat, "Perché non un caffè?")?;
    four.settle().await?;
    four.marco_pc.say(four.chat, "Caffettiera pronta")?;
    four.settle().await?;
    let both = ["Caffettiera pronta", "Perché non un caffè?"];
    for device in [&mut four.giulia, &mut four.giulia_pc, &mut four.marco, &mut four.marco_pc] {
        assert_eq!(found(device, "caff")?, both);
        assert_eq!(found(device, "\"un caffe\"")?, both[1..]);
    }
    four.giulia_pc.disconnect();
    four.giulia_pc.say(four.chat, "caffè, non ancora partito")?;
    let now = four.giulia_pc.now();
    four.giulia_pc.engine.rebuild(now)?;
    assert_eq!(found(&mut four.giulia_pc, "caff")?, ["caffè, non ancora partito"]);
    four.giulia_pc.connect().await?;
    four.settle().await?;
    assert_eq!(found(&mut four.giulia_pc, "caff")?, ["caffè, non ancora partito", both[0], both[1]]);
    assert_eq!(four.giulia_pc.engine.diagnose()?.damage, Vec::<String>::new());
    Ok(())
}
