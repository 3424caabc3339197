//! The chain of trust, link by link from its anchor.

use std::io::{self, Write};

use netdiag_wire::dns::{DnsReport, Proof};

use super::shown;
use crate::render::{Cell, Column, Mood, Screen, Table, table as write_table};

pub(super) fn table(out: &mut dyn Write, screen: &Screen, report: &DnsReport) -> io::Result<()> {
    if report.chain.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let columns = ["OWNER", "TYPE", "PROOF", "WHY"].map(Column::new).into();
    let row = |link: &netdiag_wire::dns::ChainLink| {
        let (word, mood) = proof(link.proof);
        let proof = Cell { text: word.into(), mood };
        let name = Cell::from(shown(&link.name));
        vec![name, link.kind.to_string().into(), proof, shown(&link.reason).into()]
    };
    let rows = report.chain.iter().map(row).collect();
    write_table(out, screen, &Table { columns, rows })
}

fn proof(proof: Proof) -> (&'static str, Mood) {
    match proof {
        Proof::Secure => ("secure", Mood::Good),
        Proof::Insecure => ("insecure", Mood::Doubtful),
        Proof::Bogus => ("bogus", Mood::Bad),
        Proof::Indeterminate => ("indeterminate", Mood::Doubtful),
        Proof::Unknown => ("?", Mood::Doubtful),
    }
}
