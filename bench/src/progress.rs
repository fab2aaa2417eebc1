//! How far a long measurement is, for who waits: a line on standard error now and then.

use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(10);

/// One part of a measurement.
pub(crate) struct Progress {
    what: &'static str,
    of: u64,
    begun: Instant,
    said: Instant,
}

impl Progress {
    /// A part that has `of` of something to do; says that it begins.
    pub(crate) fn begin(what: &'static str, of: u64) -> Self {
        say(&format!("{what}: {of} to do"));
        Self { what, of, begun: Instant::now(), said: Instant::now() }
    }

    /// So many are done.
    pub(crate) fn at(&mut self, done: u64) {
        if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            say(&format!("{}: {done} of {} after {:.0} s", self.what, self.of, self.begun.elapsed().as_secs_f64()));
        }
    }

    /// All is done.
    pub(crate) fn end(self) {
        say(&format!("{}: done in {:.1} s", self.what, self.begun.elapsed().as_secs_f64()));
    }
}

#[expect(clippy::print_stderr, reason = "a person waits")]
fn say(text: &str) {
    eprintln!("{text}");
}
