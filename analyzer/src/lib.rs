//! Pure state machines: (state, event, now) to signals; alerts and grouping.
