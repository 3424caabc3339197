//! Who may probe from where, asked of real agents on a real cluster: security.md T1-T6, T9, T25, T31;
//! and whether they still answer when the pod network or the API server fails.

#[path = "access/audit_who.rs"]
mod audit_who;
#[path = "access/broken_network.rs"]
mod broken_network;
#[path = "access/door.rs"]
mod door;
#[path = "access/facts.rs"]
mod facts;
#[path = "access/forge.rs"]
mod forge;
#[path = "access/grant.rs"]
mod grant;
#[path = "access/p4_front.rs"]
mod p4_front;
#[path = "access/recipes.rs"]
mod recipes;
#[path = "access/rights_named.rs"]
mod rights_named;
#[path = "access/scan.rs"]
mod scan;
#[path = "access/t1_listener.rs"]
mod t1_listener;
#[path = "access/t25_rogue.rs"]
mod t25_rogue;
#[path = "access/t26_exec.rs"]
mod t26_exec;
#[path = "access/t2_tokens.rs"]
mod t2_tokens;
#[path = "access/t31_api_server.rs"]
mod t31_api_server;
#[path = "access/t3_replay.rs"]
mod t3_replay;
#[path = "access/t4_matrix.rs"]
mod t4_matrix;
#[path = "access/t5_mirror.rs"]
mod t5_mirror;
#[path = "access/t6_host_network.rs"]
mod t6_host_network;
#[path = "access/t9_foreign.rs"]
mod t9_foreign;
#[path = "access/team.rs"]
mod team;
