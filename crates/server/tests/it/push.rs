//! Waking devices that are not connected.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use diario_protocol::device_list::DeviceRole;
use diario_protocol::*;
use diario_server::{Clock as _, Settings};
use openmls::prelude::MlsGroup;

use crate::device::{Connection, Device};
use crate::push_service::{PushService, Received, Subscriber};
use crate::support::{Person, TestServer, conversation};

/// For the tests' push service, and quick.
fn local(settings: &mut Settings) {
    settings.push_allow_local = true;
    settings.push_retry_ms = 10;
    settings.push_min_interval_s = 600;
}

/// Marco and Giulia in a group. Giulia subscribes at the push service, and goes.
struct World {
    server: TestServer,
    service: PushService,
    marco: Person,
    group: MlsGroup,
    giulia: Away,
}

/// A person without a connection.
struct Away {
    device: Device,
    subscriber: Subscriber,
    key: Bin,
}

impl World {
    async fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let settings = |settings: &mut Settings| {
            local(settings);
            change(settings);
        };
        let server = TestServer::with(settings).await;
        let service = PushService::start().await;
        let (mut marco, mut giulia) =
            (Person::register(&server, "marco").await, Person::register(&server, "giulia").await);
        let mut group = marco.new_group().await;
        marco.add(&mut group, &[&giulia]).await;
        let key = push_key(&mut giulia.connection).await;
        let subscriber = Subscriber::new(7);
        let subscription = subscriber.at(format!("{}/giulia", service.origin()), &[]);
        assert_eq!(giulia.ask(Request::PutPush(Some(subscription))).await, Ok(Reply::Done));
        let Person { device, connection, .. } = giulia;
        leave(&server, connection, 1).await;
        Self { server, service, marco, group, giulia: Away { device, subscriber, key } }
    }

    async fn say(&mut self, text: &[u8]) {
        self.marco.append(&self.group, text).await.unwrap();
    }

    /// Giulia comes, says where to wake her, and goes.
    async fn giulia_subscribes_anew(&self) {
        let (mut giulia, _) = Connection::login(self.server.address, &self.giulia.device).await;
        let subscription = self.giulia.subscriber.at(format!("{}/giulia", self.service.origin()), &[]);
        assert_eq!(giulia.ask(Request::PutPush(Some(subscription))).await, Ok(Reply::Done));
        leave(&self.server, giulia, 1).await;
    }

    /// Checks a push to Giulia in everything; gives what is inside.
    fn check(&self, push: &Received) -> Vec<u8> {
        let now = self.server.clock.now();
        push.check_sender(&self.giulia.key, &self.service.origin(), None, now);
        assert_eq!(push.path, "/giulia");
        self.giulia.subscriber.open(&push.body)
    }
}

async fn push_key(connection: &mut Connection) -> Bin {
    match connection.ask(Request::PushKey).await {
        Ok(Reply::PushKey(Some(key))) => key,
        other => panic!("{other:?}"),
    }
}

/// Ends a connection and waits until the server has noticed: `left` are there still.
async fn leave(server: &TestServer, connection: Connection, left: usize) {
    drop(connection);
    metric(server, "diario_connections", left as u64).await;
}

