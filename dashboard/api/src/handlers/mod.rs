//! What the routes do, a file per thing. Who may call them is declared in [`crate::routes`] alone.

pub(crate) mod actions;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod coverage;
pub(crate) mod events;
pub(crate) mod hunt;
pub(crate) mod incidents;
pub(crate) mod overview;
pub(crate) mod playbooks;
pub(crate) mod rules;
pub(crate) mod session;
pub(crate) mod sources;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod tokens;
pub(crate) mod users;
