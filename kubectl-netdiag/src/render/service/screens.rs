//! The screens of a Service, as screens.md has them where it does.

use super::{ServiceView, service};
use crate::{
    diagnose::ServiceScene,
    plan::DeclaredPort,
    render::{Names, Screen, verdict},
    service::{Plan, ServicePort},
};

/// The table and the verdict.
fn shown(scene: &ServiceScene) -> String {
    let mut out = table(scene, &scene.plan());
    verdict(&mut out, &Screen::default(), &scene.findings()).unwrap();
    String::from_utf8(out).unwrap()
}

fn table(scene: &ServiceScene, plan: &Plan) -> Vec<u8> {
    let unspoken = scene.spec.ports.iter().filter(|port| !port.is_spoken());
    let view = ServiceView {
        plan,
        all: scene.endpoints.len(),
        measured: &scene.measured,
        names: &Names::default(),
        is_external_local: scene.spec.is_external_local,
        unspoken: unspoken.map(ServicePort::word).collect(),
    };
    let mut out = Vec::new();
    service(&mut out, &Screen::default(), &view).unwrap();
    out
}

#[test]
fn all_is_well() {
    insta::assert_snapshot!(shown(&ServiceScene::new()), @r"

    ADDRESS      WHAT                      READY  ECHO      TCP 80 http -> 8080
    10.96.14.7   the Service               -      -         6/6 connected  0.190 ms
    10.244.1.15  pod/checkout-a on node-1  yes    0.110 ms  3/3 connected  0.190 ms
    10.244.2.15  pod/checkout-b on node-2  yes    0.110 ms  3/3 connected  0.190 ms

    OK       its address and both endpoints take connections on http
    ");
}

#[test]
fn a_port_of_another_protocol_is_said_to_be_left_out() {
    let mut scene = ServiceScene::new();
    let mut port = scene.spec.ports[0].clone();
    port.declared =
        DeclaredPort { name: None, number: 9999, protocol: crate::plan::PortProtocol::Other };
    port.target = "9999".into();
    let plan = scene.plan();
    scene.spec.ports.push(port);
    let out = table(&scene, &plan);
    let want = "\nSCTP 9999 was not asked: netdiag does not speak that protocol\n";
    assert!(String::from_utf8(out).unwrap().ends_with(want));
}

#[test]
fn a_node_port_without_an_endpoint_of_its_own() {
    let mut scene = ServiceScene::new();
    scene.node_ports([1, 0], ["connected", "silence"]);
    scene.spec.is_external_local = true;
    insta::assert_snapshot!(shown(&scene), @r"

    ADDRESS          WHAT                                        READY  ECHO      TCP 80 http -> 8080
    10.96.14.7       the Service                                 -      -         6/6 connected  0.190 ms
    10.89.0.1:30080  node port on node-1                         -      -         3/3 connected  0.190 ms
    10.89.0.2:30080  node port on node-2 (local endpoint: none)  -      -         0/3 silence, 9 SYNs over 3.10 s
    10.244.1.15      pod/checkout-a on node-1                    yes    0.110 ms  3/3 connected  0.190 ms
    10.244.2.15      pod/checkout-b on node-2                    yes    0.110 ms  3/3 connected  0.190 ms

    WARN     ND0106  externalTrafficPolicy Local, and no ready endpoint there: the node port on node-2 takes nothing
      seen   externalTrafficPolicy is Local: each node sends to its own only (Service, resourceVersion 91822)
      means  as it should be, if the load balancer asks healthCheckNodePort and leaves such nodes out
      seen   the node port on node-1 takes connections
      next   kubectl netdiag trace 10.89.0.2:30080 -T --from shop/pod/web
    ");
}

#[test]
fn no_endpoints() {
    let mut scene = ServiceScene::new().without_endpoints();
    scene.select(&[("app", "payment"), ("tier", "api")]);
    for name in ["payments-1", "payments-2"] {
        let pod = scene.pod(name);
        pod.owner = Some("deploy/payments".into());
        pod.labels = [("app", "payments"), ("tier", "api")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    }
    insta::assert_snapshot!(shown(&scene), @r"

    ADDRESS     WHAT         READY  ECHO  TCP 80 http -> 8080
    10.96.14.7  the Service  -      -     0/6 rejected by 10.244.1.1

    FAIL     ND0101  no endpoints: the selector matches no pod
      seen   selector app=payment,tier=api matches 0 of 2 pods in shop (Service, resourceVersion 91822)
      differ 2 pods of deploy/payments have tier=api but app=payments
      unless EndpointSlices are written by hand: none is labelled for this Service
      next   kubectl get pods -n shop -L app,tier
    ");
}

#[test]
fn one_bad_endpoint() {
    let mut scene = ServiceScene::new();
    scene.endpoint(1, "refused");
    scene.through(3, "refused");
    insta::assert_snapshot!(shown(&scene), @r"

    ADDRESS      WHAT                      READY  ECHO      TCP 80 http -> 8080
    10.96.14.7   the Service               -      -         3/6 connected, 3/6 refused
    10.244.1.15  pod/checkout-a on node-1  yes    0.110 ms  3/3 connected  0.190 ms
    10.244.2.15  pod/checkout-b on node-2  yes    0.110 ms  0/3 refused by the pod

    FAIL     ND0602  1 of 2 endpoints refuses on 8080: pod/checkout-b
      seen   it refuses 3 of 3; the RSTs come over 2 routers, as its echoes do
      seen   through the Service 3 of 6 refused, and 1 bad of 2 explains it
      next   kubectl netdiag sockets shop/pod/checkout-b -l -p
    ");
}

#[test]
fn rules_that_are_stale() {
    let mut scene = ServiceScene::new();
    scene.through(0, "silence");
    insta::assert_snapshot!(shown(&scene), @r"

    ADDRESS      WHAT                      READY  ECHO      TCP 80 http -> 8080
    10.96.14.7   the Service               -      -         0/6 silence, 18 SYNs over 3.10 s
    10.244.1.15  pod/checkout-a on node-1  yes    0.110 ms  3/3 connected  0.190 ms
    10.244.2.15  pod/checkout-b on node-2  yes    0.110 ms  3/3 connected  0.190 ms

    FAIL     ND0201  the Service's rules on node-1 do not lead to its endpoints, which answer
      seen   through its address 6 of 6 fail (silence)
      seen   asked directly from there, both endpoints answer
      means  the rules are missing or stale, or another rule stands before them
      next   kubectl netdiag connect shop/svc/checkout:80 --from node/node-2
      next   kubectl get pods -n kube-system -l k8s-app=kube-proxy -o wide
    ");
}
