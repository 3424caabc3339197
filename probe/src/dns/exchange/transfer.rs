//! A zone as it comes in one or more messages (RFC 5936, RFC 1995).

use std::time::Duration;

use netdiag_wire::dns::{DnsOutcome, MAX_TRANSFER_RECORDS, RecordType};
use tokio::{io::AsyncRead, time::Instant};

use super::{
    super::message::{Message, Parsed, RawRecord},
    pending::Pending,
    stream::{in_words, message, until},
};

/// Of all messages together, as they are kept until the end.
const MAX_BYTES: usize = 16 * 1_024 * 1_024;
/// With what does not belong; one that does has a record at least.
const MAX_MESSAGES: u32 = MAX_TRANSFER_RECORDS;
/// Before each message over a connection.
const LENGTH_BYTES: usize = 2;

pub(super) struct Transfer<'a> {
    one: &'a mut Pending,
    first: Option<Parsed>,
    size: usize,
    /// With what does not belong and the lengths before.
    heard: usize,
    /// With those that do not belong.
    received: u32,
    messages: u32,
    end: End,
}

/// Finds the record that ends a transfer.
#[derive(Debug, Default)]
struct End {
    /// Of IXFR, where one SOA record alone says that nothing is newer.
    may_be_alone: bool,
    is_incremental: bool,
    records: u32,
    /// Of the first record, which must be a SOA.
    serial: Option<[u8; 4]>,
    /// How often that serial was seen.
    seen: u32,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(one: &'a mut Pending) -> Self {
        let may_be_alone = one.query.asked.kind == RecordType::IXFR;
        let end = End { may_be_alone, ..End::default() };
        Self { one, first: None, size: 0, heard: 0, received: 0, messages: 0, end }
    }

    /// Each message may take as long as one answer, and all together no longer than `whole`.
    pub(super) async fn take(
        mut self,
        stream: &mut (impl AsyncRead + Unpin),
        each: Duration,
        whole: Duration,
    ) {
        let ends = Instant::now() + whole;
        let problem = loop {
            match until(ends.min(Instant::now() + each), message(stream)).await {
                None if self.messages == 0 => return self.one.give_up(),
                None if Instant::now() >= ends => return self.enough(),
                None => break Some(format!("the transfer stopped {}", self.so_far())),
                Some(Err(error)) if self.messages == 0 => {
                    return self.one.end(DnsOutcome::Reset, Some(in_words(&error)));
                }
                Some(Err(_)) => break Some(format!("the transfer broke off {}", self.so_far())),
                Some(Ok(bytes)) => match self.note(bytes) {
                    Step::More => {}
                    Step::Done => break None,
                    Step::Broken(problem) => break Some(problem),
                    Step::Enough => return self.enough(),
                },
            }
        };
        self.finish(problem, None);
    }

    /// Our own bound is no fault of the server's.
    fn enough(self) {
        let stopped = format!("stopped {}", self.so_far());
        self.finish(None, Some(&stopped));
    }

    fn note(&mut self, bytes: Vec<u8>) -> Step {
        self.heard += LENGTH_BYTES + bytes.len();
        self.received += 1;
        let is_enough = self.heard >= MAX_BYTES || self.received >= MAX_MESSAGES;
        let Some(parsed) = self.parse(&bytes) else {
            return if is_enough { Step::Enough } else { Step::More };
        };
        self.size += bytes.len();
        self.messages += 1;
        if let Some(fault) = &parsed.fault {
            let fault = format!("message {}: {fault}", self.messages);
            self.keep(parsed, bytes);
            return Step::Broken(fault);
        }
        let is_refused = parsed.message.rcode() != 0;
        let has_ended = self.end.note(&parsed.message.answer);
        let is_empty = parsed.message.answer.is_empty();
        self.keep(parsed, bytes);
        match has_ended {
            _ if is_refused || is_empty => Step::Done,
            Err(problem) => Step::Broken(problem),
            Ok(true) => Step::Done,
            Ok(false) if is_enough || self.end.records >= MAX_TRANSFER_RECORDS => Step::Enough,
            Ok(false) => Step::More,
        }
    }

