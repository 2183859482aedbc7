//! What this program runs on, and which program it is.

use std::fs;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// A machine, as its system describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, or its architecture where the system does not tell.
    pub processor: String,
    /// Processors that the system schedules on, hardware threads of one core each counted.
    pub logical_processors: usize,
    /// Threads of the prover.
    pub threads: usize,
    /// Bytes of memory, where the system tells.
    pub memory: Option<u64>,
    /// Operating system and architecture.
    pub system: String,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_string()),
            logical_processors: std::thread::available_parallelism().map_or(1, usize::from),
            threads: rayon::current_num_threads(),
            memory: field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// Digest of this program's file: measurements belong to one program.
///
/// # Errors
///
/// The file cannot be found or read.
pub fn program_digest() -> anyhow::Result<String> {
    let path = std::env::current_exe().context("cannot find this program")?;
    let mut hasher = blake3::Hasher::new();
    let file = fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    hasher.update_reader(file).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The first value of a field in a file of lines `name : value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let (_, value) = text.lines().filter_map(|line| line.split_once(':')).find(|(found, _)| found.trim() == name)?;
    Some(value.trim().to_string())
}

fn kibibytes(text: &str) -> Option<u64> {
    text.trim_end_matches(" kB").parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_and_program_are_the_same_every_time() {
        assert_eq!(Machine::here(), Machine::here());
        assert_eq!(program_digest().unwrap(), program_digest().unwrap());
        assert_eq!(kibibytes("2 kB"), Some(2048));
    }
}
