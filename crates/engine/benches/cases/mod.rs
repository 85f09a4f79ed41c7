//! The engine's hot paths, each ready to be run again and again.

mod world;

use std::hint::black_box;

use diario_engine::bench::Author;
use diario_engine::content::{pad, unpad};
use diario_engine::{Anchor, Draft};
use diario_protocol::{ConversationId, ServerFrame};

use world::World;

/// What can be run.
pub(crate) const NAMES: &[&str] = &[
    "seal-300",
    "open-300",
    "pad-1000",
    "page-encode-256",
    "page-decode-256",
    "receive-256",
    "receive-1",
    "receive-1-beside-200",
    "send-1",
    "list-200",
    "history-50",
];

/// Bytes of a message's text.
const TEXT: usize = 300;
/// Messages in a page.
const PAGE: u64 = 256;

/// Something that is measured.
pub(crate) trait Case {
    /// What has to be done before each run and is not measured.
    fn ready(&mut self) {}
    /// What is measured.
    fn run(&mut self);
}

impl<F: FnMut()> Case for F {
    fn run(&mut self) {
        self();
    }
}

/// A case by its name.
pub(crate) fn prepare(name: &str) -> Option<Box<dyn Case>> {
    Some(match name {
        "seal-300" => {
            let (author, content) = (author(), vec![b'x'; TEXT + 90]);
            Box::new(move || drop(black_box(author.seal(content.clone()).unwrap())))
        }
        "open-300" => {
            let author = author();
            let sealed = author.seal(vec![b'x'; TEXT + 90]).unwrap();
            Box::new(move || drop(black_box(author.open(&sealed).unwrap())))
        }
        "pad-1000" => Box::new(|| {
            for length in 0..1_000 {
                let padded = pad(black_box(vec![1; length]));
                black_box(unpad(&padded).unwrap());
            }
        }),
        "page-encode-256" => {
            let page: ServerFrame = diario_protocol::decode(&page(), usize::MAX).unwrap();
            Box::new(move || drop(black_box(diario_protocol::encode(&page))))
        }
        "page-decode-256" => {
            let page = page();
            Box::new(move || {
                let frame: ServerFrame = diario_protocol::decode(&page, usize::MAX).unwrap();
                drop(black_box(frame));
            })
        }
        "receive-256" => Box::new(Receive::new(PAGE)),
        "receive-1" => Box::new(Receive::new(1)),
        "receive-1-beside-200" => {
            // What a message costs must not grow with what else is on the device.
            let mut receive = Receive::new(1);
            receive.world.groups(200);
            Box::new(receive)
        }
        "send-1" => {
            let mut world = World::new();
            let conversation = world.direct();
            Box::new(move || {
                world.engine.send(conversation, &Draft::Text("x".repeat(TEXT)), world.now).unwrap();
                // Answered each time, or what is under way would grow.
                world.settle();
            })
        }
        "list-200" => {
            let mut world = World::new();
            world.groups(200);
            Box::new(move || assert!(black_box(world.engine.conversation_rows().unwrap()).len() >= 200))
        }
        "history-50" => {
            let mut receive = Receive::new(PAGE);
            receive.ready();
            receive.run();
            let Receive { world, conversation, .. } = receive;
            Box::new(move || {
                let page = world.engine.history(conversation, Anchor::Newest, 50).unwrap();
                assert_eq!(black_box(page).messages.len(), 50);
            })
        }
        _ => return None,
    })
}

fn author() -> Author {
    Author::of(&world::register("anna").0).unwrap()
}

/// A page of the diary, encoded.
fn page() -> Vec<u8> {
    let mut receive = Receive::new(PAGE);
    receive.ready();
    receive.frame
}

/// Messages of somebody else's that come together: verified, decrypted and stored in one transaction.
struct Receive {
    world: World,
    conversation: ConversationId,
    friend: Author,
    count: u64,
    text: String,
    frame: Vec<u8>,
}

impl Receive {
    fn new(count: u64) -> Self {
        let mut world = World::new();
        let conversation = world.direct();
        let friend = Author::of(&world.friend).unwrap();
        Self { world, conversation, friend, count, text: "x".repeat(TEXT), frame: Vec::new() }
    }
}

impl Case for Receive {
    fn ready(&mut self) {
        self.world.settle();
        let engine = &mut self.world.engine;
        self.frame = self.friend.says(engine, self.conversation, self.count, &self.text).unwrap();
    }

    fn run(&mut self) {
        self.world.engine.receive(&[&self.frame], self.world.now).unwrap();
        assert!(!self.world.engine.must_disconnect());
    }
}
