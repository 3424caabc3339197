//! The commands by which an administrator gives what is missing: a role to a user, a right to a
//! ServiceAccount. Each has a binding of its own, for a name that is taken would be refused.

/// Gives `role` (`--role=NAME` or `--clusterrole=NAME`) in one namespace.
pub(crate) fn in_namespace(namespace: &str, role: &str, user: &str) -> Vec<String> {
    let binding = ["rolebinding", &name(role, user), "-n", namespace, role, &subject(user)];
    create(&binding)
}

/// Gives a ClusterRole everywhere.
pub(crate) fn everywhere(role: &str, user: &str) -> Vec<String> {
    create(&["clusterrolebinding", &name(role, user), role, &subject(user)])
}

/// Gives a ServiceAccount (namespace and name) a right of netdiag's own: for the pods of a namespace,
/// or for what is in none.
pub(crate) fn right(
    resource: &str,
    right: &str,
    namespace: Option<&str>,
    (place, account): &(String, String),
) -> Vec<String> {
    let role = format!("--clusterrole=netdiag-{resource}-{right}");
    let subject = format!("--serviceaccount={place}:{account}");
    match namespace {
        Some(namespace) => {
            let name = format!("{account}-{right}");
            create(&["rolebinding", &name, "-n", namespace, &role, &subject])
        }
        None => {
            let name = format!("{account}-{resource}-{right}-{place}");
            create(&["clusterrolebinding", &name, &role, &subject])
        }
    }
}

fn create(words: &[&str]) -> Vec<String> {
    ["kubectl", "create"].iter().chain(words).map(|word| (*word).to_owned()).collect()
}

fn name(role: &str, user: &str) -> String {
    let role = role.split_once('=').map_or(role, |(_, name)| name);
    let user = account(user).unwrap_or(user);
    // The only characters that the API server refuses in a binding's name.
    format!("{role}-{}", user.replace(['/', '%'], "-"))
}

/// `--user=alice`, or the ServiceAccount that the name stands for.
fn subject(user: &str) -> String {
    match account(user) {
        Some(account) => format!("--serviceaccount={account}"),
        None => format!("--user={user}"),
    }
}

fn account(user: &str) -> Option<&str> {
    user.strip_prefix("system:serviceaccount:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_a_binding_of_their_own() {
        let mint = |user| in_namespace("shop", "--clusterrole=netdiag-mint", user).join(" ");
        assert_eq!(
            mint("alice@corp.example"),
            "kubectl create rolebinding netdiag-mint-alice@corp.example -n shop \
             --clusterrole=netdiag-mint --user=alice@corp.example"
        );
        assert_eq!(
            mint("system:serviceaccount:ci:job"),
            "kubectl create rolebinding netdiag-mint-ci:job -n shop --clusterrole=netdiag-mint \
             --serviceaccount=ci:job"
        );
        assert_eq!(
            everywhere("--clusterrole=netdiag-see-nodes", "idp/alice").join(" "),
            "kubectl create clusterrolebinding netdiag-see-nodes-idp-alice \
             --clusterrole=netdiag-see-nodes --user=idp/alice"
        );
    }
}
