//! Which endpoints are asked where there are too many for all.

use std::collections::BTreeMap;

use super::backends::Endpoint;

/// All of them, or as many of each node as of the others.
pub(super) fn of(endpoints: Vec<Endpoint>, most: usize) -> Vec<Endpoint> {
    if endpoints.len() <= most {
        return endpoints;
    }
    let mut by_node: BTreeMap<Option<String>, Vec<Endpoint>> = BTreeMap::new();
    for endpoint in endpoints.into_iter().rev() {
        by_node.entry(endpoint.node.clone()).or_default().push(endpoint);
    }
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let room = most - chosen.len();
        chosen.extend(by_node.values_mut().filter_map(Vec::pop).take(room));
    }
    chosen.sort();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(number: u8, node: u8) -> Endpoint {
        Endpoint {
            address: [10, 244, node, number].into(),
            pod: None,
            node: Some(format!("node-{node}")),
            ready: true,
            terminating: false,
            ports: BTreeMap::new(),
        }
    }

    #[test]
    fn every_node_has_its_share() {
        let few: Vec<_> = (0..20).map(|number| endpoint(number, 1)).collect();
        assert_eq!(of(few.clone(), 20), few);
        let mut many: Vec<_> = (0..200).map(|number| endpoint(number, 1)).collect();
        many.extend((0..3).map(|number| endpoint(number, 2)));
        many.extend((0..30).map(|number| endpoint(number, 3)));
        let chosen = of(many, 20);
        let of_node = |node: &str| {
            chosen.iter().filter(|endpoint| endpoint.node.as_deref() == Some(node)).count()
        };
        assert_eq!((of_node("node-1"), of_node("node-2"), of_node("node-3")), (9, 3, 8));
    }
}
