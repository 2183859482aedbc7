//! Time that passes, and the processor time that this process spends in it.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// A moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    instant: Instant,
    processor: Option<f64>,
}

/// What lies between two moments, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Elapsed {
    /// By the clock on the wall.
    pub seconds: f64,
    /// Of all threads of this process, system calls included; `None` where the system does not tell.
    pub processor_seconds: Option<f64>,
}

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        Self { instant: Instant::now(), processor: processor_seconds() }
    }

    /// From this moment to a later one.
    pub fn until(self, later: Self) -> Elapsed {
        let processor_seconds = later.processor.zip(self.processor).map(|(later, earlier)| later - earlier);
        Elapsed { seconds: later.instant.duration_since(self.instant).as_secs_f64(), processor_seconds }
    }

    /// From this moment until now.
    pub fn elapsed(self) -> Elapsed {
        self.until(Self::now())
    }
}

impl std::iter::Sum for Elapsed {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        let nothing = Self { seconds: 0.0, processor_seconds: Some(0.0) };
        parts.fold(nothing, |sum, part| Self {
            seconds: sum.seconds + part.seconds,
            processor_seconds: sum.processor_seconds.zip(part.processor_seconds).map(|(sum, part)| sum + part),
        })
    }
}

/// Processor time of this process so far.
fn processor_seconds() -> Option<f64> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
    }
    #[cfg(not(unix))]
    {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn work_takes_processor_time_and_waiting_does_not() {
        let start = Moment::now();
        std::thread::sleep(std::time::Duration::from_millis(200));
        let waited = start.elapsed();
        assert!(waited.seconds >= 0.2);
        let start = Moment::now();
        let mut state = 1u64;
        while start.elapsed().processor_seconds.unwrap() < 0.05 {
            state = std::hint::black_box(state.wrapping_mul(3));
        }
        assert!(start.elapsed().seconds > 0.0);
    }
}
