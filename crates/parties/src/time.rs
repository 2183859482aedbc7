//! How much time a party that serves must be left.

use verinfer_protocols::time::Millis;

/// Least time for what a party that serves has to do: who leaves it less only wants its deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// For each move; what it has to do comes on top.
    pub respond: Millis,
    /// For each item that is sealed, opened, checked, kept or published.
    pub item: Millis,
    /// For each inference.
    pub inference: Millis,
    /// For the proof of each input.
    pub proof: Millis,
}

/// What one move may take besides the move itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Items to be sealed, opened, checked, kept or published.
    pub items: u32,
    /// Inferences.
    pub inferences: u32,
    /// Inputs to be proved.
    pub proofs: u32,
}

impl Time {
    /// Whether each period suffices for a move with so much work.
    pub fn suffices(&self, periods: &[(Millis, Work)]) -> bool {
        periods.iter().all(|(period, work)| *period >= self.needed(work))
    }

    /// Least time for a move with so much work.
    fn needed(&self, work: &Work) -> Millis {
        let parts = [(self.item, work.items), (self.inference, work.inferences), (self.proof, work.proofs)];
        let times = |(time, count): (Millis, u32)| time.0.saturating_mul(u64::from(count));
        Millis(parts.into_iter().map(times).fold(self.respond.0, u64::saturating_add))
    }
}
