//! Tells a text of a few emoji and nothing else: it is shown large.

/// Most emoji that are shown large.
const MOST: usize = 6;

/// How many emoji a text is, if it is of emoji only and of few.
pub fn few(text: &str) -> Option<usize> {
    let mut count = 0;
    let mut joined = false;
    let mut half_flag = false;
    for c in text.trim().chars() {
        match c {
            '\u{200d}' => {
                joined = true;
                continue;
            }
            // What changes the one before: skin, style, keycap, the letters of a region's flag.
            '\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' if count > 0 => {}
            '\u{1f1e6}'..='\u{1f1ff}' => {
                half_flag = !half_flag;
                count += usize::from(half_flag);
            }
            _ if is_base(c) => count += usize::from(!joined),
            _ => return None,
        }
        joined = false;
    }
    (1..=MOST).contains(&count).then_some(count)
}

fn is_base(c: char) -> bool {
    matches!(c, '\u{1f300}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{231a}'..='\u{231b}'
        | '\u{23e9}'..='\u{23f3}' | '\u{2b05}'..='\u{2b55}' | '\u{2934}'..='\u{2935}' | '\u{1f004}' | '\u{1f0cf}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_are_counted_as_they_are_seen() {
        assert_eq!(few("👍"), Some(1));
        assert_eq!(few(" ❤️ "), Some(1));
        assert_eq!(few("👩‍👩‍👧‍👦🏳️‍🌈"), Some(2));
        assert_eq!(few("👍🏽👍🏿"), Some(2));
        assert_eq!(few("🇮🇹🇬🇧"), Some(2));
    }

    #[test]
    fn words_and_crowds_are_not_large() {
        for text in ["", "ok 👍", "1", "😀😀😀😀😀😀😀", "\u{fe0f}", "👍\n."] {
            assert_eq!(few(text), None, "{text:?}");
        }
    }
}
