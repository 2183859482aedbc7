//! The command line's memory allocator and its settings.

use std::time::Duration;

use libmimalloc_sys::mi_option_t;

pub use mimalloc::MiMalloc as Allocator;

/// `mi_option_purge_delay` of mimalloc.h: for how many milliseconds freed memory is kept.
const PURGE_DELAY: mi_option_t = 15;

/// Keeps freed memory for so long before it goes back to the system, unless `MIMALLOC_PURGE_DELAY` in the environment says otherwise. Taking it
/// again costs page faults: between the phases of a large proof, and between proofs.
///
/// To be called before there are other threads.
#[allow(unsafe_code)]
pub fn keep_freed_memory(duration: Duration) {
    let milliseconds = duration.as_millis().try_into().unwrap_or(std::ffi::c_long::MAX);
    // SAFETY: the option exists, which a test checks; the call writes its value, an integer that the allocator reads whenever it has freed something.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, milliseconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn the_option_is_the_purge_delay() {
        // SAFETY: the call reads an integer.
        let value = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(value(), 1000, "the delay that mimalloc begins with");
        keep_freed_memory(Duration::from_secs(10));
        assert_eq!(value(), 10_000);
    }
}
