//! What a person does in the app.

use serde_json::Value;

use super::browser::Browser;
use super::page::{any, beginning, button, field, having, link, role};

impl Browser {
    /// Makes an account, from the first page on, up to the step that offers a way back to it.
    pub(crate) fn create(&self, username: &str) {
        self.press(&beginning("button", "Create an account"));
        self.fill(&field("Name"), username);
        self.press(&button("Create the account"));
        self.find(&role("heading", "In case you lose every device"));
    }

    /// Makes an account, and goes on without a way back to it.
    pub(crate) fn register(&self, username: &str) {
        self.create(username);
        self.press(&button("Not now"));
        self.press(&button("Go on without"));
        self.find(&role("region", "Conversations"));
        self.is_connected();
    }

    /// Waits until the page says that there is a connection and nothing is left to do.
    pub(crate) fn is_connected(&self) {
        self.status_is("Connected");
    }

    /// Waits until the page says so of its connection.
    pub(crate) fn status_is(&self, words: &str) {
        self.until(&format!("the connection is {words:?}"), || self.status().starts_with(words));
    }

    /// What the page says of its connection.
    pub(crate) fn status(&self) -> String {
        self.script("return document.querySelector('.status-words')?.innerText ?? ''")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Begins a conversation with somebody, or opens the one that there is.
    pub(crate) fn write_to(&self, username: &str) {
        self.press(&link("New conversation"));
        self.fill(&field("Name of the person"), username);
        self.press(&button("Write"));
        self.find(&field(&format!("Message to {username}")));
    }

    /// Begins a group with these people.
    pub(crate) fn begin_group(&self, title: &str, people: &[&str]) {
        self.press(&link("New conversation"));
        self.press(&button("Group"));
        self.fill(&field("Name of the group"), title);
        for person in people {
            self.fill(&field("Add a person"), person);
            self.press(&button("Add"));
            self.find(&role("button", &format!("Take {person} out")));
        }
        self.press(&button("Begin the group"));
        self.find(&field(&format!("Message to {title}")));
    }

    /// Opens a conversation from the list.
    pub(crate) fn open(&self, title: &str) {
        self.press(&having("link", title));
        self.find(&field(&format!("Message to {title}")));
    }

    /// Says something in the conversation that is open.
    pub(crate) fn say(&self, text: &str) {
        self.find(&beginning("textbox", "Message to ")).focus();
        self.write(text);
        self.press(&button("Send"));
        self.log_has(text);
    }

    /// What the open conversation shows.
    pub(crate) fn log(&self) -> String {
        self.all(&any("log")).first().map(super::page::Thing::text).unwrap_or_default()
    }

    /// Waits until the open conversation shows this.
    pub(crate) fn log_has(&self, text: &str) {
        self.until(&format!("the conversation shows {text:?}"), || self.log().contains(text));
    }

    /// Waits until the last own message of the open conversation has this tick.
    pub(crate) fn tick_is(&self, tick: &str) {
        let ticks = "return [...document.querySelectorAll('[role=log] .tick [role=img], [role=log] .tick svg')]\
                     .map(t => t.getAttribute('aria-label') ?? t.querySelector('title')?.textContent)";
        let last = || self.script(ticks).as_array().and_then(|all| all.last().cloned());
        self.until(&format!("the last message is {tick:?}"), || last() == Some(Value::from(tick)));
    }

    /// The name of a conversation's row in the list: its title, its last words, what is unread.
    pub(crate) fn row(&self, title: &str) -> String {
        self.find(&having("link", title)).name
    }

    /// Waits until a conversation's row has this in it.
    pub(crate) fn row_has(&self, title: &str, words: &str) {
        self.until(&format!("the row of {title} has {words:?}"), || self.row(title).contains(words));
    }

    /// Waits until a conversation's row no longer has this in it.
    pub(crate) fn row_lacks(&self, title: &str, words: &str) {
        self.until(&format!("the row of {title} lacks {words:?}"), || !self.row(title).contains(words));
    }

    /// The text of the QR code that the page shows, read from its pixels.
    pub(crate) fn shown_qr(&self) -> String {
        self.find(&role("image", "QR code to scan with your other device"));
        let pixels = self.script(
            "const svg = document.querySelector('svg[aria-label^=\"QR\"]').cloneNode(true); \
             svg.setAttribute('width', 480); svg.setAttribute('height', 480); \
             const picture = new Image(); \
             picture.src = 'data:image/svg+xml,' + encodeURIComponent(new XMLSerializer().serializeToString(svg)); \
             await picture.decode(); \
             const canvas = Object.assign(document.createElement('canvas'), {width: 560, height: 560}); \
             const pen = canvas.getContext('2d'); \
             pen.fillStyle = 'white'; pen.fillRect(0, 0, 560, 560); pen.drawImage(picture, 40, 40, 480, 480); \
             const {data} = pen.getImageData(0, 0, 560, 560); \
             let bits = ''; for (let i = 0; i < data.length; i += 4) bits += data[i] < 128 ? '1' : '0'; return bits",
        );
        let bits = pixels.as_str().unwrap().bytes();
        let luma: Vec<u8> = bits.map(|bit| if bit == b'1' { 0 } else { 255 }).collect();
        let mut reader = quircs::Quirc::default();
        let code = reader.identify(560, 560, &luma).next().expect("a QR code").unwrap();
        String::from_utf8(code.decode().unwrap().payload).unwrap()
    }

    /// The eight characters that the page shows.
    pub(crate) fn shown_code(&self) -> String {
        self.wait("a code is shown", || {
            let shown = self.script("return document.querySelector('[data-code]')?.dataset.code ?? ''");
            let shown = shown.as_str()?;
            // A QR code may still stand where the letters will.
            (shown.chars().filter(char::is_ascii_alphanumeric).count() == 8).then(|| shown.to_owned())
        })
    }
}
