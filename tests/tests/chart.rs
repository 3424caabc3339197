//! The chart: what it renders, what it refuses, and its life on the real cluster by real Helm.

#[path = "chart/lifecycle.rs"]
mod lifecycle;
#[path = "chart/objects.rs"]
mod objects;
#[path = "chart/posture.rs"]
mod posture;
#[path = "chart/release.rs"]
mod release;
#[path = "chart/render.rs"]
mod render;
#[path = "chart/rights.rs"]
mod rights;
#[path = "chart/t27.rs"]
mod t27;
