//! Sources to bus.
