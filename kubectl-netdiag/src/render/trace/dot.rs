//! `-o dot`: the paths as a graph for Graphviz.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use netdiag_wire::{trace::GraphNode, untrusted::is_hostile};

use super::TraceView;
use crate::{
    finding::Finding,
    render::{Format, Screen, number},
};

/// The graph under the verdict as its title.
pub(crate) fn trace_dot(
    out: &mut dyn Write,
    screen: &Screen,
    view: &TraceView<'_>,
    findings: &[Finding],
) -> io::Result<()> {
    if screen.quiet || screen.format != Format::Dot {
        return Ok(());
    }
    let title = findings.first().map(|finding| finding.summary.as_str()).unwrap_or_default();
    writeln!(out, "digraph trace {{")?;
    writeln!(out, "  graph [rankdir=LR, labelloc=t, label={}];", quoted(&[title.into()]))?;
    writeln!(out, "  node [shape=box];")?;
    for node in &view.report.graph.nodes {
        let style = if node.address.is_none() && node.ttl > 0 { ", style=dashed" } else { "" };
        let label = quoted(&label(node, view));
        writeln!(out, "  {} [label={label}{style}];", quoted(&[node.id.as_str().into()]))?;
    }
    for edge in &view.report.graph.edges {
        let [from, to] = [&edge.from, &edge.to].map(|id| quoted(&[id.as_str().into()]));
        let flows = match edge.flows.len() {
            0 | 1 => String::new(),
            more => format!(" [label=\"x{more}\"]"),
        };
        writeln!(out, "  {from} -> {to}{flows};")?;
    }
    writeln!(out, "}}")
}

fn label<'a>(node: &GraphNode, view: &TraceView<'_>) -> Vec<Cow<'a, str>> {
    let Some(address) = node.address else {
        let who = match node.ttl {
            0 => view.from.word(),
            ttl => format!("{ttl}  *"),
        };
        let address = view.from.address.filter(|_| node.ttl == 0).map(|a| a.to_string());
        return [who].into_iter().chain(address).map(Cow::from).collect();
    };
    let who = view.who(address);
    let time = node.rtt_us.map(number::ms);
    let lines = [format!("{}  {address}", node.ttl), who].into_iter().chain(time);
    lines.map(Cow::from).collect()
}

/// Lines as one double-quoted string in which nothing means anything to Graphviz: no escape, no
/// entity, no end.
fn quoted(lines: &[Cow<'_, str>]) -> String {
    let escaped = |line: &Cow<'_, str>| {
        let mut shown = String::with_capacity(line.len());
        for c in line.chars() {
            match c {
                '"' => shown.push_str("\\\""),
                '\\' => shown.push_str("\\\\"),
                '&' => shown.push_str("&amp;"),
                c if is_hostile(c) => shown.extend(c.escape_default().flat_map(|c| match c {
                    '\\' => vec!['\\', '\\'],
                    c => vec![c],
                })),
                c => shown.push(c),
            }
        }
        shown
    };
    format!("\"{}\"", lines.iter().map(escaped).collect::<Vec<_>>().join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_read_by_graphviz() {
        for (name, shown) in [
            ("node-1", r#""node-1""#),
            (r#"a"]; b"#, r#""a\"]; b""#),
            (r"\N\", r#""\\N\\""#),
            ("&lt;", r#""&amp;lt;""#),
            ("a\nb", r#""a\\nb""#),
            ("\u{202e}x", r#""\\u{202e}x""#),
        ] {
            assert_eq!(quoted(&[name.into()]), shown);
        }
        assert_eq!(quoted(&["a".into(), "b".into()]), r#""a\nb""#);
    }
}
