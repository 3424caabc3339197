//! T7: real paths of every driver and runtime, and hostile ones.

use proptest::prelude::*;

use super::*;

const UID: &str = "8b8d7f1e-52c1-4a9c-b1a4-0b2f5b0c1d2e";
const OTHER: &str = "11111111-2222-3333-4444-555555555555";
const STATIC: &str = "0123456789abcdef0123456789abcdef";

/// `U` stands for the UID, `S` for the same with underscores, `H` for a static pod's, `I` for a
/// container's ID.
fn filled(pattern: &str) -> String {
    let mut path = String::new();
    for c in pattern.chars() {
        match c {
            'U' => path.push_str(UID),
            'S' => path.push_str(&UID.replace('-', "_")),
            'O' => path.push_str(OTHER),
            'P' => path.push_str(&OTHER.replace('-', "_")),
            'H' => path.push_str(STATIC),
            'I' => path.push_str(&"4f5e".repeat(16)),
            c => path.push(c),
        }
    }
    path
}

/// Patterns of lines whose pod is `U`.
const REAL: &[&str] = &[
    "0::/kubepods.slice/kubepods-podS.slice/cri-containerd-I.scope",
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podS.slice/cri-containerd-I.scope",
    "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podS.slice/cri-containerd-I.scope",
    "0::/kubepods.slice/kubepods-podS.slice/crio-I.scope",
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podS.slice/crio-I.scope",
    "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podS.slice/crio-I.scope",
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podS.slice/crio-I.scope/container",
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podS.slice/docker-I.scope",
    "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podS.slice/docker-I.scope",
    "0::/kubepods.slice/kubepods-podS.slice/docker-I.scope",
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podS.slice/I",
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podS.slice",
    "0::/kubepods/podU/I",
    "0::/kubepods/burstable/podU/I",
    "0::/kubepods/besteffort/podU/I",
    "0::/kubepods/besteffort/podU",
    "0::/kubepods/burstable/podU/crio-I",
    "0::/kubepods/burstable/podU/I/init.scope",
    "0::/kubepods/burstable/podU/I/system.slice/nginx.service",
    "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podS.slice/cri-containerd-I.scope",
    "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-podS.slice/cri-containerd-I.scope",
    "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-podS.slice/cri-containerd-I.scope",
    "0::/kubelet/kubepods/burstable/podU/I",
    "0::/system.slice/docker-I.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podS.slice/cri-containerd-I.scope",
    "0::/docker/I/kubelet/kubepods/besteffort/podU/I",
    "0::/lab/node2/kubepods/besteffort/podU/I",
    "0::/lab/node2/kubepods/podU/I",
    "0::/actions_job/I/kubepods/burstable/podU/I",
    "0::/system.slice/k3s.service/kubepods/burstable/podU/I",
    "0::/podruntime/runtime/kubepods/burstable/podU/I",
    // In a private cgroup namespace: another QoS class, the same one, either driver.
    "0::/../../../kubepods-burstable.slice/kubepods-burstable-podS.slice/cri-containerd-I.scope",
    "0::/../../../kubepods-besteffort.slice/kubepods-besteffort-podS.slice/crio-I.scope",
    "0::/../../kubepods-burstable-podS.slice/cri-containerd-I.scope",
    "0::/../../kubepods-podS.slice/cri-containerd-I.scope",
    "0::/../../../kubepods-podS.slice/cri-containerd-I.scope",
    "0::/../../../kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-podS.slice/cri-containerd-I.scope",
    "0::/../../podU/I",
    "0::/../../../podU/I",
    "0::/../../../besteffort/podU/I",
    "0::/../../../burstable/podU/I",
    "0::/../../../../kubepods.slice/kubepods-podS.slice/cri-containerd-I.scope",
    "0::/../../../../kubepods/podU/I",
    "0::/../kubepods/besteffort/podU/I",
    // cgroup v1 and hybrid: several lines.
    "12:pids:/kubepods/burstable/podU/I\n11:memory:/kubepods/burstable/podU/I\n0::/",
    "9:name=systemd:/kubepods.slice/kubepods-podS.slice/docker-I.scope\n3:cpu,cpuacct:/kubepods.slice/kubepods-podS.slice/docker-I.scope",
    "9:name=systemd:/\n8:pids:/\n4:memory:/agent/x\n0::/lab/node1/kubepods/besteffort/podU/I",
    "1:name=systemd:/kubepods/besteffort/podU/I\n0::/system.slice/containerd.service",
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podS.slice/cri-containerd-I.scope (deleted)",
];

