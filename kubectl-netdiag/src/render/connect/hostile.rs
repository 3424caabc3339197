//! B10 for connect: a hundred banners and replies that want more than to be read.

use netdiag_wire::{SendRefusal, Untrusted, connect::ConnectOutcome};

use super::scene::{ConnectScene, foo};
use crate::render::{
    Format, Screen,
    hostile::{assert_harmless, context, payloads},
};

/// Every payload alone, behind a greeting, before one, and cut by bytes that are no UTF-8.
fn banners() -> Vec<Vec<u8>> {
    let payloads = payloads();
    let dressed = payloads.iter().flat_map(|text| {
        let text = text.as_bytes();
        [
            text.to_vec(),
            [b"SSH-2.0-", text].concat(),
            [text, b"\r\n220 ready\r\n"].concat(),
            [b"\xff\xc0", text, b"\x9b31m\xe2\x80"].concat(),
        ]
    });
    let single = (0..=u8::MAX).map(|byte| vec![b'a', byte, b'z']);
    dressed.chain(single).collect()
}

fn scenes(banner: &[u8]) -> Vec<ConnectScene> {
    let said = || Untrusted::from(banner.to_vec());
    let pod = || ConnectScene::to(foo(), "8080");
    let message = said();
    vec![
        pod().then(520, ConnectOutcome::Connected { banner: Some(said()), closed: false }),
        pod().then(520, ConnectOutcome::Reset { banner: Some(said()) }),
        pod().udp().then(9, ConnectOutcome::Replied { from: None, bytes: 9, data: said() }),
        pod().then(9, ConnectOutcome::NotSent { refusal: SendRefusal::Other { message } }),
    ]
}

#[test]
fn no_banner_reaches_the_screen_raw() {
    let banners = banners();
    assert!(banners.len() >= 100, "{}", banners.len());
    let formats = [Format::Text, Format::Wide, Format::Ndjson, Format::Verdict];
    for banner in &banners {
        let payload = String::from_utf8_lossy(banner);
        for mut scene in scenes(banner) {
            for format in formats {
                scene.screen = Screen { format, ..Screen::default() };
                assert_harmless(scene.shown().as_bytes(), &payload);
            }
        }
    }
}

#[test]
fn no_name_around_it_does_either() {
    for text in payloads() {
        let mut scene = ConnectScene::to(foo(), "8080");
        let address = scene.context.to.address;
        scene.context = context(&text);
        scene.context.to.address = address;
        let refused = ConnectOutcome::Refused { ttl: Some(64) };
        assert_harmless(scene.then(520, refused).shown().as_bytes(), &text);
    }
}
