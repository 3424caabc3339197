//! Which of some words was meant.

/// Letters to change (Levenshtein), where what only follows a shared beginning costs little.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let tail = b.len().saturating_sub(a.len());
    letters(a, b) * 4 - tail * 3
}

/// The nearest of them, if it is near: a letter or two, and not all of a short word.
pub(crate) fn nearest<'a>(
    wanted: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let near = words.into_iter().map(|word| (letters(wanted, word), word));
    let (changed, word) = near.min()?;
    (changed <= 2 && changed * 2 <= wanted.len()).then_some(word)
}

fn letters(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
