//! A text as it is looked for: cut into words, without case and accents.
//!
//! The index, the query and the highlighting fold with this one function, so they agree by construction. SQLite's own
//! tokenizers would leave Japanese, Chinese and Thai in one piece and drop emoji. Ranges and tables are by hand: those
//! of Unicode are too large for the web app.

use std::ops::Range;

/// Bytes of a word that count; longer ones are no words.
const LONGEST: usize = 120;

/// Calls `each` with every word of a text, folded, and where it is in the text.
pub(crate) fn words(text: &str, mut each: impl FnMut(&str, Range<usize>)) {
    let mut word = String::new();
    let mut place = 0..0;
    let mut whole = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let class = class(c);
        if class == Class::Mark {
            if !word.is_empty() {
                place.end = end;
            }
            continue;
        }
        if whole || class != Class::Letter {
            if !word.is_empty() {
                each(&word, place.clone());
            }
            word.clear();
            whole = false;
        }
        match class {
            Class::Letter => {
                if word.is_empty() {
                    place.start = at;
                }
                if word.len() < LONGEST {
                    push(&mut word, c);
                }
                place.end = end;
            }
            Class::Alone => {
                word.push(wide(c));
                place = at..end;
                whole = true;
            }
            Class::Mark | Class::Gap => {}
        }
    }
    if !word.is_empty() {
        each(&word, place);
    }
}

/// What a character is to words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word.
    Letter,
    /// A word of its own: of a script without blanks, an emoji, a sign.
    Alone,
    /// Belongs to the character before it and makes no difference.
    Mark,
    /// Between words.
    Gap,
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => Class::Letter,
            '$' => Class::Alone,
            _ => Class::Gap,
        };
    }
    if is_mark(c) {
        Class::Mark
    } else if is_alone(c) {
        Class::Alone
    } else if c.is_alphanumeric() || is_indic_sign(c) {
        Class::Letter
    } else {
        Class::Gap
    }
}

