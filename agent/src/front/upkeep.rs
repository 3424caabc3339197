//! What front does without being asked, once a minute: fresh credentials, the API server's own
//! addresses, broker's word on itself.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use netdiag_wire::about::{Problem, ProblemKind};

use super::{
    Front,
    apiserver::{self, Credentials, Route},
};

/// Also keeps the connection to the API server warm, which closes it after 90 s.
const EVERY: Duration = Duration::from_secs(60);
/// When something did not work, at first: broker may start after front.
const SOON: Duration = Duration::from_secs(1);

pub(super) async fn run(
    front: Arc<Front>,
    route: Arc<Route>,
    credentials: Arc<Credentials>,
    sandboxed: Option<Problem>,
) {
    let mut wait = SOON;
    loop {
        if let Err(error) = credentials.refresh() {
            tracing::warn!(cause = apiserver::chain(&error), "keep the credentials read before");
        }
        front.authenticator.forget_past();
        let (broker, endpoints) = tokio::join!(ask_broker(&front), front.api.endpoints());
        let is_well = broker.is_ok() && endpoints.is_ok();
        match endpoints {
            Ok(endpoints) => route.remember(endpoints),
            Err(error) => {
                tracing::warn!(cause = apiserver::chain(&error), "endpoints of default/kubernetes");
            }
        }
        let found = broker.unwrap_or_else(|problem| vec![problem]);
        let problems = sandboxed.iter().cloned().chain(found).collect();
        *front.problems.write().unwrap_or_else(PoisonError::into_inner) = problems;
        tokio::time::sleep(if is_well { EVERY } else { wait }).await;
        wait = if is_well { SOON } else { EVERY.min(wait * 2) };
    }
}

async fn ask_broker(front: &Front) -> Result<Vec<Problem>, Problem> {
    match front.broker.self_test().await {
        Ok((problems, errno)) => Ok(crate::broker::selftest::problems(problems, errno)),
        Err(error) => {
            let message = apiserver::chain(&error).into();
            Err(Problem { kind: ProblemKind::BrokerUnreachable, message })
        }
    }
}
