//! The languages there are, and which one a browser gets.

/// A language that Diario speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English, and what everybody gets whose language is not here.
    #[default]
    En,
    /// Italian.
    It,
}

impl Language {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::En, Self::It];

    /// Its tag (BCP 47), as it stands in `lang` and in the settings.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::It => "it",
        }
    }

    /// Its name in itself: whoever looks for it can read it.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::It => "Italiano",
        }
    }

    /// Which way it is written, as it stands in `dir`.
    pub fn direction(self) -> &'static str {
        match self {
            Self::En | Self::It => "ltr",
        }
    }

    /// The language of a tag, whatever its region: `it`, `it-CH`, `EN_us`.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

/// The first of the wanted languages that there is; English if there is none of them.
pub fn negotiate<'a>(wanted: impl IntoIterator<Item = &'a str>) -> Language {
    wanted.into_iter().find_map(Language::of_tag).unwrap_or_default()
}
