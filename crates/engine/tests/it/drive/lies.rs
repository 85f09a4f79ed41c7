//! What a server says that is not honest, or not even a server: frames that mean something to the engine.

use diario_protocol::device_list::SignedDeviceList;
use diario_protocol::limits::Limits;
use diario_protocol::*;

use super::tape::Tape;
use super::world::{SERVER, World, friend, hello};

/// Draws frames about what there is: ids and bodies that the engine knows, in places where they do not belong.
pub(crate) struct Liar<'a, 'b> {
    pub(crate) tape: &'a mut Tape<'b>,
    pub(crate) world: &'a World,
    pub(crate) me: Option<DeviceRef>,
    pub(crate) now: Timestamp,
}

impl Liar<'_, '_> {
    fn account(&mut self) -> AccountId {
        match (self.tape.below(4), self.me) {
            (0, _) => AccountId::new([self.tape.byte(); 16]),
            (1, _) | (_, None) => friend().account,
            (_, Some(me)) => me.account,
        }
    }

    fn device(&mut self) -> DeviceId {
        match (self.tape.below(4), self.me) {
            (0, _) => DeviceId::new([self.tape.byte(); 16]),
            (1, _) | (_, None) => friend().device,
            (_, Some(me)) => me.device,
        }
    }

    fn conversation(&mut self) -> ConversationId {
        let me = self.me.map_or(AccountId::new([0; 16]), |me| me.account);
        let known: Vec<_> = self.world.logs.keys().copied().collect();
        match self.tape.below(8) {
            0 => ConversationId::new([self.tape.byte(); 16]),
            1 => ConversationId::of_pair(me, friend().account),
            2 => ConversationId::of_group(friend().account, [self.tape.byte() % 4; 8]),
            3 | 4 => self.tape.pick(&known).unwrap_or(ConversationId::of_self(me)),
            _ => ConversationId::of_self(me),
        }
    }

    fn entries(&mut self) -> Vec<Entry> {
        self.world.logs.values().flat_map(|log| &log.entries).cloned().collect()
    }

    fn bin(&mut self) -> Bin {
        let mut pool: Vec<Bin> = Vec::new();
        for log in self.world.logs.values() {
            pool.extend([log.group_info.clone(), log.tree.clone()]);
            pool.extend(log.slots.values().map(|slot| slot.body.clone()));
            pool.extend(log.entries.iter().filter_map(|entry| match &entry.body {
                Body::Present(body) => Some(body.clone()),
                Body::Erased(_) | Body::Gone(_) => None,
            }));
        }
        pool.push(friend().key_packages[0].clone());
        match self.tape.below(4) {
            0 => self.tape.bytes().into(),
            1 => {
                let mut bytes = self.tape.pick(&pool).unwrap_or_default().0;
                self.tape.touch(&mut bytes);
                bytes.into()
            }
            _ => self.tape.pick(&pool).unwrap_or_default(),
        }
    }

    fn seq(&mut self) -> Seq {
        Seq(self.tape.number())
    }

    fn epoch(&mut self) -> Epoch {
        Epoch(self.tape.number())
    }

    fn hash(&mut self, id: ConversationId) -> LogHash {
        if self.tape.yes() { LogHash::start(&id) } else { LogHash(Digest::new([self.tape.byte(); 32])) }
    }

    fn kind(&mut self) -> ConversationKind {
        match self.tape.below(3) {
            0 => ConversationKind::SelfConversation,
            1 => ConversationKind::Direct,
            _ => ConversationKind::Group,
        }
    }

    fn list(&mut self) -> SignedDeviceList {
        let mut pool = self.world.lists.clone();
        pool.push(friend().info.list.clone());
        let mut list = self.tape.pick(&pool).unwrap_or(SignedDeviceList(Bin::default()));
        if self.tape.below(4) == 0 {
            self.tape.touch(&mut list.0.0);
        }
        list
    }

    fn username(&mut self) -> Username {
        ["giulia", "anna", "marco"][self.tape.below(3)].parse().unwrap()
    }

    fn info(&mut self) -> AccountInfo {
        AccountInfo { username: self.username(), list: self.list() }
    }

    fn entry(&mut self) -> Entry {
        let real = self.entries();
        if let (true, Some(mut entry)) = (self.tape.yes(), self.tape.pick(&real)) {
            match self.tape.below(7) {
                0 => entry.seq = self.seq(),
                1 => entry.epoch = self.epoch(),
                2 => entry.body = Body::Erased(entry.body.digest()),
                3 => entry.conversation = self.conversation(),
                4 => entry.device = self.device(),
                5 => entry.body = Body::Gone(entry.body.digest()),
                _ => {}
            }
            return entry;
        }
        Entry {
            conversation: self.conversation(),
            seq: self.seq(),
            id: EntryId::new([self.tape.byte(); 16]),
            kind: if self.tape.yes() { EntryKind::Commit } else { EntryKind::Application },
            epoch: self.epoch(),
            account: self.account(),
            device: self.device(),
            annotates: self.tape.yes().then(|| Seq(self.tape.number())),
            received_at: Timestamp(self.tape.number()),
            body: if self.tape.below(4) == 0 {
                Body::Erased(Digest::new([1; 32]))
            } else {
                Body::Present(self.bin())
            },
        }
    }

