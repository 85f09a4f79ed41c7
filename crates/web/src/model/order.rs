//! The order of the list of conversations, and what a search in it finds.

use diario_protocol::{ConversationId, Timestamp};

/// The conversations as they are listed: pinned ones first, then what happened last first.
pub fn listed(rows: impl Iterator<Item = (ConversationId, bool, Timestamp)>) -> Vec<ConversationId> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(b.2.cmp(&a.2)).then(a.0.cmp(&b.0)));
    rows.into_iter().map(|(id, ..)| id).collect()
}

/// Whether a name is found by what was typed: every word of it begins or is in a word of the name.
pub fn found(name: &str, typed: &str) -> bool {
    let name = fold(name);
    typed.split_whitespace().all(|word| name.contains(&fold(word)))
}

/// Without case and without the accents of Latin letters: "Perù" is found by "peru".
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(plain).collect()
}

fn plain(letter: char) -> char {
    match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ś' | 'š' => 's',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_ones_come_first_then_the_newest() {
        let id = |n| ConversationId::new([n; 16]);
        let at = Timestamp;
        let rows =
            [(id(1), false, at(10)), (id(2), true, at(1)), (id(3), false, at(20)), (id(4), true, at(2))];
        assert_eq!(listed(rows.into_iter()), [id(4), id(2), id(3), id(1)]);
    }

    #[test]
    fn a_name_is_found_without_case_and_accents() {
        assert!(found("Nonna Lucía", "lucia no"));
        assert!(found("PERÙ 2026", "peru"));
        assert!(found("anything", "  "));
        assert!(!found("Nonna", "nonno"));
    }
}
