//! What an entry's seal holds.

use diario_protocol::{Seq, Timestamp};
use minicbor::data::Type;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::content::{ContentView, MimiContent};

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Letter {
    /// How far the sender had the log.
    #[n(0)]
    pub(super) seen: Seq,
    /// First 16 bytes of the running hash there.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) seen_hash: Vec<u8>,
    /// The sender's clock.
    #[n(2)]
    pub(super) sent_at: Timestamp,
    /// MIMI content. That of a plain text, which most messages are, is said by its salt and its words: the rest of it
    /// is always the same, and 35 bytes.
    #[cbor(n(3), encode_with = "encode_content", decode_with = "decode_content")]
    pub(super) content: Vec<u8>,
}

/// Salt and words of a content that is nothing but a plain text.
fn plain(content: &[u8]) -> Option<([u8; 16], String)> {
    let read = MimiContent::decode(content).ok()?;
    let text = match read.view() {
        ContentView::Text { body, .. } => body.to_owned(),
        _ => return None,
    };
    // A content has one encoding: the same bytes are the same content.
    (MimiContent::text(read.salt, text.as_str()).encode().ok()? == content).then_some((read.salt, text))
}

fn encode_content<C, W: encode::Write>(
    content: &[u8],
    e: &mut Encoder<W>,
    _: &mut C,
) -> Result<(), encode::Error<W::Error>> {
    match plain(content) {
        Some((salt, text)) => e.array(2)?.bytes(&salt)?.str(&text)?.ok(),
        None => e.bytes(content)?.ok(),
    }
}

fn decode_content<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Vec<u8>, decode::Error> {
    let at = d.position();
    if d.datatype()? != Type::Array {
        return d.bytes().map(<[u8]>::to_vec);
    }
    let wrong = |what: &str| decode::Error::message(what.to_owned()).at(at);
    if d.array()? != Some(2) {
        return Err(wrong("a text is said by its salt and its words"));
    }
    let salt = d.bytes()?.try_into().map_err(|_| wrong("a salt has 16 bytes"))?;
    MimiContent::text(salt, d.str()?).encode().map_err(|_| wrong("not a content"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::MessageId;

    fn letter(content: &MimiContent) -> Letter {
        let content = content.encode().unwrap();
        Letter { seen: Seq(300), seen_hash: vec![5; 16], sent_at: Timestamp(1_700_000_000_000), content }
    }

    fn sent(letter: &Letter) -> usize {
        let bytes = diario_protocol::encode(letter);
        assert_eq!(diario_protocol::decode::<Letter>(&bytes, bytes.len()).as_ref(), Ok(letter));
        bytes.len()
    }

    #[test]
    fn a_plain_text_takes_its_words_and_51_bytes() {
        assert_eq!(sent(&letter(&MimiContent::text([3; 16], "x".repeat(300)))), 300 + 51);
        assert_eq!(sent(&letter(&MimiContent::text([3; 16], ""))), 49);
    }

    #[test]
    fn every_other_content_is_said_in_full() {
        let to = MessageId::derive(b"content", &[1; 16], "sender", "room").unwrap();
        for content in [
            MimiContent::markdown([3; 16], "*ciao*"),
            MimiContent::reply([3; 16], to, "ciao"),
            MimiContent::edit([3; 16], to, "ciao"),
            MimiContent::delete([3; 16], to),
            MimiContent::reaction([3; 16], to, "x"),
        ] {
            assert!(sent(&letter(&content)) > letter(&content).content.len());
        }
    }

    #[test]
    fn what_is_no_content_is_kept_as_it_is() {
        let odd = Letter { content: vec![1, 2, 3], ..letter(&MimiContent::text([3; 16], "ciao")) };
        sent(&odd);
    }

    #[test]
    fn a_salt_of_another_length_is_refused() {
        let mut bytes = Vec::new();
        let mut e = Encoder::new(&mut bytes);
        e.array(4).unwrap().u64(1).unwrap().bytes(&[5; 16]).unwrap().u64(2).unwrap();
        e.array(2).unwrap().bytes(&[3; 15]).unwrap().str("ciao").unwrap();
        assert!(diario_protocol::decode::<Letter>(&bytes, bytes.len()).is_err());
    }
}
