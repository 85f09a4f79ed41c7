//! Pictures of QR codes: how many cells are in a row, and a bit for each.

use diario_engine::linking::LinkCode;
use qrcode::{Color, EcLevel, QrCode};

use crate::{Failure, Seeds};

/// Light cells around a code.
const MARGIN: usize = 4;

pub(crate) fn all() -> Result<Seeds, Failure> {
    let link = LinkCode::generate("wss://diario.example", &mut |out: &mut [u8]| out.fill(7))?;
    let small = QrCode::with_error_correction_level("DIARIO", EcLevel::H)?;
    let mut spoiled = picture(&small)?;
    // Within the code, below its upper finders.
    spoiled[1 + 29 * 17 / 8] ^= 0b10_0100;
    Ok(vec![
        ("small", picture(&small)?),
        ("spoiled", spoiled),
        ("digits", picture(&QrCode::new("404371059871884648386936680137998438648040671730476174519900")?)?),
        ("bytes", picture(&QrCode::new("perch\u{e9} no?")?)?),
        ("link", picture(&QrCode::with_error_correction_level(link.text().as_bytes(), EcLevel::L)?)?),
    ])
}

fn picture(code: &QrCode) -> Result<Vec<u8>, Failure> {
    let (cells, colors) = (code.width(), code.to_colors());
    let side = cells + 2 * MARGIN;
    let mut out = vec![0; 1 + (side * side).div_ceil(8)];
    out[0] = u8::try_from(side)?;
    for (at, _) in colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        let cell = (at / cells + MARGIN) * side + at % cells + MARGIN;
        out[1 + cell / 8] |= 0x80 >> (cell % 8);
    }
    Ok(out)
}
