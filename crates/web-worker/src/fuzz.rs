//! What the fuzz target of this crate does with an input; see `diario_protocol::fuzz`.

use crate::scan::scan;

/// Pixels of a cell, each way.
const SCALE: usize = 3;
/// A dark pixel, and one that is not.
const LUMA: [u8; 2] = [230, 20];

/// A picture that is held before the camera: cells, dark or not. The first byte is how many are in a row; the rest is a
/// bit for each.
///
/// A camera sees noise, too, but the reader has to make cells of it first; this begins where it has them.
pub fn picture(bytes: &[u8]) -> bool {
    let Some((columns, bits)) = bytes.split_first() else { return false };
    let columns = usize::from(*columns);
    let rows = (bits.len() * 8).checked_div(columns).unwrap_or_default();
    let dark = |cell: usize| bits.get(cell / 8).is_some_and(|byte| byte >> (7 - cell % 8) & 1 == 1);
    let mut luma = Vec::with_capacity(columns * rows * SCALE * SCALE);
    for y in 0..rows * SCALE {
        luma.extend((0..columns * SCALE).map(|x| LUMA[usize::from(dark(y / SCALE * columns + x / SCALE))]));
    }
    let side = |cells: usize| u32::try_from(cells * SCALE).unwrap_or(u32::MAX);
    let read = scan(side(columns), side(rows), &luma);
    assert_eq!(read.is_ok(), !luma.is_empty(), "a picture is as large as it says");
    assert_eq!(scan(side(columns), side(rows), &luma), read, "nothing of a picture stays in the reader");
    read.is_ok_and(|text| text.is_some())
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_goes_through() {
        super::replay::replay("qr_picture", super::picture);
    }
}
