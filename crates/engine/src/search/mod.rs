//! Words that are looked for, and where they are in a text.

mod fold;

use std::fmt::Write as _;

pub(crate) use fold::words;

/// Words of a query that count: nobody looks for more, and the index is asked for each.
const MOST_WORDS: usize = 32;

/// What somebody looks for: every term must be there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Terms(Vec<Term>);

/// Words one right after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    words: Vec<String>,
    /// Whether the last word may go on.
    open: bool,
}

impl Terms {
    /// Reads what a user typed: words, each of which may go on, and phrases in quotes. Anything is a query.
    pub(crate) fn parse(typed: &str) -> Self {
        let mut terms = Vec::new();
        let mut left = MOST_WORDS;
        let is_quote = |c: char| matches!(c, '"' | '“' | '”' | '„' | '«' | '»');
        for (part, piece) in typed.split(is_quote).enumerate() {
            if part % 2 == 1 {
                take(piece, false, &mut left, &mut terms);
            } else {
                for chunk in piece.split_whitespace() {
                    take(chunk, true, &mut left, &mut terms);
                }
            }
        }
        Self(terms)
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same for FTS5. Words are letters, digits and signs: nothing in them has a meaning there.
    pub(crate) fn expression(&self) -> String {
        let mut all = String::new();
        for term in &self.0 {
            let and = if all.is_empty() { "" } else { " AND " };
            let star = if term.open { " *" } else { "" };
            let _ = write!(all, "{and}\"{}\"{star}", term.words.join(" "));
        }
        all
    }

    /// Where in a text they are, in bytes, in order and apart from each other.
    pub(crate) fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        words(text, |word, place| found.push((word.to_owned(), place)));
        let mut places: Vec<(usize, usize)> = Vec::new();
        for at in 0..found.len() {
            let here = &found[at..];
            let Some(length) = self.0.iter().filter(|t| t.begins(here)).map(|t| t.words.len()).max() else {
                continue;
            };
            let (start, end) = (here[0].1.start, here[length - 1].1.end);
            match places.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => places.push((start, end)),
            }
        }
        places
    }
}

impl Term {
    fn begins(&self, text: &[(String, std::ops::Range<usize>)]) -> bool {
        self.words.len() <= text.len()
            && self.words.iter().zip(text).enumerate().all(|(i, (wanted, (word, _)))| {
                let may_go_on = self.open && i + 1 == self.words.len();
                if may_go_on { word.starts_with(wanted.as_str()) } else { word == wanted }
            })
    }
}

fn take(piece: &str, open: bool, left: &mut usize, terms: &mut Vec<Term>) {
    let mut term = Term { words: Vec::new(), open };
    words(piece, |word, _| {
        if *left > 0 {
            *left -= 1;
            term.words.push(word.to_owned());
        }
    });
    if !term.words.is_empty() && !terms.contains(&term) {
        terms.push(term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_go_on_and_phrases_may_not() {
        let expression = |typed: &str| Terms::parse(typed).expression();
        assert_eq!(expression("Ciao “come STAI” l'amico"), r#""ciao" * AND "come stai" AND "l amico" *"#);
        assert_eq!(expression("東京tower"), r#""東 京 tower" *"#);
        assert_eq!(expression(r#"never "closed"#), r#""never" * AND "closed""#);
        for nothing in ["", "  ", "\"\"", "* ( ) ^ : - + ' \u{0}", "\u{301}"] {
            assert!(Terms::parse(nothing).is_empty(), "{nothing:?}");
        }
        assert_eq!(
            expression("a AND NOT b* OR NEAR(c)"),
            r#""a" * AND "and" * AND "not" * AND "b" * AND "or" * AND "near c" *"#
        );
        assert_eq!(Terms::parse(&"x1 y2 ".repeat(1000)).0.len(), 2);
    }

    #[test]
    fn hits_are_found_in_the_text_as_it_was_written() {
        let marked = |typed: &str, text: &str| {
            let places = Terms::parse(typed).places(text);
            places.into_iter().map(|(from, to)| text[from..to].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            marked("perche caff", "Perché NO? Un caffè, perche\u{301} sì"),
            ["Perché", "caffè", "perche\u{301}"]
        );
        assert_eq!(marked("\"un caffe\" caff", "un caffè un caffettano"), ["un caffè", "caffettano"]);
        assert_eq!(marked("京タ", "東京タワー"), ["京タ"]);
        assert_eq!(marked("👍", "ok 👍🏽👍"), ["👍🏽", "👍"]);
        assert_eq!(marked("a b", "c"), Vec::<String>::new());
    }
}
