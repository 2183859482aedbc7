//! What an escrow answers with, and how the right to read and leave files with it is shown.

use serde::{Deserialize, Serialize};
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::{AccountId, SecretKey, Signature};
use verinfer_protocols::money::Money;
use verinfer_protocols::payment::{Direction, Standing};
use verinfer_protocols::rules::Rules;
use verinfer_protocols::time::Timestamp;

/// Header of a question: the [`Nonce`](verinfer_protocols::answer::Nonce) of who asks, hexadecimal.
pub const NONCE_HEADER: &str = "verinfer-nonce";

/// Header of a question: the position up to which who asks knows the log.
pub const KNOWN_HEADER: &str = "verinfer-known";

/// The kind of the refusal of a body that is not the one that was authorized: it was changed on the way.
pub const OTHER_BODY: &str = "other_body";

/// The kind of the refusal of a body of which less came than was announced.
pub const BROKEN_BODY: &str = "broken";

/// The kind of the refusal of a body that did not come in time.
pub const SLOW_BODY: &str = "slow";

/// Header of an answer: the [`SignedAnswer`](verinfer_protocols::answer::SignedAnswer), as JSON.
pub const ANSWER_HEADER: &str = "verinfer-answer";

/// Where requests are posted.
pub const REQUESTS: &str = "/v1/requests";

/// The media type of requests.
pub const JSON: &str = "application/json";

/// The escrow and the end of its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct About {
    /// Its own account, which stands in every request.
    pub escrow: AccountId,
    /// Its time.
    pub now: Timestamp,
    /// Entries of its log.
    pub position: u64,
    /// Digest of the log.
    pub head: Digest,
    /// The marketplace's rules.
    pub rules: Rules,
    /// The largest file that can be left with it, in bytes.
    pub max_file_bytes: u64,
}

/// A request was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestReceipt {
    /// The request's digest.
    pub request: Digest,
    /// The entry of the log that says so.
    pub entry: Receipt,
}

/// The entry of the log by which a request was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// Its place in the log; the first entry has 1.
    pub position: u64,
    /// Digest of the log up to it.
    pub head: Digest,
    /// When the request was received.
    pub at: Timestamp,
}

/// An agreement as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgreementView {
    /// The agreement.
    pub agreement: Agreement,
    /// The name of its stage.
    pub stage: String,
    /// Whether nothing can happen any more.
    pub ended: bool,
    /// When the stage ends, if it does.
    pub deadline: Option<Timestamp>,
    /// Who has to move, if anybody.
    pub awaits: Option<AccountId>,
    /// Proposer and acceptor.
    pub parties: Vec<PartyView>,
    /// What it holds.
    pub held: Money,
    /// Of a stake: how many agreements count against what it covers.
    pub covered: Option<u32>,
    /// The escrow's time.
    pub now: Timestamp,
}

/// A party to an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartyView {
    /// Its account.
    pub account: AccountId,
    /// The number of its next request about the agreement.
    pub next_sequence: u64,
}

/// An agreement in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgreementSummary {
    /// Its name.
    pub id: AgreementId,
    /// `stake`, `accuracy`, `serving` or `retrieval`.
    pub kind: String,
    /// The name of its stage.
    pub stage: String,
    /// Whether nothing can happen any more.
    pub ended: bool,
    /// When the stage ends, if it does.
    pub deadline: Option<Timestamp>,
}

/// How many agreements that have not ended an [`AccountView`] lists.
pub const MAX_OPEN_LISTED: u16 = 1000;

/// How many that have ended it lists: the escrow's page of the account has the others.
pub const MAX_ENDED_LISTED: u16 = 100;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountView {
    /// Its key.
    pub account: AccountId,
    /// What it can dispose of.
    pub balance: Money,
    /// The number of its next request about itself.
    pub next_sequence: u64,
    /// How its agreements have ended, counted from the log.
    pub outcomes: Vec<OutcomeCount>,
    /// Its agreements, of each kind those first that changed last: at most [`MAX_OPEN_LISTED`] that have not ended, then at most [`MAX_ENDED_LISTED`] that
    /// have.
    pub agreements: Vec<AgreementSummary>,
}

/// How many agreements of an account have ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutcomeCount {
    /// Whether it had proposed them: as customer or requester. Otherwise it had been asked, as provider or responder.
    pub proposed: bool,
    /// `accuracy`, `serving` or `retrieval`.
    pub kind: String,
    /// How they ended, by its name.
    pub outcome: String,
    /// How many.
    pub times: u64,
    /// How much money that is: of failures what they weigh, of met targets the epsilon that each party paid, of others nothing.
    pub units: u64,
}

/// A payment from or to outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentView {
    /// Whose it is; of fees, the escrow's own.
    pub account: AccountId,
    /// `in` is a deposit, `out` a withdrawal.
    pub direction: Direction,
    /// Its name.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// Of a deposit, what was not reversed.
    pub left: Money,
    /// How it stands.
    pub standing: Standing,
    /// The entry that recorded it.
    pub recorded: u64,
    /// The entry that changed it last.
    pub changed: u64,
}

/// What an entry did to what an account can dispose of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MovementView {
    /// The place of the entry.
    pub position: u64,
    /// When it happened.
    pub at: Timestamp,
    /// `deposit`, `withdrawal`, `reversal`, `return`, `proposal`, `move`, or `deadline`.
    pub what: Cause,
    /// The agreement that it is about, if it is about one.
    pub agreement: Option<AgreementId>,
    /// The reference of the payment that it is about, if it is about one.
    pub reference: Option<String>,
    /// What the account gained; less than nothing if it lost.
    pub units: i64,
    /// What it had then.
    pub balance: i64,
}

