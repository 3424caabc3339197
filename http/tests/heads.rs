//! Fuzz target 8 of security.md: whatever a server says first, what is told of it is bounded and has
//! no line ends in its fields.

use std::{fs, path::Path};

use netdiag_http::{Exchange, Heard};
use netdiag_wire::http::{HttpEvent, HttpField, HttpRequest, MAX_FIELDS, MAX_HEAD_BYTES};
use proptest::{prelude::*, sample::Index};
use tokio::{io::AsyncWriteExt, runtime::Builder, sync::mpsc};

fn check(fields: &[HttpField]) {
    assert!(fields.len() <= MAX_FIELDS, "{}", fields.len());
    let bytes = |field: &HttpField| field.name.as_bytes().len() + field.value.as_bytes().len();
    assert!(fields.iter().map(bytes).sum::<usize>() <= MAX_HEAD_BYTES);
    for field in fields {
        let text = [field.name.as_bytes(), field.value.as_bytes()].concat();
        assert!(!text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{text:?}");
    }
}

/// What is told of a server that says this and closes; it always comes to an end that is told.
async fn tell(said: &[u8]) {
    let longest = Some(5_000_000);
    let request = HttpRequest { answer_us: longest, with_body: true, ..HttpRequest::to("web", 80) };
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let (_, from) = mpsc::channel(1);
    let (told, mut heard) = mpsc::channel(4);
    let exchange = Exchange::new(&request).unwrap();
    let running = async move { exchange.run(ours, None, from, &told).await };
    let saying = async move { drop(theirs.write_all(said).await) };
    let hearing = async {
        let (mut body, mut ends) = (0, 0);
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Data(data) => body += data.len(),
                Heard::Event(HttpEvent::Interim { fields, .. }) => check(&fields),
                Heard::Event(HttpEvent::Answer(answer)) => {
                    check(&answer.fields);
                    assert!((100..1000).contains(&answer.status));
                }
                Heard::Event(HttpEvent::Over(over)) => {
                    check(&over.trailers);
                    assert_eq!((over.body_bytes, ends), (body as u64, 0));
                    ends += 1;
                }
                Heard::Event(_) | Heard::End => {}
            }
        }
        assert_eq!(ends, 1, "one end is told");
        assert!(body <= said.len());
    };
    let (ran, (), ()) = tokio::join!(running, saying, hearing);
    ran.unwrap();
}

fn run(said: &[u8]) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tell(said));
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/heads");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_seed_replays_cut_anywhere() {
    let seeds = seeds();
    assert!(seeds.len() >= 15);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for seed in seeds {
        for length in 0..=seed.len() {
            runtime.block_on(tell(&seed[..length]));
        }
    }
}

proptest! {
    #[test]
    fn changed_seeds_are_told_within_bounds(
        which: Index,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        more in prop::collection::vec(any::<u8>(), 0..64),
        at: Index,
    ) {
        let seeds = seeds();
        let mut said = which.get(&seeds).clone();
        for (index, byte) in changes {
            let place = index.index(said.len());
            said[place] = byte;
        }
        let place = at.index(said.len() + 1);
        said.splice(place..place, more);
        run(&said);
    }

    #[test]
    fn any_bytes_are_told_within_bounds(said in prop::collection::vec(any::<u8>(), 0..2048)) {
        run(&said);
    }

    #[test]
    fn any_number_of_fields_is_told_within_bounds(count in 0_usize..200, length in 0_usize..400) {
        let field = format!("A: {}\r\n", "b".repeat(length));
        run(format!("HTTP/1.1 200 OK\r\n{}\r\n", field.repeat(count)).as_bytes());
    }
}
