//! Peak memory of this process, where the system tells it.

use std::fs;

pub use verinfer_estimate::megabytes;

/// Starts a new measurement of the peak: it is what is in use now.
pub fn reset_peak() {
    // Without it the peak is that of the whole process, an upper bound.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Most bytes of memory in use since [`reset_peak`]; `None` on systems without `/proc`.
pub fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn peak_holds_what_was_in_use() {
        reset_peak();
        let before = peak().unwrap();
        let block = std::hint::black_box(vec![1u8; 1 << 25]);
        assert!(peak().unwrap() >= before + (block.len() as u64) / 2);
    }
}