    fn slot(&mut self) -> Slot {
        let real: Vec<_> = self.world.logs.values().flat_map(|log| log.slots.values()).cloned().collect();
        if let (true, Some(mut slot)) = (self.tape.yes(), self.tape.pick(&real)) {
            match self.tape.below(4) {
                0 => slot.version = SlotVersion(self.tape.number()),
                1 => slot.epoch = self.epoch(),
                2 => slot.body = self.bin(),
                _ => {}
            }
            return slot;
        }
        let conversation = self.conversation();
        Slot {
            conversation,
            key: SlotKey::of_name(conversation, "title"),
            version: SlotVersion(self.tape.number()),
            epoch: self.epoch(),
            account: self.account(),
            device: self.device(),
            body: self.bin(),
        }
    }

    fn membership(&mut self) -> Membership {
        let conversation = self.conversation();
        Membership {
            conversation,
            kind: self.kind(),
            since: self.seq(),
            epoch: self.epoch(),
            hash_before: self.hash(conversation),
            participants: (0..self.tape.below(4)).map(|_| self.account()).collect(),
            retention: diario_protocol::Retention::FOREVER,
        }
    }

    fn page(&mut self) -> LogPage {
        let conversation = self.conversation();
        LogPage {
            conversation,
            hash_before: self.hash(conversation),
            entries: (0..self.tape.below(3)).map(|_| self.entry()).collect(),
            head: self.seq(),
            about: (0..self.tape.below(2)).map(|_| self.entry()).collect(),
        }
    }

    fn what(&mut self) -> What {
        match self.tape.below(8) {
            0 | 1 => What::Entry(self.entry()),
            2 => {
                let entry = self.entry();
                What::Echo(entry.conversation, entry.seq, entry.id, entry.body.short_digest())
            }
            3 => What::Slot(self.slot()),
            4 => What::DeviceList(self.info()),
            5 => What::Joined(self.membership()),
            6 => What::Left(self.conversation(), self.seq()),
            _ => What::Welcome(self.conversation(), self.device(), self.epoch()),
        }
    }

    fn position(&mut self) -> Position {
        match self.tape.below(6) {
            0 => Position(self.tape.number()),
            more => Position(self.world.diary.len() as u64 + more as u64),
        }
    }

    fn changes(&mut self) -> Changes {
        let first = self.position();
        let items = (0..=self.tape.below(3))
            .map(|i| Change { position: Position(first.0.saturating_add(i as u64)), what: self.what() })
            .collect();
        Changes { items, live: self.tape.yes() }
    }

    fn logged_in(&mut self) -> LoggedIn {
        LoggedIn {
            head: Position(self.tape.number()),
            list_version: self.tape.number(),
            key_packages: u32::try_from(self.tape.number()).unwrap_or(u32::MAX),
            username: self.username(),
        }
    }

    fn heads(&mut self, some: usize) -> Heads {
        let place = |lies: &mut Self| HeadsPlace {
            began: Timestamp(lies.tape.number()),
            at: Timestamp(lies.tape.number()),
            conversation: lies.conversation(),
        };
        let items = (0..some).map(|_| {
            let slot = self.slot();
            let (epoch, device) = (self.epoch(), u32::try_from(self.tape.below(3)).unwrap_or(0));
            let slot = HeadSlot { key: slot.key, version: slot.version, epoch, device, body: slot.body };
            let entry = HeadEntry {
                seq: self.seq(),
                id: EntryId::new([3; 16]),
                epoch,
                device,
                received_at: Timestamp(self.tape.number()),
                body: self.bin(),
            };
            ConversationHead {
                conversation: self.conversation(),
                kind: ConversationKind::Direct,
                since: self.seq(),
                since_epoch: self.epoch(),
                participants: vec![device; some],
                epoch,
                head: self.seq(),
                hash: LogHash::start(&self.conversation()),
                left: self.tape.yes(),
                others: self.bin(),
                last: self.tape.yes().then_some(entry),
                slots: vec![slot.clone()],
                keys: vec![slot],
                since_hash: None,
                retention: None,
            }
        });
        let items = items.collect();
        Heads {
            position: Position(self.tape.number()),
            accounts: Vec::new(),
            people: vec![friend().account; some],
            devices: vec![HeadDevice { account: 0, device: friend().device }; some],
            items,
            next: if self.tape.yes() { Some(place(self)) } else { None },
        }
    }

