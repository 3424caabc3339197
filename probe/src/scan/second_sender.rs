//! Packets that a second thread sends: the kernel carries a packet through this node within the
//! call that sends it, which takes most of a scan's time.

use std::{
    net::IpAddr,
    sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel},
    thread::JoinHandle,
};

use rustix::io::Errno;

use crate::{
    second,
    sys::{packets::PacketSocket, refusal},
};

/// For fewer packets it is not worth waking.
const LEAST: usize = 16;

/// What is sent in one go.
pub(super) struct Batch {
    pub(super) packets: Vec<(IpAddr, Vec<u8>)>,
    /// The port that each asks; none where nobody wants to know what was not sent.
    pub(super) ids: Vec<u32>,
}

/// What this host's kernel did not send.
pub(super) struct Refused {
    pub(super) id: u32,
    pub(super) errno: Option<Errno>,
}

impl Batch {
    /// In order; `refused` gets each that this host's kernel does not send. One for which there is
    /// no room is lost, and will be sent again.
    pub(super) fn send(&self, sender: &PacketSocket, refused: &mut dyn FnMut(Refused)) {
        let mut at = 0;
        while at < self.packets.len() {
            match sender.send_many(&self.packets[at..]) {
                Ok(count) => at += count,
                Err(error) => {
                    if let Some(id) = self.ids.get(at).filter(|_| !refusal::is_for_now(&error)) {
                        refused(Refused { id: *id, errno: Errno::from_io_error(&error) });
                    }
                    at += 1;
                }
            }
        }
    }
}

enum Order {
    Send(Batch),
    /// Answered when all before it is sent.
    Tell(Sender<()>),
}

/// When this is dropped, the thread has sent what it was given and has ended.
pub(super) struct SecondSender {
    /// One waits while another is carried out; none once the thread is to end.
    orders: Option<SyncSender<Order>>,
    refused: Receiver<Refused>,
    thread: Option<JoinHandle<()>>,
}

impl SecondSender {
    /// None where there may be no second thread.
    pub(super) fn start(sender: PacketSocket) -> Option<Self> {
        let (orders, taken) = sync_channel(1);
        let (refuse, refused) = channel();
        let thread = second::start(move || carry_out(&sender, &taken, &refuse))?;
        Some(Self { orders: Some(orders), refused, thread: Some(thread) })
    }

    /// Gives it back if the thread has enough to do.
    pub(super) fn take(&self, batch: Batch) -> Option<Batch> {
        let Some(orders) = self.orders.as_ref().filter(|_| batch.packets.len() >= LEAST) else {
            return Some(batch);
        };
        match orders.try_send(Order::Send(batch)) {
            Err(TrySendError::Full(Order::Send(batch)))
            | Err(TrySendError::Disconnected(Order::Send(batch))) => Some(batch),
            Ok(()) | Err(_) => None,
        }
    }

    /// Waits until all that it was given is sent.
    pub(super) fn settle(&self) {
        let (tell, told) = channel();
        let sent = self.orders.as_ref().map(|orders| orders.send(Order::Tell(tell)));
        // A thread that has ended has nothing left.
        let _ = sent.map(|_| told.recv());
    }

    /// Packets that this host's kernel did not send.
    pub(super) fn refused(&self) -> impl Iterator<Item = Refused> {
        self.refused.try_iter()
    }
}

impl Drop for SecondSender {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn carry_out(sender: &PacketSocket, orders: &Receiver<Order>, refuse: &Sender<Refused>) {
    for order in orders {
        match order {
            Order::Send(batch) => batch.send(sender, &mut |refused| {
                let _ = refuse.send(refused);
            }),
            Order::Tell(tell) => {
                let _ = tell.send(());
            }
        }
    }
}
