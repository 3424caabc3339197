//! `tls` on a real cluster: good, expired, misnamed and missing certificates, and no TLS at all.

#[path = "tls/client.rs"]
mod client;
#[path = "tls/fates.rs"]
mod fates;
#[path = "tls/rights.rs"]
mod rights;
#[path = "tls/server.rs"]
mod server;
#[path = "tls/services.rs"]
mod services;
