//! A page as people and screen readers meet it: things have a role and a name. Nothing here knows the markup.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::browser::Browser;

/// No page may take longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How a name is compared.
#[derive(Debug, Clone)]
enum Name {
    Any,
    Is(String),
    Begins(String),
    Has(String),
}

impl Name {
    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Is(wanted) => name == wanted,
            Self::Begins(wanted) => name.starts_with(wanted),
            Self::Has(wanted) => name.contains(wanted),
        }
    }
}

/// What is looked for on a page.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    role: String,
    name: Name,
}

/// Of this role, whatever its name.
pub(crate) fn any(role: &str) -> Wanted {
    Wanted { role: role.to_owned(), name: Name::Any }
}

/// Of this role and exactly this name.
pub(crate) fn role(role: &str, name: &str) -> Wanted {
    Wanted { role: role.to_owned(), name: Name::Is(name.to_owned()) }
}

/// Of this role; its name begins so.
pub(crate) fn beginning(role: &str, name: &str) -> Wanted {
    Wanted { role: role.to_owned(), name: Name::Begins(name.to_owned()) }
}

/// Of this role; its name has this in it.
pub(crate) fn having(role: &str, name: &str) -> Wanted {
    Wanted { role: role.to_owned(), name: Name::Has(name.to_owned()) }
}

pub(crate) fn button(name: &str) -> Wanted {
    role("button", name)
}

pub(crate) fn link(name: &str) -> Wanted {
    role("link", name)
}

pub(crate) fn field(name: &str) -> Wanted {
    role("textbox", name)
}

/// Without the invisible marks that keep a name's direction of writing to itself.
pub(crate) fn plain(text: &str) -> String {
    text.replace(['\u{2068}', '\u{2069}'], "")
}

/// Something on the page.
pub(crate) struct Thing<'a> {
    browser: &'a Browser,
    node: Value,
    pub(crate) name: String,
}

impl Browser {
    /// Everything of that kind that is on the page now, in its order.
    pub(crate) fn all(&self, wanted: &Wanted) -> Vec<Thing<'_>> {
        // A page that is being replaced has no document for a moment.
        let Ok(document) = self.try_cdp("DOM.getDocument", json!({ "depth": 0 })) else { return Vec::new() };
        let query = json!({ "nodeId": document["root"]["nodeId"], "role": wanted.role });
        let Ok(found) = self.try_cdp("Accessibility.queryAXTree", query) else { return Vec::new() };
        let nodes = found["nodes"].as_array().cloned().unwrap_or_default();
        let things = nodes.into_iter().filter(|node| node["ignored"] != true).map(|node| Thing {
            browser: self,
            name: plain(node["name"]["value"].as_str().unwrap_or_default()),
            node,
        });
        things.filter(|thing| wanted.name.fits(&thing.name)).collect()
    }

    /// Whether it is on the page now.
    pub(crate) fn has(&self, wanted: &Wanted) -> bool {
        !self.all(wanted).is_empty()
    }

    /// It, once it is there.
    pub(crate) fn find(&self, wanted: &Wanted) -> Thing<'_> {
        self.wait(&format!("{wanted:?}"), || self.all(wanted).into_iter().next())
    }

    /// Waits until it is gone.
    pub(crate) fn find_none(&self, wanted: &Wanted) {
        self.until(&format!("no {wanted:?}"), || !self.has(wanted));
    }

    /// Presses it, once it is there.
    pub(crate) fn press(&self, wanted: &Wanted) {
        // It may be replaced between the look and the press.
        self.until(&format!("press {wanted:?}"), || self.find(wanted).try_press());
    }

    /// Writes into a field in place of what is there, once it is there.
    pub(crate) fn fill(&self, wanted: &Wanted, text: &str) {
        self.find(wanted).focus();
        self.script("document.activeElement.select?.()");
        if text.is_empty() {
            self.key("Backspace");
        } else {
            self.write(text);
        }
    }

    /// Writes where the focus is.
    pub(crate) fn write(&self, text: &str) {
        self.cdp("Input.insertText", json!({ "text": text }));
    }

    /// Presses and releases a key.
    pub(crate) fn key(&self, key: &str) {
        self.key_with(key, 0);
    }

    /// The same with modifiers: 1 Alt, 2 Ctrl, 4 Meta, 8 Shift.
    pub(crate) fn key_with(&self, key: &str, modifiers: u32) {
        let code = match key {
            "Backspace" => 8,
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            one => one.chars().next().map_or(0, |c| u32::from(c.to_ascii_uppercase())),
        };
        let text = match key {
            "Enter" => Some("\r"),
            one if one.chars().count() == 1 && matches!(modifiers, 0 | 8) => Some(one),
            _ => None,
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({
                "type": if kind == "keyDown" && text.is_none() { "rawKeyDown" } else { kind },
                "key": key,
                "windowsVirtualKeyCode": code,
                "modifiers": modifiers,
            });
            if let (Some(text), "keyDown") = (text, kind) {
                event["text"] = text.into();
            }
            self.cdp("Input.dispatchKeyEvent", event);
        }
    }

    /// All words of the page.
    pub(crate) fn words(&self) -> String {
        plain(self.script("return document.body.innerText").as_str().unwrap_or_default())
    }

    /// Waits until these words are on the page.
    pub(crate) fn says(&self, words: &str) {
        self.until(&format!("the page says {words:?}"), || self.words().contains(words));
    }

    /// Looks again until it is so.
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        self.wait(what, || is_so().then_some(()));
    }

    /// The same, for what changes the browser's notes.
    pub(crate) fn until_mut(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < end, "{}: in vain: {what}", self.name());
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    /// Looks again until there is something.
    pub(crate) fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < end, "{}: in vain: {what}", self.name());
            std::thread::sleep(Duration::from_millis(40));
        }
    }
}

