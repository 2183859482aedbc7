//! What a party names before it turns to others: whoever answers in their place is refused before anything is signed or paid.

use serde::{Deserialize, Serialize};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::AccountId;

/// The other party, as far as it is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pins {
    /// Its account.
    pub account: Option<AccountId>,
    /// Of a provider: digest of the public file of its model's commitment.
    pub model: Option<Digest>,
}

/// Somebody or something else answers than was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Another escrow.
    #[error("the escrow's account is {found}, not {expected}: nothing was signed or paid")]
    OtherEscrow {
        /// The account that was named.
        expected: AccountId,
        /// The account of the escrow that answers.
        found: AccountId,
    },
    /// Another party.
    #[error("the other party's account is {found}, not {expected}: nothing was proposed or paid")]
    OtherParty {
        /// The account that was named.
        expected: AccountId,
        /// The account of the party that answers.
        found: AccountId,
    },
    /// Another model.
    #[error("the provider offers the model with the commitment {found}, not {expected}: nothing was proposed or paid")]
    OtherModel {
        /// The commitment that was named.
        expected: Digest,
        /// The commitment of the model that the provider offers.
        found: Digest,
    },
}

impl Pins {
    /// Checks who answers.
    ///
    /// # Errors
    ///
    /// It is another than was named.
    pub fn check_account(&self, found: AccountId) -> Result<(), PinError> {
        match self.account {
            Some(expected) if expected != found => Err(PinError::OtherParty { expected, found }),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks which model is offered.
    ///
    /// # Errors
    ///
    /// It is another than was named.
    pub fn check_model(&self, found: Digest) -> Result<(), PinError> {
        match self.model {
            Some(expected) if expected != found => Err(PinError::OtherModel { expected, found }),
            Some(_) | None => Ok(()),
        }
    }
}

/// Checks which escrow answers.
///
/// # Errors
///
/// It is another than was named.
pub fn check_escrow(expected: Option<AccountId>, found: AccountId) -> Result<(), PinError> {
    match expected {
        Some(expected) if expected != found => Err(PinError::OtherEscrow { expected, found }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_than_was_named_is_refused_and_what_is_not_named_is_not_looked_at() {
        let (account, model) = (AccountId([1; 32]), Digest([2; 32]));
        let pins = Pins { account: Some(account), model: Some(model) };
        let (other, another) = (AccountId([3; 32]), Digest([4; 32]));
        assert_eq!((pins.check_account(account), pins.check_model(model), check_escrow(Some(account), account)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(pins.check_account(other), Err(PinError::OtherParty { expected: account, found: other }));
        assert_eq!(pins.check_model(another), Err(PinError::OtherModel { expected: model, found: another }));
        assert_eq!(check_escrow(Some(account), other), Err(PinError::OtherEscrow { expected: account, found: other }));
        let none = Pins::default();
        assert_eq!((none.check_account(other), none.check_model(another), check_escrow(None, other)), (Ok(()), Ok(()), Ok(())));
    }
}