/// Waits until a metric has this value.
async fn metric(server: &TestServer, name: &str, value: u64) {
    let line = format!("{name} {value}");
    for _ in 0..500 {
        if server.metrics().await.lines().any(|l| l == line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{line} never came:\n{}", server.metrics().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_away_is_woken_by_a_push_that_says_nothing() {
    let mut w = World::new(|s| s.push_subject = "mailto:admin@example.org".into()).await;
    w.say(b"secret words of Marco").await;
    let push = w.service.push().await;
    let now = w.server.clock.now();
    push.check_sender(&w.giulia.key, &w.service.origin(), Some("mailto:admin@example.org"), now);
    let payload = w.giulia.subscriber.open(&push.body);
    assert_eq!(payload.len(), 64);
    let said: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(said, serde_json::json!({ "v": 1 }));
    assert_eq!((push.header("content-encoding"), push.header("urgency")), ("aes128gcm", "high"));
    assert_eq!((push.header("topic"), push.header("ttl")), ("diario", "604800"));
    // Nothing in the clear either: no name, no id, no text.
    let seen = format!("{:?} {}", push.headers, String::from_utf8_lossy(&push.body));
    for secret in ["marco", "Marco", "giulia", "secret"] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
    metric(&w.server, "diario_web_pushes_sent_total", 1).await;

    // A long message to a device that has been here since: as many bytes, another key and salt.
    let (connection, _) = Connection::login(w.server.address, &w.giulia.device).await;
    leave(&w.server, connection, 1).await;
    w.say(&vec![7; 20_000]).await;
    let long = w.service.push().await;
    assert_eq!(w.giulia.subscriber.open(&long.body), payload);
    assert_eq!(long.body.len(), push.body.len());
    assert_ne!(long.body[..86], push.body[..86]);
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_messages_make_one_push_and_one_more_after_a_rest() {
    let mut w = World::new(|s| s.push_min_interval_s = 3).await;
    let began = Instant::now();
    for n in 0..5 {
        w.say(&[n]).await;
    }
    let first = w.service.push().await;
    w.check(&first);
    w.service.is_quiet().await;
    let second = w.service.push().await;
    w.check(&second);
    assert!(began.elapsed() >= Duration::from_secs(3));
    w.service.is_quiet().await;
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connected_the_silent_the_sender_and_the_revoked_are_left_alone() {
    let mut w = World::new(|_| {}).await;
    let origin = w.service.origin();
    let url = |path: &str| format!("{origin}/{path}");
    // Marco's tablet has a subscription and is away: what Marco sends is no news to it.
    let tablet = Device::new(w.marco.id());
    let list = w.marco.account.sign(|devices| devices.push(tablet.listed(DeviceRole::Linked, None)));
    assert_eq!(w.marco.ask(Request::PutDeviceList(list)).await, Ok(Reply::Done));
    let (mut connection, _) = Connection::login(w.server.address, &tablet).await;
    let subscription = Subscriber::new(8).at(url("tablet"), &[]);
    assert_eq!(connection.ask(Request::PutPush(Some(subscription))).await, Ok(Reply::Done));
    leave(&w.server, connection, 1).await;
    // Giulia is connected.
    let (mut giulia, _) = Connection::login(w.server.address, &w.giulia.device).await;
    w.say(b"to the connected").await;
    w.service.is_quiet().await;
    // Giulia has muted the group, in a new subscription.
    let silent =
        w.giulia.subscriber.at(url("giulia"), &[ConversationId::new([1; 16]), conversation(&w.group)]);
    assert_eq!(giulia.ask(Request::PutPush(Some(silent))).await, Ok(Reply::Done));
    leave(&w.server, giulia, 1).await;
    w.say(b"to the silent").await;
    w.service.is_quiet().await;
    // Giulia wants no more.
    let (mut giulia, _) = Connection::login(w.server.address, &w.giulia.device).await;
    assert_eq!(giulia.ask(Request::PutPush(None)).await, Ok(Reply::Done));
    leave(&w.server, giulia, 1).await;
    w.say(b"to nobody").await;
    w.service.is_quiet().await;
    metric(&w.server, "diario_web_push_subscriptions", 1).await;
    // And again: it is not that nothing works.
    let (mut giulia, _) = Connection::login(w.server.address, &w.giulia.device).await;
    let loud = w.giulia.subscriber.at(url("giulia"), &[]);
    assert_eq!(giulia.ask(Request::PutPush(Some(loud))).await, Ok(Reply::Done));
    leave(&w.server, giulia, 1).await;
    w.say(b"to Giulia").await;
    let push = w.service.push().await;
    w.check(&push);
    // The tablet is revoked: its subscription goes.
    let list = w.marco.account.sign(|devices| devices.truncate(1));
    assert_eq!(w.marco.ask(Request::PutDeviceList(list)).await, Ok(Reply::Done));
    metric(&w.server, "diario_web_push_subscriptions", 1).await;
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_or_expired_device_is_not_woken() {
    let mut w = World::new(|_| {}).await;
    // Giulia's tablet and phone, both away and subscribed; one is revoked, the other runs out.
    let mut giulia = Connection::login(w.server.address, &w.giulia.device).await.0;
    assert_eq!(giulia.ask(Request::PutPush(None)).await, Ok(Reply::Done));
    let mut anna = Person::register(&w.server, "anna").await;
    let (tablet, phone) = (Device::new(anna.id()), Device::new(anna.id()));
    let until = w.server.clock.now().plus_ms(60_000);
    let list = anna.account.sign(|devices| {
        devices.push(tablet.listed(DeviceRole::Linked, None));
        devices.push(phone.listed(DeviceRole::Linked, Some(until)));
    });
    assert_eq!(anna.ask(Request::PutDeviceList(list)).await, Ok(Reply::Done));
    for (device, path) in [(&tablet, "tablet"), (&phone, "phone")] {
        let (mut connection, _) = Connection::login(w.server.address, device).await;
        let subscription = Subscriber::new(9).at(format!("{}/{path}", w.service.origin()), &[]);
        assert_eq!(connection.ask(Request::PutPush(Some(subscription))).await, Ok(Reply::Done));
        leave(&w.server, connection, 3).await;
    }
    let mut group = anna.new_group().await;
    anna.add(&mut group, &[&w.marco]).await;
    let state = match w.marco.ask(Request::GroupState(conversation(&group))).await {
        Ok(Reply::GroupState(state)) => state,
        other => panic!("{other:?}"),
    };
    let (mut own, commit) = w.marco.device.join_externally(&state);
    let joined = w.marco.ask(Request::Commit(Box::new(commit))).await;
    assert!(matches!(joined, Ok(Reply::Appended(_))), "{joined:?}");
    own.merge_pending_commit(&w.marco.device.mls).unwrap();
    w.service.is_quiet().await;
    w.marco.append(&own, b"to both").await.unwrap();
    let mut paths = [w.service.push().await.path, w.service.push().await.path];
    paths.sort();
    assert_eq!(paths, ["/phone", "/tablet"]);
    for device in [&tablet, &phone] {
        leave(&w.server, Connection::login(w.server.address, device).await.0, 3).await;
    }
    let list = anna.account.sign(|devices| {
        devices.remove(1);
    });
    assert_eq!(anna.ask(Request::PutDeviceList(list)).await, Ok(Reply::Done));
    w.server.clock.0.store(61_000, Ordering::SeqCst);
    w.marco.append(&own, b"to none").await.unwrap();
    w.service.is_quiet().await;
    metric(&w.server, "diario_web_push_subscriptions", 1).await;
    metric(&w.server, "diario_web_pushes_dropped_total", 1).await;
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_gone_is_forgotten() {
    let mut w = World::new(|_| {}).await;
    w.service.script(410, &[]);
    w.say(b"one").await;
    w.service.push().await;
    metric(&w.server, "diario_web_push_subscriptions", 0).await;
    metric(&w.server, "diario_web_push_subscriptions_gone_total", 1).await;
    w.say(b"two").await;
    w.service.is_quiet().await;
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_push_service_is_asked_again_and_a_refusing_one_is_not() {
    let mut w = World::new(|_| {}).await;
    w.service.script(503, &[]);
    w.service.script(429, &[("retry-after", "1")]);
    let began = Instant::now();
    w.say(b"one").await;
    for _ in 0..3 {
        let push = w.service.push().await;
        w.check(&push);
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "as it asked");
    metric(&w.server, "diario_web_pushes_sent_total", 1).await;
    for (failed, status) in [(1, 400), (2, 413), (3, 403)] {
        w.giulia_subscribes_anew().await;
        w.service.script(status, &[]);
        w.say(b"two").await;
        w.service.push().await;
        metric(&w.server, "diario_web_pushes_failed_total", failed).await;
    }
    // Nowhere else, whatever it says; and not for ever.
    w.giulia_subscribes_anew().await;
    w.service.script(302, &[("location", "/elsewhere")]);
    w.say(b"three").await;
    assert_eq!(w.service.push().await.path, "/giulia");
    metric(&w.server, "diario_web_pushes_failed_total", 4).await;
    w.giulia_subscribes_anew().await;
    (0..9).for_each(|_| w.service.script(500, &[]));
    w.say(b"four").await;
    for _ in 0..4 {
        w.service.push().await;
    }
    metric(&w.server, "diario_web_pushes_failed_total", 5).await;
    w.service.is_quiet().await;
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_service_that_fails_is_tried_again_later_and_dropped_at_last() {
    let mut w = World::new(|s| {
        s.push_attempts = 1;
        s.push_min_interval_s = 1;
        s.push_give_up_s = 1;
    })
    .await;
    let began = Instant::now();
    w.service.script(500, &[]);
    w.say(b"one").await;
    w.service.push().await;
    // Four times the rest after a success, and a connection does not bring it nearer.
    leave(&w.server, Connection::login(w.server.address, &w.giulia.device).await.0, 1).await;
    w.say(b"two").await;
    w.service.script(500, &[]);
    w.service.push().await;
    assert!(began.elapsed() >= Duration::from_secs(4));
    metric(&w.server, "diario_web_pushes_failed_total", 2).await;
    metric(&w.server, "diario_web_push_subscriptions", 0).await;
    metric(&w.server, "diario_web_push_subscriptions_gone_total", 1).await;
    w.say(b"three").await;
    w.service.is_quiet().await;
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_service_that_hangs_does_not_keep_the_others_from_theirs() {
    let mut w = World::new(|s| {
        s.push_concurrency = 4;
        s.push_timeout_s = 60;
    })
    .await;
    let hole = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Another name than that of the one that works.
    let url = format!("http://localhost:{}/x", hole.local_addr().unwrap().port());
    let mut others = Vec::new();
    for n in 0..6_u8 {
        let mut other = Person::register(&w.server, &format!("person{n}")).await;
        let subscription = Subscriber::new(n + 20).at(url.clone(), &[]);
        assert_eq!(other.ask(Request::PutPush(Some(subscription))).await, Ok(Reply::Done));
        others.push(other);
    }
    let mut group = w.marco.new_group().await;
    w.marco.add(&mut group, &others.iter().collect::<Vec<_>>()).await;
    for (other, left) in others.into_iter().zip((1..=6).rev()) {
        leave(&w.server, other.connection, left).await;
    }
    w.marco.append(&group, b"into the hole").await.unwrap();
    let (held, _) = tokio::time::timeout(Duration::from_secs(20), hole.accept()).await.unwrap().unwrap();
    w.say(b"to Giulia").await;
    let push = w.service.push().await;
    w.check(&push);
    let second = tokio::time::timeout(Duration::from_millis(100), hole.accept()).await;
    assert!(second.is_err(), "one of four may hang");
    drop(held);
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_and_the_servers_key_survive_a_restart() {
    let World { server, mut service, mut marco, group, giulia } = World::new(|_| {}).await;
    let server = TestServer::in_dir(server.stop().await, local).await;
    (marco.connection, _) = Connection::login(server.address, &marco.device).await;
    assert_eq!(push_key(&mut marco.connection).await, giulia.key);
    marco.append(&group, b"after the restart").await.unwrap();
    let push = service.push().await;
    push.check_sender(&giulia.key, &service.origin(), None, server.clock.now());
    assert_eq!(giulia.subscriber.open(&push.body).len(), 64);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_whose_connection_was_dead_is_woken_when_that_is_noticed() {
    let mut w = World::new(|s| {
        s.ping_interval_s = 1;
        s.ping_misses = 2;
    })
    .await;
    let dead = crate::raw::login(w.server.address, &w.giulia.device).await;
    w.say(b"into the void").await;
    w.service.is_quiet().await;
    // Marco answers pings while he waits.
    let push = tokio::select! {
        push = w.service.push() => push,
        frame = w.marco.connection.end() => panic!("{frame:?}"),
    };
    w.check(&push);
    drop(dead);
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pong_and_a_farewell_do_not_say_that_a_message_was_got() {
    let mut w = World::new(|_| {}).await;
    let mut frozen = crate::raw::login(w.server.address, &w.giulia.device).await;
    w.say(b"to a page that sleeps").await;
    w.service.is_quiet().await;
    crate::raw::pong(&mut frozen).await;
    crate::raw::close(&mut frozen).await;
    let push = w.service.push().await;
    w.check(&push);
    w.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_go_to_the_open_internet_only() {
    let server = TestServer::with(|s| s.push_retry_ms = 1).await;
    // Whoever connects here went where no push may go. The port is a fixed one: another program may have it.
    let port = 8443;
    let trap = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.ok();
    let mut marco = Person::register(&server, "marco").await;
    let subscriber = Subscriber::new(7);
    for bad in [
        format!("http://push.example:{port}/x"),
        format!("https://127.0.0.1:{port}/x"),
        format!("https://[::1]:{port}/x"),
        format!("https://[::ffff:127.0.0.1]:{port}/x"),
        "https://169.254.169.254/latest/meta-data".into(),
        "https://10.0.0.1/x".into(),
        "https://192.168.1.1/x".into(),
        "https://[fd00:ec2::254]/x".into(),
        "https://user@push.example/x".into(),
        "https://push.example:22/x".into(),
        "https://push.example:8080/x".into(),
        "file:///etc/passwd".into(),
        "nothing".into(),
        String::new(),
    ] {
        let refused = marco.ask(Request::PutPush(Some(subscriber.at(bad.clone(), &[])))).await;
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{bad}: {refused:?}");
    }
    let good = subscriber.at("https://push.example/x".into(), &[]);
    let off_curve = PushSubscription { p256dh: [&[4][..], &[1; 64]].concat().into(), ..good.clone() };
    let long = subscriber.at(format!("https://push.example/{}", "x".repeat(2048)), &[]);
    let many = subscriber.at("https://push.example/x".into(), &vec![ConversationId::new([1; 16]); 4097]);
    assert!(matches!(marco.ask(Request::PutPush(Some(off_curve))).await, Err(Refusal::Invalid(_))));
    assert!(matches!(marco.ask(Request::PutPush(Some(long))).await, Err(Refusal::TooLarge(2048))));
    assert!(matches!(marco.ask(Request::PutPush(Some(many))).await, Err(Refusal::TooMany(_, 4096))));
    assert_eq!(marco.ask(Request::PutPush(Some(good))).await, Ok(Reply::Done));
    assert_eq!(marco.ask(Request::PutPush(None)).await, Ok(Reply::Done));

    // A name, and other ways to write an address, are looked up when the push is sent.
    let mut giulia = Person::register(&server, "giulia").await;
    let mut group = giulia.new_group().await;
    giulia.add(&mut group, &[&marco]).await;
    let Person { device, connection, .. } = marco;
    leave(&server, connection, 1).await;
    let hosts = ["localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"];
    for (n, host) in (1..).zip(hosts) {
        let (mut connection, _) = Connection::login(server.address, &device).await;
        let subscription = subscriber.at(format!("https://{host}:{port}/x"), &[]);
        assert_eq!(connection.ask(Request::PutPush(Some(subscription))).await, Ok(Reply::Done));
        leave(&server, connection, 1).await;
        giulia.append(&group, b"ciao").await.unwrap();
        metric(&server, "diario_web_pushes_failed_total", n).await;
    }
    if let Some(trap) = trap {
        let caught = tokio::time::timeout(Duration::from_millis(100), trap.accept()).await;
        assert!(caught.is_err(), "{caught:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_service_that_hangs_delays_nothing() {
    let mut w = World::new(|s| {
        s.push_concurrency = 1;
        s.push_waiting = 1;
    })
    .await;
    // Takes connections and says nothing.
    let hole = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", hole.local_addr().unwrap());
    let mut others = Vec::new();
    for n in 0..4_u8 {
        let mut other = Person::register(&w.server, &format!("person{n}")).await;
        let subscription = Subscriber::new(n + 20).at(url.clone(), &[]);
        assert_eq!(other.ask(Request::PutPush(Some(subscription))).await, Ok(Reply::Done));
        others.push(other);
    }
    let mut group = w.marco.new_group().await;
    w.marco.add(&mut group, &others.iter().collect::<Vec<_>>()).await;
    for (other, left) in others.into_iter().zip([4, 3, 2, 1]) {
        leave(&w.server, other.connection, left).await;
    }
    let began = Instant::now();
    for n in 0..20 {
        w.marco.append(&group, &[n]).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let dropped = w.server.metrics().await;
    let dropped = dropped.lines().find_map(|l| l.strip_prefix("diario_web_pushes_dropped_total ")).unwrap();
    assert!(dropped.parse::<u64>().unwrap() > 0, "the queue is bounded");
    let began = Instant::now();
    w.server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "nor does it keep the server from stopping");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_may_send_no_pushes() {
    let server = TestServer::with(|s| s.push_enabled = false).await;
    let mut marco = Person::register(&server, "marco").await;
    assert_eq!(marco.ask(Request::PushKey).await, Ok(Reply::PushKey(None)));
    let subscription = Subscriber::new(7).at("https://push.example/x".into(), &[]);
    let refused = marco.ask(Request::PutPush(Some(subscription))).await;
    assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    assert_eq!(marco.ask(Request::PutPush(None)).await, Ok(Reply::Done));
    server.stop().await;
}
