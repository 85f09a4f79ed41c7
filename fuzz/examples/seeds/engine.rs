//! What devices write: contents, seals, and what stands in them.

use diario_engine::content::{Expiration, ExtensionKey, ExtensionValue, MessageId, MimiContent, pad};
use diario_engine::linking::{Approver, Candidate, LinkCode, PairingCode};
use diario_engine::{EngineConfig, EngineError};
use diario_protocol::*;
use diario_sim::{SimDevice, World, settle};

use crate::{Failure, Seeds};

const CONVERSATION: ConversationId = ConversationId::new([3; 16]);

pub(crate) fn contents() -> Result<Seeds, Failure> {
    let plain = MimiContent::text([1; 16], "ciao");
    let mut extended = MimiContent::text([2; 16], "ciao");
    extended.extensions.insert(ExtensionKey::text("diario.imported_from")?, ExtensionValue::text("Marco"))?;
    extended.topic_id = vec![1; 20];
    extended.expires = Some(Expiration::AfterReading(60));
    let to = MessageId::derive(b"content", &[1; 16], "sender", "room")?;
    Ok(vec![
        ("text", plain.encode()?),
        ("extended", extended.encode()?),
        ("markdown", MimiContent::markdown([3; 16], "*ciao*").encode()?),
        ("reply", MimiContent::reply([3; 16], to, "ciao").encode()?),
        ("edit", MimiContent::edit([3; 16], to, "ciao").encode()?),
        ("delete", MimiContent::delete([3; 16], to).encode()?),
        ("reaction", MimiContent::reaction([3; 16], to, "x").encode()?),
    ])
}

/// Bytes as the target draws them.
fn entropy() -> impl FnMut(&mut [u8]) {
    let mut drawn = 0_u8;
    move |out: &mut [u8]| {
        for byte in out {
            drawn = drawn.wrapping_add(1);
            *byte = drawn;
        }
    }
}

/// What the other side of a linking says until it has to show that it knows the code.
pub(crate) fn linkings() -> Result<Seeds, Failure> {
    let begin = || -> Result<_, Failure> {
        let mut drawn = entropy();
        let code = LinkCode::generate("wss://here", &mut drawn)?;
        Ok((drawn, code, "ABCD-2345".parse::<PairingCode>()?))
    };
    let server = "wss://here";
    let (_, code, _) = begin()?;
    let mut approver = Approver::with_code(&code, &mut entropy())?;
    let scanned = said(0, &approver.start());

    let (mut drawn, code, _) = begin()?;
    let mut approver = Approver::with_code(&code, &mut drawn)?;
    let mut candidate = Candidate::with_code(&code, b"please".to_vec(), &mut entropy())?;
    let answer = candidate.handle(&approver.start()[0])?.send;
    let answered = said(2, &answer[..1]);

    let (mut drawn, _, typed) = begin()?;
    let mut candidate = Candidate::with_pairing(&typed, server, b"please".to_vec(), &mut drawn)?;
    let mut approver = Approver::with_pairing(&typed, server, &mut entropy())?;
    let mut sent = approver.start();
    sent.extend(approver.handle(&candidate.start()[0])?.send);
    let to_candidate = said(1, &sent);

    let (mut drawn, _, typed) = begin()?;
    let mut approver = Approver::with_pairing(&typed, server, &mut drawn)?;
    let mut candidate = Candidate::with_pairing(&typed, server, b"please".to_vec(), &mut entropy())?;
    let mut sent = candidate.start();
    candidate.handle(&approver.start()[0])?;
    let hello = approver.handle(&sent[0])?.send;
    sent.extend(candidate.handle(&hello[0])?.send.into_iter().take(1));
    Ok(vec![("scanned", scanned), ("answered", answered), ("typed", to_candidate), ("shown", said(3, &sent))])
}

fn said(which: u8, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![which];
    for message in messages {
        put(message, &mut out);
    }
    out
}

