//! Fuzz target 11 of security.md: no token passes the look at its shape but one whose payload says
//! this agent's audience and nothing else. Seen to fail with `contains(audience)` in the place of
//! the comparison with the whole list.

use std::{fs, path::Path, sync::LazyLock};

use proptest::{prelude::*, sample::Index};
use serde_json::Value;

use super::*;

const OWN: &str = "netdiag.dev/agent/0f1e";
const NOW: i64 = 1_800_000_000;

static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/tokens/claims");
    fs::read_to_string(path).unwrap().lines().map(Into::into).collect()
});

/// Another reading of the same text than the one that is tested.
fn says_ours_alone(text: &str) -> bool {
    let Some(payload) = text.split('.').nth(1) else { return false };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(payload) else { return false };
    let Ok(claims) = serde_json::from_slice::<Value>(&bytes) else { return false };
    let lifetime = claims["exp"].as_i64().zip(claims["iat"].as_i64());
    let is_short = lifetime.is_some_and(|(exp, iat)| {
        (0..=3_600).contains(&(i128::from(exp) - i128::from(iat))) && exp + 3_600 > NOW
    });
    let aud = &claims["aud"];
    is_short && (*aud == OWN || *aud == serde_json::json!([OWN])) && text.split('.').count() == 3
}

fn accepted(text: &str) -> bool {
    let token = Token(Zeroizing::new(text.into()));
    let accepted = token.check_shape(OWN, Timestamp::from_second(NOW).unwrap()).is_ok();
    assert!(!accepted || says_ours_alone(text), "{text}");
    accepted
}

fn jwt(claims: &[u8]) -> String {
    format!(
        "{}.{}.c2ln",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    )
}

#[test]
fn of_the_seeds_two_are_accepted() {
    assert!(SEEDS.len() >= 14);
    let good: Vec<_> = SEEDS.iter().map(|seed| accepted(&jwt(seed.as_bytes()))).collect();
    assert_eq!(good.iter().filter(|accepted| **accepted).count(), 2, "{good:?}");
    assert_eq!(good[..2], [true, true]);
}

/// Found by the property below: claims that nobody reads were not looked at.
#[test]
fn claims_that_are_no_utf8_are_refused() {
    let claims = [&b"{\"a\xffud\":1,"[..], &SEEDS[0].as_bytes()[1..]].concat();
    let token = Token(Zeroizing::new(jwt(&claims)));
    let now = Timestamp::from_second(NOW).unwrap();
    assert_eq!(token.check_shape(OWN, now), Err(ShapeError::NotJwt));
}

proptest! {
    #[test]
    fn changed_claims_name_this_agent_or_are_refused(
        which: Index,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
    ) {
        let mut claims = which.get(&SEEDS).as_bytes().to_vec();
        changes.iter().for_each(|(at, value)| *at.get_mut(&mut claims) = *value);
        accepted(&jwt(&claims));
    }

    #[test]
    fn changed_tokens_name_this_agent_or_are_refused(
        which: Index,
        changes in prop::collection::vec((any::<Index>(), "[A-Za-z0-9._=-]"), 0..4),
        more in "[.A-Za-z0-9]{0,4}",
    ) {
        let mut text: Vec<String> = jwt(which.get(&SEEDS).as_bytes()).chars().map(Into::into).collect();
        changes.into_iter().for_each(|(at, to)| *at.get_mut(&mut text) = to);
        accepted(&(text.concat() + &more));
    }

    #[test]
    fn any_text_is_refused(text in "(?s).{0,200}") {
        prop_assert!(!accepted(&text));
    }
}
