//! Reading deterministic CBOR and nothing else (RFC 8949, section 4.2.1; section 6 of the draft).

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

use super::{ContentError, MAX_EXTENSION_DEPTH};

/// Largest integer key that a double holds exactly (section 6.2).
pub(super) const MAX_KEY: u64 = (1 << 53) - 1;

/// A decoder that refuses longer forms, indefinite lengths and what is not of the wanted type.
pub(super) struct Reader<'b> {
    cbor: Decoder<'b>,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { cbor: Decoder::new(bytes) }
    }

    pub(super) fn position(&self) -> usize {
        self.cbor.position()
    }

    /// The bytes read since `start`.
    pub(super) fn since(&self, start: usize) -> &'b [u8] {
        &self.cbor.input()[start..self.cbor.position()]
    }

    pub(super) fn end(&self) -> Result<(), ContentError> {
        let at = self.position();
        if at == self.cbor.input().len() { Ok(()) } else { Err(ContentError::TrailingBytes { at }) }
    }

    pub(super) fn malformed(&self, expected: &'static str) -> ContentError {
        ContentError::Malformed { at: self.position(), expected }
    }

    /// Reads a null if one is next.
    pub(super) fn null(&mut self) -> bool {
        self.cbor.datatype().is_ok_and(|t| t == Type::Null) && self.cbor.null().is_ok()
    }

    pub(super) fn bool(&mut self) -> Result<bool, ContentError> {
        self.item("a boolean", Decoder::bool)
    }

    /// An unsigned integer that fits `field`'s type.
    pub(super) fn uint<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<T, ContentError> {
        let start = self.position();
        let value = self.item(field, Decoder::u64)?;
        self.shortest(start, value, 0)?;
        T::try_from(value).map_err(|_| ContentError::OutOfRange { field })
    }

    pub(super) fn bytes(&mut self, field: &'static str) -> Result<&'b [u8], ContentError> {
        let start = self.position();
        let bytes = self.item(field, Decoder::bytes)?;
        self.shortest(start, bytes.len() as u64, bytes.len())?;
        Ok(bytes)
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<&'b str, ContentError> {
        let start = self.position();
        let text = self.item(field, Decoder::str)?;
        self.shortest(start, text.len() as u64, text.len())?;
        Ok(text)
    }

    pub(super) fn array(&mut self, field: &'static str) -> Result<u64, ContentError> {
        let start = self.position();
        let len = self.item(field, Decoder::array)?.ok_or(ContentError::NotDeterministic { at: start })?;
        self.shortest(start, len, 0)?;
        Ok(len)
    }

    /// An array of exactly `len` items.
    pub(super) fn array_of(&mut self, len: u64, field: &'static str) -> Result<(), ContentError> {
        let at = self.position();
        if self.array(field)? == len { Ok(()) } else { Err(ContentError::Malformed { at, expected: field }) }
    }

    pub(super) fn map(&mut self, field: &'static str) -> Result<u64, ContentError> {
        let start = self.position();
        let len = self.item(field, Decoder::map)?.ok_or(ContentError::NotDeterministic { at: start })?;
        self.shortest(start, len, 0)?;
        Ok(len)
    }

    /// An integer of up to 53 bits and a sign.
    pub(super) fn key_int(&mut self) -> Result<i64, ContentError> {
        let start = self.position();
        let int = i128::from(self.item("an integer", Decoder::int)?);
        // CBOR writes a negative n as -1 - n.
        let magnitude = if int < 0 { -1 - int } else { int };
        self.shortest(start, u64::try_from(magnitude).unwrap_or(u64::MAX), 0)?;
        let int = i64::try_from(int).map_err(|_| ContentError::BadExtensionKey)?;
        if int.unsigned_abs() > MAX_KEY { Err(ContentError::BadExtensionKey) } else { Ok(int) }
    }

    pub(super) fn datatype(&self) -> Result<Type, ContentError> {
        self.cbor.datatype().map_err(|_| self.malformed("a CBOR item"))
    }

    /// Passes over one item of an extension, checking all of it; `levels` of nesting are left.
    pub(super) fn any(&mut self, levels: usize) -> Result<(), ContentError> {
        let deeper = || levels.checked_sub(1).ok_or(ContentError::ExtensionTooDeep);
        let start = self.position();
        match self.datatype()? {
            Type::Bool => self.bool().map(drop),
            Type::Null => self.item("null", Decoder::null),
            Type::Undefined => self.item("undefined", Decoder::undefined),
            Type::Bytes => self.bytes("bytes").map(drop),
            Type::String => self.text("text").map(drop),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => self.uint::<u64>("integer").map(drop),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                let int = i128::from(self.item("an integer", Decoder::int)?);
                self.shortest(start, u64::try_from(-1 - int).unwrap_or(u64::MAX), 0)
            }
            Type::F16 | Type::F32 | Type::F64 => self.float(),
            Type::Array => {
                let levels = deeper()?;
                (0..self.array("an array")?).try_for_each(|_| self.any(levels))
            }
            Type::Map => {
                let levels = deeper()?;
                self.any_map(levels)
            }
            Type::Tag => {
                let levels = deeper()?;
                let tag = self.item("a tag", Decoder::tag)?.as_u64();
                self.shortest(start, tag, 0)?;
                self.tagged(tag, levels)
            }
            Type::Simple => {
                let value = self.item("a simple value", Decoder::simple)?;
                // 24 to 31 have no encoding, less than that has a shorter one.
                let long = self.position() - start == 2;
                if long && value < 32 { Err(ContentError::NotDeterministic { at: start }) } else { Ok(()) }
            }
            Type::BytesIndef | Type::StringIndef | Type::ArrayIndef | Type::MapIndef => {
                Err(ContentError::NotDeterministic { at: start })
            }
            Type::Break | Type::Unknown(_) => Err(self.malformed("a CBOR item")),
        }
    }

    /// The extensions' values begin inside the map that is level 1.
    pub(super) const fn extension_levels() -> usize {
        MAX_EXTENSION_DEPTH - 1
    }

    fn any_map(&mut self, levels: usize) -> Result<(), ContentError> {
        let mut last: Option<&[u8]> = None;
        for _ in 0..self.map("a map")? {
            let start = self.position();
            match self.datatype()? {
                Type::String => self.text("a map key").map(drop)?,
                Type::Bytes => self.bytes("a map key").map(drop)?,
                _ => self.key_int().map(drop)?,
            }
            let key = self.since(start);
            // Strictly ascending: this also refuses the same key twice.
            if last.is_some_and(|last| last >= key) {
                return Err(ContentError::NotDeterministic { at: start });
            }
            last = Some(key);
            self.any(levels)?;
        }
        Ok(())
    }

    fn tagged(&mut self, tag: u64, levels: usize) -> Result<(), ContentError> {
        /// Tags of bignums (RFC 8949, section 3.4.3).
        const BIGNUMS: [u64; 2] = [2, 3];
        let at = self.position();
        if BIGNUMS.contains(&tag) {
            let magnitude = self.bytes("a bignum")?;
            // What fits a plain integer must be one, and a leading zero says nothing.
            if magnitude.len() <= 8 || magnitude[0] == 0 {
                return Err(ContentError::NotDeterministic { at });
            }
            return Ok(());
        }
        self.any(levels)
    }

    /// A float in its shortest form; the only NaN is the half-width quiet one (section 6.2).
    fn float(&mut self) -> Result<(), ContentError> {
        let start = self.position();
        let longer = Err(ContentError::NotDeterministic { at: start });
        // By hand: minicbor reads half floats only with a feature more, and only the bits matter here.
        let head = self.cbor.input()[start];
        let len = match head {
            0xf9 => 2,
            0xfa => 4,
            _ => 8,
        };
        let bits = self.cbor.input().get(start + 1..start + 1 + len).ok_or(self.malformed("a float"))?;
        let bits = bits.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        self.cbor.set_position(start + 1 + len);
        match head {
            0xf9 => {
                let is_nan = bits & 0x7c00 == 0x7c00 && bits & 0x03ff != 0;
                if is_nan && bits != 0x7e00 { longer } else { Ok(()) }
            }
            0xfa => {
                #[expect(clippy::cast_possible_truncation, reason = "four bytes were read")]
                let value = f32::from_bits(bits as u32);
                if value.is_nan() || fits_half(value) { longer } else { Ok(()) }
            }
            _ => {
                let value = f64::from_bits(bits);
                #[expect(clippy::cast_possible_truncation, reason = "whether it truncates is the question")]
                let narrowed = f64::from(value as f32);
                if value.is_nan() || narrowed.to_bits() == bits { longer } else { Ok(()) }
            }
        }
    }

    fn item<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, Error>,
    ) -> Result<T, ContentError> {
        let at = self.position();
        read(&mut self.cbor).map_err(|_| ContentError::Malformed { at, expected })
    }

    /// Refuses a head that took more bytes than `argument` needs; `body` bytes came after the head.
    fn shortest(&self, start: usize, argument: u64, body: usize) -> Result<(), ContentError> {
        let head = match argument {
            0..=23 => 1,
            24..=0xff => 2,
            0x100..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            _ => 9,
        };
        if self.position() - start == head + body {
            Ok(())
        } else {
            Err(ContentError::NotDeterministic { at: start })
        }
    }
}

/// Whether a half float (IEEE 754 binary16) holds the same value.
fn fits_half(value: f32) -> bool {
    /// Least positive half float, 2^-24: what a half can hold is a multiple of it.
    const STEP: f32 = 1.0 / 16_777_216.0;
    const LARGEST: f32 = 65_504.0;
    if value.is_infinite() {
        return true;
    }
    // A half has 10 bits after the leading one; below 2^-14 it has steps of 2^-24 instead.
    let bits_dropped = value.to_bits() & 0x1fff;
    value.abs() <= LARGEST && bits_dropped == 0 && (value / STEP).fract() == 0.0
}