    fn reply(&mut self) -> Reply {
        let some = self.tape.below(3);
        match self.tape.below(15) {
            0 => Reply::Registered(self.logged_in()),
            1 => Reply::LoggedIn(self.logged_in()),
            2 => Reply::Appended(self.seq()),
            3 => Reply::SlotsPut(vec![SlotOutcome::Stored; some]),
            4 => Reply::SlotsPut(vec![SlotOutcome::Newer(SlotVersion(self.tape.number()))]),
            5 => Reply::Log(self.page()),
            6 => Reply::Slots((0..some).map(|_| self.slot()).collect()),
            7 => Reply::Heads(Box::new(self.heads(some))),
            8 => Reply::GroupState(GroupState {
                conversation: self.conversation(),
                epoch: self.epoch(),
                group_info: self.bin(),
                tree: self.bin(),
            }),
            9 => Reply::Welcome(Some(Welcome {
                conversation: self.conversation(),
                epoch: self.epoch(),
                seq: self.seq(),
                welcome: self.bin(),
                tree: self.bin(),
            })),
            10 => Reply::KeyPackages((0..some).map(|_| self.tape.yes().then(|| self.bin())).collect()),
            11 => Reply::Accounts((0..some).map(|_| self.tape.yes().then(|| self.info())).collect()),
            12 => Reply::DeviceLists((0..some).map(|_| self.list()).collect()),
            13 => {
                Reply::LastSeen(vec![Seen { device: self.device(), at: Some(Timestamp(self.tape.number())) }])
            }
            _ => Reply::Done,
        }
    }

    fn refusal(&mut self) -> Refusal {
        match self.tape.below(14) {
            0 => Refusal::StaleEpoch(self.epoch()),
            1 => Refusal::RosterStale,
            2 => Refusal::NotMember,
            3 => Refusal::NotFound("thing".into()),
            4 => Refusal::NameTaken,
            5 => Refusal::TooLarge(self.tape.number()),
            6 => Refusal::RateLimited(self.tape.number()),
            7 => Refusal::DeviceExpired,
            8 => Refusal::InvalidCommit("so".into()),
            9 => Refusal::Exists,
            10 => Refusal::OldDeviceList(self.tape.number()),
            11 => Refusal::MailboxGone,
            12 => Refusal::StorageUnavailable,
            _ => Refusal::BeforeStart(self.seq()),
        }
    }

    fn hello(&mut self) -> Hello {
        let mut hello = hello(SERVER, Nonce::new([1; 32]), self.now);
        let small = u32::from(self.tape.byte());
        match self.tape.below(4) {
            0 => hello.now = Timestamp(self.tape.number()),
            1 => hello.protocol = u16::from(self.tape.byte()),
            2 => {
                let few = u16::from(self.tape.byte() % 4);
                hello.limits = Limits {
                    frame: small,
                    entry: small,
                    slot: small,
                    signal: small,
                    in_flight: few,
                    devices: few,
                    members: few,
                    key_packages: few,
                    batch: few,
                    retention: diario_protocol::Retention { days: Some(small), delivered: few > 1 },
                };
            }
            _ => hello.limits.key_packages = u16::from(self.tape.byte()),
        }
        hello
    }

    /// Any frame, as bytes.
    pub(crate) fn frame(&mut self) -> Vec<u8> {
        let asked = self.tape.pick(&self.world.asked).unwrap_or(RequestId(u32::from(self.tape.byte())));
        let honest: Vec<_> = self.world.ready.iter().take(4).cloned().collect();
        let frame = match self.tape.below(16) {
            0 => return self.tape.bytes(),
            1..=3 => {
                let mut bytes = self.tape.pick(&honest).map(|frame| encode(&frame)).unwrap_or_default();
                self.tape.touch(&mut bytes);
                return bytes;
            }
            4..=6 => ServerFrame::Reply(asked, self.reply()),
            7 | 8 => ServerFrame::Refused(asked, self.refusal()),
            9..=12 => ServerFrame::Changes(self.changes()),
            13 => ServerFrame::Hello(self.hello()),
            14 => ServerFrame::Signal(SignalPush {
                conversation: self.conversation(),
                epoch: self.epoch(),
                account: self.account(),
                device: self.device(),
                body: self.bin(),
            }),
            _ => match self.tape.below(6) {
                0 => ServerFrame::Notice(Notice::Draining(u32::MAX)),
                1 => ServerFrame::Notice(Notice::Expired),
                2 => ServerFrame::Notice(Notice::Replaced),
                3 if self.tape.below(8) == 0 => ServerFrame::Notice(Notice::Revoked),
                _ => ServerFrame::Mailbox(MailboxItem {
                    mailbox: MailboxId::new([self.tape.byte(); 16]),
                    body: self.tape.bytes().into(),
                }),
            },
        };
        encode(&frame)
    }
}
