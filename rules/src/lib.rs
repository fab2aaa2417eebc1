//! Sigma text to compiled matcher; shipped rule packs.
