//! HTTP/1.1 on one loopback socket: so many connections, one request each.

use std::{
    collections::BTreeMap,
    io::Cursor,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::head;

const MAX_CONNECTIONS: usize = 64;
/// What streams have to write their last line once the agent is told to end.
const DRAIN: Duration = Duration::from_secs(5);

/// Connections by age, so that of those without a request the oldest can give way.
#[derive(Default)]
struct Connections {
    open: Mutex<BTreeMap<u64, Connection>>,
}

struct Connection {
    task: AbortHandle,
    has_request: Arc<AtomicBool>,
}

/// Serves until `stop`, then waits a little for what is still being answered.
pub(crate) async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) {
    let connections = Arc::new(Connections::default());
    let tasks = TaskTracker::new();
    for id in 0.. {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // EMFILE and the like pass; do not spin until then.
                    tracing::error!(%error, "accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        if connections.make_room() {
            let has_request = Arc::new(AtomicBool::new(false));
            let served = answer(stream, routes.clone(), has_request.clone(), stop.clone());
            let (connections_of_task, guard) = (connections.clone(), tasks.token());
            let mut open = connections.open();
            let task = tokio::spawn(async move {
                let _leave = Leave { connections: connections_of_task, id };
                let _guard = guard;
                served.await;
            });
            open.insert(id, Connection { task: task.abort_handle(), has_request });
        }
    }
    drop(listener);
    tasks.close();
    let _ = tokio::time::timeout(DRAIN, tasks.wait()).await;
}

async fn answer(
    mut stream: TcpStream,
    routes: Router,
    has_request: Arc<AtomicBool>,
    stop: CancellationToken,
) {
    // Without it the first event waits 40 ms for the client's delayed ACK.
    let _ = stream.set_nodelay(true);
    let read = tokio::select! {
        read = head::read(&mut stream) => read,
        () = stop.cancelled() => return,
    };
    let head = match read {
        Ok(head) => head,
        Err(error) => return head::refuse(&mut stream, &error).await,
    };
    has_request.store(true, Ordering::Relaxed);
    answer_one(stream, head, routes).await;
}

/// One request each, as a forwarded stream carries: what follows it is never parsed.
async fn answer_one(stream: TcpStream, head: Vec<u8>, routes: Router) {
    let (reader, writer) = stream.into_split();
    let stream = tokio::io::join(Cursor::new(head).chain(reader), writer);
    let service = hyper::service::service_fn(move |request| routes.clone().oneshot(request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection");
    }
}

impl Connections {
    /// Whether one more may be served. A flood of silent connections pushes out its own oldest and
    /// neither a running probe nor the liveness probe.
    fn make_room(&self) -> bool {
        let mut open = self.open();
        if open.len() < MAX_CONNECTIONS {
            return true;
        }
        let idle = open.iter().find(|(_, one)| !one.has_request.load(Ordering::Relaxed));
        let Some(id) = idle.map(|(id, _)| *id) else { return false };
        let evicted = open.remove(&id);
        drop(open);
        if let Some(connection) = evicted {
            connection.task.abort();
        }
        true
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Connection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a connection off the list when its task ends, however it ends.
struct Leave {
    connections: Arc<Connections>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.connections.open().remove(&self.id);
    }
}
