//! The terminal console: wall, alert triage, incidents, search, sources, response, rules and handover over SSH, with the keys of
//! the web console.
//!
//! `update` is a pure function of state and message, `view` one of the state; the runtime alone knows a terminal, a clock and the
//! network, and never lets the drawing wait for an answer. Every text of an answer is cleaned of control characters before it
//! enters the state.

pub mod data;
pub mod desk;
pub mod doc;
mod input;
pub mod keys;
pub mod message;
pub mod packets;
pub mod pages;
mod runtime;
pub mod screens;
mod sse;
pub mod state;
pub mod text;
pub mod update;
pub mod view;
pub mod wall;
pub mod words;

pub use self::{
    message::{Ask, Command, Message},
    runtime::{Console, Options, run},
    state::State,
};
