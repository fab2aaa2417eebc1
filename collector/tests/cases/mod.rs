//! How many cases of each kind are tried: `FANSIPAN_CASES`, else a hundred thousand over all kinds (`make soak` tries ten million).

use proptest::test_runner::Config;

pub(crate) fn cases() -> Config {
    let cases = std::env::var("FANSIPAN_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(12_500);
    Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() }
}
