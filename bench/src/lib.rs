//! Side-by-side benchmarks and load generators.
