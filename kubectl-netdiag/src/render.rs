//! What people and programs read: every screen, written to the writer that it is given.
//!
//! Knows no terminal, no environment and no clock; [`Screen`] brings what must be known of them.

use std::io::{self, Write};

mod block;
mod checks;
pub(crate) mod connect;
pub(crate) mod dns;
mod document;
#[cfg(test)]
pub(crate) mod hostile;
mod http;
mod json;
mod listen;
mod matrix;
mod names;
mod nodes;
pub(crate) mod number;
mod paint;
mod ping;
pub(crate) mod scan;
#[cfg(test)]
pub(crate) mod scene;
#[cfg(test)]
mod screens;
mod service;
pub(crate) mod shell;
pub(crate) mod sockets;
mod table;
mod text;
pub(crate) mod tls;
pub(crate) mod trace;
pub(crate) use text::wrap;
pub(crate) mod words;

pub(crate) use block::{failure, note, verdict};
pub(crate) use checks::checks;
pub(crate) use connect::{Attempts, both_ends, connect_header};
pub(crate) use dns::{DnsView, dns_body, dns_head};
pub(crate) use document::{Document, Span, document};
pub(crate) use http::{
    EachView, HIDDEN, HttpView, http_answer, http_each, http_event, http_head, http_header,
    http_onward, http_status,
};
pub(crate) use json::stream_line;
pub(crate) use listen::{accepted, listening};
pub(crate) use matrix::{MatrixView, matrix};
pub(crate) use names::{Names, NodeAddress, NodeFacts, PodFacts, ReadyBy, ServiceFacts};
pub(crate) use nodes::{NodesView, Seat, nodes};
pub(crate) use ping::ping_event;
pub(crate) use scan::{ScanView, scan_body, scan_header};
pub(crate) use service::{ServiceView, service};
pub(crate) use sockets::{Earlier, SocketsShown, SocketsView, sockets};
pub(crate) use table::{Cell, Column, Mood, Table, table};
pub(crate) use tls::{TlsView, tls_head, tls_takes};
pub(crate) use trace::{
    Hops, PathsView, TraceView, paths, paths_header, trace_dot, trace_header, trace_sizes,
    trace_tree,
};

use crate::finding::{Peer, PeerKind};

/// How to write: settled once, in `main`, from flags, environment and terminal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    /// Columns of the terminal; absent in a pipe: nothing is wrapped or dropped.
    pub width: Option<usize>,
    pub colour: bool,
    /// No character beyond ASCII, also of what others wrote.
    pub ascii: bool,
    pub format: Format,
    /// How often `-v` was given.
    pub detail: u8,
    pub no_headers: bool,
    pub quiet: bool,
    /// `-D` of ping.
    pub timestamps: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Format {
    #[default]
    Text,
    Wide,
    Json,
    Ndjson,
    Yaml,
    Verdict,
    /// A graph for Graphviz and nothing else.
    Dot,
}

impl Screen {
    /// Whether the evidence (header, lines, tables) is printed for people.
    pub(crate) fn shows_evidence(&self) -> bool {
        !self.quiet && matches!(self.format, Format::Text | Format::Wide)
    }

    /// Whether the report is a document for programs.
    pub(crate) fn is_machine(&self) -> bool {
        matches!(self.format, Format::Json | Format::Ndjson | Format::Yaml)
    }
}

/// `SOURCE (address, node) -> TARGET (address, node)`, broken before the arrow where it is too wide.
pub(crate) fn header(
    out: &mut dyn Write,
    screen: &Screen,
    from: &Peer,
    to: &[Peer],
) -> io::Result<()> {
    header_line(out, screen, from, &to.iter().map(named).collect::<Vec<_>>().join(", "))
}

fn header_line(out: &mut dyn Write, screen: &Screen, from: &Peer, to: &str) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let from = named(from);
    let width = from.chars().count() + " -> ".len() + to.chars().count();
    let fits = screen.width.is_none_or(|columns| width <= columns);
    let gap = if fits { " " } else { "\n  " };
    writeln!(out, "{}{gap}-> {}", screen.safe(&from), screen.safe(to))
}

/// A peer with its brackets: `shop/pod/foo (10.244.2.7, node-2)`.
pub(crate) fn named(peer: &Peer) -> String {
    let address = peer.address.map(|a| a.to_string());
    let address = address.filter(|a| *a != peer.name);
    let node = peer.node.clone().filter(|_| peer.kind != PeerKind::Node);
    let words = address.into_iter().chain(node).chain(peer.words.iter().cloned());
    let brackets = words.collect::<Vec<_>>().join(", ");
    let peer = peer.word();
    if brackets.is_empty() { peer } else { format!("{peer} ({brackets})") }
}