/// Patterns that must not give any pod.
const NO_POD: &[&str] = &[
    "",
    "\n\n",
    "0::",
    "0::/",
    "0::/..",
    "0::/../../../..",
    "0::/../cri-containerd-I.scope",
    "0::/../I",
    "0::/init.scope",
    "0::/system.slice/containerd.service",
    "0::/../../../../system.slice/kubelet.service",
    "0::/user.slice/user-1000.slice/session-4.scope",
    "0::/kubepods",
    "0::/kubepods.slice/kubepods-burstable.slice",
    "0::/kubepods/burstable",
    // The runtime's own processes.
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podS.slice/crio-conmon-I.scope",
    "0::/kubepods/besteffort/podU/crio-conmon-I",
    "0::/../../kubepods-burstable-podS.slice/crio-conmon-I.scope",
    // A second pod below the first.
    "0::/kubepods/burstable/podU/podO",
    "0::/kubepods/burstable/podU/I/podO",
    "0::/kubepods/burstable/podU/I/kubepods/podO/I",
    "0::/kubepods/burstable/podU/I/kubepods/burstable/podO/I",
    "0::/kubepods/podU/I/kubepods",
    "0::/kubepods.slice/kubepods-podS.slice/kubepods-podP.slice/cri-containerd-I.scope",
    "0::/kubepods.slice/kubepods-podS.slice/cri-containerd-I.scope/kubepods-burstable.slice/kubepods-burstable-podP.slice/x",
    "0::/kubepods.slice/kubepods-podS.slice/cri-containerd-I.scope/kubepods.slice",
    "0::/../../podU/I/podO",
    "0::/../../kubepods-podS.slice/I/kubepods-podP.slice",
    "0::/../../../besteffort/podU/kubepods/besteffort/podO",
    // The pod is not where the kubelet puts it.
    "0::/podU/I",
    "0::/burstable/podU/I",
    "0::/kubepods-podS.slice/I",
    "0::/kubepods/x/podU/I",
    "0::/kubepods/burstable/besteffort/podU/I",
    "0::/kubepods/kubepods/podU",
    "0::/kubepods/guaranteed/podU/I",
    "0::/../x/podU/I",
    "0::/../../system.slice/podU/I",
    "0::/kubepods.slice/x.slice/kubepods-podS.slice",
    "0::/xkubepods/podU/I",
    "0::/kubepods2/podU/I",
    // No UID.
    "0::/kubepods/pod/I",
    "0::/kubepods/podx/I",
    "0::/kubepods/pod../I",
    "0::/kubepods/podUU/I",
    "0::/kubepods/burstable/pod8B8D7F1E-52C1-4A9C-B1A4-0B2F5B0C1D2E/I",
    "0::/kubepods/pod8b8d7f1e-52c1-4a9c-b1a4-0b2f5b0c1d2/I",
    "0::/kubepods/pod8b8d7f1e52c1-4a9c-b1a4-0b2f5b0c1d2eab-/I",
    "0::/kubepods/podH0/I",
    "0::/kubepods.slice/kubepods-podS-x.slice/I",
    "0::/kubepods.slice/kubepods-guaranteed-podS.slice/I",
    // Lines that contradict each other.
    "2:pids:/kubepods/podU/I\n1:cpu:/kubepods/podO/I",
    "2:pids:/kubepods/podU/I\n1:cpu:/kubepods/podU/I/podO",
    "1:name=systemd:/kubepods/podO/I\n0::/kubepods/podU/I",
    "2:pids:/kubepods/podU/crio-conmon-I\n1:cpu:/kubepods/podU/I",
];

#[test]
fn t7_real_paths_give_their_pod() {
    assert!(REAL.len() >= 40);
    for pattern in REAL {
        assert_eq!(pod_uid(&filled(pattern)).as_deref(), Some(UID), "{pattern}");
    }
    for pattern in ["0::/kubepods/burstable/podH/I", "0::/kubepods.slice/kubepods-podH.slice/I"] {
        assert_eq!(pod_uid(&filled(pattern)).as_deref(), Some(STATIC), "{pattern}");
    }
}

#[test]
fn t7_hostile_and_foreign_paths_give_no_pod() {
    assert!(NO_POD.len() >= 40);
    for pattern in NO_POD {
        assert_eq!(pod_uid(&filled(pattern)), None, "{pattern}");
    }
}

/// What a pod may call a cgroup of its own: any name, those of other pods first.
fn component() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(format!("pod{OTHER}")),
        Just(format!("kubepods-pod{}.slice", OTHER.replace('-', "_"))),
        Just(format!("kubepods-burstable-pod{}.slice", OTHER.replace('-', "_"))),
        Just("kubepods".to_owned()),
        Just("kubepods.slice".to_owned()),
        Just("burstable".to_owned()),
        Just("cri-containerd-aaaa.scope".to_owned()),
        "[^/\n\0]{1,40}".prop_filter("no directory entry", |name| name != "." && name != ".."),
    ]
}

proptest! {
    #[test]
    fn t7_appended_components_never_change_the_uid(
        at in 0..REAL.len(),
        forged in proptest::collection::vec(component(), 1..6),
    ) {
        let honest = filled(REAL[at]);
        let path = honest.lines().map(|line| format!("{line}/{}\n", forged.join("/")));
        let found = pod_uid(&path.collect::<String>());
        prop_assert!(found.is_none() || found.as_deref() == Some(UID), "{found:?}");
    }

    #[test]
    fn any_text_gives_a_uid_or_nothing(text in "(?s).{0,400}") {
        prop_assert!(pod_uid(&text).is_none_or(|uid| is_uid(&uid)));
    }

    /// It sits in the pod's cgroup and in the node's network.
    #[test]
    fn a_conmon_is_of_no_pod(at in 0..REAL.len(), id in "[a-f0-9]{0,64}") {
        let honest = filled(REAL[at]);
        let path = honest.lines().map(|line| match line.rsplit_once('/') {
            Some((above, _)) => format!("{above}/crio-conmon-{id}.scope\n"),
            None => format!("{line}\n"),
        });
        prop_assert_eq!(pod_uid(&path.collect::<String>()), None);
    }

    /// Bytes of a real path changed: another pod than its own only where its UID was changed.
    #[test]
    fn a_damaged_path_is_of_its_pod_or_none(
        at in 0..REAL.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), "[/a-z0-9.:\n-]"), 1..6),
    ) {
        let mut path: Vec<String> = filled(REAL[at]).chars().map(String::from).collect();
        changes.into_iter().for_each(|(at, to)| *at.get_mut(&mut path) = to);
        if let Some(uid) = pod_uid(&path.concat()) {
            prop_assert!(path.concat().replace('_', "-").contains(&uid), "{}", uid);
        }
    }
}
