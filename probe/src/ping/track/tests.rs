use std::collections::BTreeSet;

use netdiag_wire::{IcmpMeaning, ping::PingFold};
use proptest::prelude::*;

use super::*;

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 2, 2));
const EPOCH: Duration = Duration::from_secs(1_800_000_000);

/// One target, pinged every second and waited for one second, on a clock that tests set.
struct Bench {
    track: Track,
    events: Vec<PingEvent>,
}

impl Bench {
    fn new(count: u32) -> Self {
        let mut request = PingRequest::to("10.9.2.2");
        request.count = count.try_into().ok();
        Self::of(&request)
    }

    fn of(request: &PingRequest) -> Self {
        Self { track: Track::new(0, request), events: Vec::new() }
    }

    fn send(&mut self, ms: u64) {
        self.track.sent(moment(ms), &mut |event| self.events.push(event));
    }

    fn refuse(&mut self, ms: u64) {
        let refusal = SendRefusal::NoRoute;
        self.track.not_sent(moment(ms), refusal, &mut |event| self.events.push(event));
    }

    fn reply(&mut self, wire: u16, ms: u64) {
        let reply = Reply { from: SERVER, bytes: 64, ttl: Some(63), wrong_byte: None };
        self.track.replied(wire, reply, arrival(ms), &mut |event| self.events.push(event));
    }

    fn reject(&mut self, wire: u16, ms: u64) {
        let icmp = IcmpError { meaning: IcmpMeaning::HostUnreachable, kind: 3, code: 1, mtu: None };
        self.track.rejected(wire, SERVER, icmp, arrival(ms), &mut |event| self.events.push(event));
    }

    fn expire(&mut self, ms: u64) {
        self.track.expire(millis(ms), &mut |event| self.events.push(event));
    }

    fn wakes_at(&self) -> Option<u64> {
        self.track.wakes_at().map(|at| at.as_millis() as u64)
    }

    fn last(&self) -> &PingEvent {
        self.events.last().unwrap()
    }
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn moment(ms: u64) -> Moment {
    Moment { elapsed: millis(ms), real: EPOCH + millis(ms) }
}

fn arrival(ms: u64) -> Arrival {
    Arrival { stamp: Some(EPOCH + millis(ms)), read: moment(ms + 1) }
}

fn is_silence(event: &PingEvent, wanted: u32) -> bool {
    matches!(event, PingEvent::Silence { seq, .. } if *seq == wanted)
}

#[test]
fn requests_are_due_on_the_interval_whatever_comes_back() {
    let mut bench = Bench::new(3);
    assert_eq!(bench.track.due(millis(0)), Some(1));
    bench.send(0);
    assert_eq!(bench.track.due(millis(999)), None);
    assert_eq!(bench.track.due(millis(1_000)), Some(2));
    bench.send(1_004);
    assert_eq!(bench.track.due(millis(2_000)), Some(3), "a late send does not move the others");
    bench.send(2_000);
    assert_eq!(bench.track.due(millis(9_000)), None, "all were sent");
}

#[test]
fn a_sender_that_was_held_up_does_not_send_hours_in_a_burst() {
    let mut bench = Bench::new(0);
    bench.send(0);
    bench.send(3_600_000);
    assert_eq!(bench.track.due(millis(3_600_000)), Some(3));
    bench.send(3_600_000);
    assert_eq!(bench.track.due(millis(3_600_000)), None);
}

#[test]
fn the_round_trip_goes_by_the_kernels_stamp() {
    let mut bench = Bench::new(1);
    bench.send(0);
    bench.reply(1, 7);
    assert!(matches!(bench.last(), PingEvent::Replied { seq: 1, rtt_us: 7_000, .. }));
    assert_eq!(bench.wakes_at(), None);
}

#[test]
fn a_clock_that_was_set_in_between_does_not_show() {
    for stamp in [EPOCH - millis(500), EPOCH + millis(60_000)] {
        let mut bench = Bench::new(1);
        bench.send(0);
        let at = Arrival { stamp: Some(stamp), read: moment(8) };
        let reply = Reply { from: SERVER, bytes: 64, ttl: None, wrong_byte: None };
        bench.track.replied(1, reply, at, &mut |event| bench.events.push(event));
        assert!(matches!(bench.last(), PingEvent::Replied { rtt_us: 8_000, late: false, .. }));
    }
}

#[test]
fn a_reply_after_the_wait_is_late_and_silence_is_said_before_it() {
    let mut bench = Bench::new(2);
    bench.send(0);
    bench.expire(999);
    assert_eq!(bench.events.len(), 1);
    bench.expire(1_000);
    assert!(is_silence(bench.last(), 1));
    bench.send(1_000);
    bench.reply(1, 1_180);
    assert!(matches!(bench.last(), PingEvent::Replied { seq: 1, late: true, .. }));

    bench.reply(2, 2_100);
    let [.., silence, reply] = &bench.events[..] else { panic!() };
    assert!(is_silence(silence, 2), "also when nobody looked in between");
    assert!(matches!(reply, PingEvent::Replied { seq: 2, late: true, .. }));
}

#[test]
fn duplicates_and_reordered_replies_are_told_apart() {
    let mut bench = Bench::new(3);
    (0..3).for_each(|i| bench.send(i * 10));
    bench.reply(3, 40);
    bench.reply(1, 41);
    bench.reply(1, 42);
    bench.reply(2, 43);
    let said: Vec<_> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            PingEvent::Replied { seq, duplicate, reordered, .. } => {
                Some((*seq, *duplicate, *reordered))
            }
            _ => None,
        })
        .collect();
    assert_eq!(said, [(3, false, false), (1, false, true), (1, true, false), (2, false, true)]);
}

