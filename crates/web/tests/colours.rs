//! Browsers that do not know `light-dark()` have the same colours.

const BASE: &str = include_str!("../static/css/base.css");
const OLDER: &str = include_str!("../static/css/older.css");

/// The two colours of the first `light-dark()` in a text, and what follows.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let (_, text) = text.split_once("light-dark(")?;
    let (light, text) = text.split_once(", ")?;
    let end = if text.starts_with("rgb(") { text.find("))")? + 1 } else { text.find(')')? };
    Some((light, &text[..end], &text[end..]))
}

#[test]
fn every_colour_is_there_for_older_browsers() {
    let mut colours = 0;
    for line in BASE.lines().filter(|line| line.contains("light-dark(") && line.starts_with("  --")) {
        let name = line.split(':').next().unwrap_or_default().trim();
        let older = OLDER.lines().find(|older| older.trim().starts_with(&format!("{name}:")));
        let older = older.unwrap_or_else(|| panic!("{name}: run tools/older.py"));
        let mut rest = line;
        while let Some((light, dark, after)) = pair(rest) {
            let both = format!("var(--on-light, {light}) var(--on-dark, {dark})");
            assert!(older.contains(&both), "{name} is not {both}: run tools/older.py");
            colours += 1;
            rest = after;
        }
    }
    assert!(colours > 40, "{colours}");
}

#[test]
fn colours_that_differ_are_named_in_one_place() {
    let others = [
        include_str!("../static/css/shell.css"),
        include_str!("../static/css/list.css"),
        include_str!("../static/css/conversation.css"),
        include_str!("../static/css/pages.css"),
    ];
    assert!(others.iter().all(|sheet| !sheet.contains("light-dark(")));
}
