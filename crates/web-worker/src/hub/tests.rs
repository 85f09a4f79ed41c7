//! Pages against an engine in memory, without a server.

use diario_engine::EngineConfig;
use diario_protocol::{EntryId, Nonce, Refusal, Retention};
use diario_web_api::{Anchor, LinkStep, MessageState, Stage};

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

struct Bench {
    hub: Hub,
    device: Engine,
    next: u64,
}

impl Bench {
    fn new() -> Self {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let device = Engine::open(db, EngineConfig::default()).unwrap();
        let mut hub = Hub::new("http://localhost:8080".into(), StoreKind::Disk);
        hub.enter("a".into());
        Self { hub, device, next: 0 }
    }

    fn with_account() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.ask(register("ada")), Ok(Answer::Done));
        bench
    }

    /// What the page `a` is answered; nothing else may go out.
    fn ask(&mut self, ask: Ask) -> Result<Answer, Problem> {
        let (mut out, _) = self.ask_as("a", ask);
        assert_eq!(out.len(), 1, "{out:?}");
        let (page, answer) = out.remove(0);
        assert_eq!(page, "a");
        match answer {
            ToPage::Answer(id, answer) if id == self.next => Ok(answer),
            ToPage::Problem(id, problem) if id == self.next => Err(problem),
            other => panic!("{other:?}"),
        }
    }

    fn ask_as(&mut self, page: &str, ask: Ask) -> (Out, Option<Wish>) {
        self.next += 1;
        let asked = ToWorker { id: self.next, ask };
        self.hub.ask(page, asked, &mut self.device, Connection::Connecting, NOW)
    }

    /// What the pages are told by now.
    fn tells(&mut self) -> Vec<(PageName, Tell)> {
        let events: Vec<Event> = std::iter::from_fn(|| self.device.poll_event()).collect();
        let mut out = self.hub.events(events, &self.device).unwrap();
        out.extend(self.hub.tells(&self.device, Connection::Connecting, NOW).unwrap());
        out.into_iter()
            .map(|(page, message)| match message {
                ToPage::Tell(tell) => (page, tell),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn own(&self) -> ConversationId {
        ConversationId::of_self(self.device.whoami().unwrap().1)
    }

    fn send(&mut self, text: &str, salt: u8) -> EntryId {
        let conversation = self.own();
        let ask = Ask::Send { conversation, text: text.into(), salt: Nonce::new([salt; 32]) };
        match self.ask(ask) {
            Ok(Answer::Sent(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// The messages that page `a` is told, and whether they are not all.
    fn told_messages(&mut self) -> Vec<(Vec<String>, bool)> {
        self.tells()
            .into_iter()
            .filter_map(|(_, tell)| match tell {
                Tell::Messages { messages, reload, .. } => {
                    Some((messages.into_iter().map(|m| m.text).collect(), reload))
                }
                _ => None,
            })
            .collect()
    }
}

fn register(username: &str) -> Ask {
    Ask::Register { username: username.into(), device_name: "web".into(), invite: None }
}

#[test]
fn a_page_sees_everything_first_and_then_what_changes() {
    let mut bench = Bench::new();
    let Ok(Answer::Snapshot(before)) = bench.ask(Ask::Start) else { panic!() };
    assert_eq!(before.account, None);
    assert!(before.conversations.is_empty());
    bench.tells();
    bench.ask(register("ada")).unwrap();
    let tells = bench.tells();
    let account = tells.iter().find_map(|(_, tell)| match tell {
        Tell::Account(Some(account)) => Some(account.clone()),
        _ => None,
    });
    let account = account.expect("the account is told");
    assert_eq!(
        (account.username.as_str(), account.stage, account.primary),
        ("ada", Stage::Registering, true)
    );
}

#[test]
fn a_page_that_has_not_started_is_told_nothing() {
    let mut bench = Bench::with_account();
    assert_eq!(bench.tells(), []);
}

#[test]
fn registering_twice_is_registering_once() {
    let mut bench = Bench::with_account();
    assert_eq!(bench.ask(register("ada")), Ok(Answer::Done));
    assert_eq!(bench.ask(register("bob")), Err(Problem::HasAccount));
    assert_eq!(Bench::new().ask(register("Not a name")), Err(Problem::BadName));
}

#[test]
fn sending_with_the_same_salt_is_one_message() {
    let mut bench = Bench::with_account();
    let first = bench.send("hello", 1);
    assert_eq!(bench.send("hello", 1), first);
    assert_ne!(bench.send("hello", 2), first);
    let ask = Ask::History { conversation: bench.own(), anchor: Anchor::Newest, limit: 50 };
    let Ok(Answer::Messages { messages, .. }) = bench.ask(ask) else { panic!() };
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|m| m.state == MessageState::Pending && m.mine));
}

#[test]
fn messages_are_told_to_who_watches_their_conversation() {
    let mut bench = Bench::with_account();
    bench.hub.enter("b".into());
    bench.ask(Ask::Start).unwrap();
    bench.ask_as("b", Ask::Start);
    let own = bench.own();
    bench.ask(Ask::Watch(Some(own))).unwrap();
    bench.tells();
    bench.send("hello", 1);
    let tells = bench.tells();
    let of = |page: &str, messages: bool| {
        tells.iter().filter(|(p, t)| p == page && matches!(t, Tell::Messages { .. }) == messages).count()
    };
    assert_eq!(of("a", true), 1);
    assert_eq!(of("b", true), 0);
    assert!(of("b", false) >= 2, "the list and what waits: {tells:?}");
    assert_eq!(bench.tells(), [], "nothing is told twice");
}

#[test]
fn many_messages_make_one_short_message() {
    let mut bench = Bench::with_account();
    bench.ask(Ask::Start).unwrap();
    let own = bench.own();
    bench.ask(Ask::Watch(Some(own))).unwrap();
    for salt in 0..3 {
        bench.send(&format!("{salt}"), salt);
    }
    let few: Vec<String> = ["0", "1", "2"].map(str::to_owned).into();
    let told = bench.told_messages();
    assert_eq!(told.len(), 1);
    let (mut texts, reload) = told[0].clone();
    texts.sort();
    assert_eq!((texts, reload), (few, false));
    for salt in 0..=u8::MAX {
        bench.send(&format!("again {salt}"), salt);
    }
    assert_eq!(bench.told_messages(), [(Vec::new(), true)]);
}

#[test]
fn a_discarded_message_is_gone() {
    let mut bench = Bench::with_account();
    bench.ask(Ask::Start).unwrap();
    let (id, conversation) = (bench.send("oh no", 1), bench.own());
    bench.tells();
    assert_eq!(bench.ask(Ask::Discard { conversation, id }), Ok(Answer::Done));
    assert!(bench.tells().contains(&("a".into(), Tell::Gone { conversation, id })));
}

#[test]
fn what_needs_the_server_says_so() {
    let mut bench = Bench::with_account();
    assert_eq!(bench.ask(Ask::LookUp { username: "bob".into() }), Err(Problem::Offline));
    assert_eq!(bench.ask(Ask::LookUp { username: "no name!".into() }), Err(Problem::BadName));
    assert_eq!(bench.ask(Ask::PushKey), Err(Problem::Offline));
    let (own_name, account, _) = bench.device.whoami().unwrap();
    assert_eq!(bench.ask(Ask::LookUp { username: own_name }), Ok(Answer::Found(Some(account))));
}

#[test]
fn who_waits_for_the_server_is_answered_or_told_that_it_is_gone() {
    let mut bench = Bench::with_account();
    let bob: diario_protocol::Username = "bob".parse().unwrap();
    let wait = |id, awaited: &Awaited| Waiting { page: "a".into(), id, awaited: awaited.clone() };
    let name = Awaited::Name(bob.clone());
    bench.hub.waiting = vec![wait(1, &name), wait(2, &Awaited::PushKey), wait(3, &name)];
    let resolved = Event::Resolved { username: bob, account: None };
    let out = bench.hub.events([resolved], &bench.device).unwrap();
    let found = |id| ("a".to_owned(), ToPage::Answer(id, Answer::Found(None)));
    assert_eq!(out, [found(1), found(3)]);
    let offline = Event::Connection(ConnectionState::Offline);
    let out = bench.hub.events([offline], &bench.device).unwrap();
    assert_eq!(out, [("a".to_owned(), ToPage::Problem(2, Problem::Offline))]);
    assert!(bench.hub.waiting.is_empty());
}

#[test]
fn a_page_that_comes_again_starts_again() {
    let mut bench = Bench::with_account();
    bench.ask(Ask::Start).unwrap();
    bench.tells();
    bench.hub.enter("a".into());
    bench.send("unseen", 1);
    assert_eq!(bench.tells(), []);
    let Ok(Answer::Snapshot(snapshot)) = bench.ask(Ask::Start) else { panic!() };
    assert_eq!(snapshot.status.waiting, 1);
    bench.hub.leave("a");
    bench.send("unheard", 2);
    assert_eq!(bench.tells(), []);
}

#[test]
fn the_worker_does_what_the_engine_cannot() {
    let mut bench = Bench::new();
    let (out, wish) = bench.ask_as("a", Ask::Wipe);
    assert_eq!((out, wish), (Vec::new(), Some(Wish::Wipe("a".into(), 1))));
    let (_, wish) = bench.ask_as("a", Ask::Reconnect);
    assert_eq!(wish, Some(Wish::Hurry));
    let (out, wish) = bench.ask_as("a", Ask::Link { device_name: "web".into(), qr: true });
    assert_eq!((out, wish), (vec![("a".into(), ToPage::Answer(3, Answer::Done))], Some(Wish::Anew)));
    assert!(bench.device.wants_connection());
    assert_eq!(bench.ask(Ask::CancelLink), Ok(Answer::Done));
    assert!(!bench.device.wants_connection());
}

#[test]
fn a_step_of_a_linking_is_told() {
    let mut bench = Bench::new();
    bench.ask(Ask::Start).unwrap();
    bench.tells();
    let failed = Event::Linking(diario_engine::LinkingStep::Failed("no".into()));
    bench.hub.events([failed], &bench.device).unwrap();
    assert_eq!(bench.tells(), [("a".into(), Tell::Link(LinkStep::Failed("no".into())))]);
}

#[test]
fn only_what_does_not_last_is_told_up_to_a_number() {
    let mut bench = Bench::with_account();
    bench.ask(Ask::Start).unwrap();
    bench.tells();
    let conversation = bench.own();
    let gone = |at: u8| Tell::Gone { conversation, id: EntryId::new([at; 16]) };
    for at in 0..40 {
        bench.hub.say(Tell::Typing { conversation, name: "bob".into(), until: NOW });
        bench.hub.say(gone(at));
    }
    bench.hub.say(Tell::Alarm { conversation: None, what: "full".into() });
    bench.hub.say(Tell::Rejected(Problem::NameTaken));
    let tells: Vec<Tell> = bench.tells().into_iter().map(|(_, tell)| tell).collect();
    assert_eq!(tells.iter().filter(|tell| matches!(tell, Tell::Typing { .. })).count(), 20);
    assert!((0..40).all(|at| tells.contains(&gone(at))));
    assert!(tells.contains(&Tell::Rejected(Problem::NameTaken)));
    assert!(tells.iter().any(|tell| matches!(tell, Tell::Alarm { .. })));
}

#[test]
fn the_own_devices_are_told_when_the_connection_becomes_another() {
    let mut bench = Bench::with_account();
    bench.ask(Ask::Start).unwrap();
    bench.tells();
    for state in [ConnectionState::Live, ConnectionState::Offline] {
        bench.hub.events([Event::Connection(state)], &bench.device).unwrap();
        assert!(bench.tells().iter().any(|(_, tell)| matches!(tell, Tell::Devices(_))), "{state:?}");
    }
}

#[test]
fn what_was_done_already_is_done() {
    let mut bench = Bench::with_account();
    let nobody = diario_protocol::AccountId::new([7; 16]);
    let (_, me, device) = bench.device.whoami().unwrap();
    let group = Ask::CreateGroup { title: "us".into(), members: Vec::new(), nonce: Nonce::new([1; 32]) };
    let Ok(Answer::Conversation(conversation)) = bench.ask(group.clone()) else { panic!() };
    assert_eq!(bench.ask(group), Ok(Answer::Conversation(conversation)));
    assert_eq!(bench.ask(Ask::AddMembers { conversation, accounts: vec![me] }), Ok(Answer::Done));
    assert_eq!(bench.ask(Ask::RemoveMember { conversation, account: nobody }), Ok(Answer::Done));
    let myself = bench.ask(Ask::RemoveMember { conversation, account: me });
    assert_eq!(myself, Err(Problem::Membership), "that is leaving");
    let own = bench.own();
    let no_group = bench.ask(Ask::RemoveMember { conversation: own, account: nobody });
    assert_eq!(no_group, Err(Problem::Membership));
    assert_eq!(bench.ask(Ask::Revoke(diario_protocol::DeviceId::new([7; 16]))), Ok(Answer::Done));
    assert_eq!(bench.ask(Ask::Revoke(device)), Err(Problem::LastPrimary));
}

#[test]
fn a_code_that_is_under_way_is_not_begun_anew() {
    let mut bench = Bench::with_account();
    let approve = || Ask::Approve { code: " ABCD-EFGH ".into() };
    assert_eq!(bench.ask(approve()), Err(Problem::Offline));
    bench.hub.gather.set_approving(Some("ABCD-EFGH".into()));
    assert_eq!(bench.ask(approve()), Ok(Answer::Done));
    assert_eq!(bench.ask(Ask::Approve { code: "ABCD-EFGJ".into() }), Err(Problem::Offline));
    let failed = Event::Linking(diario_engine::LinkingStep::Failed("no".into()));
    bench.hub.events([failed], &bench.device).unwrap();
    assert_eq!(bench.ask(approve()), Err(Problem::Offline));
}

#[test]
fn retention_waits_for_the_server_unless_there_is_nothing_to_change() {
    let mut bench = Bench::with_account();
    let conversation = bench.own();
    let set = |keep| Ask::SetRetention { conversation, keep };
    assert_eq!(bench.ask(set(Retention::FOREVER)), Ok(Answer::Done));
    let days = Retention { days: Some(30), delivered: false };
    assert!(bench.ask(set(days)).is_err(), "without a connection nobody can be told");
    // The server's word on another question leaves the page waiting; a refusal does not.
    bench.hub.waiting.push(Waiting {
        page: "a".into(),
        id: 7,
        awaited: Awaited::Retention(conversation, days),
    });
    let told = bench.hub.events([Event::Conversation(conversation)], &bench.device).unwrap();
    assert_eq!(told, []);
    let refused = Event::Failed { conversation, id: None, refusal: Refusal::NotMember };
    let told = bench.hub.events([refused], &bench.device).unwrap();
    assert!(matches!(told.as_slice(), [(_, ToPage::Problem(7, _))]), "{told:?}");
}