/// Why an account has gained or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The operator has received something for it.
    Deposit,
    /// It has withdrawn.
    Withdrawal,
    /// A deposit was recorded wrongly.
    Reversal,
    /// A withdrawal could not be paid.
    Return,
    /// It has proposed an agreement.
    Proposal,
    /// Somebody has moved in an agreement.
    Move,
    /// A stage of an agreement ended without a move.
    Deadline,
}

/// A request was refused, or could not be understood; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// Why.
    pub error: ErrorDetail,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// For programs.
    pub kind: String,
    /// For people.
    pub message: String,
}

/// The right to leave a file with an agreement, or to read it: what is signed for the `authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FileAccess {
    /// The escrow's account.
    pub escrow: AccountId,
    /// The agreement.
    pub agreement: AgreementId,
    /// Digest of the file.
    pub file: Digest,
    /// Whether to leave it or to read it.
    pub leave: bool,
    /// From then on the signature is worth nothing.
    pub expires: Timestamp,
}

const FILE_ACCESS: &str = "verinfer escrow file access v1";
const SCHEME: &str = "Verinfer ";

impl FileAccess {
    /// The `authorization` header of an account: `Verinfer ACCOUNT:EXPIRES:SIGNATURE`.
    pub fn authorize(&self, key: &SecretKey) -> String {
        format!("{SCHEME}{}:{}:{}", key.account(), self.expires.0, key.sign(FILE_ACCESS, self))
    }

    /// The account and the expiry of a header; nothing if it is not of the form that [`FileAccess::authorize`] gives it.
    pub fn claimed(header: &str) -> Option<(AccountId, Timestamp, Signature)> {
        let mut parts = header.strip_prefix(SCHEME)?.split(':');
        let (account, expires, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let claimed = (account.parse().ok()?, Timestamp(expires.parse().ok()?), signature.parse().ok()?);
        parts.next().is_none().then_some(claimed)
    }

    /// Whether the account has signed it.
    pub fn is_signed_by(&self, account: &AccountId, signature: &Signature) -> bool {
        account.has_signed(FILE_ACCESS, self, signature)
    }
}

/// The right to have a request read: what is signed for its `authorization` header, so that an escrow knows who sends it, and that it is what that account
/// sends, before anything in it is understood. It needs no secrecy: a request is carried out once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RequestAccess {
    /// The escrow's account.
    pub escrow: AccountId,
    /// Digest of the bytes that are sent.
    pub body: Digest,
    /// From then on the signature is worth nothing.
    pub expires: Timestamp,
}

const REQUEST_ACCESS: &str = "verinfer escrow request access v1";

impl RequestAccess {
    /// The `authorization` header of an account: `Verinfer ACCOUNT:EXPIRES:BODY:SIGNATURE`.
    pub fn authorize(&self, key: &SecretKey) -> String {
        format!("{SCHEME}{}:{}:{}:{}", key.account(), self.expires.0, self.body, key.sign(REQUEST_ACCESS, self))
    }

    /// What a header for an escrow says, and which account it says has signed it; nothing if it is not of the form that [`RequestAccess::authorize`] gives
    /// it.
    pub fn claimed(header: &str, escrow: AccountId) -> Option<(AccountId, Self, Signature)> {
        let mut parts = header.strip_prefix(SCHEME)?.split(':');
        let (account, expires, body, signature) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let access = Self { escrow, body: body.parse().ok()?, expires: Timestamp(expires.parse().ok()?) };
        let claimed = (account.parse().ok()?, access, signature.parse().ok()?);
        parts.next().is_none().then_some(claimed)
    }

    /// Whether the account has signed it.
    pub fn is_signed_by(&self, account: &AccountId, signature: &Signature) -> bool {
        account.has_signed(REQUEST_ACCESS, self, signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_says_who_may_do_what_with_which_file() {
        let key = SecretKey::from_seed(&[1; 32]);
        let access = FileAccess {
            escrow: AccountId([2; 32]),
            agreement: AgreementId([3; 32]),
            file: Digest([4; 32]),
            leave: false,
            expires: Timestamp(5),
        };
        let (account, expires, signature) = FileAccess::claimed(&access.authorize(&key)).unwrap();
        assert_eq!((account, expires), (key.account(), Timestamp(5)));
        assert!(access.is_signed_by(&account, &signature));
        assert!(!FileAccess { leave: true, ..access }.is_signed_by(&account, &signature));
        for wrong in ["", "Bearer x", "Verinfer a:b:c", &format!("{}:", access.authorize(&key))] {
            assert!(FileAccess::claimed(wrong).is_none(), "{wrong}");
        }
    }
    #[test]
    fn header_says_who_sends_which_bytes_to_which_escrow() {
        let key = SecretKey::from_seed(&[1; 32]);
        let access = RequestAccess { escrow: AccountId([2; 32]), body: Digest([4; 32]), expires: Timestamp(5) };
        let header = access.authorize(&key);
        let (account, claimed, signature) = RequestAccess::claimed(&header, access.escrow).unwrap();
        assert_eq!((account, claimed), (key.account(), access));
        assert!(claimed.is_signed_by(&account, &signature));
        let (_, elsewhere, signature) = RequestAccess::claimed(&header, AccountId([3; 32])).unwrap();
        assert!(!elsewhere.is_signed_by(&account, &signature));
        assert!(!RequestAccess { body: Digest([5; 32]), ..access }.is_signed_by(&account, &signature));
        for wrong in ["", "Verinfer a:1:b:c", &format!("{header}:"), header.rsplit_once(':').unwrap().0] {
            assert!(RequestAccess::claimed(wrong, access.escrow).is_none(), "{wrong}");
        }
    }
}
