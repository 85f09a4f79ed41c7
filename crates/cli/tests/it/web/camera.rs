//! What a fake camera films: a QR code, as an uncompressed film of the YUV4MPEG2 kind.

use qrcode::{Color, QrCode};

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
/// Black and white as video has them.
const DARK: u8 = 16;
const LIGHT: u8 = 235;

/// A film of a QR code.
pub(crate) fn film(text: &str) -> Vec<u8> {
    let code = QrCode::new(text).unwrap();
    let size = code.width();
    let colours = code.to_colors();
    // Four modules of quiet on each side.
    let module = HEIGHT / (size + 8);
    let (left, top) = ((WIDTH - module * size) / 2, (HEIGHT - module * size) / 2);
    let mut picture = vec![LIGHT; WIDTH * HEIGHT];
    for (place, _) in colours.iter().enumerate().filter(|(_, colour)| **colour == Color::Dark) {
        let (x, y) = (left + place % size * module, top + place / size * module);
        for row in y..y + module {
            picture[row * WIDTH + x..][..module].fill(DARK);
        }
    }
    of_picture(&picture)
}

/// A film of a white wall.
pub(crate) fn nothing() -> Vec<u8> {
    of_picture(&vec![LIGHT; WIDTH * HEIGHT])
}

fn of_picture(picture: &[u8]) -> Vec<u8> {
    let mut film = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip C420\n").into_bytes();
    for _ in 0..2 {
        film.extend(b"FRAME\n");
        film.extend(picture);
        film.extend(vec![128; WIDTH * HEIGHT / 2]);
    }
    film
}
