//! The chat's name, which an export has only in its file name.

use super::stamp::is_layout_mark;

const PREFIXES: [&str; 7] = [
    "WhatsApp Chat with ",
    "WhatsApp Chat - ",
    "Chat WhatsApp con ",
    "Chat WhatsApp - ",
    "WhatsApp-Chat mit ",
    "WhatsApp-Chat - ",
    "WhatsApp Chat mit ",
];

/// The contact or group that a file name tells of.
pub(super) fn from_file_name(path: &str) -> Option<String> {
    let name = base_name(path);
    let stem =
        ["txt", "zip"].into_iter().find_map(|extension| strip_extension(name, extension)).unwrap_or(name);
    let stem = strip_copy_number(stem.trim());
    let title = PREFIXES.into_iter().find_map(|prefix| stem.strip_prefix(prefix))?;
    let title = title.trim_matches(|c: char| c.is_whitespace() || is_layout_mark(c));
    (!title.is_empty()).then(|| title.to_owned())
}

/// The last part of a path, as any system writes it.
pub(super) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The name without its extension, if it is this one.
pub(super) fn strip_extension<'a>(name: &'a str, extension: &str) -> Option<&'a str> {
    let (stem, found) = name.rsplit_once('.')?;
    found.eq_ignore_ascii_case(extension).then_some(stem)
}

/// Browsers save a second file of a name as `name (1)`.
fn strip_copy_number(stem: &str) -> &str {
    let number = |inner: &str| matches!(inner.len(), 1..=2) && inner.bytes().all(|b| b.is_ascii_digit());
    stem.strip_suffix(')')
        .and_then(|stem| stem.rsplit_once(" ("))
        .filter(|(_, inner)| number(inner))
        .map_or(stem, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::from_file_name;

    #[test]
    fn knows_the_names_that_phones_give() {
        for (path, title) in [
            ("WhatsApp Chat with Anna Rossi.txt", "Anna Rossi"),
            ("/home/me/WhatsApp Chat with Anna.zip", "Anna"),
            ("C:\\Users\\me\\Chat WhatsApp con Anna.TXT", "Anna"),
            ("WhatsApp-Chat mit Jürgen.txt", "Jürgen"),
            ("WhatsApp Chat - Famiglia 🍕.zip", "Famiglia 🍕"),
            ("WhatsApp Chat - a.b.zip", "a.b"),
            ("WhatsApp Chat with Anna (1).txt", "Anna"),
            ("WhatsApp Chat with Class of (2024).txt", "Class of (2024)"),
            ("WhatsApp Chat with +39 333 1234567.txt", "+39 333 1234567"),
            ("WhatsApp Chat with \u{200e}Anna", "Anna"),
        ] {
            assert_eq!(from_file_name(path).as_deref(), Some(title), "{path:?}");
        }
    }

    #[test]
    fn makes_no_title_up() {
        for path in ["_chat.txt", "notes.txt", "", "/", "WhatsApp Chat with .txt", "(1)", ".zip"] {
            assert_eq!(from_file_name(path), None, "{path:?}");
        }
    }
}
