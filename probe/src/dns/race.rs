//! Several futures at once, each taken when it is done.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// Dropped, it drops what is not done.
pub(super) struct Race<'a, T>(Vec<Pin<Box<dyn Future<Output = T> + 'a>>>);

impl<'a, T> Race<'a, T> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn push(&mut self, future: impl Future<Output = T> + 'a) {
        self.0.push(Box::pin(future));
    }

    /// `None` when none is left. May be dropped without loss.
    pub(super) async fn next(&mut self) -> Option<T> {
        poll_fn(|context| {
            for (at, future) in self.0.iter_mut().enumerate() {
                if let Poll::Ready(done) = future.as_mut().poll(context) {
                    drop(self.0.remove(at));
                    return Poll::Ready(Some(done));
                }
            }
            if self.0.is_empty() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn what_is_done_is_taken_and_the_rest_is_left() {
        let mut race = Race::new();
        race.push(pending());
        for number in [1, 2] {
            race.push(ready(number));
        }
        assert_eq!((race.next().await, race.next().await), (Some(1), Some(2)));
        let left = std::pin::pin!(race.next());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert_eq!(left.poll(&mut context), Poll::Pending);
        assert_eq!(Race::<u8>::new().next().await, None);
    }
}