impl Thing<'_> {
    /// Calls a function of JavaScript on the element.
    pub(crate) fn call(&self, function: &str) -> Option<Value> {
        let node = json!({ "backendNodeId": self.node["backendDOMNodeId"] });
        let object = self.browser.try_cdp("DOM.resolveNode", node).ok()?;
        let call = json!({
            "objectId": object["object"]["objectId"],
            "functionDeclaration": function,
            "returnByValue": true,
            "awaitPromise": true,
            "userGesture": true,
        });
        let answer = self.browser.try_cdp("Runtime.callFunctionOn", call).ok()?;
        Some(answer["result"]["value"].clone())
    }

    /// Presses its middle with the mouse, as long as nothing lies over it. Whether it could be pressed.
    pub(crate) fn try_press(&self) -> bool {
        let place = self.call(
            "function() { this.scrollIntoView({block: 'nearest', behavior: 'instant'}); \
             const box = this.getBoundingClientRect(); \
             const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]; \
             const top = document.elementFromPoint(x, y); \
             return top && (this.contains(top) || top.contains(this) || this.labels?.[0]?.contains(top)) \
                 && !this.disabled ? [x, y] : null; }",
        );
        let Some(Value::Array(place)) = place else { return false };
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place[0], "y": place[1],
                "button": if kind == "mouseMoved" { "none" } else { "left" },
                "clickCount": u8::from(kind != "mouseMoved"),
            });
            self.browser.cdp("Input.dispatchMouseEvent", event);
        }
        true
    }

    /// Gives it the focus.
    pub(crate) fn focus(&self) {
        self.call("function() { this.focus(); }");
    }

    /// What a field holds.
    pub(crate) fn value(&self) -> String {
        let value = self.call("function() { return this.value ?? this.textContent; }");
        value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Its words.
    pub(crate) fn text(&self) -> String {
        let text = self.call("function() { return this.innerText ?? this.textContent; }");
        plain(text.as_ref().and_then(Value::as_str).unwrap_or_default())
    }

    /// A property for assistive technology, such as `checked` or `disabled`.
    pub(crate) fn property(&self, name: &str) -> Value {
        let properties = self.node["properties"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = properties.iter().find(|p| p["name"] == name);
        found.map_or(Value::Null, |p| p["value"]["value"].clone())
    }
}
