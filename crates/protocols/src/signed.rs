//! Requests to an escrow, each signed by an account, for one escrow, once, in order and for a limited time.
//!
//! What is signed is the canonical encoding ([`crate::digest::canonical`]) of [`DOMAIN`], [`VERSION`], the header and the body. In which form they
//! travel does not matter.

use serde::{Deserialize, Serialize};

use crate::agreement::{Move, Terms};
use crate::digest::{AgreementId, Digest};
use crate::keys::{AccountId, SecretKey, Signature};
use crate::money::Money;
use crate::rules::Rules;
use crate::time::{Millis, Timestamp};

/// The domain of requests: nothing else that is signed can be taken for one.
pub const DOMAIN: &str = "verinfer escrow request";

/// The version of requests.
pub const VERSION: u16 = 3;

/// The longest time before its expiry at which a request is taken.
pub const MAX_LIFETIME: Millis = Millis(15 * 60 * 1000);

/// Who says what to which escrow, where and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`VERSION`].
    pub version: u16,
    /// The escrow's own account.
    pub escrow: AccountId,
    /// Who signs.
    pub signer: AccountId,
    /// What it is about; [`AgreementId::NONE`] for requests about the account.
    pub agreement: AgreementId,
    /// One more than that of the signer's last request about it that was carried out; the first is 1.
    pub sequence: u64,
    /// From then on it is not carried out.
    pub expires: Timestamp,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant, reason = "one at a time, never in lists")]
pub enum Body {
    /// The escrow's operator has received money for an account.
    Deposit {
        /// Whose it is.
        account: AccountId,
        /// How much.
        amount: Money,
        /// The payment outside: another deposit of the account has another.
        reference: String,
    },
    /// The signer wants its money paid out.
    Withdraw {
        /// How much.
        amount: Money,
        /// By what both know the payment: another withdrawal of the account has another. Everybody can read it.
        reference: String,
    },
    /// The escrow's operator sets the marketplace's rules.
    Rules(Rules),
    /// The signer proposes an agreement; the header holds its id.
    Open(Terms),
    /// The signer moves in the agreement of the header.
    Act(Move),
    /// The escrow's operator has recorded a deposit wrongly: only so much of it stands.
    Reverse {
        /// Whose deposit it is.
        account: AccountId,
        /// Its reference.
        reference: String,
        /// What stands of it.
        left: Money,
        /// Why.
        reason: String,
    },
    /// The escrow's operator has paid out what was withdrawn.
    Paid {
        /// By whom.
        account: AccountId,
        /// The withdrawal's reference.
        reference: String,
    },
    /// The escrow's operator cannot pay out what was withdrawn: the account has it again.
    Returned {
        /// By whom.
        account: AccountId,
        /// The withdrawal's reference.
        reference: String,
        /// Why.
        reason: String,
    },
}

/// A signed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Who, where and when.
    pub header: Header,
    /// What.
    pub body: Body,
    /// The signer's signature of both.
    pub signature: Signature,
}

/// Why a request is not carried out, whatever it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// Another version.
    #[error("the request has version {found}; this escrow takes version {VERSION}")]
    Version {
        /// The request's.
        found: u16,
    },
    /// For another escrow.
    #[error("the request is for the escrow {found}")]
    OtherEscrow {
        /// The request's.
        found: AccountId,
    },
    /// Not signed by who it says.
    #[error("the signature is not that of account {signer}")]
    Signature {
        /// Who should have signed.
        signer: AccountId,
    },
    /// Too late, or valid for too long.
    #[error("the request expires at {expires}, it is {now}; it must expire later, and at most {} ms later", MAX_LIFETIME.0)]
    Expiry {
        /// The request's.
        expires: Timestamp,
        /// The escrow's time.
        now: Timestamp,
    },
    /// A request with this number was carried out.
    #[error("number {found} was used by another request, the next is {expected}")]
    Replayed {
        /// The request's.
        found: u64,
        /// The one that is due.
        expected: u64,
    },
    /// Requests before it are missing.
    #[error("number {found} is too high, the next is {expected}")]
    OutOfOrder {
        /// The request's.
        found: u64,
        /// The one that is due.
        expected: u64,
    },
}

impl Request {
    /// Signs a request.
    pub fn sign(header: Header, body: Body, key: &SecretKey) -> Self {
        let signature = key.sign(DOMAIN, &(&header, &body));
        Self { header, body, signature }
    }

    /// The name of the request: equal for equal header and body. An escrow carries out a request once, and answers it again as often as it comes.
    pub fn id(&self) -> Digest {
        Digest::of("verinfer escrow request id", &(&self.header, &self.body))
    }

    /// Checks that it is for this escrow, and signed.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn check(&self, escrow: AccountId) -> Result<(), RequestFault> {
        let &Header { version, escrow: found, signer, .. } = &self.header;
        if version != VERSION {
            return Err(RequestFault::Version { found: version });
        }
        if found != escrow {
            return Err(RequestFault::OtherEscrow { found });
        }
        if !signer.has_signed(DOMAIN, &(&self.header, &self.body), &self.signature) {
            return Err(RequestFault::Signature { signer });
        }
        Ok(())
    }
}

impl Header {
    /// Checks that the request has not expired, and will before long.
    ///
    /// # Errors
    ///
    /// It has, or will not.
    pub const fn check_expiry(&self, now: Timestamp) -> Result<(), RequestFault> {
        if now.0 < self.expires.0 && self.expires.0 <= now.after(MAX_LIFETIME).0 {
            Ok(())
        } else {
            Err(RequestFault::Expiry { expires: self.expires, now })
        }
    }

    /// Checks that the request is the one after `last`, the number of the signer's last request about the agreement; 0 if there was none.
    ///
    /// # Errors
    ///
    /// It is an earlier one, or a later one.
    pub const fn check_sequence(&self, last: u64) -> Result<(), RequestFault> {
        let (found, expected) = (self.sequence, last.saturating_add(1));
        if found < expected {
            Err(RequestFault::Replayed { found, expected })
        } else if found > expected {
            Err(RequestFault::OutOfOrder { found, expected })
        } else {
            Ok(())
        }
    }
}
