//! Connections that a second thread makes, from a source port of its own: the kernel does most of
//! the work of a connection within the call that starts it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    thread::JoinHandle,
};

use tokio::sync::Notify;

use super::asker::{Asked, Asker};
use crate::{scan::lane::Found, second, sys::connects::Waker};

enum Order {
    Ask(Vec<Asked>),
    Abandon(Vec<u32>),
}

/// When this is dropped, the thread has let go of its connections and has ended.
pub(super) struct SecondAsker {
    /// None once the thread is to end.
    orders: Option<Sender<Order>>,
    waker: Waker,
    found: Receiver<io::Result<Found>>,
    /// Told when something was found.
    news: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl SecondAsker {
    /// None where there may be no second thread.
    pub(super) fn start(from: SocketAddr, slots: usize) -> io::Result<Option<Self>> {
        let asker = Asker::new(from, slots)?;
        let waker = asker.waker()?;
        let (orders, taken) = channel();
        let (tell, found) = channel();
        let news = Arc::new(Notify::new());
        let mut second = Second { asker, orders: taken, found: tell, news: Arc::clone(&news) };
        let thread = second::start(move || second.run());
        let started = |thread| Self { orders: Some(orders), waker, found, news, thread };
        Ok(thread.map(|thread| started(Some(thread))))
    }

    pub(super) fn ask(&self, asked: Vec<Asked>) {
        self.order(Order::Ask(asked));
    }

    pub(super) fn abandon(&self, ids: Vec<u32>) {
        self.order(Order::Abandon(ids));
    }

    fn order(&self, order: Order) {
        // A thread that has ended has said why.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
        self.waker.wake();
    }

    /// Never waits.
    pub(super) fn take(&self, note: &mut dyn FnMut(Found)) -> io::Result<()> {
        self.found.try_iter().try_for_each(|found| found.map(&mut *note))
    }

    /// Until something may have been found.
    pub(super) async fn readable(&self) {
        self.news.notified().await;
    }
}

impl Drop for SecondAsker {
    fn drop(&mut self) {
        self.orders = None;
        self.waker.wake();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What the thread has.
struct Second {
    asker: Asker,
    orders: Receiver<Order>,
    found: Sender<io::Result<Found>>,
    news: Arc<Notify>,
}

impl Second {
    /// Until nobody gives orders any more.
    fn run(&mut self) {
        loop {
            let done = match self.orders.try_recv() {
                Ok(order) => self.carry_out(order),
                Err(TryRecvError::Empty) => self.wait(),
                Err(TryRecvError::Disconnected) => return,
            };
            if let Err(error) = done {
                let _ = self.found.send(Err(error));
                self.news.notify_one();
                return;
            }
        }
    }

    fn carry_out(&mut self, order: Order) -> io::Result<()> {
        let Self { asker, found, news, .. } = self;
        let mut note = |one| tell(found, news, one);
        match order {
            Order::Ask(asked) => {
                asked.into_iter().try_for_each(|asked| asker.ask(asked, &mut note))?;
                asker.take(&mut note)
            }
            Order::Abandon(ids) => {
                ids.into_iter().for_each(|id| asker.abandon(id));
                Ok(())
            }
        }
    }

    fn wait(&mut self) -> io::Result<()> {
        let Self { asker, found, news, .. } = self;
        asker.wait(&mut |one| tell(found, news, one))
    }
}

fn tell(found: &Sender<io::Result<Found>>, news: &Notify, one: Found) {
    // The other end is there until this thread has ended.
    let _ = found.send(Ok(one));
    news.notify_one();
}
