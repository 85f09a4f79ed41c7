//! What devices do every day.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::*;
use diario_server::{Clock as _, Registration};

use crate::device::{Connection, Device, Ended, Plan};
use crate::support::{Person, TestServer, append, conversation};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_meet_and_write() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let mut giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    let start = marco.connection.catch_up(Position(0)).await;
    // Joined to the self conversation, joined to the group.
    assert_eq!(start.len(), 2, "{start:#?}");
    let commit = marco.add(&mut group, &[&giulia]).await;
    assert_eq!(commit, Seq(1));
    assert_eq!(marco.append(&group, b"ciao").await, Ok(Seq(2)));

    let missed = giulia.connection.catch_up(Position(1)).await;
    let kinds: Vec<_> = missed.iter().map(|c| &c.what).collect();
    assert!(
        matches!(kinds[..], [What::Joined(_), What::Entry(_), What::Welcome(..), What::Entry(_)]),
        "{kinds:#?}"
    );
    let Ok(Reply::Welcome(Some(welcome))) = giulia.ask(Request::Welcome(conversation(&group))).await else {
        panic!()
    };
    let hers = giulia.device.join(&welcome);
    assert_eq!(hers.epoch_authenticator().as_slice(), group.epoch_authenticator().as_slice());
    assert_eq!(giulia.append(&hers, b"ciao, Marco").await, Ok(Seq(3)));

    let live = marco.connection.changes(3).await;
    assert!(matches!(live[0].what, What::Echo(_, Seq(1), ..)), "{live:#?}");
    assert!(matches!(live[1].what, What::Echo(_, Seq(2), ..)));
    assert!(matches!(&live[2].what, What::Entry(e) if e.seq == Seq(3)));
    let positions: Vec<u64> = live.iter().map(|c| c.position.0).collect();
    assert_eq!(positions, [3, 4, 5], "live positions have no gaps");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_commits_one_wins() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let mut giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    marco.add(&mut group, &[&giulia]).await;
    let Ok(Reply::Welcome(Some(welcome))) = giulia.ask(Request::Welcome(conversation(&group))).await else {
        panic!()
    };
    let mut hers = giulia.device.join(&welcome);
    let update = || Plan { update: true, ..Plan::default() };
    let (a, b) = tokio::join!(marco.commit(&mut group, update()), giulia.commit(&mut hers, update()));
    let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
    assert_eq!((won, lost), (Ok(Seq(2)), Err(Refusal::StaleEpoch(Epoch(2)))));
    let stale = Append { epoch: Epoch(1), ..append(&group, b"late") };
    assert_eq!(marco.ask(Request::Append(stale)).await, Err(Refusal::StaleEpoch(Epoch(2))));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_logs_in_again_and_is_replaced_by_its_second_connection() {
    let server = TestServer::start().await;
    let marco = Person::register(&server, "marco").await;
    let Person { device, connection: mut first, .. } = marco;
    let (mut second, state) = Connection::login(server.address, &device).await;
    assert_eq!((state.head, state.list_version, state.key_packages), (Position(1), 1, 3));
    assert_eq!(state.username.as_str(), "marco");
    assert_eq!(first.end().await, Ended::Notice(Notice::Replaced, Some(1008)));
    let Ok(Reply::LastSeen(seen)) = second.ask(Request::LastSeen).await else { panic!() };
    assert_eq!(seen, [Seen { device: device.me.device, at: None }]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_device_joins_by_itself_and_then_the_group_waits_for_nobody() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let mut giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    marco.add(&mut group, &[&giulia]).await;
    marco.connection.catch_up(Position(0)).await;

    // Giulia's PC: listed by her phone, with key packages of its own.
    let pc = Device::new(giulia.id());
    let list = giulia.account.sign(|devices| devices.push(pc.listed(DeviceRole::Linked, None)));
    assert_eq!(giulia.ask(Request::PutDeviceList(list)).await, Ok(Reply::Done));
    let told = marco.connection.changes(1).await;
    assert!(matches!(&told[0].what, What::DeviceList(info) if info.username.as_str() == "giulia"));
    let (mut hers, _) = Connection::login(server.address, &pc).await;
    assert_eq!(marco.append(&group, b"before").await, Ok(Seq(2)), "it cannot be added yet");
    assert_eq!(hers.ask(Request::PutKeyPackages(pc.key_packages(1, true))).await, Ok(Reply::Done));
    assert_eq!(marco.append(&group, b"x").await, Err(Refusal::RosterStale));

    let Ok(Reply::GroupState(state)) = hers.ask(Request::GroupState(conversation(&group))).await else {
        panic!()
    };
    let (joined, commit) = pc.join_externally(&state);
    assert_eq!(hers.ask(Request::Commit(Box::new(commit.clone()))).await, Ok(Reply::Appended(Seq(3))));
    assert_eq!(hers.ask(Request::Commit(Box::new(commit))).await, Ok(Reply::Appended(Seq(3))), "again");
    let told = marco.connection.changes(2).await;
    let What::Entry(entry) = &told[1].what else { panic!("{told:#?}") };
    marco.device.take(&mut group, entry);
    assert_eq!(group.epoch_authenticator().as_slice(), joined.epoch_authenticator().as_slice());
    assert_eq!(marco.append(&group, b"after").await, Ok(Seq(4)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_device_is_cut_off_in_the_same_request() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let tablet = Device::new(marco.id());
    let list = marco.account.sign(|devices| devices.push(tablet.listed(DeviceRole::Linked, None)));
    assert_eq!(marco.ask(Request::PutDeviceList(list)).await, Ok(Reply::Done));
    let (mut lost, _) = Connection::login(server.address, &tablet).await;
    let list = marco.account.sign(|devices| devices.truncate(1));
    assert_eq!(marco.ask(Request::PutDeviceList(list.clone())).await, Ok(Reply::Done));
    assert_eq!(lost.end().await, Ended::Notice(Notice::Revoked, Some(1008)));
    let mut again = Connection::open(server.address).await;
    let login = tablet.login(&again.hello);
    assert_eq!(again.ask(Request::Login(login)).await, Err(Refusal::DeviceRevoked));
    assert_eq!(marco.ask(Request::PutDeviceList(list)).await, Err(Refusal::OldDeviceList(3)));
    let Ok(Reply::DeviceLists(all)) = marco.ask(Request::DeviceListHistory(marco.account.id())).await else {
        panic!()
    };
    assert_eq!(all.len(), 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_whose_time_has_run_out_is_told_and_cut_off() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let tablet = Device::new(marco.id());
    let until = server.clock.now().plus_ms(60_000);
    let list = marco.account.sign(|devices| devices.push(tablet.listed(DeviceRole::Linked, Some(until))));
    assert_eq!(marco.ask(Request::PutDeviceList(list)).await, Ok(Reply::Done));
    let (mut connection, _) = Connection::login(server.address, &tablet).await;
    server.clock.0.store(61_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(connection.end().await, Ended::Notice(Notice::Expired, Some(1008)));
    let mut again = Connection::open(server.address).await;
    let login = tablet.login(&again.hello);
    assert_eq!(again.ask(Request::Login(login)).await, Err(Refusal::DeviceExpired));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_reads_to_the_end_of_their_time() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let mut giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    marco.append(&group, b"alone").await.unwrap();
    marco.add(&mut group, &[&giulia]).await;
    let hers = group.members().find(|m| m.credential == giulia.device.credential()).unwrap().index;
    let accounts = [marco.id()];
    let half = Plan { participants: Some((ConversationKind::Group, &accounts)), ..Plan::default() };
    let refused = marco.commit(&mut group, half).await;
    assert!(matches!(refused, Err(Refusal::InvalidCommit(_))), "her device stays: {refused:?}");
    let plan = Plan {
        remove: vec![hers],
        participants: Some((ConversationKind::Group, &accounts)),
        ..Plan::default()
    };
    assert_eq!(marco.commit(&mut group, plan).await, Ok(Seq(3)));
    assert_eq!(marco.append(&group, b"alone again").await, Ok(Seq(4)));
    let range = |from| LogRange {
        conversation: conversation(&group),
        from: Seq(from),
        to: Seq(9),
        commits_only: false,
        newest: false,
        about: None,
    };
    assert_eq!(giulia.ask(Request::Log(range(1))).await, Err(Refusal::BeforeStart(Seq(2))));
    let Ok(Reply::Log(page)) = giulia.ask(Request::Log(range(2))).await else { panic!() };
    assert_eq!((page.entries.len(), page.head), (2, Seq(3)));
    let diary = giulia.connection.catch_up(Position(0)).await;
    assert!(matches!(diary.last().unwrap().what, What::Left(_, Seq(3))), "{diary:#?}");
    let state = giulia.ask(Request::GroupState(conversation(&group))).await;
    assert_eq!(state, Err(Refusal::NotMember));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_falls_back_to_its_cursor_and_misses_nothing() {
    let server = TestServer::with(|s| {
        s.push_queue = 4;
        s.read_buffer_bytes = 512;
    })
    .await;
    let mut marco = Person::register(&server, "marco").await;
    let mut giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    marco.add(&mut group, &[&giulia]).await;
    let start = giulia.connection.catch_up(Position(0)).await.last().unwrap().position;
    // She reads nothing while he writes more than the sockets between them hold.
    for round in 0..30 {
        let mut ids = Vec::new();
        for n in 0..20u8 {
            let entry = append(&group, &vec![n.wrapping_add(round); 40_000]);
            ids.push(marco.connection.send(Request::Append(entry)).await);
        }
        marco.connection.flush().await;
        for id in ids {
            assert!(matches!(marco.connection.answer(id).await, Ok(Reply::Appended(_))));
        }
    }
    let got = giulia.connection.changes(600).await;
    let positions: Vec<u64> = got.iter().map(|c| c.position.0).collect();
    assert_eq!(positions, (start.0 + 1..=start.0 + 600).collect::<Vec<_>>());
    let metrics = server.metrics().await;
    let lagged = metrics.lines().find(|l| l.starts_with("diario_lagged_total ")).unwrap();
    assert_ne!(lagged, "diario_lagged_total 0", "the test must fill the queue");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_answers_what_it_took_and_keeps_it() {
    let mut server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let group = marco.new_group().await;
    let mut ids = Vec::new();
    for n in 0..30u8 {
        ids.push(marco.connection.send(Request::Append(append(&group, &[n; 100]))).await);
    }
    marco.connection.flush().await;
    let first = marco.connection.answer(ids[0]).await;
    assert_eq!(first, Ok(Reply::Appended(Seq(1))));
    server.begin_stop();
    let mut acked = 1;
    let mut notice = None;
    while let Some(frame) = marco.connection.frame().await {
        match frame {
            ServerFrame::Reply(_, Reply::Appended(_)) => acked += 1,
            ServerFrame::Notice(n) => notice = Some(n),
            _ => {}
        }
    }
    assert_eq!(notice, Some(Notice::Draining(1000)));
    let dir = server.stop().await;
    let server = TestServer::in_dir(dir, |_| {}).await;
    let (mut again, _) = Connection::login(server.address, &marco.device).await;
    let range = LogRange {
        conversation: conversation(&group),
        from: Seq(1),
        to: Seq(99),
        commits_only: false,
        newest: false,
        about: None,
    };
    let Ok(Reply::Log(page)) = again.ask(Request::Log(range)).await else { panic!() };
    assert!(page.entries.len() >= acked, "{} acked, {} kept", acked, page.entries.len());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_talk_through_a_mailbox() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let mut candidate = Connection::open(server.address).await;
    let id = MailboxId::new([3; 16]);
    let put = |n: u8| Request::PutMailbox(id, vec![n].into());
    assert_eq!(candidate.ask(put(1)).await, Err(Refusal::MailboxGone));
    assert_eq!(candidate.ask(Request::OpenMailbox(id)).await, Ok(Reply::Done));
    assert_eq!(candidate.ask(put(1)).await, Ok(Reply::Done));
    assert_eq!(marco.ask(Request::JoinMailbox(id)).await, Ok(Reply::Done));
    assert_eq!(candidate.ask(put(2)).await, Ok(Reply::Done));
    assert_eq!(marco.ask(put(3)).await, Ok(Reply::Done));
    let mail = |frame: &ServerFrame| match frame {
        ServerFrame::Mailbox(item) => Some(item.body.0.clone()),
        _ => None,
    };
    assert_eq!(marco.connection.wait_for(mail).await, [1]);
    assert_eq!(marco.connection.wait_for(mail).await, [2]);
    assert_eq!(candidate.wait_for(mail).await, [3]);
    let mut other = Person::register(&server, "mallory").await;
    assert_eq!(other.ask(Request::JoinMailbox(id)).await, Err(Refusal::MailboxGone), "once only");
    assert_eq!(other.ask(Request::CloseMailbox(id)).await, Err(Refusal::MailboxGone), "not theirs");
    assert_eq!(candidate.ask(Request::CloseMailbox(id)).await, Ok(Reply::Done));
    assert_eq!(marco.ask(put(4)).await, Err(Refusal::MailboxGone));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_reaches_the_others_and_is_not_kept() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let mut giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    marco.add(&mut group, &[&giulia]).await;
    let signal =
        |epoch| Signal { conversation: conversation(&group), epoch: Epoch(epoch), body: vec![5].into() };
    assert_eq!(marco.ask(Request::Signal(signal(0))).await, Err(Refusal::StaleEpoch(Epoch(1))));
    marco.connection.send(Request::Signal(signal(1))).await;
    marco.connection.flush().await;
    let push =
        giulia.connection.wait_for(|f| if let ServerFrame::Signal(s) = f { Some(s.clone()) } else { None });
    let push = push.await;
    assert_eq!((push.device, push.body.0), (marco.device.me.device, vec![5]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_lets_in_as_many_as_it_says() {
    let server = TestServer::with(|s| s.registration = Registration::Invite).await;
    let code = diario_server::create_invite(server.dir.path(), 1).await.unwrap();
    let mut outcomes = Vec::new();
    for (name, invite) in
        [("anna", None), ("anna", Some("nonsense")), ("anna", Some(&*code)), ("bruno", Some(&code))]
    {
        let (account, device) = Device::first();
        let mut connection = Connection::open(server.address).await;
        let (_, mut register) = device.register(&account, name, &connection.hello);
        register.invite = invite.map(str::to_owned);
        outcomes.push(connection.ask(Request::Register(Box::new(register))).await.map(|_| ()));
    }
    let needed = || Err(Refusal::InviteNeeded);
    assert_eq!(outcomes, [needed(), needed(), Ok(()), needed()]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_account_keeps_its_keys_in_its_self_conversation() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let group = marco.new_group().await;
    let own = conversation(&marco.own);
    let write = |version| SlotWrite {
        key: SlotKey::of_keyring(marco.account.id(), conversation(&group), Epoch(0)),
        version: SlotVersion(version),
        head: false,
        body: vec![1, 2, 3].into(),
    };
    let put = PutSlots { conversation: own, epoch: Epoch(0), writes: vec![write(1)] };
    let again = PutSlots { writes: vec![write(1), write(2)], ..put.clone() };
    let nothing = PutSlots { writes: vec![write(0)], ..put.clone() };
    assert_eq!(marco.ask(Request::PutSlots(put)).await, Ok(Reply::SlotsPut(vec![SlotOutcome::Stored])));
    let outcomes = vec![SlotOutcome::Newer(SlotVersion(1)), SlotOutcome::Stored];
    assert_eq!(marco.ask(Request::PutSlots(again)).await, Ok(Reply::SlotsPut(outcomes)));
    assert!(matches!(marco.ask(Request::PutSlots(nothing)).await, Err(Refusal::Invalid(_))));
    let heads = marco.ask(Request::Heads(HeadsRange { most: 0, since: Position(0), after: None })).await;
    let Ok(Reply::Heads(heads)) = heads else { panic!("{heads:?}") };
    let head = heads.items.iter().find(|h| h.conversation == conversation(&group)).unwrap();
    assert_eq!(head.keys.len(), 1, "the keyring slot of its epoch");
    server.stop().await;
}
