//! What a command gets from `main`: where to write, how it is to look, and the environment as values.

use std::io::{self, Write};

use crate::{
    args::Origin,
    cluster::Surroundings,
    code,
    finding::{Failure, Label},
    render::Screen,
};

pub(crate) struct Session<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
    pub(crate) screen: Screen,
    pub(crate) surroundings: Surroundings,
    /// `$NETDIAG_FROM`.
    pub(crate) from: Option<String>,
}

/// Why a command ended without a verdict.
#[derive(Debug)]
pub(crate) enum Stopped {
    Failure(Box<Failure>),
    /// Nobody reads any more, or the disk is full.
    Write(io::Error),
}

impl Session<'_> {
    /// `--from`, else `$NETDIAG_FROM`.
    pub(crate) fn origin(&self, flag: Option<&Origin>) -> Result<Option<Origin>, Failure> {
        let variable = self.from.as_deref().filter(|from| !from.is_empty());
        match (flag, variable) {
            (Some(origin), _) => Ok(Some(origin.clone())),
            (None, None) => Ok(None),
            (None, Some(word)) => Origin::parse(word).map(Some).map_err(|why| {
                let note = "--from takes the place of the variable".to_owned();
                Failure::new(code::BAD_VALUE, format!("$NETDIAG_FROM {word}: {why}"))
                    .with(Label::Note(note))
            }),
        }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}
