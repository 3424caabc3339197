//! `version`: the plugin and every agent, and whether they understand each other.

/// This plugin.
pub(crate) const PLUGIN: &str = env!("CARGO_PKG_VERSION");

/// What sets an agent's version apart from the plugin's; absent when they are one minor release
/// apart at most, across which both understand each other.
pub(crate) fn skew(agent: &str) -> Option<&'static str> {
    let (Some(agent), Some(plugin)) = (release(agent), release(PLUGIN)) else {
        return Some("of an unknown release");
    };
    let far = agent.0 != plugin.0 || agent.1.abs_diff(plugin.1) > 1;
    match agent.cmp(&plugin) {
        _ if !far => None,
        std::cmp::Ordering::Less => Some("older than the plugin by more than one minor release"),
        _ => Some("newer than the plugin by more than one minor release"),
    }
}

/// Major and minor of `0.2.0` or `0.2.0-rc.1`.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