#[test]
fn a_request_is_rejected_once_and_not_at_all_when_answered() {
    let mut bench = Bench::new(2);
    bench.send(0);
    bench.send(10);
    bench.reject(1, 20);
    bench.reject(1, 21);
    bench.reply(2, 22);
    bench.reject(2, 23);
    let rejected = bench.events.iter().filter(|e| matches!(e, PingEvent::Rejected { .. }));
    assert_eq!(rejected.count(), 1);
    assert_eq!(bench.wakes_at(), None);
}

#[test]
fn who_heard_nothing_lingers_for_a_late_rejection() {
    let mut bench = Bench::new(1);
    bench.send(0);
    bench.expire(1_000);
    assert_eq!(bench.wakes_at(), Some(3_500));
    bench.reject(1, 3_060);
    assert!(matches!(bench.last(), PingEvent::Rejected { after_us: 3_060_000, .. }));
    assert_eq!(bench.wakes_at(), None);
}

#[test]
fn lingering_ends() {
    let mut bench = Bench::new(1);
    bench.send(0);
    bench.expire(3_499);
    assert_eq!(bench.wakes_at(), Some(3_500));
    bench.expire(3_500);
    assert_eq!(bench.wakes_at(), None);
}

#[test]
fn nothing_sent_is_nothing_to_linger_for() {
    let mut bench = Bench::new(1);
    bench.refuse(0);
    bench.expire(0);
    assert_eq!(bench.wakes_at(), None);
}

#[test]
fn once_ends_with_the_first_reply() {
    let mut request = PingRequest::to("10.9.2.2");
    request.once = true;
    let mut bench = Bench::of(&request);
    bench.send(0);
    bench.send(1_000);
    assert!(bench.wakes_at().is_some());
    bench.reply(2, 1_010);
    assert_eq!((bench.wakes_at(), bench.track.due(millis(5_000))), (None, None));
}

#[test]
fn numbers_beyond_those_of_a_packet_are_kept_apart() {
    let mut bench = Bench::new(0);
    (0..70_000).for_each(|i| bench.send(i));
    bench.reply(70_000_u32 as u16, 70_001);
    assert!(matches!(bench.last(), PingEvent::Replied { seq: 70_000, .. }));
    bench.reply(70_001_u32 as u16, 70_002);
    assert!(matches!(bench.last(), PingEvent::Replied { seq: 70_000, .. }), "not sent yet");
}

#[test]
fn memory_is_bounded_and_nobody_is_forgotten() {
    let mut request = PingRequest::to("10.9.2.2");
    request.wait_us = 3_600_000_000;
    let mut bench = Bench::of(&request);
    (0..100_000).for_each(|i| bench.send(i));
    assert!(bench.track.kept.len() <= MAX_KEPT);
    let silences = bench.events.iter().filter(|e| matches!(e, PingEvent::Silence { .. })).count();
    assert_eq!(silences + bench.track.waiting, 100_000);
}

#[derive(Clone, Debug)]
enum Step {
    Send,
    Refuse,
    Reply(u16),
    Reject(u16),
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Send),
        1 => Just(Step::Refuse),
        3 => (0..12_u16).prop_map(Step::Reply),
        1 => any::<u16>().prop_map(Step::Reply),
        2 => (0..12_u16).prop_map(Step::Reject),
        1 => any::<u16>().prop_map(Step::Reject),
        2 => Just(Step::Expire),
    ]
}

proptest! {
    /// Whatever is sent and whoever lies: no answer to a request that was not sent, and every
    /// request has exactly one fate in the report.
    #[test]
    fn nothing_is_matched_that_was_not_sent(
        steps in prop::collection::vec((step(), 0..700_u64), 0..60)
    ) {
        let mut bench = Bench::new(0);
        let (mut now, mut sent, mut tried) = (0, BTreeSet::new(), 0);
        for (step, later) in steps {
            now += later;
            match step {
                Step::Send => { bench.send(now); tried += 1; sent.insert(tried); }
                Step::Refuse => { bench.refuse(now); tried += 1; }
                Step::Reply(wire) => bench.reply(wire, now),
                Step::Reject(wire) => bench.reject(wire, now),
                Step::Expire => bench.expire(now),
            }
            let seq = match bench.events.last() {
                Some(PingEvent::Replied { seq, .. } | PingEvent::Rejected { seq, .. }) => *seq,
                _ => continue,
            };
            prop_assert!(sent.contains(&seq), "{seq} of {sent:?}");
        }
        let mut fold = PingFold::new(&PingRequest::to("10.9.2.2"));
        bench.events.iter().for_each(|event| fold.push(event));
        let report = fold.reports(None, None).remove(0);
        prop_assert_eq!(report.sent as usize, sent.len());
        prop_assert_eq!(report.tried(), tried);
        prop_assert_eq!(report.pending as usize, bench.track.waiting);
    }
}
