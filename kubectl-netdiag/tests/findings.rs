//! `docs/findings`: what `explain` says, as pages; NETDIAG_WRITE=1 writes them anew.

use std::{collections::BTreeMap, env, fs, path::Path};

use crate::run::Plugin;

/// Where the text of a section begins.
const COLUMN: usize = 15;

/// What `explain CODE` prints, as a page.
fn page(said: &str) -> String {
    let (title, sections) = said.split_once("\n\n").unwrap();
    let (title, word) = title.rsplit_once("  ").unwrap();
    let (code, title) = title.trim().split_once("  ").unwrap();
    let mut page = format!("# {code}: {title}\n\nPrinted as `{word}`.\n");
    for line in sections.lines() {
        let (label, text) = line.split_at(COLUMN.min(line.len()));
        if label.trim().is_empty() {
            page.push_str(text);
        } else {
            page.push_str(&format!("\n## {}\n\n{text}", label.trim()));
        }
        page.push('\n');
    }
    page
}

/// The list of all codes, each a link to its page.
fn index(list: &str) -> String {
    let mut index =
        "# Findings\n\nWhat `kubectl netdiag explain` lists, made of the same texts.\n".to_owned();
    for line in list.lines() {
        match line.strip_prefix("  ND") {
            Some(rest) => {
                let (code, words) = rest.split_at(4);
                let (word, title) = words.trim().split_once(' ').unwrap();
                let row = format!("- [ND{code}](ND{code}.md) {} ({word})\n", title.trim());
                index.push_str(&row);
            }
            None if line.starts_with("ND") => {
                index.push_str(&format!("\n## {}\n\n", line.trim()));
            }
            None => {}
        }
    }
    index
}

fn pages() -> BTreeMap<String, String> {
    let list = Plugin::new("explain").run().exits(0).stdout;
    let codes = list.lines().filter_map(|line| line.strip_prefix("  ND")?.get(..4));
    let explained = codes.map(|code| {
        let said = Plugin::new(&format!("explain ND{code}")).run().exits(0).stdout;
        (format!("ND{code}.md"), page(&said))
    });
    explained.chain([("README.md".to_owned(), index(&list))]).collect()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the switch that writes the pages is this test's own"
)]
fn the_pages_say_what_explain_says() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/findings");
    let pages = pages();
    if env::var_os("NETDIAG_WRITE").is_some() {
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        pages.iter().for_each(|(name, page)| fs::write(place.join(name), page).unwrap());
    }
    let how = "NETDIAG_WRITE=1 cargo test -p kubectl-netdiag --test plugin findings";
    let known: BTreeMap<String, String> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    assert!(known == pages, "docs/findings is stale: {how}");
}
