//! The screens of echoes between many.

use netdiag_wire::ping::RttUs;

use super::*;
use crate::{
    diagnose,
    render::{
        scene::{node_peer, pod_peer},
        verdict,
    },
};

/// So many of three echoes are answered.
fn answer(replied: u32, us: u64) -> PingReport {
    let rtt_us = (replied > 0).then_some(RttUs {
        min: us.saturating_sub(10),
        avg: us,
        max: us + 10,
        stddev: 10,
    });
    PingReport { sent: 3, replied, silent: 3 - replied, rtt_us, ..PingReport::default() }
}

/// Every node to every other one.
fn square(nodes: u8, replied: impl Fn(u8, u8) -> u32) -> Matrix {
    let targets: Vec<Peer> = (1..=nodes).map(node_peer).collect();
    let row = |from: u8| Row {
        from: node_peer(from),
        answers: (1..=nodes)
            .map(|to| (to != from).then(|| answer(replied(from, to), 100 + u64::from(from * to))))
            .collect(),
    };
    Matrix { rows: (1..=nodes).map(row).collect(), targets }
}

fn shown(matrix: &Matrix, all: usize) -> String {
    let (mut out, screen) = (Vec::new(), Screen::default());
    super::matrix(&mut out, &screen, &MatrixView { matrix, all }).unwrap();
    verdict(&mut out, &screen, &diagnose::matrix(matrix)).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_pair_has_a_cell() {
    insta::assert_snapshot!(shown(&square(3, |_, _| 3), 3), @r"
    3 nodes (each from its own namespace) -> each other
    FROM    node-1    node-2    node-3
    node-1  -         0.102 ms  0.103 ms
    node-2  0.102 ms  -         0.106 ms
    node-3  0.103 ms  0.106 ms  -

    OK       all 6 pairs answer each echo; slowest 0.116 ms, node-3 -> node-2
    ");
}

#[test]
fn one_in_all_that_fail_is_named() {
    let cut_off = square(4, |from, to| if from == 2 || to == 2 { 0 } else { 3 });
    insta::assert_snapshot!(shown(&cut_off, 4), @r"
    4 nodes (each from its own namespace) -> each other
    FROM    node-1    node-2   node-3    node-4
    node-1  -         silence  0.103 ms  0.104 ms
    node-2  silence   -        silence   silence
    node-3  0.103 ms  silence  -         0.112 ms
    node-4  0.104 ms  silence  0.112 ms  -

    FAIL     ND0302  node-2 is cut off: silence to it and from it, with all 3 others
      unless echoes alone are dropped: connect and trace go by TCP too
      next   kubectl netdiag trace node/node-2 --from node/node-1
    ");
    let deaf = square(4, |_, to| if to == 3 { 0 } else { 3 });
    insta::assert_snapshot!(shown(&deaf, 4), @r"
    4 nodes (each from its own namespace) -> each other
    FROM    node-1    node-2    node-3   node-4
    node-1  -         0.102 ms  silence  0.104 ms
    node-2  0.102 ms  -         silence  0.108 ms
    node-3  0.103 ms  0.106 ms  -        0.112 ms
    node-4  0.104 ms  0.108 ms  silence  -

    FAIL     ND0302  node-3 answers nobody: silence for all 3 sources
      seen   node-3 -> node-1 is answered: packets pass both ways, and only these echoes are dropped
      unless echoes alone are dropped: connect and trace go by TCP too
      next   kubectl netdiag trace node/node-3 --from node/node-1
    ");
}

#[test]
fn a_pair_of_its_own_is_told_as_one() {
    let one_way = square(4, |from, to| if (from, to) == (1, 4) { 0 } else { 3 });
    insta::assert_snapshot!(shown(&one_way, 4), @r"
    4 nodes (each from its own namespace) -> each other
    FROM    node-1    node-2    node-3    node-4
    node-1  -         0.102 ms  0.103 ms  silence
    node-2  0.102 ms  -         0.106 ms  0.108 ms
    node-3  0.103 ms  0.106 ms  -         0.112 ms
    node-4  0.104 ms  0.108 ms  0.112 ms  -

    FAIL     ND0302  1 of 12 pairs: silence: node-1 -> node-4
      seen   node-4 -> node-1 is answered: packets pass both ways, and only these echoes are dropped
      unless echoes alone are dropped: connect and trace go by TCP too
      next   kubectl netdiag trace node/node-4 --from node/node-1
    ");
    insta::assert_snapshot!(shown(&square(2, |_, _| 0), 2), @r"
    2 nodes (each from its own namespace) -> each other
    FROM    node-1   node-2
    node-1  -        silence
    node-2  silence  -

    FAIL     ND0302  2 of 2 pairs: silence: node-1 -> node-2, node-2 -> node-1
      unless echoes alone are dropped: connect and trace go by TCP too
      next   kubectl netdiag trace node/node-2 --from node/node-1
    ");
    let lossy = square(3, |from, to| if (from, to) == (3, 1) { 2 } else { 3 });
    insta::assert_snapshot!(shown(&lossy, 3), @r"
    3 nodes (each from its own namespace) -> each other
    FROM    node-1        node-2    node-3
    node-1  -             0.102 ms  0.103 ms
    node-2  0.102 ms      -         0.106 ms
    node-3  2/3 0.103 ms  0.106 ms  -

    WARN     ND0301  1 of 6 pairs lost echoes, 1 of 3: node-3 -> node-1
      next   kubectl netdiag ping node/node-1 --from node/node-3 -c 100
    ");
}

#[test]
fn what_was_not_sent_is_nobody_elses_fault() {
    let mut matrix = square(3, |_, _| 3);
    matrix.rows[0].answers[1] = Some(PingReport { not_sent: 3, ..PingReport::default() });
    insta::assert_snapshot!(shown(&matrix, 3), @r"
    3 nodes (each from its own namespace) -> each other
    FROM    node-1    node-2    node-3
    node-1  -         not sent  0.103 ms
    node-2  0.102 ms  -         0.106 ms
    node-3  0.103 ms  0.106 ms  -

    FAIL     ND0305  1 of 6 pairs: not sent: node-1 -> node-2
      next   kubectl netdiag trace node/node-2 --from node/node-1
    ");
}

#[test]
fn of_many_each_row_is_summed() {
    let many = square(10, |from, to| if from % 3 == 1 && to > 6 { 0 } else { 3 });
    insta::assert_snapshot!(shown(&many, 40), @r"
    10 of 40 nodes, a sample (each from its own namespace) -> each other
    FROM     ANSWER  MS MIN    MAX  NOT, OR NOT ALWAYS
    node-1      5/9   0.092  0.116  node-7, node-8, node-9 and 1 more
    node-2      9/9   0.092  0.130  -
    node-3      9/9   0.093  0.140  -
    node-4      5/9   0.094  0.134  node-7, node-8, node-9 and 1 more
    node-5      9/9   0.095  0.160  -
    node-6      9/9   0.096  0.170  -
    node-7      6/9   0.097  0.152  node-8, node-9, node-10
    node-8      9/9   0.098  0.190  -
    node-9      9/9   0.099  0.200  -
    node-10     6/9   0.100  0.170  node-7, node-8, node-9

    FAIL     ND0302  14 of 90 pairs: silence: node-1 -> node-7, node-1 -> node-8, node-1 -> node-9 and 11 more
      seen   node-7 -> node-1 is answered: packets pass both ways, and only these echoes are dropped
      unless echoes alone are dropped: connect and trace go by TCP too
      next   kubectl netdiag trace node/node-7 --from node/node-1
    ");
}

#[test]
fn one_end_may_be_alone() {
    let pod = pod_peer("web", [10, 244, 1, 23]);
    let mut from_pod = square(3, |_, _| 3);
    let answers = vec![Some(answer(3, 100)), Some(answer(3, 300)), Some(answer(0, 0))];
    from_pod.rows = vec![Row { from: pod.clone(), answers }];
    insta::assert_snapshot!(shown(&from_pod, 3), @r"
    shop/pod/web (10.244.1.23, node-1) -> 3 nodes
    FROM          node-1    node-2    node-3
    shop/pod/web  0.100 ms  0.300 ms  silence

    FAIL     ND0302  1 of 3 pairs: silence: shop/pod/web -> node-3
      unless echoes alone are dropped: connect and trace go by TCP too
      next   kubectl netdiag trace node/node-3 --from shop/pod/web
    ");
    let mut to_pod = square(3, |_, _| 3);
    to_pod.rows.iter_mut().for_each(|row| row.answers = vec![Some(answer(3, 100))]);
    to_pod.targets = vec![pod];
    insta::assert_snapshot!(shown(&to_pod, 3), @r"
    3 nodes (each from its own namespace) -> shop/pod/web (10.244.1.23, node-1)
    FROM    web
    node-1  0.100 ms
    node-2  0.100 ms
    node-3  0.100 ms

    OK       all 3 pairs answer each echo; slowest 0.110 ms, node-3 -> shop/pod/web
    ");
    to_pod.rows.iter_mut().for_each(|row| row.answers = vec![Some(answer(0, 0))]);
    insta::assert_snapshot!(shown(&to_pod, 3), @r"
    3 nodes (each from its own namespace) -> shop/pod/web (10.244.1.23, node-1)
    FROM    web
    node-1  silence
    node-2  silence
    node-3  silence

    FAIL     ND0302  shop/pod/web answers nobody: silence for all 3 sources
      unless echoes alone are dropped: connect and trace go by TCP too
      next   kubectl netdiag trace shop/pod/web --from node/node-1
    ");
}

#[test]
fn a_node_alone_has_nobody_to_ask() {
    insta::assert_snapshot!(shown(&square(1, |_, _| 3), 1), @r"
    node/node-1 (10.89.0.11) -> 1 node
    FROM    node-1
    node-1  -

    OK       one node alone: there is nobody else to ask
    ");
}
