//! Colour by role, from the eight basic colours and bold or faint; the words alone say everything.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

use super::Screen;
use crate::finding::Severity;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Plain,
    Well,
    Doubtful,
    Bad,
    /// The word `WARN`.
    Warn,
    /// The words `FAIL` and `error`.
    Fail,
    Unknown,
    Command,
    Faint,
}

impl Role {
    pub(super) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Ok => Self::Well,
            Severity::Skip => Self::Faint,
            Severity::Warn => Self::Warn,
            Severity::Unknown => Self::Unknown,
            Severity::Fail => Self::Fail,
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Well => AnsiColor::Green.on_default().bold(),
            Self::Warn => AnsiColor::Yellow.on_default().bold(),
            Self::Fail => AnsiColor::Red.on_default().bold(),
            Self::Unknown => AnsiColor::Magenta.on_default().bold(),
            Self::Doubtful => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Command => AnsiColor::Cyan.on_default(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// Text in the colour of its role, or plain where the screen has no colour.
pub(super) struct Painted<'a, T: ?Sized>(Style, &'a T);

impl Screen {
    pub(super) fn paint<'a, T: Display + ?Sized>(&self, role: Role, text: &'a T) -> Painted<'a, T> {
        Painted(if self.colour { role.style() } else { Style::new() }, text)
    }
}

impl<T: Display + ?Sized> Display for Painted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, text) = self;
        write!(f, "{style}{text}{style:#}")
    }
}
