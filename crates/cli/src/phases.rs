//! How long each phase of the prover takes.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::{Elapsed, Moment};

/// Notes when phases start.
#[derive(Debug, Default)]
pub struct Stopwatch {
    started: Mutex<Vec<(&'static str, Moment)>>,
}

/// A phase and its duration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PhaseTime {
    /// [`verinfer_prover::Phase::name`].
    pub phase: String,
    /// Duration.
    #[serde(flatten)]
    pub elapsed: Elapsed,
}

impl Stopwatch {
    /// The phase of this name starts now, the one before ends.
    pub fn start(&self, phase: &'static str) {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).push((phase, Moment::now()));
    }

    /// The duration of each phase; the last ends now.
    pub fn stop(&self) -> Vec<PhaseTime> {
        let started = std::mem::take(&mut *self.started.lock().unwrap_or_else(PoisonError::into_inner));
        let ends: Vec<Moment> = started.iter().skip(1).map(|&(_, start)| start).chain([Moment::now()]).collect();
        let times = started.iter().zip(ends);
        times.map(|(&(phase, start), end)| PhaseTime { phase: phase.to_string(), elapsed: start.until(end) }).collect()
    }
}

/// Sum of durations.
pub fn total(times: &[PhaseTime]) -> Elapsed {
    times.iter().map(|time| time.elapsed).sum()
}

/// `12.3 ms` or `4.56 s`.
pub fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

#[cfg(test)]
mod tests {
    use verinfer_prover::Phase;

    use super::*;

    #[test]
    fn durations_have_a_unit_that_fits() {
        assert_eq!([0.0123, 4.5678].map(duration), ["12.3 ms", "4.57 s"]);
    }

    #[test]
    fn each_phase_that_started_has_a_time() {
        let stopwatch = Stopwatch::default();
        Phase::ALL.into_iter().for_each(|phase| stopwatch.start(phase.name()));
        let times = stopwatch.stop();
        assert!(times.iter().map(|time| time.phase.as_str()).eq(Phase::ALL.map(Phase::name)));
        assert!(total(&times).seconds >= 0.0);
    }
}
