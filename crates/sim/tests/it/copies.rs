//! A device killed between any two of its transactions goes on from the store that it left.

use anyhow::Result;
use diario_sim::{SimDevice, World, settle};

/// Runs a scene on a device whose store is copied after every step, then revives each copy in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_copy_of_the_store_goes_on() -> Result<()> {
    let world = World::new().await?;
    let mut marco = SimDevice::new(&world, "marco")?;
    marco.register("marco").await?;
    let store = world.folder().join("giulia.db");
    let copies = world.folder().join("copies");
    std::fs::create_dir_all(&copies)?;
    let mut giulia = SimDevice::at(&world, "giulia", &store)?;
    let server = world.url();
    let mut taken = 0;
    let mut copy = || -> Result<()> {
        let from = rusqlite::Connection::open(&store)?;
        from.execute("VACUUM INTO ?1", [copies.join(format!("{taken}.db")).to_string_lossy()])?;
        taken += 1;
        Ok(())
    };
    // Registration, first contact with its commit, messages: a copy after every frame either way.
    giulia.engine.register(&server, "giulia", "phone", None, giulia.now())?;
    copy()?;
    giulia.connect().await?;
    let mut chat = None;
    for round in 0..400 {
        let mut moved = giulia.send_one().await?;
        moved |= giulia.fetch_one(std::time::Duration::from_millis(1)).await;
        if giulia.deliver_one()? {
            copy()?;
            moved = true;
        }
        marco.send_one().await?;
        marco.fetch_one(std::time::Duration::from_millis(1)).await;
        marco.deliver_one()?;
        match round {
            60 => {
                let name = "marco".parse()?;
                giulia.engine.look_up(&name, giulia.now())?;
            }
            100 => {
                let to = giulia.engine.account_named(&"marco".parse()?)?.unwrap();
                chat = Some(giulia.direct(to)?);
                giulia.say(chat.unwrap(), "one")?;
                giulia.say(chat.unwrap(), "two")?;
                copy()?;
            }
            200 => drop(marco.say(chat.unwrap(), "three")?),
            _ if !moved && round > 250 => break,
            _ => {}
        }
    }
    let chat = chat.unwrap();
    settle(&mut [&mut giulia, &mut marco]).await?;
    assert_eq!(giulia.texts(chat)?, ["one", "two", "three"]);
    giulia.disconnect();
    drop(giulia);
    assert!(taken > 15, "{taken} copies");
    // Each copy goes on where the others have gone on before: like a store restored from an old backup.
    for i in 0..taken {
        let mut revived = SimDevice::at(&world, &format!("copy {i}"), &copies.join(format!("{i}.db")))?;
        revived.connect().await?;
        settle(&mut [&mut revived, &mut marco]).await?;
        assert!(revived.engine.is_live(), "copy {i}: {:?}", revived.last_events());
        assert_eq!(revived.texts(chat)?, marco.texts(chat)?, "copy {i}: {:?}", revived.last_events());
        let text = format!("from copy {i}");
        revived.say(chat, &text)?;
        settle(&mut [&mut revived, &mut marco]).await?;
        let words = marco.texts(chat)?;
        assert_eq!(words.last(), Some(&text), "copy {i}: {:?} {:?}", revived.events, marco.last_events());
        assert_eq!(words.iter().filter(|w| **w == text).count(), 1, "copy {i}");
        revived.disconnect();
    }
    Ok(())
}
