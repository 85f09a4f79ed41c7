//! Finds web addresses in what people write. Only `http` and `https`, and only what looks like what it is: nothing
//! that hides where it leads.

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Text(&'a str),
    /// A web address.
    Link(&'a str),
}

/// Longest address that becomes a link.
const LONGEST: usize = 2_048;

/// Cuts a text into words and web addresses; put together they are the text again.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut done = 0;
    let mut from = 0;
    while let Some(at) = next_scheme(text, from) {
        let end = at + address_len(&text[at..]);
        let address = &text[at..end];
        let begins_a_word = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if begins_a_word && address.len() <= LONGEST && is_honest(address) {
            if done < at {
                pieces.push(Piece::Text(&text[done..at]));
            }
            pieces.push(Piece::Link(address));
            done = end;
            from = end;
        } else {
            // All of "http" is ASCII: the next byte begins a character.
            from = at + 1;
        }
    }
    if done < text.len() {
        pieces.push(Piece::Text(&text[done..]));
    }
    pieces
}

/// Where the next `http://` or `https://` begins.
fn next_scheme(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    (from..bytes.len()).find(|&at| scheme_len(&bytes[at..]).is_some())
}

fn scheme_len(bytes: &[u8]) -> Option<usize> {
    ["https://", "http://"]
        .into_iter()
        .find(|scheme| {
            bytes.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.as_bytes()))
        })
        .map(str::len)
}

/// How long the address is that begins here: up to white space or what no address holds, without the
/// punctuation of the sentence around it.
fn address_len(text: &str) -> usize {
    let mut end = text.find(ends_address).unwrap_or(text.len());
    while let Some(last) = text[..end].chars().next_back() {
        let part = &text[..end];
        let lonely = |open: char, close: char| part.matches(close).count() > part.matches(open).count();
        let outside = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '…' | '’' | '»' | '”' => true,
            ')' => lonely('(', ')'),
            ']' => lonely('[', ']'),
            '}' => lonely('{', '}'),
            _ => false,
        };
        if !outside {
            break;
        }
        end -= last.len_utf8();
    }
    end
}

fn ends_address(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '`' | '|' | '\\' | '^')
        || is_unseen(c)
}

/// Characters that are not seen or turn what is around them.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether it has a host, and nothing before it: `https://bank.example@evil.example` leads to evil.example.
fn is_honest(address: &str) -> bool {
    let Some(scheme) = scheme_len(address.as_bytes()) else { return false };
    let rest = &address[scheme..];
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) && !host.is_empty() => host,
        _ => authority,
    };
    let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map_or_else(
        || host.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.') && !host.starts_with(['.', '-']),
        |six| six.contains(':') && six.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.'),
    );
    !host.is_empty() && name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(text: &str) -> Vec<&str> {
        pieces(text)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Link(link) => Some(link),
                Piece::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn addresses_are_found_without_the_sentence_around_them() {
        assert_eq!(links("see https://example.org/a?b=c#d."), ["https://example.org/a?b=c#d"]);
        assert_eq!(
            links("(https://en.example.org/wiki/Ink_(writing))"),
            ["https://en.example.org/wiki/Ink_(writing)"]
        );
        assert_eq!(
            links("HTTP://Example.org, https://b.example!"),
            ["HTTP://Example.org", "https://b.example"]
        );
        assert_eq!(links("https://perché.example/è"), ["https://perché.example/è"]);
        assert_eq!(
            links("http://localhost:8080/x http://[::1]:80/"),
            ["http://localhost:8080/x", "http://[::1]:80/"]
        );
    }

    #[test]
    fn what_is_hostile_or_no_address_stays_text() {
        for text in [
            "javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "https://",
            "https:// example.org",
            "https://bank.example@evil.example/",
            "https://user:pass@evil.example/",
            "https://a..\u{202e}gro.elpmaxe@x",
            "xhttps://example.org",
            "https:///path",
            "https://-bad",
            "https://exa%6dple.org",
            "http://[javascript:alert(1)]/",
        ] {
            let hidden = links(text);
            assert!(hidden.is_empty() || hidden == ["https://a"], "{text:?}: {hidden:?}");
        }
        assert_eq!(links("https://example.org/\"onmouseover=alert(1)"), ["https://example.org/"]);
        assert_eq!(links("https://example.org/<img src=x>"), ["https://example.org/"]);
        assert_eq!(links("https://example.org/\u{202e}fdp.exe"), ["https://example.org/"]);
        assert!(links(&format!("https://example.org/{}", "a".repeat(LONGEST))).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "(https?://|[a-z@:/.()\"<> é\u{202e}\u{1f600}]|https?:){0,40}") {
            let joined: String = pieces(&text)
                .into_iter()
                .map(|piece| match piece { Piece::Text(part) | Piece::Link(part) => part })
                .collect();
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn links_are_of_the_web(text in "\\PC{0,60}") {
            for link in links(&format!("https://{text} http://{text}")) {
                prop_assert!(link.starts_with("http://") || link.starts_with("https://"));
                prop_assert!(!link.chars().any(|c| c.is_whitespace() || is_unseen(c)));
            }
        }
    }
}
