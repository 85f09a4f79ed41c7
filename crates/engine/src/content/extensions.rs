//! The extension fields of a content (section 4.3 of the draft).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::ContentError;
use super::reader::{MAX_KEY, Reader};

/// What a content carries beyond the draft's fields: each key once, in the order of its encoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extensions(BTreeMap<ExtensionKey, ExtensionValue>);

/// Names an extension: positive integers are registered, the others private.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExtensionKey(Key);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Int(i64),
    Text(String),
}

/// The value of an extension: one item of deterministic CBOR, checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExtensionValue(Vec<u8>);

impl Extensions {
    /// The value of `key`.
    pub fn value(&self, key: &ExtensionKey) -> Option<&ExtensionValue> {
        self.0.get(key)
    }

    /// Sets `key`; the two keys of the draft itself take texts only.
    pub fn insert(&mut self, key: ExtensionKey, value: ExtensionValue) -> Result<(), ContentError> {
        let is_origin = key == ExtensionKey::SENDER_URI || key == ExtensionKey::ROOM_URI;
        if is_origin && value.as_text().is_none() {
            return Err(ContentError::BadOriginType);
        }
        self.0.insert(key, value);
        Ok(())
    }

    /// All of them, in the order of their encoding.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ExtensionKey, &ExtensionValue)> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ContentError> {
        let mut extensions = Self::default();
        for _ in 0..reader.map("extensions")? {
            let at = reader.position();
            let key = ExtensionKey::read(reader)?;
            if extensions.0.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(ContentError::NotDeterministic { at });
            }
            let start = reader.position();
            reader.any(Reader::extension_levels())?;
            extensions.insert(key, ExtensionValue(reader.since(start).to_vec()))?;
        }
        Ok(extensions)
    }
}

impl ExtensionKey {
    /// The sender as the sender wrote it; see [`check_origin`](super::MimiContent::check_origin).
    pub const SENDER_URI: Self = Self(Key::Int(1));

    /// The room as the sender wrote it; see [`check_origin`](super::MimiContent::check_origin).
    pub const ROOM_URI: Self = Self(Key::Int(2));

    /// A number: registered if positive, private if negative; of up to 53 bits.
    pub fn int(key: i64) -> Result<Self, ContentError> {
        if key.unsigned_abs() > MAX_KEY {
            Err(ContentError::BadExtensionKey)
        } else {
            Ok(Self(Key::Int(key)))
        }
    }

    /// A private name of 1 to 255 bytes.
    pub fn text(key: impl Into<String>) -> Result<Self, ContentError> {
        let key = key.into();
        if (1..=255).contains(&key.len()) {
            Ok(Self(Key::Text(key)))
        } else {
            Err(ContentError::BadExtensionKey)
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ContentError> {
        if reader.datatype()? == minicbor::data::Type::String {
            Self::text(reader.text("an extension key")?)
        } else {
            reader.key_int().map(|key| Self(Key::Int(key)))
        }
    }
}

impl Ord for ExtensionKey {
    /// By the bytes of the encoded keys: 0, 1, .., then -1, -2, .., then texts, shorter ones first.
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Key::Int(a), Key::Int(b)) => (*a < 0, a.unsigned_abs()).cmp(&(*b < 0, b.unsigned_abs())),
            (Key::Int(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Int(_)) => Ordering::Greater,
            (Key::Text(a), Key::Text(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        }
    }
}

impl PartialOrd for ExtensionKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> minicbor::Encode<C> for ExtensionKey {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match &self.0 {
            Key::Int(key) => e.i64(*key)?,
            Key::Text(key) => e.str(key)?,
        };
        Ok(())
    }
}

impl ExtensionValue {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self(super::codec::to_vec(text))
    }

    /// Any one item of CBOR, refused unless deterministic and not nested too deeply.
    pub fn from_cbor(item: Vec<u8>) -> Result<Self, ContentError> {
        let mut reader = Reader::new(&item);
        reader.any(Reader::extension_levels())?;
        reader.end()?;
        Ok(Self(item))
    }

    /// Its CBOR.
    pub fn as_cbor(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        Reader::new(&self.0).text("text").ok()
    }
}
