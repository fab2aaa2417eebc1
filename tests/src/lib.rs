//! Whole-product tests and their kit.
