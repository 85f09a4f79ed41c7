//! Making the messages that a user sends.

use super::{
    Disposition, Expiration, Extensions, ExternalPart, MessageId, MimiContent, NestedPart, PLAIN_TEXT, Part,
};

impl MimiContent {
    /// A message of its own; `salt` is 16 fresh random bytes.
    pub fn new(salt: [u8; 16], nested_part: NestedPart) -> Self {
        Self {
            salt,
            replaces: None,
            topic_id: Vec::new(),
            expires: None,
            in_reply_to: None,
            extensions: Extensions::default(),
            nested_part,
        }
    }

    /// A plain text.
    pub fn text(salt: [u8; 16], body: impl Into<String>) -> Self {
        Self::new(salt, NestedPart::plain(body))
    }

    /// A text in Markdown (section 7.1.1: no HTML, no autolinks).
    pub fn markdown(salt: [u8; 16], body: impl Into<String>) -> Self {
        Self::new(salt, NestedPart::markdown(body))
    }

    /// A plain text that answers `to`.
    pub fn reply(salt: [u8; 16], to: MessageId, body: impl Into<String>) -> Self {
        Self::text(salt, body).answering(to)
    }

    /// A plain text in place of `original`, the first version of what is edited.
    ///
    /// An edited reply stays one: add [`answering`](Self::answering).
    pub fn edit(salt: [u8; 16], original: MessageId, body: impl Into<String>) -> Self {
        Self::text(salt, body).replacing(original)
    }

    /// Takes `original` back, the first version of what is deleted.
    pub fn delete(salt: [u8; 16], original: MessageId) -> Self {
        Self::new(salt, NestedPart::new(Disposition::RENDER, Part::Null)).replacing(original)
    }

    /// A reaction to a message, such as "❤".
    ///
    /// Several reactions are several messages: run together, code points could become another sign.
    pub fn reaction(salt: [u8; 16], to: MessageId, reaction: impl Into<String>) -> Self {
        let content = reaction.into().into_bytes();
        Self::new(salt, NestedPart::single(Disposition::REACTION, PLAIN_TEXT, content)).answering(to)
    }

    /// Takes a reaction back; `reaction` is the message that made it, `to` what it was a reaction to.
    pub fn unreact(salt: [u8; 16], reaction: MessageId, to: MessageId) -> Self {
        let nothing = NestedPart::new(Disposition::REACTION, Part::Null);
        Self::new(salt, nothing).replacing(reaction).answering(to)
    }

    /// A file that lies elsewhere.
    pub fn attachment(salt: [u8; 16], external: ExternalPart) -> Self {
        Self::new(salt, NestedPart::new(Disposition::ATTACHMENT, Part::External(Box::new(external))))
    }

    /// The same as an answer to `to`.
    #[must_use]
    pub fn answering(mut self, to: MessageId) -> Self {
        self.in_reply_to = Some(to);
        self
    }

    /// The same in place of `original`.
    #[must_use]
    pub fn replacing(mut self, original: MessageId) -> Self {
        self.replaces = Some(original);
        self
    }

    /// The same, to vanish.
    #[must_use]
    pub fn expiring(mut self, expiration: Expiration) -> Self {
        self.expires = Some(expiration);
        self
    }
}
