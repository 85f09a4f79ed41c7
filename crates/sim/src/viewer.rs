//! A page that shows a run: time downwards, a column for each device, filters on top. One file, opened in any browser.

use std::fmt::Write as _;
use std::path::Path;

use crate::run::Outcome;

const HEAD: &str = include_str!("viewer.html");

/// The page, with its data in it.
pub fn page(outcome: &Outcome) -> String {
    // In a script only `<` could end the data.
    let data = serde_json::to_string(outcome.journal.records()).unwrap_or_default().replace('<', "\\u003c");
    let verdict = outcome.violation.as_deref().unwrap_or("no violation");
    let mut page =
        HEAD.replace("{{seed}}", &outcome.seed.to_string()).replace("{{verdict}}", &escaped(verdict));
    let _ = write!(page, "<script>const records = {data};\nshow();</script>\n");
    page
}

/// Writes a run's journal and its page into a folder, and says where.
pub fn write_down(folder: &Path, name: &str, outcome: &Outcome) -> std::io::Result<String> {
    std::fs::create_dir_all(folder)?;
    let (journal, viewer) = (folder.join(format!("{name}.txt")), folder.join(format!("{name}.html")));
    std::fs::write(&journal, outcome.journal.text())?;
    std::fs::write(&viewer, page(outcome))?;
    Ok(format!("  journal: {}\n  viewer:  {}", journal.display(), viewer.display()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::run;

    #[test]
    fn a_page_holds_what_happened_and_nothing_that_ends_its_script() {
        let outcome = run(3, Some(2));
        let page = page(&outcome);
        assert!(page.contains("seed 3") && page.contains("0-phone"));
        let data = page.split("const records = ").nth(1).unwrap();
        assert_eq!(data.matches('<').count(), 1, "only the end of the script");
    }
}
