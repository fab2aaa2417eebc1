//! Shapes of the JSON that the API speaks; [`fansipan_model`]'s types with times as RFC 3339 text.

mod alert;
mod case;
mod credentials;
mod desk;
mod entity;
mod event;
mod exception;
mod handover;
mod identity;
mod incident;
mod own_rule;
mod packets;
mod playbook;
mod queue;
mod response;
mod rules;
mod system;
mod wall;

pub use alert::*;
pub use case::*;
pub use credentials::*;
pub use desk::*;
pub use entity::*;
pub use event::*;
pub use exception::*;
pub use handover::*;
pub use identity::*;
pub use incident::*;
pub use own_rule::*;
pub use packets::*;
pub use playbook::*;
pub use queue::*;
pub use response::*;
pub use rules::*;
pub use system::*;
pub use wall::*;
