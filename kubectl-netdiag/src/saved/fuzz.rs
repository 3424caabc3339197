//! Fuzz target 14 of security.md, agent to plugin: what real probes said (`fuzz/streams`), damaged
//! in any way, is read, folded, judged and shown without a panic, in bounded memory, and steers no
//! terminal. Seen to fail with an `unwrap` of the event in `Stream::take`.

use std::{fs, io::Cursor, path::Path, sync::LazyLock};

use netdiag_wire::untrusted::is_hostile;
use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{
    cluster::Surroundings,
    render::{Format, Screen},
    session::Streams,
};

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/streams");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
});
/// What is shown is no more than this for every byte that came, and a page.
const MOST: usize = 64;
const LITTLE: usize = 64 * 1024;

/// Shows it; whether it was a stream to its end.
fn shown(bytes: &[u8], format: Format) -> bool {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut session = Session {
        out: &mut out,
        err: &mut err,
        screen: Screen { format, detail: 1, ..Screen::default() },
        shows_progress: false,
        streams: Streams {
            stdin_is_terminal: false,
            stdout_is_terminal: true,
            stdout: || Err(io::ErrorKind::Unsupported.into()),
        },
        surroundings: Surroundings::default(),
        from: None,
    };
    let read = Box::new(Cursor::new(bytes.to_vec()));
    let done = show(Input { path: Path::new("-"), read }, &mut session);
    if let Err(Stopped::Failure(failure)) = &done {
        let screen = Screen::default();
        render::failure(&mut out, &screen, failure).unwrap();
    }
    out.extend(err);
    assert!(out.len() <= LITTLE + MOST * bytes.len(), "{} of {}", out.len(), bytes.len());
    let text = String::from_utf8(out).unwrap();
    let odd = text.chars().find(|letter| *letter != '\n' && is_hostile(*letter));
    assert_eq!(odd, None, "{text:?}");
    done.is_ok()
}

fn in_every_format(bytes: &[u8]) {
    for format in [Format::Text, Format::Wide, Format::Json, Format::Ndjson] {
        shown(bytes, format);
    }
}

#[test]
fn every_recorded_stream_is_shown_and_holds_cut_anywhere() {
    assert!(SEEDS.len() >= 9, "{}", SEEDS.len());
    for seed in SEEDS.iter() {
        assert!(shown(seed, Format::Text), "{}", String::from_utf8_lossy(seed));
        let step = seed.len() / 200 + 1;
        for length in (0..seed.len()).step_by(step) {
            shown(&seed[..length], Format::Text);
        }
    }
}

/// What stands in a field instead of what a probe said.
fn absurd() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![0_u64, 1, 255, 65_535, 65_536, 1 << 32, u64::MAX])
            .prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        "(?s).{0,60}".prop_map(Value::from),
        prop::sample::select(render::hostile::CRAFTED.to_vec()).prop_map(Value::from),
        Just(Value::Array(vec![])),
        Just(serde_json::json!({})),
        Just(serde_json::json!({"base64": "/5syShs="})),
        prop::sample::select(vec!["0.0.0.0", "::", "255.255.255.255", "ff02::1", "[::]:0"])
            .prop_map(Value::from),
    ]
}

fn change(value: &mut Value, at: &[Index], to: &Value) {
    let Some((first, rest)) = at.split_first() else { return value.clone_from(to) };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(first.index(fields.len())).unwrap().clone();
            change(fields.get_mut(&name).unwrap(), rest, to);
        }
        Value::Array(items) if !items.is_empty() => {
            let at = first.index(items.len());
            change(&mut items[at], rest, to);
        }
        _ => value.clone_from(to),
    }
}

proptest! {
    #[test]
    fn a_stream_with_other_values_in_it_holds(
        which: Index,
        changes in prop::collection::vec(
            (any::<Index>(), prop::collection::vec(any::<Index>(), 1..6), absurd()),
            0..4,
        ),
        swapped: (Index, Index),
        again: Index,
        gone: Option<Index>,
    ) {
        let text = String::from_utf8(which.get(&SEEDS).clone()).unwrap();
        let mut lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for (line, at, to) in &changes {
            change(line.get_mut(&mut lines), at, to);
        }
        let (one, other) = (swapped.0.index(lines.len()), swapped.1.index(lines.len()));
        lines.swap(one, other);
        lines.push(again.get(&lines).clone());
        if let Some(gone) = gone {
            lines.remove(gone.index(lines.len()));
        }
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        in_every_format(text.as_bytes());
    }

    #[test]
    fn a_stream_with_other_bytes_in_it_holds(
        which: Index,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        length: Index,
        is_cut: bool,
    ) {
        let mut bytes = which.get(&SEEDS).clone();
        changes.iter().for_each(|(at, value)| *at.get_mut(&mut bytes) = *value);
        if is_cut {
            bytes.truncate(length.index(bytes.len()));
        }
        in_every_format(&bytes);
    }
}
