//! A static pod's UID, as this node's kubelet names its log directory.
//!
//! The API's mirror pod carries it as an annotation too, but that one a tenant can forge
//! (security.md, the mirror-pod forgery); names in /var/log/pods are the kubelet's own.

use std::os::fd::AsFd;

use rustix::{
    fs::{Dir, Mode, OFlags, ResolveFlags, openat, openat2},
    io::Errno,
};

use super::cgroup::is_uid;

/// UIDs for which a directory `<namespace>_<name>_<uid>` exists: one, two while a new one replaces
/// an old one.
pub(super) fn uids(
    node: impl AsFd,
    namespace: &str,
    name: &str,
) -> rustix::io::Result<Vec<String>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(node, "root", flags, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // The node's symlinks are resolved in the node's root, not in ours.
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let logs = match openat2(root, "var/log/pods", flags, Mode::empty(), resolve) {
        Err(Errno::NOENT) => return Ok(Vec::new()),
        logs => logs?,
    };
    let mut uids = Vec::new();
    for entry in Dir::read_from(logs)? {
        let entry = entry?;
        uids.extend(entry.file_name().to_str().ok().and_then(|dir| uid_of(dir, namespace, name)));
    }
    Ok(uids)
}

/// Object names hold no `_`, so the three parts are exact.
fn uid_of(directory: &str, namespace: &str, name: &str) -> Option<String> {
    let mut parts = directory.split('_');
    let is_this = parts.next() == Some(namespace) && parts.next() == Some(name);
    let uid = parts.next().filter(|uid| is_this && is_uid(uid))?;
    parts.next().is_none().then(|| uid.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kubelets_own_form_counts() {
        let hash = "0123456789abcdef0123456789abcdef";
        let of = |directory: &str| uid_of(directory, "kube-system", "etcd-node1");
        assert_eq!(of(&format!("kube-system_etcd-node1_{hash}")).as_deref(), Some(hash));
        for directory in [
            "kube-system_etcd-node1_".to_owned(),
            "kube-system_etcd-node1".to_owned(),
            format!("kube-system_etcd-node10_{hash}"),
            format!("kube-system_etcd-node1_x_{hash}"),
            format!("kube-system_etcd-node1_{hash}_x"),
            format!("kube-system_etcd-node1_{hash}0"),
            format!("kube-system_etcd-node1_../{hash}"),
            format!("kube_system_etcd-node1_{hash}"),
            format!("KUBE-SYSTEM_etcd-node1_{hash}"),
        ] {
            assert_eq!(of(&directory), None, "{directory}");
        }
    }
}
