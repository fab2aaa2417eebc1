//! Correlations: the engine against a naive reading of the whole history, in pieces, after restarts, over several workers.

mod agree;
mod apart;
mod exact;
mod kit;
mod naive;
