//! The network detectors over packets: attacks made with real tools in network namespaces each raise their alerts and no others; an
//! hour of ordinary traffic raises none; the traces raise what they should.

mod hour;
mod kit;
mod scenarios;
mod traces;
