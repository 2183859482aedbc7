//! Payments from and to the world outside: what the operator has received for an account, and what it owes to who has withdrawn.
//!
//! A payment is named by its account and reference, so that the same one is recorded once however often it is asked for. A deposit that was recorded
//! wrongly is taken back as far as the account has it: what others were paid from it is the operator's loss, whose word it was. What is withdrawn
//! leaves the account at once and is due ([`Account::Due`]) until the operator has paid it, or gives it back because it cannot.

use serde::{Deserialize, Serialize};

use crate::keys::AccountId;
use crate::ledger::{Account, Posting};
use crate::money::Money;
use crate::signed::{Body, Request};

/// The longest reference or reason, in bytes.
pub const MAX_TEXT_BYTES: usize = 128;

/// Which way a payment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From outside.
    In,
    /// To outside.
    Out,
}

/// How a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A deposit: the account was credited.
    Received,
    /// A withdrawal that the operator has not paid yet.
    Due,
    /// A withdrawal that the operator has paid.
    Paid,
    /// A withdrawal that could not be paid: the account has it again.
    Returned,
}

/// The name of a payment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Who is credited or debited: a party, or the escrow's fees.
    pub holder: Account,
    /// Which way it goes.
    pub direction: Direction,
    /// Chosen by the operator for a deposit, by the account for a withdrawal.
    pub reference: String,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its name.
    pub key: Key,
    /// How much.
    pub amount: Money,
    /// Of a deposit, what was not reversed.
    pub left: Money,
    /// How it stands.
    pub standing: Standing,
}

/// Why a payment is not recorded or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentFault {
    /// A reference is missing or too long.
    #[error("a reference has 1 to {MAX_TEXT_BYTES} bytes, this one has {len}")]
    Reference {
        /// Its length.
        len: usize,
    },
    /// A reason is too long.
    #[error("a reason has at most {MAX_TEXT_BYTES} bytes, this one has {len}")]
    Reason {
        /// Its length.
        len: usize,
    },
    /// A reference or reason has a character that is no text.
    #[error("a {of} has no control characters, this one has U+{:04X}", u32::from(*found))]
    Control {
        /// `reference` or `reason`.
        of: &'static str,
        /// The first of them.
        found: char,
    },
    /// It is a payment of nothing.
    #[error("a payment of 0 units is none")]
    Nothing,
    /// There is no payment of this name.
    #[error("the account has no {} with this reference", name(*direction))]
    Unknown {
        /// Of this direction.
        direction: Direction,
    },
    /// Just this was recorded.
    #[error("this is recorded already; nothing has changed")]
    Recorded,
    /// A payment of this name was recorded with another amount.
    #[error("the account has a {} of {recorded} units with this reference, not of {amount}: another payment needs another reference", name(*direction))]
    OtherAmount {
        /// Of this direction.
        direction: Direction,
        /// What was recorded.
        recorded: Money,
        /// What should be.
        amount: Money,
    },
    /// A deposit cannot grow.
    #[error("{left} units of the deposit stand: a reversal leaves less, not {found}")]
    NotLess {
        /// What stands.
        left: Money,
        /// What should be left.
        found: Money,
    },
    /// The operator has paid it.
    #[error("the withdrawal was paid: it cannot be returned")]
    Paid,
    /// It was given back.
    #[error("the withdrawal was returned to its account: a new one needs another reference")]
    Returned,
}

const fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "deposit",
        Direction::Out => "withdrawal",
    }
}

/// What a request makes of a payment, and the postings that go with that.
pub type Outcome = Result<(Payment, Vec<Posting>), PaymentFault>;

impl Key {
    /// The payment that a request is about, if it is about one.
    pub fn of(request: &Request) -> Option<Self> {
        let escrow = request.header.escrow;
        // The operator's own account is where fees are.
        let withdrawn_by = |account: AccountId| if account == escrow { Account::Fees } else { Account::Party(account) };
        let (holder, direction, reference) = match &request.body {
            Body::Deposit { account, reference, .. } | Body::Reverse { account, reference, .. } => {
                (Account::Party(*account), Direction::In, reference)
            }
            Body::Withdraw { reference, .. } => (withdrawn_by(request.header.signer), Direction::Out, reference),
            Body::Paid { account, reference } | Body::Returned { account, reference, .. } => {
                (withdrawn_by(*account), Direction::Out, reference)
            }
            Body::Open(_) | Body::Act(_) | Body::Rules(_) => return None,
        };
        Some(Self { holder, direction, reference: reference.clone() })
    }
}

