//! Processes with many descriptors, read by two threads from both ends of the work: within one
//! process the kernel makes them wait for each other.

use std::{
    collections::VecDeque,
    ops::Range,
    os::fd::OwnedFd,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use super::descriptors::{Descriptors, Table, Tried};
use crate::second;

/// Numbers in a piece of the work.
const PIECE: u32 = 1024;

/// A process that is read later.
#[derive(Debug)]
pub(super) struct Large {
    pub(super) pid: u32,
    pub(super) dir: OwnedFd,
    pub(super) table: Table,
}

type Found = rustix::io::Result<Tried>;

struct Piece {
    /// Its process's place.
    place: usize,
    numbers: Range<u32>,
}

/// Of each process, in their order, what has one of the numbers below its count.
pub(super) fn tried(
    descriptors: &Descriptors,
    processes: &[Large],
    until: Instant,
) -> impl Iterator<Item = Found> + use<> {
    let left = Mutex::new(pieces(processes));
    let work = |next: fn(&mut VecDeque<Piece>) -> Option<Piece>| {
        let next = || next(&mut left.lock().unwrap_or_else(PoisonError::into_inner));
        let mut found = Vec::new();
        while let Some(Piece { place, numbers }) = next() {
            found.push((place, descriptors.tried(&processes[place].table, numbers, until)));
        }
        found
    };
    let (front, back) =
        second::both(true, || work(VecDeque::pop_front), || work(VecDeque::pop_back));
    let mut whole: Vec<_> = processes.iter().map(|_| Ok(Tried::NOTHING)).collect();
    for (place, found) in front.into_iter().chain(back) {
        add(&mut whole[place], found);
    }
    whole.into_iter()
}

fn pieces(processes: &[Large]) -> VecDeque<Piece> {
    let each = processes.iter().enumerate().flat_map(|(place, Large { table, .. })| {
        let starts = (0..table.count).step_by(PIECE as usize);
        starts.map(move |at| Piece { place, numbers: at..table.count.min(at + PIECE) })
    });
    each.collect()
}

/// An error stays one.
fn add(whole: &mut Found, found: Found) {
    match (whole, found) {
        (Ok(whole), Ok(found)) => {
            whole.sockets.extend(found.sockets);
            whole.is_whole &= found.is_whole;
        }
        (whole @ Ok(_), Err(cause)) => *whole = Err(cause),
        (Err(_), _) => {}
    }
}
