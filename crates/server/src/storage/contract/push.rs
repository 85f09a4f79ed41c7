//! What a storage must do with push subscriptions and secrets.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{ConversationId, PushSubscription, Refusal};

use super::Place;
use super::world::{LATER, NOW, Person, World, listed};

fn subscription(n: u8) -> PushSubscription {
    PushSubscription {
        endpoint: format!("https://push.example/{n}"),
        p256dh: vec![n; 65].into(),
        auth: vec![n; 16].into(),
        silent: (0..n).map(|n| ConversationId::new([n; 16])).collect(),
    }
}

/// A device has one subscription, which is told, replaced, dropped by its endpoint, and gone with the device.
pub async fn a_push_subscription_is_a_devices_own(place: &dyn Place) {
    let mut w = World::new(place).await;
    let (marco, giulia) = (w.marco.device, w.giulia.device);
    let stranger = Person::new(3).device;
    let put = |device, n: u8| w.storage.put_push(device, Some(subscription(n)));
    assert_eq!(put(stranger, 1).await, Err(Refusal::DeviceRevoked));
    assert_eq!(put(marco, 1).await, Ok(()));
    assert_eq!(put(giulia, 3).await, Ok(()));
    assert_eq!(put(marco, 2).await, Ok(()), "in place of the first");
    assert_eq!(w.storage.push(marco, NOW).await, Ok(Some(subscription(2))));
    let mut all = w.storage.pushes().await.expect("all of them");
    all.sort();
    let mut expected = vec![(marco, subscription(2).silent), (giulia, subscription(3).silent)];
    expected.sort();
    assert_eq!(all, expected);

    assert_eq!(w.storage.drop_push(marco, subscription(1).endpoint).await, Ok(()), "replaced since");
    assert_eq!(w.storage.push(marco, NOW).await, Ok(Some(subscription(2))));
    assert_eq!(w.storage.drop_push(marco, subscription(2).endpoint).await, Ok(()));
    assert_eq!(w.storage.push(marco, NOW).await, Ok(None));
    assert_eq!(w.storage.put_push(giulia, None).await, Ok(()));
    assert_eq!(w.storage.push(giulia, NOW).await, Ok(None));
    let silent = |n| Some(subscription(n).silent);
    let told = [(marco, silent(1)), (giulia, silent(3)), (marco, silent(2)), (marco, None), (giulia, None)];
    assert_eq!(w.recorder.pushes(), told);

    // A device that runs out, and then leaves the list.
    assert_eq!(put(marco, 1).await, Ok(()));
    let devices =
        vec![listed(101, DeviceRole::Primary, Some(NOW.plus_ms(10))), listed(102, DeviceRole::Primary, None)];
    let list = w.marco.next_list(devices);
    assert_eq!(w.storage.put_device_list(marco.device, list, NOW).await, Ok(()));
    assert_eq!(w.storage.push(marco, NOW).await, Ok(Some(subscription(1))));
    assert_eq!(w.storage.push(marco, LATER).await, Ok(None), "its time is over");
    let list = w.marco.next_list(vec![listed(102, DeviceRole::Primary, None)]);
    assert_eq!(w.storage.put_device_list(marco.device, list, NOW).await, Ok(()));
    assert_eq!(w.storage.push(marco, NOW).await, Ok(None));
    assert_eq!(w.storage.pushes().await, Ok(Vec::new()));
    assert_eq!(w.storage.put_push(marco, Some(subscription(1))).await, Err(Refusal::DeviceRevoked));
}

/// The first secret of a name stays, also when the storage is opened again.
pub async fn a_secret_is_made_once(place: &dyn Place) {
    let w = World::new(place).await;
    assert_eq!(w.storage.secret("test", vec![1; 32]).await, Ok(vec![1; 32]));
    assert_eq!(w.storage.secret("test", vec![2; 32]).await, Ok(vec![1; 32]));
    assert_eq!(w.storage.secret("other", vec![2; 32]).await, Ok(vec![2; 32]));
    assert_eq!(w.storage.close().await, Ok(()));
    let again = place.open(w.recorder.clone());
    assert_eq!(again.secret("test", vec![3; 32]).await, Ok(vec![1; 32]));
}
