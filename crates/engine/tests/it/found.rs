//! Sequences that once broke it.
