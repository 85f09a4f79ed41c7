//! A page that shows a run: time downwards, a column for each device, filters on top. One file, opened in any browser.

use std::fmt::Write as _;

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
