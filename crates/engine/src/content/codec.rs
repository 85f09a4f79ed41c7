//! A content to bytes and back (appendix A.1 of the draft).

use minicbor::encode::{Error, Write};
use minicbor::{Encode, Encoder};

use super::reader::Reader;
use super::{
    ContentError, Disposition, Expiration, Extensions, ExternalPart, MAX_PART_DEPTH, MAX_PARTS,
    MAX_TOPIC_LEN, MessageId, MimiContent, NestedPart, Part, Semantics,
};

/// How many items a part's array has before those of its kind: disposition, language, cardinality.
const PART_HEAD: u64 = 3;
const NULL: u8 = 0;
const SINGLE: u8 = 1;
const EXTERNAL: u8 = 2;
const MULTI: u8 = 3;

impl MimiContent {
    /// Its one encoding; refused where [`decode`](Self::decode) would refuse it.
    pub fn encode(&self) -> Result<Vec<u8>, ContentError> {
        if self.topic_id.len() > MAX_TOPIC_LEN {
            return Err(ContentError::TopicTooLong);
        }
        self.nested_part.check()?;
        Ok(to_vec(self))
    }

    /// The content that these bytes, all of them, encode.
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(7, "an array of 7 items")?;
        let content = Self {
            salt: reader.bytes("salt")?.try_into().map_err(|_| ContentError::OutOfRange { field: "salt" })?,
            replaces: message_id(&mut reader, "replaces")?,
            topic_id: topic_id(&mut reader)?,
            expires: expiration(&mut reader)?,
            in_reply_to: message_id(&mut reader, "inReplyTo")?,
            extensions: Extensions::read(&mut reader)?,
            nested_part: nested_part(&mut reader, MAX_PART_DEPTH, &mut { MAX_PARTS })?,
        };
        reader.end()?;
        Ok(content)
    }
}

/// The CBOR of a value whose encoder does not fail.
pub(super) fn to_vec<T: Encode<()> + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    minicbor::encode(value, &mut bytes).expect("writing to a vector does not fail");
    bytes
}

fn message_id(reader: &mut Reader<'_>, field: &'static str) -> Result<Option<MessageId>, ContentError> {
    if reader.null() {
        return Ok(None);
    }
    let bytes = reader.bytes(field)?.try_into().map_err(|_| ContentError::OutOfRange { field })?;
    MessageId::from_bytes(bytes).map(Some)
}

fn topic_id(reader: &mut Reader<'_>) -> Result<Vec<u8>, ContentError> {
    let topic = reader.bytes("topicId")?;
    if topic.len() > MAX_TOPIC_LEN { Err(ContentError::TopicTooLong) } else { Ok(topic.to_vec()) }
}

fn expiration(reader: &mut Reader<'_>) -> Result<Option<Expiration>, ContentError> {
    if reader.null() {
        return Ok(None);
    }
    reader.array_of(2, "an expiration")?;
    let relative = reader.bool()?;
    let time = reader.uint("expires")?;
    Ok(Some(if relative { Expiration::AfterReading(time) } else { Expiration::At(time) }))
}

/// One part, with `levels` of nesting and `left` parts still allowed.
fn nested_part(reader: &mut Reader<'_>, levels: usize, left: &mut usize) -> Result<NestedPart, ContentError> {
    let levels = levels.checked_sub(1).ok_or(ContentError::PartsTooDeep)?;
    *left = left.checked_sub(1).ok_or(ContentError::TooManyParts)?;

    let start = reader.position();
    let len = reader.array("a part")?;
    let disposition = Disposition(reader.uint("disposition")?);
    let language = reader.text("language")?.to_owned();
    let cardinality: u8 = reader.uint("cardinality")?;
    let expected_len = match cardinality {
        NULL => PART_HEAD,
        SINGLE | MULTI => PART_HEAD + 2,
        EXTERNAL => PART_HEAD + 12,
        _ => return Err(ContentError::OutOfRange { field: "cardinality" }),
    };
    if len != expected_len {
        return Err(ContentError::Malformed {
            at: start,
            expected: "a part with as many fields as its kind has",
        });
    }
    let part = match cardinality {
        NULL => Part::Null,
        SINGLE => Part::Single {
            content_type: reader.text("contentType")?.to_owned(),
            content: reader.bytes("content")?.to_vec(),
        },
        EXTERNAL => Part::External(Box::new(external(reader)?)),
        _ => multi(reader, levels, left)?,
    };
    Ok(NestedPart { disposition, language, part })
}

