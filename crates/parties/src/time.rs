//! How much time a party that serves must be left.

use verinfer_protocols::time::Millis;

use crate::load::Load;

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
    /// Longest time for any move of either party: so long a place and a deposit can be held for nothing.
    pub longest: Millis,
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
    /// What an agreement may demand whose moves have these periods and so much work, if it leaves time for each of them alone.
    ///
    /// # Errors
    ///
    /// What is wrong with the periods.
    pub fn load(&self, moves: &[(Millis, Work)]) -> Result<Load, &'static str> {
        let mut load = Load { work: Millis(0), slack: Millis(u64::MAX), room: 0, kept: 0 };
        for (period, work) in moves {
            let work = self.needed(work);
            let slack = period.0.checked_sub(self.respond.0).and_then(|within| within.checked_sub(work)).ok_or("the time is too short")?;
            if *period > self.longest {
                return Err("the time is too long");
            }
            load.work = load.work.max(Millis(work));
            if work > 0 {
                load.slack = load.slack.min(Millis(slack));
            }
        }
        Ok(load)
    }

    /// With so many times the time for inferences and proofs.
    pub fn scaled(&self, by: u64) -> Self {
        let scaled = |time: Millis| Millis(time.0.saturating_mul(by));
        Self { inference: scaled(self.inference), proof: scaled(self.proof), ..*self }
    }

    /// Milliseconds for so much work.
    fn needed(&self, work: &Work) -> u64 {
        let parts = [(self.item, work.items), (self.inference, work.inferences), (self.proof, work.proofs)];
        parts.into_iter().map(|(time, count)| time.0.saturating_mul(u64::from(count))).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Time = Time { respond: Millis(1000), item: Millis(5), inference: Millis(10), proof: Millis(100), longest: Millis(60_000) };

    fn load(periods: [u64; 3], count: u32) -> Result<Load, &'static str> {
        let work = [
            Work { items: count, ..Work::default() },
            Work { inferences: count, ..Work::default() },
            Work { proofs: count, ..Work::default() },
        ];
        let moves: Vec<(Millis, Work)> = periods.map(Millis).into_iter().zip(work).collect();
        TIME.load(&moves)
    }

    #[test]
    fn each_move_must_be_left_its_time_and_none_too_much() {
        assert!(load([1015, 1030, 1300], 3).is_ok());
        for short in [[1014, 1030, 1300], [1015, 1029, 1300], [1015, 1030, 1299], [999, 1030, 1300]] {
            assert_eq!(load(short, 3), Err("the time is too short"));
        }
        assert!(load([60_000; 3], 3).is_ok());
        assert_eq!(load([60_000, 60_001, 60_000], 3), Err("the time is too long"));
    }
}
