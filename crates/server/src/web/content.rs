//! What a file is, and what it is without its compression.

use std::io::Read as _;

/// Bytes that a decompressed file may have; the largest is a WebAssembly module of some megabytes.
const MOST: u64 = 64 << 20;

/// The media type by a name's ending.
pub(super) fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "json" | "map" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// Decompresses; `None` if it is not brotli, or far too long.
pub(super) fn plain(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(compressed.len().saturating_mul(4));
    let mut reader = brotli_decompressor::Decompressor::new(compressed, 4096).take(MOST + 1);
    reader.read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MOST).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_must_know_exactly_is_right() {
        assert_eq!(content_type("assets/worker-1.wasm"), "application/wasm");
        assert_eq!(content_type("sw.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("manifest.webmanifest"), "application/manifest+json");
        assert_eq!(content_type("LICENSE"), "application/octet-stream");
    }

    #[test]
    fn brotli_is_undone_and_anything_else_refused() {
        // "ciao\n" by the reference program, quality 11.
        let compressed = [0x0b, 0x02, 0x80, b'c', b'i', b'a', b'o', b'\n', 0x03];
        assert_eq!(plain(&compressed).as_deref(), Some(b"ciao\n".as_slice()));
        assert_eq!(plain(&compressed[..6]), None);
        assert_eq!(plain(b"this is no brotli at all"), None);
    }
}
