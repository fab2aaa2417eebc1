//! Response as its users notice it.

mod actions;
mod connectors;
mod kit;
mod netns;
mod playbooks;
mod protected;
