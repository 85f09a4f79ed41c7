//! What holds for every chat.

use std::collections::HashSet;

use diario_import::fixture::{self, Generated, LAYOUTS, Locale};
use diario_import::whatsapp::{self, Chat, Layout, Options, Progress};
use proptest::prelude::*;

use crate::{ids, import, import_text};

fn assert_reads(generated: &Generated, chat: &Chat) {
    for (index, (expected, found)) in generated.expected.iter().zip(&chat.messages).enumerate() {
        assert!(expected == found, "message {index}: expected {expected:#?}, found {found:#?}");
    }
    assert_eq!(generated.expected.len(), chat.messages.len());
}

#[test]
fn long_chats_of_all_kinds_round_trip() {
    for layout in LAYOUTS {
        for locale in Locale::ALL {
            let generated = fixture::generate(7, 10_000, layout, locale);
            let chat = import_text(&generated.text).unwrap();
            assert_eq!(chat.layout, layout);
            assert_reads(&generated, &chat);
            let distinct: HashSet<_> = ids(&chat).into_iter().collect();
            assert_eq!(distinct.len(), chat.messages.len(), "{layout:?} {locale:?}: ids are not unique");
        }
    }
}

#[test]
fn the_fixture_is_the_same_everywhere() {
    let once = fixture::generate(1, 500, Layout::Ios, Locale::Italian);
    let again = fixture::generate(1, 500, Layout::Ios, Locale::Italian);
    assert_eq!((once.text, once.expected), (again.text, again.expected));
}

#[test]
fn ids_are_a_format() {
    let ids: Vec<String> =
        ids(&import_text("12/03/24, 14:05 - Anna: ciao\n12/03/24, 14:05 - Anna: ciao").unwrap())
            .iter()
            .map(ToString::to_string)
            .collect();
    // Stored by users: a change of these is a change of format, and doubles every import made before.
    assert_eq!(ids, ["5292667a79bdaf608e89a79b639b7907", "7a3cfc22042797724cfc1996d7361b39"]);
}

#[test]
fn progress_only_grows_and_ends_at_the_end() {
    let generated = fixture::generate(3, 60_000, Layout::Android, Locale::German);
    let mut seen: Vec<Progress> = vec![];
    let reader = std::io::Cursor::new(&generated.text);
    whatsapp::open(reader, "_chat.txt", &Options::default(), &mut |progress| seen.push(progress)).unwrap();
    let total = generated.text.len() as u64;
    assert!(seen.len() > 3 && seen.len() < 100, "{}", seen.len());
    assert!(seen.is_sorted_by(|a, b| a.bytes_done < b.bytes_done));
    assert!(seen.iter().all(|progress| progress.bytes_total == total));
    assert_eq!(seen.last().map(|progress| progress.bytes_done), Some(total));
}

fn layout() -> impl Strategy<Value = Layout> {
    prop::sample::select(&LAYOUTS[..])
}

fn locale() -> impl Strategy<Value = Locale> {
    prop::sample::select(&Locale::ALL[..])
}

/// Lines of pieces that mean something to the parser, in any order.
fn near_exports() -> impl Strategy<Value = String> {
    let pieces = [
        "12/03/24",
        "3/12/24",
        "12.03.24",
        "2024-03-12",
        "31/02/99",
        ", ",
        " ",
        "14:05",
        "2:05",
        ":33",
        "\u{202f}PM",
        " p.m.",
        " - ",
        "[",
        "] ",
        "Anna",
        ": ",
        ":",
        "\n",
        "\r\n",
        "\u{200e}",
        "\u{200f}",
        "\u{feff}",
        "\u{202a}",
        "<",
        ">",
        "<attached: ",
        "a.jpg",
        "(file attached)",
        "<Media omitted>",
        "image omitted",
        "ה",
        "<This message was edited>",
        " changed the subject",
        "12/03/24, 14:05 - Anna: ",
        "[12/03/24, 14:05:33] Anna: ",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = import(&bytes, "_chat.txt", &Options::default());
    }

    #[test]
    fn no_text_panics(name in any::<String>(), text in any::<String>()) {
        let _ = import(text.as_bytes(), &name, &Options::default());
        let text = format!("12/03/24, 14:05 - {text}");
        let _ = import(text.as_bytes(), &name, &Options::default());
    }

    #[test]
    fn near_exports_are_read_the_same_twice(text in near_exports()) {
        if let Ok(chat) = import_text(&text) {
            prop_assert_eq!(&import_text(&text).unwrap(), &chat);
            let distinct: HashSet<_> = ids(&chat).into_iter().collect();
            prop_assert_eq!(distinct.len(), chat.messages.len());
        }
    }

    #[test]
    fn chats_round_trip(seed in any::<u64>(), layout in layout(), locale in locale(), crlf in any::<bool>()) {
        let mut generated = fixture::generate(seed, 1500, layout, locale);
        if crlf {
            generated.text = generated.text.replace('\n', "\r\n");
        }
        assert_reads(&generated, &import_text(&generated.text).unwrap());
    }

    #[test]
    fn a_longer_export_keeps_the_ids(
        seed in any::<u64>(), layout in layout(), locale in locale(), early in 1..400usize, more in 0..400usize,
    ) {
        let first = import_text(&fixture::generate(seed, early, layout, locale).text).unwrap();
        let later = import_text(&fixture::generate(seed, early + more, layout, locale).text).unwrap();
        let later = ids(&later);
        prop_assert_eq!(ids(&first), &later[..early]);
        prop_assert_eq!(later.len(), early + more);
    }

    #[test]
    fn an_export_cut_at_the_start_adds_no_ids(seed in any::<u64>(), layout in layout(), cut in 0..100usize) {
        // The same words in the same minute over and over, so that ordinals matter.
        let line = |n: u64| match layout {
            Layout::Android => format!("13/03/24, 14:0{} - A: {}\n", n / 40, (seed >> (n % 60)) & 1),
            Layout::Ios => format!("[13/03/24, 14:05:0{}] A: {}\n", n / 40, (seed >> (n % 60)) & 1),
        };
        let lines: Vec<String> = (0..120).map(line).collect();
        let whole: HashSet<_> = ids(&import_text(&lines.concat()).unwrap()).into_iter().collect();
        let part = ids(&import_text(&lines[cut..].concat()).unwrap());
        prop_assert_eq!(whole.len(), lines.len());
        prop_assert!(part.iter().all(|id| whole.contains(id)));
    }
}
