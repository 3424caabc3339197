//! Fuzz target 4, `dns_message`: any bytes as an answer.

use std::{fs, path::Path, sync::LazyLock};

use netdiag_wire::{
    MAX_LINE_BYTES,
    dns::{DnsEvent, DnsOutcome, DnsRequest, RecordType},
};
use proptest::prelude::*;

use super::{
    super::{
        cursor::STEPS,
        exchange::{Client, Exchanged, Server, accept::accept, outcome},
        message::{Message, Parsed},
        report,
    },
    ID, Row, query, rows,
};

/// A question of 6 bytes may have a name of 127 labels that are reached by as many pointers.
const MOST_STEPS_PER_BYTE: u64 = 80;
/// A record of 16 bytes may have three names of 255 octets, each octet as `\\DDD` in JSON.
const MOST_SHOWN_PER_BYTE: usize = 256;

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(rows);

/// What must hold of any bytes, whoever sends them.
fn check(bytes: &[u8]) {
    let before = STEPS.get();
    let Some(parsed) = Message::parse(bytes) else { return assert!(bytes.len() < 12) };
    let steps = STEPS.get() - before;
    assert!(steps <= 64 + bytes.len() as u64 * MOST_STEPS_PER_BYTE, "{steps} of {}", bytes.len());
    is_the_same_again(&parsed);
    belongs_if_it_is_used(bytes);
    fits_into_lines(parsed, bytes.len());
}

/// Written without compression and read again, it means the same.
fn is_the_same_again(parsed: &Parsed) {
    let again = Message::parse(&parsed.message.encode()).unwrap();
    if parsed.fault.is_none() {
        assert_eq!((&again.message, &again.fault), (&parsed.message, &None));
    }
}

fn belongs_if_it_is_used(bytes: &[u8]) {
    let query = query();
    let Ok(parsed) = accept(&query, &[ID], bytes) else { return };
    assert_eq!(bytes[..2], ID.to_be_bytes());
    let outcome = outcome::of(&query.asked, &parsed);
    match &parsed.message.question[..] {
        [question] => assert!(question.is_same(&query.asked)),
        questions => {
            assert!(questions.is_empty());
            assert_ne!(outcome, DnsOutcome::Answered);
        }
    }
    assert_eq!(outcome == DnsOutcome::Malformed, parsed.fault.is_some());
}

fn fits_into_lines(parsed: Parsed, length: usize) {
    let exchanged = exchanged(parsed, length);
    let records = |events: &[DnsEvent]| -> usize {
        let of = |event: &DnsEvent| match event {
            DnsEvent::Query(query) => {
                let message = query.message.as_ref().unwrap();
                message.answer.len() + message.authority.len() + message.additional.len()
            }
            DnsEvent::Records { records, .. } => records.len(),
            _ => 0,
        };
        events.iter().map(of).sum()
    };
    let message = exchanged.message.clone().unwrap();
    let all = message.answer.len() + message.authority.len() + message.additional.len();
    let mut events = Vec::new();
    report::emit(exchanged, 0, &mut |event| events.push(event));
    assert_eq!(records(&events), all);
    let lines: Vec<_> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    // With room for the time of day.
    assert!(lines.iter().all(|line| line.len() < MAX_LINE_BYTES - 64));
    let shown: usize = lines.iter().map(String::len).sum();
    assert!(shown <= 4_096 + length * MOST_SHOWN_PER_BYTE, "{shown} of {length}");
}

/// As if the message were the answer.
fn exchanged(parsed: Parsed, length: usize) -> Exchanged {
    let request = DnsRequest::ask("a.example", RecordType::A, "127.0.0.1");
    let client = Client::new(&request, &|_| Ok(()));
    let server = Server { address: ([127, 0, 0, 1], 53).into(), name: None };
    let mut pending = client.pending(&query().asked, &server).unwrap();
    pending.answered(parsed, length);
    pending.finish()
}

/// Every file of the corpus, which fuzzing may add to, and every row of the table.
#[test]
fn any_bytes_are_judged() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/dns_message");
    let files: Vec<_> = fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 150, "{} files", files.len());
    files.iter().for_each(|file| check(&fs::read(file).unwrap()));
    ROWS.iter().for_each(|(_, bytes, _)| check(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4 * ProptestConfig::default().cases))]

    #[test]
    fn noise_is_judged(bytes: Vec<u8>) {
        check(&bytes);
    }

    #[test]
    fn a_changed_answer_is_judged(
        row: prop::sample::Index,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        length: prop::sample::Index,
        is_cut: bool,
    ) {
        let mut bytes = row.get(&ROWS).1.clone();
        bytes.truncate(4_096);
        if !bytes.is_empty() {
            changes.iter().for_each(|(at, byte)| *at.get_mut(&mut bytes) = *byte);
            bytes.truncate(if is_cut { length.index(bytes.len()) } else { bytes.len() });
        }
        check(&bytes);
    }
}
