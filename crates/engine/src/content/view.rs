//! A content as a user interface wants it.

use super::{Disposition, ExternalPart, MessageId, MimiContent, NestedPart, Part, Semantics};

/// What a content means to a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentView<'a> {
    /// Something to read.
    Text {
        /// The text.
        body: &'a str,
        /// How it is marked up.
        format: TextFormat,
    },
    /// Signs put to another message; as a rule one.
    Reaction {
        /// The message.
        to: MessageId,
        /// The signs, each a text of its own.
        reactions: Vec<&'a str>,
    },
    /// Something new in place of an earlier message.
    Edit {
        /// The earlier message, its first version.
        original: MessageId,
        /// What now stands there.
        new: Box<ContentView<'a>>,
    },
    /// An earlier message, or a reaction, taken back.
    Delete {
        /// The earlier message, its first version.
        original: MessageId,
    },
    /// A file or a picture.
    Attachment(Attachment<'a>),
    /// Several of these, one after the other: a text and its pictures.
    Several(Vec<ContentView<'a>>),
    /// Nothing that this version can show.
    Unsupported {
        /// Media type of what could not be shown; empty if it says none.
        content_type: &'a str,
    },
}

/// How a text is marked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextFormat {
    /// Not at all.
    Plain,
    /// In Markdown; may be shown as plain text.
    Markdown,
}

/// A file or a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// Its media type.
    pub content_type: &'a str,
    /// What the sender wants done with it: shown in place, downloaded, taken as a preview.
    pub disposition: Disposition,
    /// Where it is.
    pub source: AttachmentSource<'a>,
}

/// Where the bytes of an attachment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentSource<'a> {
    /// In the message.
    Inline(&'a [u8]),
    /// Elsewhere.
    External(&'a ExternalPart),
}

impl MimiContent {
    /// What it means to a reader.
    ///
    /// Whether its author may edit or delete what it replaces is for the caller to check (section 9.3), as are
    /// [`in_reply_to`](Self::in_reply_to) and [`expires`](Self::expires), which go with every view.
    pub fn view(&self) -> ContentView<'_> {
        let Some(original) = self.replaces else { return self.view_of_body() };
        if matches!(self.nested_part.part, Part::Null) {
            return ContentView::Delete { original };
        }
        ContentView::Edit { original, new: Box::new(self.view_of_body()) }
    }

    fn view_of_body(&self) -> ContentView<'_> {
        match self.in_reply_to {
            Some(to) if self.nested_part.disposition == Disposition::REACTION => {
                match reactions(&self.nested_part) {
                    Some(reactions) => ContentView::Reaction { to, reactions },
                    // Such as a picture: shown as an answer, which is what the draft advises (section 5.3).
                    None => view_of(&self.nested_part),
                }
            }
            _ => view_of(&self.nested_part),
        }
    }
}

fn reactions(part: &NestedPart) -> Option<Vec<&str>> {
    let signs = match &part.part {
        Part::Multi { semantics: Semantics::ProcessAll, parts } => parts.iter().map(sign).collect(),
        Part::Single { .. } => sign(part).map(|sign| vec![sign]),
        _ => None,
    };
    signs.filter(|signs| !signs.is_empty())
}

fn sign(part: &NestedPart) -> Option<&str> {
    match view_of(part) {
        ContentView::Text { body, format: TextFormat::Plain } if !body.is_empty() => Some(body),
        _ => None,
    }
}

fn view_of(part: &NestedPart) -> ContentView<'_> {
    match &part.part {
        Part::Null => ContentView::Unsupported { content_type: "" },
        Part::Single { content_type, content } => single(part.disposition, content_type, content),
        // A call cannot be joined yet; its link must not pass for a file.
        Part::External(external) if part.disposition == Disposition::SESSION => {
            ContentView::Unsupported { content_type: &external.content_type }
        }
        Part::External(external) => ContentView::Attachment(Attachment {
            content_type: &external.content_type,
            disposition: part.disposition,
            source: AttachmentSource::External(external),
        }),
        Part::Multi { semantics, parts } => multi(*semantics, parts),
    }
}

fn single<'a>(disposition: Disposition, content_type: &'a str, content: &'a [u8]) -> ContentView<'a> {
    if disposition != Disposition::ATTACHMENT
        && let Some(format) = text_format(content_type)
        && let Ok(body) = std::str::from_utf8(content)
    {
        return ContentView::Text { body, format };
    }
    let kind = content_type.split('/').next().unwrap_or_default().trim();
    let is_media = ["image", "audio", "video"].iter().any(|media| kind.eq_ignore_ascii_case(media));
    if is_media || disposition == Disposition::ATTACHMENT {
        let source = AttachmentSource::Inline(content);
        return ContentView::Attachment(Attachment { content_type, disposition, source });
    }
    ContentView::Unsupported { content_type }
}

fn multi(semantics: Semantics, parts: &[NestedPart]) -> ContentView<'_> {
    let views = parts.iter().map(view_of);
    let is_shown = |view: &ContentView<'_>| !matches!(view, ContentView::Unsupported { .. });
    let mut unsupported = ContentView::Unsupported { content_type: "" };
    let mut shown = Vec::new();
    for view in views {
        if is_shown(&view) {
            shown.push(view);
            if semantics == Semantics::ChooseOne {
                break;
            }
        } else {
            unsupported = view;
            if semantics == Semantics::SingleUnit {
                return unsupported;
            }
        }
    }
    match shown.len() {
        0 => unsupported,
        1 => shown.remove(0),
        _ => ContentView::Several(shown),
    }
}

/// The format of a text type that this version shows, whatever its parameters but a foreign charset.
fn text_format(content_type: &str) -> Option<TextFormat> {
    let mut fields = content_type.split(';').map(str::trim);
    let format = match fields.next()?.to_ascii_lowercase().as_str() {
        "text/plain" => TextFormat::Plain,
        "text/markdown" => TextFormat::Markdown,
        _ => return None,
    };
    let is_readable = fields.all(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let value = value.trim().trim_matches('"');
        !name.trim().eq_ignore_ascii_case("charset")
            || ["utf-8", "us-ascii"].iter().any(|charset| value.eq_ignore_ascii_case(charset))
    });
    is_readable.then_some(format)
}
