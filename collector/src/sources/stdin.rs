//! Standard input: lines (or whatever framing is found) until it ends.

use std::{io::Read, thread};

use super::{
    error::SourceError,
    framing::{Framer, Framing},
    stream::Context,
};
use crate::{
    Transport,
    pipeline::{Origin, now},
};

/// Starts the thread that reads `input` to its end. It cannot be interrupted while it waits for input, so nobody
/// waits for it.
pub(crate) fn start(input: impl Read + Send + 'static, context: &Context) -> Result<(), SourceError> {
    let context = context.clone();
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || read_all(input, &context))
        .map(drop)
        .map_err(|source| SourceError::Thread { what: "standard input", source })
}

fn read_all(mut input: impl Read, context: &Context) {
    let mut framer = Framer::new(Framing::Auto, context.limits.max_record_bytes);
    let mut lane = context.pipeline.lane(Origin::new(Transport::Stdin));
    while !context.stop.is_cancelled() {
        let count = match input.read(framer.space()) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                tracing::error!(%error, "standard input cannot be read further");
                break;
            }
        };
        framer.filled(count);
        let at = now();
        while let Some(frame) = framer.next_frame() {
            lane.push(None, frame.record, frame.truncated, at);
            if lane.is_full() && lane.flush_blocking().is_err() {
                return;
            }
        }
        // a pipe is read in pieces as they come: what came must not wait for more
        if lane.flush_blocking().is_err() {
            return;
        }
    }
    let at = now();
    while let Some(frame) = framer.last_frame() {
        lane.push(None, frame.record, frame.truncated, at);
    }
    if let Err(error) = lane.flush_blocking() {
        tracing::warn!(%error, "the last records of standard input were not stored");
    }
}
