//! How much time a party that serves must be left.

use verinfer_protocols::time::Millis;

/// Least time for what a party that serves has to do: who leaves it less only wants its deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// For each move; inferences and proofs come on top.
    pub respond: Millis,
    /// For each inference.
    pub inference: Millis,
    /// For the proof of each input.
    pub proof: Millis,
}

impl Time {
    /// Whether periods suffice for a move with so many inferences and so many proofs each.
    pub fn suffices(&self, periods: &[(Millis, u32, u32)]) -> bool {
        let times = |time: Millis, count: u32| time.0.saturating_mul(u64::from(count));
        let needed =
            |inferences, proofs| self.respond.0.saturating_add(times(self.inference, inferences)).saturating_add(times(self.proof, proofs));
        periods.iter().all(|&(period, inferences, proofs)| period.0 >= needed(inferences, proofs))
    }
}
