//! The real gate under any order of coming, waiting, hanging up and ending: no bound is passed and no
//! place leaks. Seen to fail with the `unqueue` of a dropped `Place` left out, and with `>` in the
//! place of `>=` where the agent's own bound is looked at.

use proptest::prelude::*;
use tokio::task::JoinHandle;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// Of this account, with this token.
    Come(u8, u8),
    /// Whoever came as this one hangs up, whether it waits or runs.
    HangUp(prop::sample::Index),
    /// Time passes, in ms.
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8, 0..3_u8).prop_map(|(account, token)| Step::Come(account, token)),
        2 => any::<prop::sample::Index>().prop_map(Step::HangUp),
        1 => (0..3_000_u64).prop_map(Step::Pass),
    ]
}

fn limits() -> Limits {
    let [two, three, five] = [2, 3, 5].map(|n| std::num::NonZeroUsize::new(n).unwrap());
    Limits {
        scan: crate::front::config::ScanLimits::of_the_chart(),
        max_running: five,
        max_per_token: two,
        max_per_account: three,
        rate: 20.try_into().unwrap(),
        burst: 60.try_into().unwrap(),
        max_duration: Duration::from_secs(3600),
    }
}

/// Runs until it is hung up on; the guard lives as long as the permit.
fn come(gate: &Arc<Gate>, running: &Arc<Mutex<Vec<(u8, u8)>>>, who: (u8, u8)) -> JoinHandle<()> {
    let (gate, running) = (gate.clone(), running.clone());
    tokio::spawn(async move {
        let (account, token) = who;
        let user = format!("account-{account}");
        let who_asks = Identity::named(&user, &format!("JTI={account}-{token}"));
        let Ok(_permit) = gate.enter(&who_asks).await else { return };
        let _counted = Counted::new(running, who);
        std::future::pending::<()>().await;
    })
}

struct Counted(Arc<Mutex<Vec<(u8, u8)>>>, (u8, u8));

impl Counted {
    fn new(running: Arc<Mutex<Vec<(u8, u8)>>>, who: (u8, u8)) -> Self {
        running.lock().unwrap().push(who);
        Self(running, who)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut running = self.0.lock().unwrap();
        let at = running.iter().position(|one| *one == self.1).unwrap();
        running.swap_remove(at);
    }
}

fn within_bounds(running: &[(u8, u8)]) {
    assert!(running.len() <= 5, "{running:?}");
    for (account, token) in running {
        let of_account = running.iter().filter(|one| one.0 == *account).count();
        let of_token = running.iter().filter(|one| **one == (*account, *token)).count();
        assert!(of_account <= 3 && of_token <= 2, "{running:?}");
    }
}

async fn play(steps: &[Step]) {
    let gate = Gate::new(&limits());
    let running = Arc::new(Mutex::new(Vec::new()));
    let mut came: Vec<JoinHandle<()>> = Vec::new();
    for step in steps {
        match step {
            Step::Come(account, token) => came.push(come(&gate, &running, (*account, *token))),
            Step::HangUp(which) if !came.is_empty() => {
                let gone = came.swap_remove(which.index(came.len()));
                gone.abort();
                // Nothing is left of it when it has ended, in whatever it was.
                let _ = gone.await;
            }
            Step::HangUp(_) => {}
            Step::Pass(ms) => tokio::time::sleep(Duration::from_millis(*ms)).await,
        }
        tokio::task::yield_now().await;
        within_bounds(&running.lock().unwrap());
    }
    for one in came {
        one.abort();
        let _ = one.await;
    }
    assert!(running.lock().unwrap().is_empty());
    assert!(gate.ledger().is_empty(), "a place is lost");
}

proptest! {
    #[test]
    fn no_order_of_hanging_up_passes_a_bound_or_leaks(steps in prop::collection::vec(step(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(&steps));
    }
}
