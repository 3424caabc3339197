use netdiag_wire::trace::{TraceOutcome, TraceProtocol};

use super::*;

const PACE: Pace = Pace { patience: millis(250), gap: millis(20) };
const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 9, 9));

const fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// One flow on a clock that tests set.
struct Bench {
    path: Path,
    /// TTLs in the order in which they were asked.
    asked: Vec<u8>,
}

impl Bench {
    fn new(queries: u8, at_once: bool) -> Self {
        let request = TraceRequest { queries, ..TraceRequest::to("10.9.9.9", TraceProtocol::Udp) };
        Self { path: Path::new(0, &request, at_once), asked: Vec::new() }
    }

    /// Sends whatever is due; `answer` says who answers a TTL, at once.
    fn run(&mut self, ms: u64, answer: impl Fn(u8) -> Option<IpAddr>) {
        while let Some(due) = self.path.due(millis(ms), PACE) {
            self.path.sent(due, millis(ms));
            self.asked.push(due.ttl);
            if let Some(address) = answer(due.ttl) {
                let ends = address == TARGET;
                self.path.answered(due.ttl, due.query, of(address), ends);
            }
        }
    }

    fn told(&mut self, ms: u64) -> Vec<TraceHop> {
        std::iter::from_fn(|| self.path.settled(millis(ms), PACE)).collect()
    }

    fn wakes_at(&self, ms: u64) -> Option<u64> {
        self.path.wakes_at(millis(ms), PACE).map(|at| at.as_millis() as u64)
    }

    fn times(&self, ttl: u8) -> usize {
        self.asked.iter().filter(|asked| **asked == ttl).count()
    }
}

fn of(address: IpAddr) -> TraceAnswer {
    TraceAnswer {
        address,
        rtt_us: 100,
        outcome: TraceOutcome::Expired,
        icmp: None,
        ttl: None,
        labels: Vec::new(),
        rewritten_to: None,
    }
}

fn router(ttl: u8) -> IpAddr {
    [10, 9, 0, ttl].into()
}

fn straight(hops: u8) -> impl Fn(u8) -> Option<IpAddr> {
    move |ttl| Some(if ttl < hops { router(ttl) } else { TARGET })
}

#[test]
fn the_target_is_hardly_asked_more_often_than_it_has_to_be() {
    for hops in 1..=12 {
        let mut bench = Bench::new(3, true);
        bench.run(0, straight(hops));
        let told = bench.told(0);
        assert_eq!(told.len(), usize::from(hops));
        assert!(told.iter().all(|hop| hop.answers.len() == 3 && hop.silent == 0));
        let beyond = bench.asked.iter().filter(|ttl| **ttl >= hops).count();
        assert!(beyond <= 3 + WINDOW, "{beyond} for {hops}");
        assert!(bench.path.is_told());
    }
}

#[test]
fn a_window_that_is_answered_keeps_the_next_one_waiting_no_longer() {
    let mut bench = Bench::new(1, true);
    for ttl in [1, 2] {
        let due = bench.path.due(millis(0), PACE).unwrap();
        bench.path.sent(due, millis(0));
        assert_eq!(due.ttl, ttl);
    }
    assert_eq!(bench.wakes_at(0), Some(20), "nobody answered yet");
    for ttl in [1, 2] {
        bench.path.answered(ttl, 0, of(router(ttl)), false);
    }
    assert_eq!(bench.told(0).len(), 2);
    assert_eq!(bench.wakes_at(0), Some(0));
}

#[test]
fn a_silent_middle_hop_is_asked_again_when_a_rate_limit_would_be_over() {
    let mut bench = Bench::new(1, true);
    let answer = |ttl| if ttl == 2 { None } else { straight(4)(ttl) };
    for ms in [0, 20, 250] {
        bench.run(ms, answer);
    }
    assert_eq!((bench.times(2), bench.told(250).len()), (1, 1), "the others wait for it");
    assert_eq!(bench.wakes_at(250), Some(1_100));
    bench.run(1_100, straight(4));
    let told = bench.told(1_100);
    assert_eq!(told.iter().map(|hop| hop.ttl).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(told[0].asked_again && !told[1].asked_again);
}

#[test]
fn a_dead_path_takes_two_rounds() {
    for queries in [1, 3] {
        let mut bench = Bench::new(queries, true);
        let mut now = 0;
        while !bench.path.is_told() && now < 5_000 {
            bench.run(now, |ttl| (ttl < 4).then(|| router(ttl)));
            bench.told(now);
            now += 1;
        }
        assert!((500..=620).contains(&now), "{now} ms");
        assert_eq!(bench.times(30), usize::from(queries.max(2)));
    }
}

#[test]
fn a_loop_is_left_after_its_second_round() {
    let mut bench = Bench::new(1, true);
    bench.run(0, |ttl| Some(router(ttl % 2)));
    assert_eq!(bench.told(0).len(), 4);
    assert!(bench.path.is_told() && bench.asked.iter().all(|ttl| *ttl <= 8), "{:?}", bench.asked);
}

#[test]
fn what_is_not_sent_ends_the_path() {
    let mut bench = Bench::new(3, true);
    let due = bench.path.due(millis(0), PACE).unwrap();
    bench.path.refused(due, SendRefusal::NoRoute, millis(0));
    let told = bench.told(0);
    assert_eq!((told.len(), &told[0].not_sent), (1, &Some(SendRefusal::NoRoute)));
    assert!(bench.path.is_told());
}

#[test]
fn one_after_the_other_never_has_two_under_way() {
    let mut bench = Bench::new(3, false);
    for ms in (0..5_000).step_by(50) {
        let before = bench.asked.len();
        bench.run(ms, |_| None);
        assert!(bench.asked.len() - before <= 1);
    }
    let mut answered = Bench::new(3, false);
    answered.run(0, straight(3));
    assert_eq!(answered.asked, [1, 1, 1, 2, 2, 2, 3], "one connection at the target");
}

#[test]
fn an_echo_tells_how_far_it_is_to_a_target_that_answered_late() {
    let mut bench = Bench::new(1, true);
    for ms in (0..=140).step_by(20) {
        bench.run(ms, |ttl| match ttl {
            1 | 2 => Some(router(ttl)),
            17 => Some(TARGET),
            _ => None,
        });
    }
    let suspects = bench.path.suspects(millis(200), PACE);
    assert_eq!(suspects, (3..17).collect::<Vec<_>>());
    assert!(bench.path.suspects(millis(200), PACE).is_empty(), "asked once");
    for ttl in [17, 2, 40] {
        bench.path.arrives_at(ttl);
        assert_eq!(bench.path.end, Some(16), "{ttl} is none of them");
    }
    bench.path.arrives_at(3);
    let told = bench.told(200);
    assert_eq!(told.last().map(|hop| (hop.ttl, hop.answers[0].address)), Some((3, TARGET)));
    assert!(bench.path.is_told());
}

#[test]
fn a_flow_waits_its_turn_where_another_was_asked_late() {
    let mut bench = Bench::new(1, true);
    let answer = |ttl| if ttl == 2 { None } else { straight(4)(ttl) };
    for ms in [0, 20, 250] {
        bench.run(ms, answer);
    }
    bench.path.wait_for(2, millis(1_100));
    assert_eq!(bench.wakes_at(250), Some(2_200));
}
