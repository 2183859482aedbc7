use thiserror::Error;
use verinfer_protocols::ledger::LedgerError;
use verinfer_protocols::merkle::ListLength;
use verinfer_protocols::money::MoneyError;
use verinfer_protocols::refusal::Refusal;
use verinfer_sampling::SamplingError;

use crate::EconomyError;

/// Why a game cannot be played to its end.
#[derive(Debug, Error)]
pub enum PlayError {
    /// Amounts or numbers are impossible.
    #[error(transparent)]
    Economy(#[from] EconomyError),
    /// The machine refuses what it should not.
    #[error("a move of the game is refused: {0}")]
    Refused(Refusal),
    /// The books do not balance.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An amount is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A list is too long.
    #[error(transparent)]
    List(#[from] ListLength),
    /// A probability cannot be computed.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// An agreement is of another kind than its game, or has ended.
    #[error("the agreement is not one of the game that is played")]
    OtherKind,
    /// A strategy has no end.
    #[error("the game has not ended after {0} turns")]
    Endless(usize),
}

impl From<Refusal> for PlayError {
    fn from(cause: Refusal) -> Self {
        Self::Refused(cause)
    }
}
