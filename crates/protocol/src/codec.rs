//! One frame to bytes and back.

use minicbor::{Decode, Encode};

/// A frame that cannot be read. The peer broke the protocol; nothing of the frame was used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than the receiver takes.
    #[error("a frame of {size} bytes, more than the {limit} allowed")]
    TooLong {
        /// Its size in bytes.
        size: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// Not the CBOR that `diario.cddl` describes.
    #[error("malformed frame: {0}")]
    Malformed(String),
    /// Bytes are left after the frame.
    #[error("{0} bytes follow the frame")]
    Trailing(usize),
}

/// The bytes of a frame (CBOR, RFC 8949).
pub fn encode<T: Encode<()>>(frame: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    // Writing to a Vec cannot fail, and no type of this crate refuses to be encoded.
    let Ok(()) = minicbor::encode(frame, &mut out) else { unreachable!("encoding into memory") };
    out
}

/// Reads one whole frame of at most `limit` bytes.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8], limit: usize) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLong { size: bytes.len(), limit });
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().map_err(|e| DecodeError::Malformed(e.to_string()))?;
    match bytes.len() - decoder.position() {
        0 => Ok(value),
        left => Err(DecodeError::Trailing(left)),
    }
}