/// Bytes, after their length.
fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// After the byte that says what it is. What is sealed for others cannot be made here.
pub(crate) fn seals() -> Seeds {
    let of = |which: u8, bytes: &[u8]| [&[which], bytes].concat();
    let terms = (
        (0_u8, "paper", Timestamp(5), PublicKey::new([1; 32])),
        (PublicKey::new([2; 32]), None::<Bin>, false),
    );
    let ((kind, label, at, key), (sealing, credential, removed)) = terms;
    let list = crate::frames::list(1, None);
    let record = ((kind, label, at, key, sealing, credential, removed), Signature::new([3; 64]));
    vec![
        ("content", of(1, b"ciao")),
        ("hpke", of(2, &encode(&(Bin(vec![9; 32]), Bin(vec![1; 48]))))),
        ("public", of(3, &[9; 32])),
        ("method", of(4, &encode(&record))),
        ("newest", of(5, &encode(&(Epoch(3), Bin(vec![7; 32]), 2_u64)))),
        ("named", of(6, &encode(&("title", Bin(b"friends".to_vec()), true)))),
        ("request", of(7, &encode(&(PublicKey::new([1; 32]), "desktop")))),
        ("grant", of(7, &encode(&(ServerId::new([4; 16]), "anna", list, Epoch(3), Bin(vec![7; 32]))))),
    ]
}

/// Pieces of an input of `sealed`: what it is about, a number, and the value after its length.
pub(crate) fn sealed() -> Result<Seeds, Failure> {
    let key = Bin(vec![7; 32]);
    let row = (CONVERSATION, vec![(Epoch(0), key.clone())], Some((SlotVersion(2), "friends")));
    let row = (row.0, row.1, row.2, Some((SlotVersion(1), Seq(4), Seq(3))), None::<Seq>);
    let hpke = Bin(vec![9; 32]);
    let hpke_sealed = (hpke.clone(), Bin(vec![1; 48]));
    let wanted = vec![(Epoch(0), vec![DeviceId::new([4; 16])])];
    let own = [
        (0, encode(&(CONVERSATION, Epoch(2), key.clone()))),
        (1, encode(&(CONVERSATION, Epoch(0), key))),
        (2, encode(&(Position(4), 1_u16, vec![row]))),
        (3, encode(&[false])),
        (4, encode(&["ci"])),
        (5, encode(&[true, true])),
        (6, encode(&[Seq(1)])),
        (7, b"desktop".to_vec()),
        (8, encode(&[Timestamp(5)])),
        (9, encode(&(hpke.clone(), true, "Linux"))),
        (10, encode(&(hpke.clone(), hpke_sealed.clone()))),
        (11, encode(&(PublicKey::new([1; 32]), Timestamp(5)))),
        (12, encode(&[Timestamp(5)])),
    ];
    let theirs = [
        (16, b"friends".to_vec()),
        (17, encode(&(Seq(2), Seq(1)))),
        (18, encode(&(hpke.clone(), wanted))),
        (19, encode(&(hpke, vec![Epoch(0)], hpke_sealed))),
        (24, encode(&("title", Bin(b"foes".to_vec()), true))),
    ];
    let to = MessageId::derive(b"content", &[1; 16], "sender", "room")?;
    let said = [
        (21, MimiContent::text([1; 16], "ciao").encode()?),
        (21, MimiContent::edit([3; 16], to, "ciao!").encode()?),
        (21, MimiContent::reaction([4; 16], to, "x").encode()?),
        (25, Vec::new()),
        (21, pad(Vec::new())),
        (22, encode(&(Seq(0), Bin(vec![1; 16]), Timestamp(5), (Bin(vec![3; 16]), "ciao")))),
        (23, encode(&roster::CommitBundle { commit: vec![1; 9].into(), lists: Vec::new() })),
    ];
    let pieces = |pieces: &[(u8, Vec<u8>)]| {
        let mut out = Vec::new();
        for (about, value) in pieces {
            out.extend([*about, 1]);
            put(value, &mut out);
        }
        out
    };
    Ok(vec![("own", pieces(&own)), ("theirs", pieces(&theirs)), ("said", pieces(&said))])
}

/// A key package, a conversation that begins, and the same with a commit, as a real device makes them.
pub(crate) fn mls() -> Result<Seeds, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(recorded())?)
}

