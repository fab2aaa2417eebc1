//! Shapes of the JSON that the API speaks; [`fansipan_model`]'s types with times as RFC 3339 text.

mod alert;
mod credentials;
mod case;
mod desk;
mod entity;
mod event;
mod exception;
mod identity;
mod incident;
mod queue;
mod playbook;
mod response;
mod rules;
mod system;
mod wall;

pub use alert::*;
pub use credentials::*;
pub use case::*;
pub use desk::*;
pub use entity::*;
pub use event::*;
pub use exception::*;
pub use identity::*;
pub use incident::*;
pub use queue::*;
pub use playbook::*;
pub use response::*;
pub use rules::*;
pub use system::*;
pub use wall::*;
