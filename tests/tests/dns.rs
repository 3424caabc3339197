//! `dns` on a real cluster: through a pod's eyes, beside dig in that pod's own network namespace.

#[path = "dns/bad_input.rs"]
mod bad_input;
#[path = "dns/interrupted.rs"]
mod interrupted;
#[path = "dns/lookup.rs"]
mod lookup;
#[path = "dns/servers.rs"]
mod servers;
#[path = "dns/services.rs"]
mod services;
#[path = "dns/trouble.rs"]
mod trouble;
#[path = "dns/walk.rs"]
mod walk;
