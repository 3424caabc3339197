//! The text of `/proc/PID/cgroup` to the UID of the pod that the process belongs to.
//!
//! A pod whose cgroup is writable makes whatever it likes *below* its own, so a path is read from
//! the left: where Kubernetes' tree begins, at most one QoS level, the pod, and after it nothing
//! that looks like a second pod.

/// The pod of a process; `None` for a process of the node or of the container runtime, and when
/// the path, or the lines of a cgroup v1 hierarchy, claim more than one pod.
pub fn pod_uid(text: &str) -> Option<String> {
    let mut found = None;
    for path in text.lines().filter_map(|line| line.splitn(3, ':').nth(2)) {
        match (of_path(path), &found) {
            (Membership::Outside, _) => {}
            (Membership::Unclear, _) => return None,
            (Membership::Pod(uid), None) => found = Some(uid),
            (Membership::Pod(uid), Some(before)) if uid == *before => {}
            (Membership::Pod(_), Some(_)) => return None,
        }
    }
    found
}

#[derive(Debug, Eq, PartialEq)]
enum Membership {
    Outside,
    Pod(String),
    Unclear,
}

fn of_path(path: &str) -> Membership {
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    // In a private cgroup namespace a path starts from the agent's own cgroup: "/../../podX/id".
    let mut is_relative = false;
    while parts.next_if_eq(&"..").is_some() {
        is_relative = true;
    }
    let mut levels = parts.clone().map(Level::of).peekable();
    let starts_inside = is_relative && levels.peek().is_some_and(|level| *level != Level::Other);
    if !starts_inside {
        while levels.next_if(|level| *level != Level::Root).is_some() {}
    }
    levels.next_if_eq(&Level::Root);
    levels.next_if_eq(&Level::Qos);
    let Some(Level::Pod(uid)) = levels.next() else {
        return Membership::Outside;
    };
    let claims_another = levels.any(|level| matches!(level, Level::Root | Level::Pod(_)));
    // CRI-O's monitor runs in the pod's cgroup and in the node's network namespace.
    let is_monitor = parts.any(|part| part.starts_with("crio-conmon-"));
    if claims_another || is_monitor { Membership::Unclear } else { Membership::Pod(uid) }
}

/// What one component of a path is to the kubelet, by either cgroup driver.
#[derive(Debug, Eq, PartialEq)]
enum Level {
    /// `kubepods`, `kubepods.slice`, `kubelet-kubepods.slice`.
    Root,
    /// `burstable`, `kubepods-burstable.slice`.
    Qos,
    /// `pod<UID>`, `kubepods-burstable-pod<UID, - as _>.slice`.
    Pod(String),
    Other,
}

impl Level {
    fn of(part: &str) -> Self {
        match part.strip_suffix(".slice") {
            Some(slice) => Self::of_slice(slice),
            None if part == "kubepods" => Self::Root,
            None if matches!(part, "burstable" | "besteffort") => Self::Qos,
            None => part.strip_prefix("pod").and_then(uid).map_or(Self::Other, Self::Pod),
        }
    }

    /// A slice's name repeats its parents' names, so what is above Kubernetes' own may precede.
    fn of_slice(slice: &str) -> Self {
        let mut words = slice.split('-').skip_while(|word| *word != "kubepods");
        if words.next().is_none() {
            return Self::Other;
        }
        let mut below = words.peekable();
        let qos = below.next_if(|word| matches!(*word, "burstable" | "besteffort"));
        match (below.next(), below.next()) {
            (None, _) if qos.is_some() => Self::Qos,
            (None, _) => Self::Root,
            (Some(word), None) => word
                .strip_prefix("pod")
                .and_then(|escaped| uid(&escaped.replace('_', "-")))
                .map_or(Self::Other, Self::Pod),
            (Some(_), Some(_)) => Self::Other,
        }
    }
}

/// A UUID as the API server makes them, or 32 hex digits: the kubelet's, for a static pod.
fn uid(text: &str) -> Option<String> {
    is_uid(text).then(|| text.to_owned())
}

pub(super) fn is_uid(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match text.len() {
        32 => is_hex(text),
        36 => text.split('-').all(is_hex) && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
