//! From the first certificate upwards, by names and signatures, whatever their order.

use super::{Certificate, Roots, roots::Signer, signature::Checked};

/// More than any real chain has; a longer one ends here.
const LONGEST: usize = 16;

/// The way up from certificate 0.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Path {
    /// Places in the chain, from 0 on.
    pub(super) places: Vec<usize>,
    pub(super) end: End,
}

/// How the way ends, at the last of its places.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// A root signed the last one; its name.
    Trusted(String),
    /// The last one is itself a root.
    Root,
    /// The last one signed itself, and is none of the roots.
    SelfSigned,
    /// Nobody has its issuer.
    NoIssuer,
    /// Its issuer's name is there, with a key that did not sign it.
    OtherKey,
}

pub(super) fn path(chain: &[Certificate], roots: &Roots) -> Path {
    let mut places = vec![0];
    let mut at = 0;
    let end = loop {
        match step(chain, roots, at, &places) {
            Step::Up(next) if places.len() < LONGEST => {
                places.push(next);
                at = next;
            }
            Step::Up(_) => break End::NoIssuer,
            Step::End(end) => break end,
        }
    };
    Path { places, end }
}

enum Step {
    Up(usize),
    End(End),
}

fn step(chain: &[Certificate], roots: &Roots, at: usize, behind: &[usize]) -> Step {
    let lower = &chain[at];
    if roots.holds(lower) {
        return Step::End(End::Root);
    }
    if let Some(root) = root_beside(chain, roots, lower) {
        return Step::Up(root);
    }
    let signer = roots.signer(lower);
    if let Signer::Trusted(name) = signer {
        return Step::End(End::Trusted(name));
    }
    if lower.is_self_issued() && lower.signature.check(&lower.key) != Checked::Bad {
        return Step::End(End::SelfSigned);
    }
    let mut end = if signer == Signer::OtherKey { End::OtherKey } else { End::NoIssuer };
    for (place, upper) in chain.iter().enumerate() {
        if behind.contains(&place) || upper.subject.der != lower.issuer.der {
            continue;
        }
        match lower.signature.check(&upper.key) {
            Checked::Good | Checked::Unknown => return Step::Up(place),
            Checked::Bad => end = End::OtherKey,
        }
    }
    Step::End(end)
}

/// The trusted root itself, where it was sent along.
fn root_beside(chain: &[Certificate], roots: &Roots, lower: &Certificate) -> Option<usize> {
    chain.iter().position(|root| {
        root.subject.der == lower.issuer.der
            && roots.holds(root)
            && lower.signature.check(&root.key) != Checked::Bad
    })
}
