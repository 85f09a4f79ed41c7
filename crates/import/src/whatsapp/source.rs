//! The text of a chat, out of a zip or a plain file.

use std::io::{self, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{ImportError, title};

/// The text of an export, without a byte order mark, and the chat's name.
pub(super) struct Source {
    pub(super) text: String,
    pub(super) title: Option<String>,
}

/// Reads a zip or a text, whichever it is, and no more than `limit` bytes of text.
pub(super) fn read(mut reader: impl Read + Seek, file_name: &str, limit: u64) -> Result<Source, ImportError> {
    let mut magic = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut magic).map_err(ImportError::Read)?;
    reader.rewind().map_err(ImportError::Read)?;
    // The second is that of a zip without entries.
    if [b"PK\x03\x04", b"PK\x05\x06"].iter().any(|known| magic == known.as_slice()) {
        return read_zip(reader, file_name, limit);
    }
    let bytes = read_limited(reader, limit)?.map_err(ImportError::Read)?;
    Ok(Source { text: decode(bytes)?, title: title::from_file_name(file_name) })
}

fn read_zip(reader: impl Read + Seek, file_name: &str, limit: u64) -> Result<Source, ImportError> {
    let mut archive = ZipArchive::new(reader).map_err(damaged)?;
    // Phones write names in UTF-8, with or without saying so; the crate would take the latter for CP437.
    let names: Vec<_> = archive.file_names_raw().map(String::from_utf8_lossy).collect();
    let index = find_chat(&names)?;
    let name = names[index].clone().into_owned();
    let entry = archive.by_index(index).map_err(damaged)?;
    let bytes = read_limited(entry, limit)?.map_err(ImportError::DamagedZip)?;
    let title = title::from_file_name(&name).or_else(|| title::from_file_name(file_name));
    Ok(Source { text: decode(bytes)?, title })
}

fn damaged(error: ZipError) -> ImportError {
    ImportError::DamagedZip(error.into())
}

/// The index of the chat among the entries of a zip; other texts may be documents that were sent in it.
fn find_chat<N: AsRef<str>>(names: &[N]) -> Result<usize, ImportError> {
    let mut texts: Vec<(u8, usize)> = names
        .iter()
        .map(AsRef::as_ref)
        .enumerate()
        .filter(|(_, name)| !name.starts_with("__MACOSX/") && title::strip_extension(name, "txt").is_some())
        .map(|(index, name)| (unlikelihood(name), index))
        .collect();
    texts.sort_unstable();
    let &(best, index) = texts.first().ok_or(ImportError::NoChatInZip)?;
    match (best, texts.iter().filter(|(rank, _)| *rank == best).count()) {
        (_, 1) => Ok(index),
        (STRANGER, _) => Err(ImportError::NoChatInZip),
        (_, count) => Err(ImportError::SeveralChatsInZip { count }),
    }
}

/// The rank of a text that has none of the names that WhatsApp gives to a chat.
const STRANGER: u8 = 2;

fn unlikelihood(name: &str) -> u8 {
    match title::base_name(name) {
        "_chat.txt" => 0,
        name if title::from_file_name(name).is_some() => 1,
        _ => STRANGER,
    }
}

/// All bytes, or the error of the reader inside; the error outside is about the limit.
fn read_limited(reader: impl Read, limit: u64) -> Result<io::Result<Vec<u8>>, ImportError> {
    let mut bytes = Vec::new();
    // Sizes that a zip declares are not believed, so no capacity is taken from them.
    match reader.take(limit.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > limit => Err(ImportError::TooLarge { limit }),
        Ok(_) => Ok(Ok(bytes)),
        Err(error) => Ok(Err(error)),
    }
}

fn decode(bytes: Vec<u8>) -> Result<String, ImportError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(ImportError::Utf16);
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|error| ImportError::NotUtf8 { offset: error.utf8_error().valid_up_to() as u64 })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}