    /// Only the first message need repeat the question (RFC 5936, section 2.2.1).
    fn parse(&mut self, bytes: &[u8]) -> Option<Parsed> {
        if self.first.is_none() {
            return self.one.hear(bytes);
        }
        let parsed = Message::parse(bytes)?;
        let is_ours = parsed.message.header.flags.qr && self.one.has_sent(parsed.message.header.id);
        is_ours.then_some(parsed)
    }

    fn keep(&mut self, parsed: Parsed, bytes: Vec<u8>) {
        match self.first {
            None => self.first = Some(parsed),
            Some(_) => self.one.exchanged.later.push(bytes),
        }
    }

    fn finish(self, problem: Option<String>, note: Option<&str>) {
        let Some(mut first) = self.first else { return self.one.give_up() };
        let is_whole = problem.is_none();
        first.fault = first.fault.or(problem);
        self.one.answered(first, self.size);
        let query = &mut self.one.exchanged.query;
        if let Some(message) = query.message.as_mut().filter(|_| self.messages > 1) {
            message.messages = Some(self.messages);
        }
        if !is_whole && self.end.records > 0 {
            query.outcome = DnsOutcome::Malformed;
        }
        note.into_iter().for_each(|note| self.one.note(note));
    }

    fn so_far(&self) -> String {
        format!("after {} records in {} messages", self.end.records, self.messages)
    }
}

enum Step {
    More,
    Done,
    Broken(String),
    Enough,
}

impl End {
    /// Whether the transfer is complete with these records.
    fn note(&mut self, records: &[RawRecord]) -> Result<bool, String> {
        let is_alone = self.may_be_alone && self.records == 0 && records.len() == 1;
        for record in records {
            let serial = serial(record);
            self.records += 1;
            match (self.serial, serial) {
                (None, None) => return Err("the transfer does not begin with a SOA record".into()),
                (None, Some(_)) => self.serial = serial,
                // An old version in second place begins the differences.
                (Some(first), Some(second)) if self.records == 2 && first != second => {
                    self.is_incremental = true;
                }
                _ => {}
            }
            self.seen += u32::from(serial.is_some() && serial == self.serial);
        }
        let wanted = if self.is_incremental { 3 } else { 2 };
        Ok(self.seen >= wanted || is_alone)
    }
}

fn serial(record: &RawRecord) -> Option<[u8; 4]> {
    let is_soa = record.kind == RecordType::SOA;
    let numbers = record.data.last_chunk::<20>().filter(|_| is_soa)?;
    numbers.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use netdiag_wire::dns::{Class, DnsRequest};
    use tokio::time::timeout;

    use super::{
        super::{super::message::Asked, Client, Server},
        *,
    };
    use crate::dns::name::Name;

    const LONG: Duration = Duration::from_secs(60);

    /// What is left when such a stream is taken for a transfer, if that ends.
    async fn taken(mut stream: impl AsyncRead + Unpin, whole: Duration) -> Option<DnsOutcome> {
        let request = DnsRequest::ask("a.test", RecordType::AXFR, "10.0.0.1");
        let client = Client::new(&request, &|_| Ok(()));
        let name = Name::parse("a.test").unwrap().0;
        let asked = Asked { name, kind: RecordType::AXFR, class: Class::IN };
        let server = Server { address: "10.0.0.1:53".parse().unwrap(), name: None };
        let mut one = client.pending(&asked, &server).unwrap();
        let take = Transfer::new(&mut one).take(&mut stream, LONG, whole);
        timeout(LONG / 4, take).await.ok()?;
        Some(one.finish().query.outcome)
    }

    #[tokio::test]
    async fn messages_without_end_that_say_nothing_come_to_one() {
        assert_eq!(taken(tokio::io::repeat(0), LONG).await, Some(DnsOutcome::Silence));
    }

    #[tokio::test]
    async fn all_together_takes_no_longer_than_it_may() {
        let (ours, _theirs) = tokio::io::duplex(1);
        assert_eq!(taken(ours, Duration::from_millis(10)).await, Some(DnsOutcome::Silence));
    }
}
