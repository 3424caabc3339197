//! `connect` on a real cluster: every fate of a connection, a Service with and without endpoints,
//! rights, forms, and what cannot be.

#[path = "connect/bad_input.rs"]
mod bad_input;
#[path = "connect/fates.rs"]
mod fates;
#[path = "connect/forms.rs"]
mod forms;
#[path = "connect/rights.rs"]
mod rights;
#[path = "connect/services.rs"]
mod services;
#[path = "connect/two_ended.rs"]
mod two_ended;
