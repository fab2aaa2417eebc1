//! Shapes of the JSON that the API speaks; [`fansipan_model`]'s types with times as RFC 3339 text.

mod alert;
mod credentials;
mod event;
mod exception;
mod identity;
mod incident;
mod rules;
mod system;

pub use alert::*;
pub use credentials::*;
pub use event::*;
pub use exception::*;
pub use identity::*;
pub use incident::*;
pub use rules::*;
pub use system::*;
