//! What is not imported, and what the user is told.

use diario_import::whatsapp::{DateOrder, ImportError, Options};

use crate::{import, import_text};

fn refuse(bytes: &[u8]) -> ImportError {
    import(bytes, "_chat.txt", &Options::default()).expect_err("this is no export")
}

#[test]
fn nothing_at_all() {
    for bytes in [&b""[..], b"\n \r\n\t\n", "\u{feff}".as_bytes(), "\u{feff}\u{200e}\n".as_bytes()] {
        assert!(matches!(refuse(bytes), ImportError::Empty), "{bytes:?}");
    }
}

#[test]
fn another_kind_of_file() {
    for bytes in [&b"Dear diary,\ntoday"[..], b"{\"a\": 1}", b"%PDF-1.4\n", b"PK", b"12/03/24, 14:05: x"] {
        let error = refuse(bytes);
        assert!(matches!(error, ImportError::NotAnExport), "{bytes:?}");
        assert!(error.to_string().contains("Export chat"));
    }
}

#[test]
fn text_before_the_first_message() {
    let error = refuse(b"\n\nFrom my old phone\n12/03/24, 14:05 - A: x\n");
    assert!(matches!(error, ImportError::TextBeforeFirstMessage { line: 3 }), "{error}");
    // A date that the rest of the file makes impossible is no date.
    let error = refuse(b"\n02/13/24, 14:05 - A: x\n13/02/24, 14:05 - A: x\n14/02/24, 14:05 - A: x\n");
    assert!(matches!(error, ImportError::TextBeforeFirstMessage { line: 2 }), "{error}");
    let chat = import_text("\n \n\u{200e}\n12/03/24, 14:05 - A: x").unwrap();
    assert_eq!(chat.messages.len(), 1);
}

#[test]
fn other_encodings() {
    let error = refuse(b"\xef\xbb\xbf12/03/24, 14:05 - A: caf\xe9\n");
    assert!(matches!(error, ImportError::NotUtf8 { offset: 27 }), "{error:?}");
    assert!(error.to_string().contains("byte 27"));
    assert!(matches!(refuse(b"\xff\xfe1\x002\x00"), ImportError::Utf16));
    assert!(matches!(refuse(b"\xfe\xff\x001\x002"), ImportError::Utf16));
}

#[test]
fn more_than_the_limits() {
    let text = b"12/03/24, 14:05 - A: x\n12/03/24, 14:05 - A: y\n";
    let with = |max_text_bytes, max_messages| {
        let options = Options { max_text_bytes, max_messages, ..Options::default() };
        import(text, "_chat.txt", &options)
    };
    assert_eq!(with(46, 2).unwrap().messages.len(), 2);
    assert!(matches!(with(45, 2), Err(ImportError::TooLarge { limit: 45 })));
    assert!(matches!(with(46, 1), Err(ImportError::TooManyMessages { limit: 1 })));
    assert!(matches!(with(u64::MAX, 0), Err(ImportError::TooManyMessages { limit: 0 })));
}

#[test]
fn a_date_order_that_the_file_denies() {
    let text = b"01/02/24, 14:05 - A: x\n25/02/24, 14:05 - A: y\n";
    let options = Options { date_order: Some(DateOrder::MonthFirst), ..Options::default() };
    let error = import(text, "_chat.txt", &options).expect_err("there is no 25th month");
    assert!(matches!(error, ImportError::DateOrderContradicted { given: DateOrder::MonthFirst, line: 2 }));
    assert!(error.to_string().starts_with("the dates are not month first: line 2"));
}

#[test]
fn a_file_that_cannot_be_read() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("unplugged"))
        }
    }
    impl std::io::Seek for Broken {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            Ok(0)
        }
    }
    let result = diario_import::whatsapp::open(Broken, "_chat.txt", &Options::default(), &mut |_| {});
    assert!(matches!(result, Err(ImportError::Read(_))));
}