async fn recorded() -> anyhow::Result<Seeds> {
    let world = World::new().await?;
    let config = EngineConfig { epoch_entries: 2, ..EngineConfig::default() };
    let mut phone = SimDevice::with_config(&world, "phone", config)?;
    phone.record();
    phone.register("anna").await?;
    let own = ConversationId::of_self(phone.account()?);
    for n in 0..6 {
        phone.say(own, &format!("note {n}"))?;
        settle(&mut [&mut phone]).await?;
    }
    let asked: Vec<&Request> = phone.recorded().iter().map(|frame| &frame.request).collect();
    let missing = EngineError::Internal("a device registers, and commits");
    let register = asked.iter().find_map(|r| if let Request::Register(r) = r { Some(r) } else { None });
    let commit = asked.iter().find_map(|r| if let Request::Commit(c) = r { Some(c) } else { None });
    let (Some(register), Some(commit)) = (register, commit) else { return Err(missing.into()) };
    let list = register.list.validate()?;
    let (account, key) = (list.account(), list.list().devices[0].key);
    let begin = |which: u8| {
        let device = DeviceId::of_key(&key);
        let ids = [account.as_bytes().as_slice(), device.as_bytes(), key.as_bytes(), own.as_bytes()];
        [&[which], ids.concat().as_slice()].concat()
    };
    let created = &register.self_conversation;
    let mut package = begin(0);
    put(&register.key_packages.one_time[0], &mut package);
    // The number of the self conversation's kind, which is not 0 here.
    let mut creation = begin(3);
    put(&created.group_info, &mut creation);
    put(&created.tree, &mut creation);
    let mut committed = creation.clone();
    put(&commit.bundle, &mut committed);
    put(&commit.group_info, &mut committed);
    Ok(vec![("key_package", package), ("creation", creation), ("commit", committed)])
}

/// The first byte says whether there is an account; then see `drive/stage.rs`.
pub(crate) fn tapes() -> Seeds {
    let talk = [9, 1, 9, 5, 0, 7, 9, 6, 0, 7, 0, 7, 9, 14, 0, 3, 13, 3, 20, 0, 7];
    let lies = [6, 0, 9, 5, 0, 7, 6, 1, 4, 3, 7, 7, 8, 1, 10, 2, 3, 0, 7, 14, 1, 0, 7, 6, 0, 13, 2, 3, 1];
    let lone = [9, 8, 1, 0, 7, 0, 7, 6, 0, 15, 5, 1, 3, 1, 2, 3, 9, 11, 0, 7];
    // A conversation, the command, somebody and a device, what else it takes; and what the server says to that.
    let rare = |command: u8, more: &[u8]| [&[9, 0, command, 2, 2, 0], more, &[0, 7]].concat();
    let recovery = [rare(36, &[1]), rare(37, &[0, 0]), rare(39, &[7; 40]), rare(38, &[1])].concat();
    let keeping =
        [rare(26, &[2, 1]), rare(29, &[4; 9]), rare(30, &[0]), rare(31, &[8]), rare(42, &[])].concat();
    let people =
        [vec![9, 0, 17, 0, 7], rare(27, &[1]), rare(28, &[]), rare(50, &[1]), rare(27, &[0])].concat();
    let devices = [rare(32, &[]), rare(33, &[]), rare(34, &[]), rare(35, &[]), rare(48, &[0, 1])].concat();
    let said = [vec![9, 0, 1, 0, 7], rare(46, &[0; 18]), rare(45, &[0, 9]), rare(47, &[0])].concat();
    let fill = [rare(40, &[2]), rare(41, &[1]), rare(43, &[1]), rare(44, &[]), rare(49, &[])].concat();
    let returns = [vec![9, 51, 1, 0, 5, 0], vec![0, 7], vec![9, 51, 1, 0, 5, 2, 1], vec![9, 51, 1, 0, 5, 3]];
    let with_account = |tape: &[u8]| [&[0], tape].concat();
    vec![
        ("talk", with_account(&talk)),
        ("lies", with_account(&lies)),
        ("both", with_account(&[talk.as_slice(), &lies].concat())),
        ("commands", with_account(&[said, people, keeping, fill].concat())),
        ("owner", with_account(&[recovery, devices].concat())),
        ("returns", [&[255], returns.concat().as_slice()].concat()),
        ("candidate", [&[255], lone.as_slice()].concat()),
    ]
}

/// The seed, and choices: see `diario_sim::run`. Without any the seed chooses.
pub(crate) fn steered() -> Seeds {
    let ascending = |step: u8| (0..80_u8).map(|n| n.wrapping_mul(step)).collect::<Vec<_>>();
    vec![
        ("talk", [vec![1], vec![0; 10], [5, 1, 7, 60].repeat(12)].concat()),
        ("calm", [vec![2], ascending(7)].concat()),
        ("busy", [vec![3], ascending(37)].concat()),
        ("torn", [vec![4], ascending(101)].concat()),
    ]
}
