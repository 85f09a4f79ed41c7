//! Reading a QR code in a picture: not every browser can.

use diario_web_api::Problem;

/// The largest picture that is looked at, in pixels.
const LARGEST: usize = 4096 * 4096;

/// The text of a QR code in a picture of `width * height` brightnesses, row by row, if there is one.
pub(crate) fn scan(width: u32, height: u32, luma: &[u8]) -> Result<Option<String>, Problem> {
    let (width, height) = (width as usize, height as usize);
    let size = width.checked_mul(height).filter(|size| *size <= LARGEST);
    if size != Some(luma.len()) || luma.is_empty() {
        return Err(Problem::Other("a picture of the wrong size".into()));
    }
    let mut reader = quircs::Quirc::default();
    let found = reader.identify(width, height, luma).find_map(|code| code.ok()?.decode().ok());
    Ok(found.and_then(|data| String::from_utf8(data.payload).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code's picture, four pixels a module, with a margin.
    fn picture(text: &str) -> (u32, u32, Vec<u8>) {
        let code = qrcode::QrCode::new(text).unwrap();
        let (modules, scale, margin) = (code.width(), 4, 4);
        let side = (modules + 2 * margin) * scale;
        let colors = code.to_colors();
        let luma = (0..side * side)
            .map(|at| {
                let (x, y) = ((at % side) / scale, (at / side) / scale);
                let inside =
                    (margin..margin + modules).contains(&x) && (margin..margin + modules).contains(&y);
                let dark = inside && colors[(y - margin) * modules + (x - margin)] == qrcode::Color::Dark;
                if dark { 20 } else { 230 }
            })
            .collect();
        let side = u32::try_from(side).unwrap();
        (side, side, luma)
    }

    #[test]
    fn a_code_is_read() {
        let (width, height, luma) = picture("diario:link:0123456789");
        assert_eq!(scan(width, height, &luma), Ok(Some("diario:link:0123456789".into())));
    }

    #[test]
    fn a_picture_without_a_code_has_none() {
        assert_eq!(scan(64, 48, &[128; 64 * 48]), Ok(None));
        assert_eq!(scan(1, 1, &[0]), Ok(None));
    }

    #[test]
    fn a_picture_that_is_not_as_large_as_it_says_is_refused() {
        for (width, height) in [(64, 49), (0, 0), (u32::MAX, u32::MAX), (64 * 48, 0)] {
            assert!(scan(width, height, &[0; 64 * 48]).is_err(), "{width} x {height}");
        }
    }

    /// A panic would end the worker, and the engine with it.
    #[test]
    fn codes_that_are_bent_and_spoiled_do_no_harm() {
        let mut state = 88_172_645_463_325_252_u64;
        let mut below = |end: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from((state >> 3) % end as u64).unwrap()
        };
        let mut read = 0;
        for _ in 0..300 {
            let text: String = (0..=below(60)).map(|_| char::from(b"abc/:+=-019AZ ~"[below(15)])).collect();
            let (width, height, mut luma) = picture(&text);
            let (side, bent) = (width as usize, below(3));
            for _ in 0..below(luma.len() / 16) / (1 + below(40)) {
                let at = below(luma.len());
                luma[at] = 255 - luma[at];
            }
            let spoiled: Vec<u8> = (0..luma.len())
                .map(|at| luma[at / side * side + (at % side + at / side * bent / 16).min(side - 1)])
                .collect();
            read += usize::from(scan(width, height, &spoiled).unwrap().is_some_and(|found| found == text));
        }
        assert!(read > 20, "{read}");
    }
}
