//! What became of a question, as events that fit into lines.

use netdiag_wire::dns::{DnsEvent, Record, Section};

use super::{decode, exchange::Exchanged, message::Message};

/// Of the records of one event, roughly, as JSON; a line holds twice as much and more.
const EVENT_BYTES: usize = 24 * 1_024;

/// Field names, numbers and punctuation of one record.
const RECORD_BYTES: usize = 96;

pub(super) fn emit(mut exchanged: Exchanged, index: u32, emit: &mut impl FnMut(DnsEvent)) {
    exchanged.query.index = index;
    let mut more = Vec::new();
    if let Some(message) = exchanged.query.message.as_mut() {
        let mut room = EVENT_BYTES;
        for section in [Section::Answer, Section::Authority, Section::Additional] {
            let Some(records) = message.section_mut(section) else { continue };
            let rest = records.split_off(fitting(records, &mut room));
            // What follows must not come before what is cut here.
            room = if rest.is_empty() { room } else { 0 };
            more.push((section, rest));
        }
    }
    emit(DnsEvent::Query(Box::new(exchanged.query)));
    more.into_iter().for_each(|(section, rest)| emit_records(index, section, rest, emit));
    for bytes in &exchanged.later {
        let Some(parsed) = Message::parse(bytes) else { continue };
        let message = parsed.message;
        let sections = [
            (Section::Answer, message.answer),
            (Section::Authority, message.authority),
            (Section::Additional, message.additional),
        ];
        for (section, records) in sections {
            emit_records(index, section, decode::records(&records), emit);
        }
    }
}

fn emit_records(
    index: u32,
    section: Section,
    mut records: Vec<Record>,
    emit: &mut impl FnMut(DnsEvent),
) {
    while !records.is_empty() {
        let rest = records.split_off(fitting(&records, &mut EVENT_BYTES.clone()).max(1));
        emit(DnsEvent::Records { index, section, records });
        records = rest;
    }
}

/// How many of the records fit into the room, which they take.
fn fitting(records: &[Record], room: &mut usize) -> usize {
    let taken = records.iter().take_while(|record| {
        let size = RECORD_BYTES + size(record.name.as_bytes()) + size(record.data.as_bytes());
        let fits = size <= *room;
        *room -= if fits { size } else { 0 };
        fits
    });
    taken.count()
}

/// In a JSON string; presentation form has no control characters.
fn size(text: &[u8]) -> usize {
    text.len() + text.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}
