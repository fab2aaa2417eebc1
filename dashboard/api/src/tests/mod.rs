//! What users, strangers and other agencies see of the API, over the real stores in a temporary folder.

mod alerts;
mod cases;
mod closing;
mod elsewhere;
mod exceptions;
mod exports;
mod factor;
mod handover;
mod harness;
mod hunting;
mod hygiene;
mod listeners;
mod login;
mod matrix;
mod odd;
mod own_rules;
mod packets;
mod people;
mod scope;
mod stream;
mod walls;
