//! What WhatsApp writes in its own name, in the languages known here.
//!
//! A language is added by adding its phrases to these tables.

use super::Media;

/// Ends a message that was edited, after the text.
pub(super) const EDITED: [&str; 6] = [
    "<This message was edited>",
    "<This message was edited.>",
    "<Questo messaggio è stato modificato>",
    "<Questo messaggio è stato modificato.>",
    "<Diese Nachricht wurde bearbeitet>",
    "<Diese Nachricht wurde bearbeitet.>",
];

/// Stands for media on Android.
pub(super) const MEDIA_OMITTED: [&str; 5] = [
    "<Media omitted>",
    "<Media omessi>",
    "<Media omesso>",
    "<Medien ausgeschlossen>",
    "<Medien weggelassen>",
];

/// Follows the name of an attached file on Android.
pub(super) const FILE_ATTACHED: [&str; 3] = ["(file attached)", "(file allegato)", "(Datei angehängt)"];

/// Comes before the name of an attached file on iOS, after `<`.
pub(super) const ATTACHED: [&str; 4] = ["attached:", "allegato:", "Anhang:", "angehängt:"];

/// Stands for media on iOS.
const OMITTED: [(&str, Media); 27] = [
    ("image omitted", Media::Image),
    ("video omitted", Media::Video),
    ("video note omitted", Media::Video),
    ("audio omitted", Media::Audio),
    ("sticker omitted", Media::Sticker),
    ("GIF omitted", Media::Gif),
    ("document omitted", Media::Document),
    ("contact card omitted", Media::Contact),
    ("immagine omessa", Media::Image),
    ("video omesso", Media::Video),
    ("videomessaggio omesso", Media::Video),
    ("audio omesso", Media::Audio),
    ("sticker non incluso", Media::Sticker),
    ("sticker omesso", Media::Sticker),
    ("GIF esclusa", Media::Gif),
    ("GIF omessa", Media::Gif),
    ("documento omesso", Media::Document),
    ("scheda contatto omessa", Media::Contact),
    ("Bild weggelassen", Media::Image),
    ("Video weggelassen", Media::Video),
    ("Videonachricht weggelassen", Media::Video),
    ("Audio weggelassen", Media::Audio),
    ("Sticker weggelassen", Media::Sticker),
    ("GIF weggelassen", Media::Gif),
    ("Dokument weggelassen", Media::Document),
    ("Kontaktkarte weggelassen", Media::Contact),
    ("Kontaktkarte ausgelassen", Media::Contact),
];

/// The media that an iOS export without media stands these words for.
pub(super) fn omitted(words: &str) -> Option<Media> {
    // Older versions put them in angle brackets.
    let words = words.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(words);
    OMITTED.iter().find(|(known, _)| known.eq_ignore_ascii_case(words)).map(|(_, media)| *media)
}

/// Starts a notice in a person's name, which stays that person's message.
const NOTICES: [&str; 33] = [
    "This message was deleted",
    "You deleted this message",
    "Missed voice call",
    "Missed video call",
    "Missed group v",
    "Silenced v",
    "Voice call",
    "Video call",
    "Location: ",
    "Live location",
    "POLL:",
    "Waiting for this message",
    "Questo messaggio è stato eliminato",
    "Hai eliminato questo messaggio",
    "Chiamata vocale",
    "Chiamata persa",
    "Videochiamata",
    "Posizione: ",
    "Posizione in tempo reale",
    "SONDAGGIO:",
    "In attesa del messaggio",
    "In attesa di questo messaggio",
    "Diese Nachricht wurde gelöscht",
    "Du hast diese Nachricht gelöscht",
    "Verpasster Sprachanruf",
    "Verpasster Videoanruf",
    "Verpasster Gruppen",
    "Sprachanruf",
    "Videoanruf",
    "Standort: ",
    "Live-Standort",
    "UMFRAGE:",
    "Warte auf diese Nachricht",
];

/// Whether this is a notice in a person's name: deleted, call, place, poll.
pub(super) fn is_notice(text: &str) -> bool {
    NOTICES.iter().any(|notice| text.starts_with(notice))
}

/// Starts the notice that opens most chats.
const ENCRYPTION: [&str; 9] = [
    "Messages and calls are end-to-end encrypted",
    "Messages you send to this",
    "Messages to this group are now secured",
    "I messaggi e le chiamate sono crittografati",
    "I messaggi che invii",
    "I messaggi inviati a questo gruppo",
    "Nachrichten und Anrufe sind Ende-zu-Ende",
    "Nachrichten, die du in diesem Chat",
    "Nachrichten in dieser Gruppe sind",
];

/// Whether this is the notice that opens most chats.
pub(super) fn is_encryption_notice(text: &str) -> bool {
    ENCRYPTION.iter().any(|notice| text.starts_with(notice))
}

/// Is somewhere in a line about the chat itself. Only for lines that carry WhatsApp's mark.
const EVENTS: [&str; 68] = [
    "end-to-end encrypt",
    " created group",
    " created this group",
    " created the group",
    " created this community",
    " added ",
    " were added",
    " was added",
    " removed ",
    " were removed",
    " was removed",
    " left",
    " joined",
    " changed ",
    " changed.",
    " an admin",
    " turned on",
    " turned off",
    " message timer",
    " pinned a message",
    " security code",
    " this contact",
    " business account",
    "crittografat",
    " ha creato ",
    "Hai creato ",
    " ha aggiunto ",
    "Hai aggiunto ",
    " stato aggiunto",
    " stata aggiunta",
    " ha rimosso ",
    "Hai rimosso ",
    " stato rimosso",
    " stata rimossa",
    " ha abbandonato",
    "Hai abbandonato",
    " è uscito",
    " è uscita",
    " si è unit",
    " ha cambiato ",
    "Hai cambiato ",
    " ha modificato ",
    "Hai modificato ",
    " amministratore",
    " ha attivato ",
    " ha disattivato ",
    "Hai attivato ",
    "Hai disattivato ",
    " ha fissato ",
    "Hai fissato ",
    " codice di sicurezza",
    " questo contatto",
    "Ende-zu-Ende",
    " hat die Gruppe",
    " hast die Gruppe",
    " hast diese Gruppe",
    " hat diese Gruppe",
    " hinzugefügt",
    " entfernt",
    " verlassen",
    " beigetreten",
    " geändert",
    "Admin",
    "Sicherheitsnummer",
    "Sicherheitscode",
    " aktiviert",
    " angepinnt",
    " angeheftet",
];

/// Whether a line that carries WhatsApp's mark is about the chat itself.
pub(super) fn is_event(text: &str) -> bool {
    EVENTS.iter().any(|event| text.contains(event))
}

/// Comes before a subject that people chose, which may hold a colon.
const QUOTING: [&str; 18] = [
    " changed the subject",
    " changed the group name",
    " created group",
    " created the group",
    " ha cambiato l",
    " ha cambiato il nome",
    " ha modificato l",
    " ha creato il gruppo",
    "Hai cambiato l",
    "Hai cambiato il nome",
    "Hai creato il gruppo",
    " hat den Betreff",
    " hast den Betreff",
    " hat den Gruppennamen",
    " hast den Gruppennamen",
    " hat die Gruppe",
    " hast die Gruppe",
    "Gruppenname wurde",
];

/// Whether what stands before a colon is not a name but a line that quotes a subject.
pub(super) fn quotes_subject(name: &str) -> bool {
    QUOTING.iter().any(|words| name.contains(words))
}
