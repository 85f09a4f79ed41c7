//! Words that want to be more than words.

use super::browser::Kind;
use super::stage;

/// What comes in as a message, a group's title or a device's name.
fn corpus() -> Vec<String> {
    let mut all: Vec<String> = [
        "<script>document.title = 'owned'</script>",
        "<img src=x onerror=\"document.title = 'owned'\">",
        "<svg/onload=document.title='owned'>",
        "\"><iframe srcdoc=\"<script>parent.document.title='owned'</script>\">",
        "javascript:document.title='owned'",
        "[click](javascript:document.title='owned')",
        "data:text/html,<script>document.title='owned'</script>",
        "https://example.org/\"onmouseover=\"document.title='owned'",
        "{{constructor.constructor('document.title=1')()}}",
        "${document.title='owned'} {$name} { -brand }",
        "\u{202e}gnitirw fo noitcerid eht snrut siht\u{2066}\u{2067}",
        "null\u{1}\u{7}\u{8}\u{1b}[2J\u{7f} bytes",
        "\u{feff}\u{200b}\u{200d}\u{2060}",
        "مرحبا <b>bold</b> שלום",
        "</textarea></style></title><base href=//example.org>",
    ]
    .map(str::to_owned)
    .into();
    all.push("z\u{0351}\u{0358}\u{0357}\u{0340}".repeat(200));
    all.push("w".repeat(10_000));
    all.push("👩‍👩‍👧‍👦".repeat(500));
    all
}

#[test]
fn hostile_words_are_only_words() {
    let world = stage::world();
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    let corpus = corpus();
    for text in &corpus {
        let run = marco.run_with(&["send", "giulia"], text);
        assert_eq!(run.code, 0, "{text:?}: {}", run.stderr);
    }
    for title in corpus.iter().filter(|text| text.len() < 100) {
        // The engine refuses some as titles, which is as good.
        let run = marco.run(&["group", "create", "--", title, "giulia"]);
        if run.code == 0 {
            marco.ok(&["send", run.json()[0]["conversation"].as_str().unwrap_or(title), "in it"]);
        }
    }
    marco.ok(&["send", "giulia", "the end"]);
    phone.row_has("marco", "the end");
    let inert = "return [document.title.includes('owned'), document.querySelectorAll(\
                 'script:not([src]), iframe, base, img[src=x], [onerror], [onload], [onmouseover], a[href^=\"javascript:\"], \
                 a[href^=\"data:\"]').length, document.documentElement.scrollWidth > innerWidth]";
    assert_eq!(phone.script(inert), serde_json::json!([false, 0, false]), "in the list");
    phone.open("marco");
    phone.log_has("the end");
    assert_eq!(phone.script(inert), serde_json::json!([false, 0, false]), "in the conversation");
    let log = phone.script(
        "document.querySelector('[role=log]').scrollTop = 0; await new Promise(r => setTimeout(r, 300)); \
                            return document.querySelector('[role=log]').innerText",
    );
    assert!(log.as_str().unwrap().contains("<script>document.title"), "{log}");
    assert_eq!(phone.script(inert), serde_json::json!([false, 0, false]), "at its top");
}

#[test]
fn the_name_of_a_device_is_only_words() {
    let world = stage::world();
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    let terminal = world.home("terminal");
    let name = "<img src=x onerror=alert(1)>";
    let mut linking = terminal.spawn(&["link", "--code", "--device-name", name]);
    let shown = linking.next();
    phone.press(&super::page::link("Devices"));
    phone.press(&super::page::link("Add a device"));
    phone.press(&super::page::button("Type the code"));
    phone.fill(&super::page::field("Code of the new device"), shown["code"].as_str().unwrap());
    phone.press(&super::page::button("Continue"));
    phone.says(name);
    phone.press(&super::page::button("Let it in"));
    linking.next();
    linking.ends(0);
    phone.press(&super::page::link("To your devices"));
    phone.says(name);
}
