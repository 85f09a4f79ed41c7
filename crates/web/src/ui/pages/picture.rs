//! The pictures that only pages have; drawn as the icons are.

use leptos::prelude::*;

use crate::model::device_name::Shape;
use crate::ui::icons::drawn;

/// A small picture beside words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Picture {
    Add,
    Computer,
    Edit,
    Forward,
    Passkey,
    Person,
    Phone,
    Terminal,
    Words,
}

impl Picture {
    /// That of a device.
    pub(super) fn of_device(shape: Shape) -> Self {
        match shape {
            Shape::Phone => Self::Phone,
            Shape::Computer => Self::Computer,
            Shape::Terminal => Self::Terminal,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Add => "M12 5v14M5 12h14",
            Self::Computer => {
                "M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM8.500 20h7M12 16v4"
            }
            Self::Edit => "M5 19l.8-3.800L15.500 5.500a2.100 2.100 0 0 1 3 3L8.800 18.200zM13.500 7.500l3 3",
            Self::Forward => "M9 5l7 7-7 7",
            Self::Passkey => {
                "M8.500 7.500a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12.500 11.500H21M17 11.500v3.500M20.500 11.500v2.500"
            }
            Self::Person => {
                "M12 4.500a3.600 3.600 0 1 1 0 7.200 3.600 3.600 0 0 1 0-7.200zM5 20c.5-3.700 3.300-5.500 7-5.500s6.500 1.800 7 5.500"
            }
            Self::Phone => {
                "M8.500 3h7A1.500 1.500 0 0 1 17 4.500v15a1.500 1.500 0 0 1-1.500 1.500h-7A1.500 1.500 0 0 1 7 19.500v-15A1.500 1.500 0 0 1 8.500 3zM11 18h2"
            }
            Self::Words => {
                "M6 4h12a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM8.500 8.500h7M8.500 12h7M8.500 15.500h4"
            }
            Self::Terminal => {
                "M5 5h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM8 9.500l2.800 2.500L8 14.500M13 15h3.500"
            }
        }
    }
}

/// Draws one, for eyes only.
pub(super) fn picture(which: Picture) -> impl IntoView {
    drawn(if which == Picture::Forward { "icon mirrored" } else { "icon" }, which.path(), "1.75", None)
}
