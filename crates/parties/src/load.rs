//! What agreements demand of a party that serves, and how many it can have at once.

use serde::{Deserialize, Serialize};
use verinfer_escrow_client::{MAX_ACCOUNT_BYTES, MAX_AGREEMENT_BYTES, MAX_FILE_BYTES};
use verinfer_protocols::time::Millis;

/// What an agreement may demand of a party at any one time. An agreement is in one stage, so that the work of its moves does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// How long the work of one move may take.
    pub work: Millis,
    /// How long the work of a move can wait, at least.
    pub slack: Millis,
    /// Bytes of the files that the party may have to leave with the escrow, as that counts them.
    pub room: u64,
    /// Bytes that the party keeps in its own state until the agreement has ended.
    pub kept: u64,
}

/// Most bytes that a party keeps for its open agreements: whoever proposes them must not fill its disk.
pub const MAX_KEPT_BYTES: u64 = 1 << 34;

impl Load {
    /// With files of so many bytes, besides the model and a contested ciphertext.
    ///
    /// # Errors
    ///
    /// The escrow would not take them.
    pub fn with_files(self, bytes: u64) -> Result<Self, &'static str> {
        let room = bytes.saturating_add(2 * MAX_FILE_BYTES as u64);
        if room > MAX_AGREEMENT_BYTES { Err("the escrow would not take so many proofs and items") } else { Ok(Self { room, ..self }) }
    }

    /// While so many bytes are kept for it.
    #[must_use]
    pub const fn keeping(self, kept: u64) -> Self {
        Self { kept, ..self }
    }

    /// Whether a party that does its work in the order in which it comes up is late in none of these agreements, whatever happens in them, whether the
    /// escrow takes all their files, and whether the party has room for what it keeps.
    ///
    /// When work comes up, what is before it is at most the work of one move of each other agreement. (The nearest deadline first would do with less for
    /// agreements that are there from the beginning, but not with any bound on their number alone: one short agreement after the other would always be first.)
    pub fn fit(loads: &[Self]) -> bool {
        let all: u128 = loads.iter().map(|load| u128::from(load.work.0)).sum();
        let room: u128 = loads.iter().map(|load| u128::from(load.room)).sum();
        let kept: u128 = loads.iter().map(|load| u128::from(load.kept)).sum();
        room <= MAX_ACCOUNT_BYTES.into()
            && kept <= MAX_KEPT_BYTES.into()
            && loads.iter().all(|load| all.saturating_sub(load.work.0.into()) <= load.slack.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Time, Work};

    const TIME: Time = Time { respond: Millis(1000), item: Millis(5), inference: Millis(10), proof: Millis(100), longest: Millis(60_000) };

    fn load(period: u64, proofs: u32) -> Load {
        TIME.load(&[(Millis(period), Work { proofs, ..Work::default() })]).unwrap()
    }

    #[test]
    fn agreements_fit_while_each_can_wait_for_the_work_of_the_others() {
        let [long, short] = [load(60_000, 100), load(6000, 10)];
        assert_eq!((long.work, long.slack, short.work, short.slack), (Millis(10_000), Millis(49_000), Millis(1000), Millis(4000)));
        assert!(Load::fit(&[long; 5]) && !Load::fit(&[long; 6]));
        assert!(Load::fit(&[short; 5]) && !Load::fit(&[short; 6]));
        assert!(!Load::fit(&[long, short]), "the short one could come up when the long one is being proved");
        let idle = load(1000, 0);
        assert!(Load::fit(&[idle; 1000]) && Load::fit(&[long, idle]));
        assert!(Load::fit(&[]));
    }

    #[test]
    fn moves_of_one_agreement_do_not_wait_for_each_other() {
        let moves = [(Millis(2000), Work { inferences: 3, ..Work::default() }), (Millis(60_000), Work { proofs: 30, ..Work::default() })];
        let load = TIME.load(&moves).unwrap();
        assert_eq!((load.work, load.slack), (Millis(3000), Millis(970)));
        assert!(Load::fit(&[load]) && !Load::fit(&[load; 2]));
    }

    #[test]
    fn no_more_is_promised_than_the_escrow_takes_files_for() {
        let load = |bytes| load(1000, 0).with_files(bytes);
        let most = MAX_AGREEMENT_BYTES - 2 * MAX_FILE_BYTES as u64;
        assert!(load(most).is_ok() && load(most + 1).is_err() && load(u64::MAX).is_err());
        assert!(Load::fit(&[load(most).unwrap(); 4]) && !Load::fit(&[load(most).unwrap(); 5]));
        assert!(Load::fit(&[load(1 << 20).unwrap(); 64]));
        let kept = |bytes| load(0).unwrap().keeping(bytes);
        assert!(
            Load::fit(&[kept(MAX_KEPT_BYTES / 2); 2]) && !Load::fit(&[kept(MAX_KEPT_BYTES / 2); 3]) && !Load::fit(&[kept(u64::MAX); 2])
        );
    }

    #[test]
    fn hostile_counts_overflow_nothing() {
        let all = Work { items: u32::MAX, inferences: u32::MAX, proofs: u32::MAX };
        let time = Time { item: Millis(u64::MAX), ..TIME }.scaled(u64::MAX);
        assert_eq!(time.load(&[(Millis(u64::MAX), all)]), Err("the time is too short"));
        assert!(!Load::fit(&[Load { work: Millis(u64::MAX), slack: Millis(u64::MAX), room: u64::MAX, kept: u64::MAX }; 3]));
    }
}