fn external(reader: &mut Reader<'_>) -> Result<ExternalPart, ContentError> {
    Ok(ExternalPart {
        content_type: reader.text("contentType")?.to_owned(),
        url: reader.text("url")?.to_owned(),
        expires: reader.uint("expires")?,
        size: reader.uint("size")?,
        enc_alg: reader.uint("encAlg")?,
        key: reader.bytes("key")?.to_vec(),
        nonce: reader.bytes("nonce")?.to_vec(),
        aad: reader.bytes("aad")?.to_vec(),
        hash_alg: reader.uint("hashAlg")?,
        content_hash: reader.bytes("contentHash")?.to_vec(),
        description: reader.text("description")?.to_owned(),
        filename: reader.text("filename")?.to_owned(),
    })
}

fn multi(reader: &mut Reader<'_>, levels: usize, left: &mut usize) -> Result<Part, ContentError> {
    let semantics = match reader.uint::<u8>("partSemantics")? {
        0 => Semantics::ChooseOne,
        1 => Semantics::SingleUnit,
        2 => Semantics::ProcessAll,
        _ => return Err(ContentError::OutOfRange { field: "partSemantics" }),
    };
    let len = reader.array("parts")?;
    if len < 2 {
        return Err(ContentError::TooFewParts);
    }
    let parts = (0..len).map(|_| nested_part(reader, levels, left)).collect::<Result<_, _>>()?;
    Ok(Part::Multi { semantics, parts })
}

impl<C> Encode<C> for MimiContent {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), Error<W::Error>> {
        e.array(7)?.bytes(&self.salt)?;
        self.replaces.encode(e, ctx)?;
        e.bytes(&self.topic_id)?;
        self.expires.encode(e, ctx)?;
        self.in_reply_to.encode(e, ctx)?;
        self.extensions.encode(e, ctx)?;
        self.nested_part.encode(e, ctx)
    }
}

impl<C> Encode<C> for MessageId {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), Error<W::Error>> {
        e.bytes(self.as_bytes())?.ok()
    }
}

impl<C> Encode<C> for Expiration {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), Error<W::Error>> {
        let (relative, time) = match *self {
            Self::AfterReading(seconds) => (true, seconds),
            Self::At(seconds) => (false, seconds),
        };
        e.array(2)?.bool(relative)?.u32(time)?.ok()
    }
}

impl<C> Encode<C> for Extensions {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), Error<W::Error>> {
        e.map(self.len() as u64)?;
        for (key, value) in self.iter() {
            key.encode(e, ctx)?;
            e.writer_mut().write_all(value.as_cbor()).map_err(Error::write)?;
        }
        Ok(())
    }
}

impl<C> Encode<C> for NestedPart {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), Error<W::Error>> {
        let (cardinality, fields) = match self.part {
            Part::Null => (NULL, 0),
            Part::Single { .. } => (SINGLE, 2),
            Part::External(_) => (EXTERNAL, 12),
            Part::Multi { .. } => (MULTI, 2),
        };
        e.array(PART_HEAD + fields)?.u8(self.disposition.0)?.str(&self.language)?.u8(cardinality)?;
        match &self.part {
            Part::Null => Ok(()),
            Part::Single { content_type, content } => e.str(content_type)?.bytes(content)?.ok(),
            Part::External(external) => external.encode(e, ctx),
            Part::Multi { semantics, parts } => {
                let semantics = match semantics {
                    Semantics::ChooseOne => 0,
                    Semantics::SingleUnit => 1,
                    Semantics::ProcessAll => 2,
                };
                e.u8(semantics)?.array(parts.len() as u64)?;
                parts.iter().try_for_each(|part| part.encode(e, ctx))
            }
        }
    }
}

/// The fields of an external part, in the array that its part has begun.
impl<C> Encode<C> for ExternalPart {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), Error<W::Error>> {
        e.str(&self.content_type)?.str(&self.url)?.u32(self.expires)?.u64(self.size)?.u16(self.enc_alg)?;
        e.bytes(&self.key)?.bytes(&self.nonce)?.bytes(&self.aad)?.u8(self.hash_alg)?;
        e.bytes(&self.content_hash)?.str(&self.description)?.str(&self.filename)?.ok()
    }
}