/// Checks that the texts of a request, which databases keep and terminals and pages show, have no control characters. The reference of a payment that is
/// recorded already may have any but NUL, which no database is asked for: an earlier program may have recorded it. Lengths are [`Payment::step`]'s to check.
///
/// # Errors
///
/// The first fault.
pub fn check_texts(body: &Body) -> Result<(), PaymentFault> {
    let is_control = |found: &char| found.is_control();
    let is_nul = |found: &char| *found == '\0';
    match body {
        Body::Deposit { reference, .. } | Body::Withdraw { reference, .. } => check_characters("reference", reference, is_control),
        Body::Reverse { reference, reason, .. } | Body::Returned { reference, reason, .. } => {
            check_characters("reference", reference, is_nul)?;
            check_characters("reason", reason, is_control)
        }
        Body::Paid { reference, .. } => check_characters("reference", reference, is_nul),
        Body::Open(_) | Body::Act(_) | Body::Rules(_) => Ok(()),
    }
}

fn check_characters(of: &'static str, text: &str, is_forbidden: impl Fn(&char) -> bool) -> Result<(), PaymentFault> {
    text.chars().find(is_forbidden).map_or(Ok(()), |found| Err(PaymentFault::Control { of, found }))
}

impl Payment {
    /// What a request makes of the payment that it is about, given how that stands. That the signer may ask for it is the caller's to check.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn step(before: Option<&Self>, key: Key, body: &Body) -> Outcome {
        match key.reference.len() {
            1..=MAX_TEXT_BYTES => {}
            len => return Err(PaymentFault::Reference { len }),
        }
        let direction = key.direction;
        let known = || before.cloned().ok_or(PaymentFault::Unknown { direction });
        match body {
            Body::Deposit { amount, .. } => Self::record(before, key, *amount),
            Body::Withdraw { amount, .. } => Self::record(before, key, *amount),
            Body::Reverse { left, reason, .. } => {
                check_reason(reason)?;
                known()?.reverse(*left)
            }
            Body::Paid { .. } => known()?.settle(Standing::Paid),
            Body::Returned { reason, .. } => {
                check_reason(reason)?;
                known()?.settle(Standing::Returned)
            }
            Body::Open(_) | Body::Act(_) | Body::Rules(_) => Err(PaymentFault::Unknown { direction }),
        }
    }

    fn record(before: Option<&Self>, key: Key, amount: Money) -> Outcome {
        if let Some(Self { amount: recorded, standing, .. }) = before {
            return Err(match *standing {
                _ if *recorded != amount => PaymentFault::OtherAmount { direction: key.direction, recorded: *recorded, amount },
                Standing::Returned => PaymentFault::Returned,
                Standing::Received | Standing::Due | Standing::Paid => PaymentFault::Recorded,
            });
        }
        if amount.is_zero() {
            return Err(PaymentFault::Nothing);
        }
        let (standing, from, to) = match key.direction {
            Direction::In => (Standing::Received, Account::Outside, key.holder),
            Direction::Out => (Standing::Due, key.holder, Account::Due),
        };
        Ok((Self { key, amount, left: amount, standing }, vec![Posting { from, to, amount }]))
    }

    /// Leaves only so much of a deposit.
    fn reverse(mut self, left: Money) -> Outcome {
        if left == self.left {
            return Err(PaymentFault::Recorded);
        }
        let amount = self.left.minus(left).map_err(|_| PaymentFault::NotLess { left: self.left, found: left })?;
        self.left = left;
        let posting = Posting { from: self.key.holder, to: Account::Outside, amount };
        Ok((self, vec![posting]))
    }

    /// Ends a withdrawal that is due.
    fn settle(mut self, standing: Standing) -> Outcome {
        match self.standing {
            Standing::Due => {}
            before if before == standing => return Err(PaymentFault::Recorded),
            Standing::Paid => return Err(PaymentFault::Paid),
            Standing::Returned => return Err(PaymentFault::Returned),
            Standing::Received => return Err(PaymentFault::Unknown { direction: Direction::Out }),
        }
        self.standing = standing;
        let to = if standing == Standing::Returned { self.key.holder } else { Account::Outside };
        let posting = Posting { from: Account::Due, to, amount: self.amount };
        Ok((self, vec![posting]))
    }
}

const fn check_reason(reason: &str) -> Result<(), PaymentFault> {
    match reason.len() {
        0..=MAX_TEXT_BYTES => Ok(()),
        len => Err(PaymentFault::Reason { len }),
    }
}
