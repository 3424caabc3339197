//! `ping` on a real cluster: every source, target, option, form, fault and bad input of issue 3.

#[path = "ping/bad_input.rs"]
mod bad_input;
#[path = "ping/broken_agent.rs"]
mod broken_agent;
#[path = "ping/completion.rs"]
mod completion;
#[path = "ping/data_plane.rs"]
mod data_plane;
#[path = "ping/doctor.rs"]
mod doctor;
#[path = "ping/exit_codes.rs"]
mod exit_codes;
#[path = "ping/forms.rs"]
mod forms;
#[path = "ping/interrupted.rs"]
mod interrupted;
#[path = "ping/jq.rs"]
mod jq;
#[path = "ping/left_behind.rs"]
mod left_behind;
#[path = "ping/matrix.rs"]
mod matrix;
#[path = "ping/names.rs"]
mod names;
#[path = "ping/options.rs"]
mod options;
#[path = "ping/scale.rs"]
mod scale;
#[path = "ping/services.rs"]
mod services;
#[path = "ping/sources.rs"]
mod sources;
#[path = "ping/trouble.rs"]
mod trouble;
#[path = "ping/workloads.rs"]
mod workloads;
