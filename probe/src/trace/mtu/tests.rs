//! The search on paths whose links are known.

use std::net::IpAddr;

use netdiag_wire::trace::MtuLimit;

use super::{
    Heard, LEAST, Lane, Station,
    sweep::{Passes, Sweep},
};
use crate::ProbeError;

/// One step of a path.
#[derive(Clone, Copy)]
struct Link {
    mtu: u16,
    /// What the router before it says would fit; `None`: it drops in silence.
    told: Option<u32>,
}

const WIDE: Link = Link { mtu: 1500, told: None };

fn announced(mtu: u16) -> Link {
    Link { mtu, told: Some(mtu.into()) }
}

fn silent(mtu: u16) -> Link {
    Link { mtu, told: None }
}

struct Path {
    links: Vec<Link>,
    asked: Vec<(u8, u16)>,
    /// Loses the packets at these places of the order.
    lost: Vec<usize>,
    /// It does so by a rate limit.
    is_limited: bool,
}

impl Path {
    fn of(links: &[Link]) -> Self {
        Self { links: links.to_vec(), asked: Vec::new(), lost: Vec::new(), is_limited: false }
    }
}

fn router(ttl: u8) -> IpAddr {
    IpAddr::from([10, 9, ttl, 2])
}

impl Lane for Path {
    async fn ask(&mut self, ttl: u8, size: u16) -> Result<Heard, ProbeError> {
        let is_lost = self.lost.contains(&self.asked.len());
        self.asked.push((ttl, size));
        if is_lost {
            return Ok(Heard::Silence);
        }
        let links = self.links[..usize::from(ttl)].iter().zip(0..);
        let narrow = links.clone().find(|(link, _)| size > link.mtu);
        Ok(match narrow {
            None => Heard::Answer,
            Some((_, 0)) => Heard::TooLongHere,
            Some((Link { told: Some(told), .. }, at)) => {
                let mtu = Some(*told).filter(|told| *told > 0);
                Heard::TooBig { by: router(at), mtu }
            }
            Some(_) => Heard::Silence,
        })
    }

    fn rest(&mut self) {
        if self.is_limited {
            self.lost.clear();
        }
    }
}

struct Swept {
    passes: Vec<Option<Passes>>,
    asked: Vec<(u8, u16)>,
}

impl Swept {
    fn sizes(&self) -> Vec<u16> {
        self.passes.iter().map(|passes| passes.as_ref().map_or(0, |p| p.size)).collect()
    }

    fn limit(&self, ttl: usize) -> Option<&MtuLimit> {
        self.passes[ttl - 1].as_ref()?.limit.as_ref()
    }
}

async fn sweep(links: &[Link]) -> Swept {
    sweep_with(links, u16::MAX, Vec::new()).await
}

async fn sweep_with(links: &[Link], top: u16, lost: Vec<usize>) -> Swept {
    sweep_path(Path { lost, ..Path::of(links) }, top).await
}

async fn sweep_path(mut path: Path, top: u16) -> Swept {
    let links = path.links.clone();
    let stations: Vec<Station> = (1..=links.len() as u8)
        .map(|ttl| Station { ttl, address: router(ttl), is_limited: true })
        .collect();
    let top = top.min(links[0].mtu);
    let passes = Sweep { lane: &mut path, stations: &stations, top }.all(LEAST).await.unwrap();
    Swept { passes, asked: path.asked }
}

#[tokio::test]
async fn one_packet_tells_that_all_of_it_is_wide() {
    let swept = sweep(&[WIDE; 5]).await;
    assert_eq!(swept.sizes(), [1500; 5]);
    assert_eq!(swept.limit(1), Some(&MtuLimit::Interface));
    assert!((2..=5).all(|ttl| swept.limit(ttl).is_none()));
    assert_eq!(swept.asked, [(5, 1500)]);
}

