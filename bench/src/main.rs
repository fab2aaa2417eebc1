//! `cargo run -p fansipan-bench --release -- NAME`: one measurement, printed and recorded under `bench/results/`.
fn main() {}
