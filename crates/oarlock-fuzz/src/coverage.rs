//! The driver of libFuzzer: it calls one target, named by `OARLOCK_FUZZ_TARGET`, with what it makes up.
#![no_main]

use std::sync::LazyLock;

use oarlock_fuzz::{TARGETS, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("OARLOCK_FUZZ_TARGET").unwrap_or_default();
    TARGETS.iter().find(|target| target.name == name).expect("OARLOCK_FUZZ_TARGET names a target")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| (TARGET.feed)(input));
