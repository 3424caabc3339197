//! `http` on a real cluster: Services, rights, certificates, redirects, and addresses that are
//! nobody's to ask.

#[path = "http/ends.rs"]
mod ends;
#[path = "access/grant.rs"]
mod grant;
#[path = "http/metadata.rs"]
mod metadata;
#[path = "http/node.rs"]
mod node;
#[path = "http/rights.rs"]
mod rights;
#[path = "tls/server.rs"]
mod server;
#[path = "http/services.rs"]
mod services;
#[path = "http/web.rs"]
mod web;
