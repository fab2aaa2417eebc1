//! Shapes of the JSON that the API speaks; [`fansipan_model`]'s types with times as RFC 3339 text.

mod alert;
mod event;
mod identity;
mod incident;
mod playbook;
mod response;
mod rules;
mod system;

pub use alert::*;
pub use event::*;
pub use identity::*;
pub use incident::*;
pub use playbook::*;
pub use response::*;
pub use rules::*;
pub use system::*;
