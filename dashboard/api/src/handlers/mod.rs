//! What the routes do, a file per thing. Who may call them is declared in [`crate::routes`] alone.

pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod cases;
pub(crate) mod coverage;
pub(crate) mod drafts;
pub(crate) mod entity;
pub(crate) mod events;
pub(crate) mod exceptions;
pub(crate) mod evidence;
pub(crate) mod export;
pub(crate) mod hunt;
pub(crate) mod incidents;
pub(crate) mod oidc;
pub(crate) mod overview;
pub(crate) mod queue;
pub(crate) mod rules;
pub(crate) mod second_factor;
pub(crate) mod searches;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod sources;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod walls;
