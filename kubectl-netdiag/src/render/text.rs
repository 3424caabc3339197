//! Text on its way out: nothing hostile, wrapped at words.

use std::{borrow::Cow, fmt::Write};

use netdiag_wire::untrusted::is_hostile;

use super::Screen;

impl Screen {
    /// The last line of defence: what arrives here should have passed `Untrusted` long before,
    /// whose escapes this leaves as they are.
    pub(crate) fn safe<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let unfit = |c: char| is_hostile(c) || (self.ascii && !c.is_ascii());
        if !text.contains(unfit) {
            return text.into();
        }
        let mut shown = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            if unfit(c) {
                let _ = write!(shown, "{}", c.escape_default());
            } else {
                shown.push(c);
            }
        }
        shown.into()
    }
}

/// Lines of at most `width` characters, broken at blanks; a word longer than that runs over.
pub(crate) fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if used == 0 || used + 1 + length <= width => {
                if used > 0 {
                    line.push(' ');
                    used += 1;
                }
                line.push_str(word);
                used += length;
            }
            _ => {
                lines.push(word.to_owned());
                used = length;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_kept_where_it_is_asked_for() {
        let ascii = Screen { ascii: true, ..Screen::default() };
        assert_eq!(ascii.safe("m\u{fc}nchen \u{202e}"), r"m\u{fc}nchen \u{202e}");
        assert_eq!(Screen::default().safe("m\u{fc}nchen \u{202e}"), "m\u{fc}nchen \\u{202e}");
    }

    #[test]
    fn a_word_that_is_too_long_runs_over() {
        assert_eq!(wrap("a bb cccccc dd e", Some(4)), ["a bb", "cccccc", "dd e"]);
        assert_eq!(wrap("a bb", None), ["a bb"]);
        assert_eq!(wrap("", Some(4)), [""]);
    }
}
