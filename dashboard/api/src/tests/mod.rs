//! What users, strangers and other agencies see of the API, over the real stores in a temporary folder.

mod alerts;
mod exceptions;
mod elsewhere;
mod factor;
mod cases;
mod exports;
mod harness;
mod hunting;
mod hygiene;
mod listeners;
mod login;
mod matrix;
mod odd;
mod people;
mod scope;
mod stream;
mod walls;