#[tokio::test]
async fn what_a_router_says_is_tried_and_no_more() {
    let swept = sweep(&[WIDE, WIDE, announced(1400), WIDE]).await;
    assert_eq!(swept.sizes(), [1500, 1500, 1400, 1400]);
    let by_the_router = MtuLimit::Icmp { address: router(2), mtu: 1400 };
    assert_eq!(swept.limit(3), Some(&by_the_router));
    assert_eq!(swept.asked, [(4, 1500), (4, 1400), (4, 1401), (2, 1500)]);
}

#[tokio::test]
async fn a_black_hole_is_found_to_the_byte() {
    for mtu in [69, 576, 1279, 1280, 1281, 1400, 1450, 1498, 1499] {
        let swept = sweep(&[WIDE, WIDE, silent(mtu), WIDE]).await;
        assert_eq!(swept.sizes(), [1500, 1500, mtu, mtu], "{:?}", swept.asked);
        assert_eq!(swept.limit(3), Some(&MtuLimit::Silence { sent: 4 }));
        assert!(swept.asked.len() < 40, "{mtu}: {:?}", swept.asked);
    }
}

#[tokio::test]
async fn each_step_down_has_its_place() {
    let links = [WIDE, silent(1460), WIDE, announced(1400), silent(1300), WIDE];
    let swept = sweep(&links).await;
    assert_eq!(swept.sizes(), [1500, 1460, 1460, 1400, 1300, 1300]);
    assert_eq!(swept.limit(2), Some(&MtuLimit::Silence { sent: 4 }));
    assert_eq!(swept.limit(4), Some(&MtuLimit::Icmp { address: router(3), mtu: 1400 }));
    assert_eq!(swept.limit(5), Some(&MtuLimit::Silence { sent: 4 }));
}

#[tokio::test]
async fn a_router_that_lies_is_found_out() {
    for told in [0, 1, 68, 100, 1399, 1401, 1499, 1500, 9000, 70_000] {
        let swept = sweep(&[WIDE, Link { mtu: 1400, told: Some(told) }, WIDE]).await;
        assert_eq!(swept.sizes(), [1500, 1400, 1400], "told {told}: {:?}", swept.asked);
        assert!(matches!(swept.limit(2), Some(MtuLimit::Icmp { .. })), "told {told}");
        assert!(swept.asked.len() < 40, "told {told}: {:?}", swept.asked);
    }
}

#[tokio::test]
async fn an_interface_of_unknown_mtu_is_found_without_a_packet() {
    let mut path = Path::of(&[WIDE; 3]);
    let stations = [Station { ttl: 3, address: router(3), is_limited: true }];
    let mut sweep = Sweep { lane: &mut path, stations: &stations, top: u16::MAX };
    let found = sweep.all(LEAST).await.unwrap();
    assert_eq!(found, [Some(Passes { size: 1500, limit: Some(MtuLimit::Interface) })]);
}

#[tokio::test]
async fn a_lost_packet_is_no_limit() {
    for lost in 0..3 {
        let swept = sweep_with(&[WIDE; 3], u16::MAX, vec![lost]).await;
        assert_eq!(swept.sizes(), [1500; 3]);
    }
    for lost in 0..12 {
        let links = [WIDE, silent(1400), WIDE];
        let swept = sweep_with(&links, u16::MAX, vec![lost, lost + 1]).await;
        assert_eq!(swept.sizes(), [1500, 1400, 1400], "{lost}: {:?}", swept.asked);
    }
}

#[tokio::test]
async fn a_rate_limit_is_no_limit_of_a_size() {
    for answers_one_of in 2..12 {
        let lost = (0..1_000).filter(|place| (place + 1) % answers_one_of != 0).collect();
        let path = Path { lost, is_limited: true, ..Path::of(&[WIDE; 3]) };
        let sizes = sweep_path(path, u16::MAX).await.sizes();
        assert_eq!(sizes, [1500; 3], "{answers_one_of}");
    }
}

#[tokio::test]
async fn who_no_longer_answers_passes_nothing() {
    let swept = sweep_with(&[WIDE, WIDE], u16::MAX, (0..1_000).collect()).await;
    assert_eq!(swept.passes, [None, None]);
}
