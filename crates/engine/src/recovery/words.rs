//! 24 words for 256 bits (BIP-39), in English or Italian.
//!
//! Both languages write the same secret: the words are its spelling, and nothing is derived from them but it.

use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

use super::RecoverySecret;

/// Words of a recovery key.
const COUNT: usize = 24;

/// Which list the words are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordLanguage {
    /// English.
    English,
    /// Italian.
    Italian,
}

/// Words that are no recovery key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Too few or too many.
    #[error("a recovery key has 24 words, and these are {0}; check that none is missing or twice there")]
    Count(usize),
    /// A word that is in no list.
    #[error("word {number} ({word:?}) is not one of the words of a recovery key{}", hint(*suggestion))]
    Unknown {
        /// Which, from 1.
        number: usize,
        /// The word.
        word: String,
        /// The word that may have been meant.
        suggestion: Option<&'static str>,
    },
    /// A word that belongs to another word or place.
    #[error(
        "the words do not belong together; at least one of them is wrong or in another place than on your paper"
    )]
    Checksum,
}

fn hint(suggestion: Option<&'static str>) -> String {
    suggestion.map_or_else(|| "; look at it again".to_owned(), |word| format!("; is it {word:?}?"))
}

impl WordLanguage {
    const ALL: [Self; 2] = [Self::English, Self::Italian];

    fn list(self) -> Language {
        match self {
            Self::English => Language::English,
            Self::Italian => Language::Italian,
        }
    }
}

/// What can be said of words while they are being written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WordsCheck {
    /// How many there are.
    pub count: usize,
    /// Numbers, from 1, of those that are in no list; the last one only if it is complete, or begins no word.
    pub unknown: Vec<usize>,
    /// What the last word may become, if it is not complete.
    pub completions: Vec<&'static str>,
    /// Whether they are a recovery key.
    pub good: bool,
}

/// Looks at words while they are being written; at most `most` completions.
pub fn check_words(text: &str, most: usize) -> WordsCheck {
    let words = split(text);
    let mut unknown: Vec<usize> =
        words.iter().enumerate().filter(|(_, word)| !is_word(word)).map(|(i, _)| i + 1).collect();
    let mut completions = Vec::new();
    let is_open = text.chars().next_back().is_some_and(|c| letter(c).is_some() || is_mark(c));
    if is_open && let Some(last) = words.last() {
        completions = complete_word(last, most);
        completions.retain(|word| *word != last.as_str());
        if !completions.is_empty() && unknown.last() == Some(&words.len()) {
            unknown.pop();
        }
    }
    WordsCheck { count: words.len(), unknown, completions, good: RecoverySecret::from_words(text).is_ok() }
}

/// Whether a word, however it is written, is in one of the lists.
pub fn is_word(word: &str) -> bool {
    let word = fold(word);
    WordLanguage::ALL.iter().any(|language| language.list().find_word(&word).is_some())
}

/// Up to `most` words that begin so, in the order of the lists.
pub fn complete_word(beginning: &str, most: usize) -> Vec<&'static str> {
    let beginning = fold(beginning);
    let words = WordLanguage::ALL.iter().flat_map(|language| language.list().word_list());
    words.filter(|word| word.starts_with(&*beginning)).take(most).copied().collect()
}

