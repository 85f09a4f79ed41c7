//! What a browser and its system are called, by what the browser says of itself.
//!
//! For a suggestion that its user can change, nothing else: browsers say what they like.

/// The browser's name.
pub fn browser_of(agent: &str) -> Option<&'static str> {
    // Most say that they are others too: those who do so come first.
    [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Vivaldi/", "Vivaldi"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]
    .into_iter()
    .find_map(|(part, name)| agent.contains(part).then_some(name))
}

/// The system's name.
pub fn system_of(agent: &str) -> Option<&'static str> {
    [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("Linux", "Linux"),
        ("FreeBSD", "FreeBSD"),
    ]
    .into_iter()
    .find_map(|(part, name)| agent.contains(part).then_some(name))
}

/// What a device looks like, by what its user calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A phone or a tablet.
    Phone,
    /// A computer.
    Computer,
    /// A terminal.
    Terminal,
}

/// The shape that a device's name tells of; a computer if it tells nothing.
pub fn shape_of(name: &str) -> Shape {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["phone", "android", "ipad", "pixel", "galaxy", "tablet", "telefon", "cellulare"]) {
        Shape::Phone
    } else if has(&["terminal", "cli", "shell", "server", "bot", "ssh"]) {
        Shape::Terminal
    } else {
        Shape::Computer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
        let edge =
            format!("{} Edg/140.0", chrome.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64"));
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        let firefox = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
        for (agent, browser, system) in [
            (chrome, "Chrome", "Linux"),
            (edge.as_str(), "Edge", "Windows"),
            (safari, "Safari", "iPhone"),
            (firefox, "Firefox", "Android"),
        ] {
            assert_eq!((browser_of(agent), system_of(agent)), (Some(browser), Some(system)), "{agent}");
        }
        assert_eq!((browser_of("x"), system_of("")), (None, None));
    }

    #[test]
    fn names_tell_shapes() {
        assert_eq!(shape_of("Chrome su Android"), Shape::Phone);
        assert_eq!(shape_of("terminal on nas"), Shape::Terminal);
        assert_eq!(shape_of("Firefox on Linux"), Shape::Computer);
        assert_eq!(shape_of(""), Shape::Computer);
    }
}
