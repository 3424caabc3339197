//! The flags of a byte stream between this terminal or pipe and a peer.

use clap::Args;

#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Bytes")]
pub(crate) struct BytesFlags {
    /// A session: lines typed go to the peer, its answers are shown; Ctrl-D half-closes, Ctrl-] ends
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// End lines with CR LF: a session's default
    #[arg(long)]
    crlf: bool,
    /// Leave line feeds as they are: a pipe's default
    #[arg(long, conflicts_with = "crlf")]
    lf: bool,
    /// Write the session's answers as they come; not to a terminal
    #[arg(long, requires = "interactive")]
    pub(crate) raw: bool,
}

impl BytesFlags {
    /// Whether a line feed becomes CR LF.
    pub(crate) fn is_crlf(&self, is_typed: bool) -> bool {
        self.crlf || (is_typed && !self.lf)
    }

    /// Whether only a byte stream understands them.
    pub(crate) fn wants_bytes(&self) -> bool {
        self.interactive || self.crlf || self.lf
    }
}