impl RecoverySecret {
    /// The words that write this secret.
    pub(crate) fn words(&self, language: WordLanguage) -> Vec<String> {
        let mnemonic = Mnemonic::from_entropy_in(language.list(), &self.0);
        // 32 bytes are a length that it takes.
        mnemonic.map(|m| m.words().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// Reads 24 words of either list. Case, accents, numbering, and what stands between the words do not matter.
    pub fn from_words(text: &str) -> Result<Self, WordsError> {
        let words: Vec<Zeroizing<String>> = split(text);
        if words.len() != COUNT {
            return Err(WordsError::Count(words.len()));
        }
        // A word of the other list shows up as unknown in the list that has most of them.
        let known = |language: &WordLanguage| {
            words.iter().filter(|word| language.list().find_word(word).is_some()).count()
        };
        let english = known(&WordLanguage::English) >= known(&WordLanguage::Italian);
        let language = if english { WordLanguage::English } else { WordLanguage::Italian };
        if let Some(at) = words.iter().position(|word| language.list().find_word(word).is_none()) {
            let word = words[at].to_string();
            return Err(WordsError::Unknown { number: at + 1, suggestion: suggest(language, &word), word });
        }
        let mut line = Zeroizing::new(String::with_capacity(COUNT * 9));
        for word in &words {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let mnemonic =
            Mnemonic::parse_in_normalized(language.list(), &line).map_err(|_| WordsError::Checksum)?;
        let (entropy, _) = mnemonic.to_entropy_array();
        let entropy = Zeroizing::new(entropy);
        let mut secret = [0; 32];
        secret.copy_from_slice(&entropy[..32]);
        Ok(Self(secret))
    }
}

/// The words of a text.
fn split(text: &str) -> Vec<Zeroizing<String>> {
    let mut words = Vec::new();
    let mut word = Zeroizing::new(String::with_capacity(16));
    for c in text.chars().chain([' ']) {
        match letter(c) {
            Some(c) => word.push(c),
            None if is_mark(c) || word.is_empty() => {}
            None => words.push(std::mem::replace(&mut word, Zeroizing::new(String::with_capacity(16)))),
        }
    }
    words
}

/// A word as the lists write it.
pub(crate) fn fold(word: &str) -> Zeroizing<String> {
    Zeroizing::new(word.chars().filter_map(letter).collect())
}

/// The plain letter of a character, if it is one that the lists' languages use.
fn letter(c: char) -> Option<char> {
    Some(match c {
        'a'..='z' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        'à' | 'á' | 'À' | 'Á' => 'a',
        'è' | 'é' | 'È' | 'É' => 'e',
        'ì' | 'í' | 'Ì' | 'Í' => 'i',
        'ò' | 'ó' | 'Ò' | 'Ó' => 'o',
        'ù' | 'ú' | 'Ù' | 'Ú' => 'u',
        _ => return None,
    })
}

/// An accent that stands after its letter.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// The one word of the list that begins like this one.
fn suggest(language: WordLanguage, word: &str) -> Option<&'static str> {
    [4, 3].into_iter().find_map(|length| {
        let beginning = word.get(..length)?;
        let mut found = language.list().word_list().iter().filter(|w| w.starts_with(beginning));
        let first = found.next()?;
        found.next().is_none().then_some(*first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
        abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

    #[test]
    fn the_words_are_those_of_the_standard() {
        // Test vectors of BIP-39 (256 bits).
        assert_eq!(RecoverySecret::from_words(ZEROS).unwrap().0, [0; 32]);
        let vote = format!("{} vote", vec!["zoo"; 23].join(" "));
        assert_eq!(RecoverySecret::from_words(&vote).unwrap().0, [0xff; 32]);
        assert_eq!(RecoverySecret([0; 32]).words(WordLanguage::English).join(" "), ZEROS);
    }

    #[test]
    fn both_languages_write_every_secret_and_are_told_apart() {
        for n in 0..64_u8 {
            let secret = RecoverySecret(std::array::from_fn(|i| {
                n.wrapping_mul(37).wrapping_add(u8::try_from(i).unwrap().wrapping_mul(n | 1))
            }));
            for language in WordLanguage::ALL {
                let words = secret.words(language);
                assert_eq!(words.len(), COUNT);
                assert!(words.iter().all(|w| is_word(w) && w.is_ascii()));
                assert_eq!(RecoverySecret::from_words(&words.join(" ")), Ok(secret.clone()));
            }
        }
    }

    #[test]
    fn how_the_words_are_written_does_not_matter() {
        let words = RecoverySecret([7; 32]).words(WordLanguage::Italian);
        let numbered: Vec<_> = words.iter().enumerate().map(|(i, w)| format!("{}. {w}", i + 1)).collect();
        let accented = words.join("  ").replace('e', "è").replace('o', "o\u{301}").to_uppercase();
        for text in [numbered.join("\n"), words.join(", "), accented, format!("\t{}\r\n", words.join("\n"))] {
            assert_eq!(RecoverySecret::from_words(&text), Ok(RecoverySecret([7; 32])), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good: Vec<_> = ZEROS.split(' ').collect();
        assert_eq!(RecoverySecret::from_words(&good[1..].join(" ")), Err(WordsError::Count(23)));
        let with = |at: usize, word: &'static str| {
            let mut words = good.clone();
            words[at] = word;
            RecoverySecret::from_words(&words.join(" "))
        };
        let suggestion = Some("abandon");
        let unknown = WordsError::Unknown { number: 5, word: "abandno".into(), suggestion };
        assert_eq!(with(4, "abandno"), Err(unknown.clone()));
        assert_eq!(
            unknown.to_string(),
            "word 5 (\"abandno\") is not one of the words of a recovery key; is it \"abandon\"?"
        );
        assert!(matches!(with(23, "xyz"), Err(WordsError::Unknown { number: 24, suggestion: None, .. })));
        assert_eq!(with(23, "able"), Err(WordsError::Checksum));
        assert!(matches!(with(2, "abaco"), Err(WordsError::Unknown { number: 3, .. })), "of the other list");
    }

    #[test]
    fn words_are_looked_at_while_they_are_written() {
        let check = |text: &str| check_words(text, 3);
        assert_eq!(
            check("aband"),
            WordsCheck { count: 1, completions: vec!["abandon"], ..Default::default() }
        );
        assert_eq!(check("aband "), WordsCheck { count: 1, unknown: vec![1], ..Default::default() });
        assert_eq!(check("abandon xyzzy"), WordsCheck { count: 2, unknown: vec![2], ..Default::default() });
        assert_eq!(check("ab").completions.len(), 3);
        assert!(check(ZEROS).good && check(ZEROS).unknown.is_empty());
        assert_eq!(check(""), WordsCheck::default());
    }

    #[test]
    fn words_are_completed() {
        assert_eq!(complete_word("ABAN", 5), ["abandon"]);
        assert_eq!(complete_word("zucc", 5), ["zucchero"]);
        assert!(complete_word("qqq", 5).is_empty());
        assert!(is_word(" Abbaglio") && !is_word("abba"));
    }
}
