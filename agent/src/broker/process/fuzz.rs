//! Fuzz target 2 of security.md, for what broker reads of a process; `probe` has its own for fdinfo
//! and counters. Seen to fail with `split_once(')')` where `rsplit_once` is: a name of `) (` then
//! moves every field.

use proptest::prelude::*;

use super::*;

/// What a process of this name looks like: the kernel escapes line feeds in status and nothing in
/// stat (fs/proc/array.c).
fn process(name: &str, depth: usize, started: u64) -> (String, String) {
    let pids = (0..depth).map(|pid| format!("\t{}", pid + 7)).collect::<String>();
    let escaped = name.replace('\\', "\\\\").replace('\n', "\\n");
    let status = format!("Name:\t{escaped}\nUmask:\t0022\nState:\tS\nNSpid:{pids}\nNSpgid:\t1\n");
    let stat = format!("7 ({name}) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 {started} 0 0\n");
    (status, stat)
}

const NAMES: [&str; 12] = [
    "sleep",
    "",
    ") (",
    ") S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 99",
    "a)\nNSpid:\t1\t2",
    "\nNSpid:\t1\t2\t3\t4",
    "((((((((",
    "))))))))",
    "(sd-pam)",
    "kworker/0:1-ev",
    "\u{fffd}\u{fffd}",
    "\\nNSpid:\t9",
];

#[test]
fn a_name_never_changes_a_process_age() {
    for name in NAMES {
        let (status, stat) = process(name, 2, 4_711);
        assert_eq!(
            Seniority::read(&status, &stat),
            Some(Seniority { depth: 2, started: 4_711 }),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn any_name_leaves_depth_and_start(name in "(?s).{0,15}", depth in 1..32_usize, started: u64) {
        let (status, stat) = process(&name, depth, started);
        prop_assert_eq!(Seniority::read(&status, &stat), Some(Seniority { depth, started }));
    }

    #[test]
    fn any_text_is_a_process_or_none(status in "(?s).{0,300}", stat in "(?s).{0,300}") {
        let _ = Seniority::read(&status, &stat);
        let (whole, _) = process("sleep", 1, 1);
        let _ = Seniority::read(&whole, &stat);
    }
}