/// Accents that stand apart, vowel signs of Arabic and Hebrew, what joins or varies emoji, directions.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'
        | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{61c}'
        | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}'
        | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{20d0}'..='\u{20ff}'
        | '\u{3099}'..='\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{feff}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_alone(c: char) -> bool {
    matches!(c,
        // Signs, arrows, emoji.
        '£' | '¥' | '©' | '®' | '°' | '\u{203c}' | '\u{2049}' | '\u{20a0}'..='\u{20bf}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
        // Thai, Lao, Burmese, Khmer.
        | '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}' | '\u{e81}'..='\u{ecd}' | '\u{1000}'..='\u{1049}'
        | '\u{1780}'..='\u{17d3}'
        // Hangul, kana, bopomofo, Chinese characters.
        | '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

/// What joins the letters of Indian scripts, besides what counts as alphabetic.
fn is_indic_sign(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{dff}') && !matches!(c, '\u{964}'..='\u{965}' | '\u{970}' | '\u{df4}')
}

/// Full-width forms of ASCII as ASCII.
fn wide(c: char) -> char {
    match u32::from(c) {
        n @ 0xff01..=0xff5e => char::from_u32(n - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Adds a letter without case and accent.
fn push(word: &mut String, c: char) {
    if c.is_ascii() {
        word.push(c.to_ascii_lowercase());
        return;
    }
    for c in wide(c).to_lowercase().filter(|&c| !is_mark(c)) {
        match c {
            'ß' => word.push_str("ss"),
            'æ' | 'ǽ' | 'ǣ' => word.push_str("ae"),
            'œ' => word.push_str("oe"),
            'þ' => word.push_str("th"),
            'ĳ' => word.push_str("ij"),
            'ﬀ' => word.push_str("ff"),
            'ﬁ' => word.push_str("fi"),
            'ﬂ' => word.push_str("fl"),
            c => word.push(plain(c)),
        }
    }
}

/// A lower-case letter without its accent, or the form of it that others type.
fn plain(c: char) -> char {
    match c {
        '\u{df}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
            LATIN.iter().find(|(_, of)| of.contains(c)).map_or(c, |(letter, _)| *letter)
        }
        'ά' | 'ἀ' | 'ἁ' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' | 'ѐ' => 'е',
        'ѝ' => 'и',
        // Alef with hamza or madda; final yeh and Persian yeh; Persian kaf; heh with dots.
        '\u{622}' | '\u{623}' | '\u{625}' | '\u{671}' => '\u{627}',
        '\u{649}' | '\u{6cc}' => '\u{64a}',
        '\u{6a9}' => '\u{643}',
        '\u{629}' => '\u{647}',
        '\u{660}'..='\u{669}' => digit(c, 0x660),
        '\u{6f0}'..='\u{6f9}' => digit(c, 0x6f0),
        '\u{966}'..='\u{96f}' => digit(c, 0x966),
        c => c,
    }
}

fn digit(c: char, zero: u32) -> char {
    char::from_digit(u32::from(c) - zero, 10).unwrap_or(c)
}

/// Letters and what is written for them with an accent.
const LATIN: [(char, &str); 24] = [
    ('a', "àáâãäåāăąǎǟǡǻȁȃȧḁẚạảấầẩẫậắằẳẵặ"),
    ('b', "ƀḃḅḇ"),
    ('c', "çćĉċčḉ"),
    ('d', "ďđðḋḍḏḑḓ"),
    ('e', "èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ"),
    ('f', "ḟ"),
    ('g', "ĝğġģǥǧǵḡ"),
    ('h', "ĥħȟḣḥḧḩḫẖ"),
    ('i', "ìíîïĩīĭįıǐȉȋḭḯỉị"),
    ('j', "ĵǰ"),
    ('k', "ķǩḱḳḵ"),
    ('l', "ĺļľŀłḷḹḻḽ"),
    ('m', "ḿṁṃ"),
    ('n', "ñńņňŉǹṅṇṉṋ"),
    ('o', "òóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ"),
    ('p', "ṕṗ"),
    ('r', "ŕŗřȑȓṙṛṝṟ"),
    ('s', "śŝşšſșṡṣṥṧṩ"),
    ('t', "ţťŧțṫṭṯṱẗ"),
    ('u', "ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự"),
    ('v', "ṽṿ"),
    ('w', "ŵẁẃẅẇẉẘ"),
    ('y', "ýÿŷȳẏẙỳỵỷỹ"),
    ('z', "źżžẑẓẕƶ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(text: &str) -> String {
        let mut found = Vec::new();
        words(text, |word, place| {
            assert!(text.is_char_boundary(place.start) && text.is_char_boundary(place.end));
            found.push(word.to_owned());
        });
        found.join(" ")
    }

    #[test]
    fn case_and_accents_make_no_difference() {
        assert_eq!(fold("Perché l'È così, CAFFÈ?"), "perche l e cosi caffe");
        assert_eq!(fold("perche\u{301} cafe\u{300}"), "perche cafe", "as Macs write them");
        assert_eq!(fold("Straße Ærø Łódź İstanbul ILIK ﬁne"), "strasse aero lodz istanbul ilik fine");
        assert_eq!(fold("Đường phố Việt Nam"), "duong pho viet nam");
        assert_eq!(fold("Ёлка ΆΝΘΡΩΠΟΣ Ａｂｃ１"), "елка ανθρωποσ abc1");
    }

    #[test]
    fn vowel_signs_and_stretching_are_left_out() {
        assert_eq!(fold("مَرْحَبًا"), fold("مرحبا"));
        assert_eq!(fold("مرحـــبا يا أحمد"), "مرحبا يا احمد");
        assert_eq!(fold("שָׁלוֹם"), fold("שלום"));
        assert_eq!(fold("١٢٣ ۴۵۶"), "123 456");
        assert_eq!(fold("हिन्दी में"), "हिन्दी में", "its signs are part of the words");
    }

    #[test]
    fn scripts_without_blanks_and_emoji_are_one_by_one() {
        assert_eq!(fold("東京タワーへ行く"), "東 京 タ ワ ー へ 行 く");
        assert_eq!(fold("iPhone買った"), "iphone 買 っ た");
        assert_eq!(fold("안녕 สวัสดี"), "안 녕 ส ว ั ส ด ี");
        assert_eq!(fold("ok👍🏽!❤️"), "ok 👍 ❤");
        assert_eq!(fold("👩‍👩‍👧 🇮🇹 5€ 1️⃣"), "👩 👩 👧 🇮 🇹 5 € 1");
    }

    #[test]
    fn places_are_those_in_the_text() {
        let text = "È 👍🏽, Straße.";
        let mut found = Vec::new();
        words(text, |_, place| found.push(&text[place]));
        assert_eq!(found, ["È", "👍🏽", "Straße"]);
    }

    #[test]
    fn what_is_no_word_is_cut() {
        let mut lengths = Vec::new();
        words(&"è".repeat(10_000), |word, place| lengths.push((word.len(), place.len())));
        assert_eq!(lengths, [(LONGEST, 20_000)]);
        assert_eq!(fold("\u{e000}\u{0} -- \"*^ (AND) \u{301}"), "and");
    }
}
