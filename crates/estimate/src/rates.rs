//! How fast a machine is: the time of each phase of the prover for what it does.

use serde::{Deserialize, Serialize};
use verinfer_prover::Phase;

use crate::{Work, fit};

/// Rates of one program on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// By phase, in order.
    pub phases: Vec<PhaseRates>,
}

/// Rates of a phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseRates {
    /// [`Phase::name`].
    pub phase: String,
    /// Seconds for each count of [`Work::of_phase`].
    pub seconds: Vec<f64>,
}

impl Rates {
    /// The rates that fit proofs best of which the counts and the seconds of each phase are given. What is not measured has the rate zero.
    pub fn fit(samples: &[(Work, Vec<f64>)]) -> Self {
        let phases = Phase::ALL.into_iter().enumerate().map(|(index, phase)| {
            let sample = |(work, seconds): &(Work, Vec<f64>)| Some((work.of_phase(phase), *seconds.get(index)?));
            let samples: Vec<fit::Sample> = samples.iter().filter_map(sample).collect();
            PhaseRates { phase: phase.name().to_string(), seconds: fit::rates(&samples) }
        });
        Self { phases: phases.collect() }
    }

    /// Expected seconds of a proof.
    pub fn predict(&self, work: &Work) -> f64 {
        self.phases.iter().zip(Phase::ALL).map(|(rates, phase)| fit::time(&rates.seconds, &work.of_phase(phase))).sum()
    }

    /// Whether there are rates for each phase of this program's prover.
    pub fn is_whole(&self) -> bool {
        self.phases.iter().map(|rates| rates.phase.as_str()).eq(Phase::ALL.map(Phase::name))
    }
}
