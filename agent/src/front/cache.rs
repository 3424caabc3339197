//! Decisions remembered for seconds; time is an argument, size is bounded.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

const MAX_ENTRIES: usize = 1_000;

pub(crate) struct Cache<K, V> {
    entries: HashMap<K, (Instant, V)>,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new() -> Self {
        Self { entries: HashMap::new() }
    }

    pub(crate) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let (until, value) = self.entries.get(key)?;
        (now < *until).then(|| value.clone())
    }

    /// Forgets what is past; when still full, remembers nothing new.
    pub(crate) fn put(&mut self, key: K, value: V, now: Instant, keep: Duration) {
        self.forget_past(now);
        if self.entries.len() < MAX_ENTRIES {
            self.entries.insert(key, (now + keep, value));
        }
    }

    pub(crate) fn forget_past(&mut self, now: Instant) {
        self.entries.retain(|_, (until, _)| now < *until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_lives_as_long_as_it_was_told() {
        let start = Instant::now();
        let mut cache = Cache::new();
        cache.put("a", 1, start, Duration::from_secs(10));
        assert_eq!(cache.get(&"a", start + Duration::from_millis(9_999)), Some(1));
        assert_eq!(cache.get(&"a", start + Duration::from_secs(10)), None);
    }

    #[test]
    fn a_flood_does_not_grow_it() {
        let start = Instant::now();
        let mut cache = Cache::new();
        (0..5_000).for_each(|n| cache.put(n, (), start, Duration::from_secs(5)));
        assert_eq!(cache.entries.len(), MAX_ENTRIES);
        cache.put(9_999, (), start + Duration::from_secs(5), Duration::from_secs(5));
        assert_eq!(cache.entries.len(), 1);
    }
}
