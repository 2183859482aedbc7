//! Why an event changes nothing.

use crate::keys::AccountId;
use crate::merkle::ListLength;
use crate::money::{Money, MoneyError};
use crate::time::{Millis, Timestamp};

/// Why an event changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The agreement has ended.
    #[error("the agreement has ended")]
    Ended,
    /// The time for moves of this stage is over.
    #[error("the stage ended at {deadline}, it is {now}")]
    Late {
        /// When it ended.
        deadline: Timestamp,
        /// The escrow's time.
        now: Timestamp,
    },
    /// The stage is not over yet.
    #[error("the stage ends at {deadline}, it is {now}")]
    Early {
        /// When it ends.
        deadline: Timestamp,
        /// The escrow's time.
        now: Timestamp,
    },
    /// The account has no part in the agreement.
    #[error("account {account} is not a party to the agreement")]
    NotAParty {
        /// The account.
        account: AccountId,
    },
    /// Another move, or another party's, is due.
    #[error("in stage `{stage}` this move of this party is not possible")]
    OutOfStage {
        /// The stage.
        stage: &'static str,
    },
    /// The move belongs to another kind of agreement.
    #[error("the move belongs to another kind of agreement")]
    OtherKind,
    /// Terms that nobody can agree to.
    #[error("terms: {0}")]
    Terms(TermsFault),
    /// Terms that the marketplace does not allow.
    #[error("the marketplace's rules: {0}")]
    Rules(RulesFault),
    /// The stake does not cover the agreement.
    #[error("stake: {0}")]
    Stake(StakeFault),
    /// An amount is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The share of the seed is not the one committed to.
    #[error("the share is not the one that was committed to")]
    OtherShare,
    /// What a transfer is about is not what the move says.
    #[error("transfer: {0}")]
    Transfer(TransferFault),
    /// Entries that the move names are not those that are due.
    #[error("entry {position} of the move: {fault}")]
    Member {
        /// Position in the move's list.
        position: usize,
        /// What is wrong with it.
        fault: MemberFault,
    },
    /// Predictions were contested before all were recorded.
    #[error("predictions were contested before: the others can be once all are recorded")]
    ContestedBefore,
    /// The proof holds, but says something else.
    #[error("proof: {0}")]
    Proof(ProofFault),
    /// The escrow has not found out what the machine needs to decide.
    #[error("the escrow has not established what this move depends on")]
    FactsMissing,
}

impl From<TermsFault> for Refusal {
    fn from(cause: TermsFault) -> Self {
        Self::Terms(cause)
    }
}

impl From<RulesFault> for Refusal {
    fn from(cause: RulesFault) -> Self {
        Self::Rules(cause)
    }
}

impl From<StakeFault> for Refusal {
    fn from(cause: StakeFault) -> Self {
        Self::Stake(cause)
    }
}

impl From<TransferFault> for Refusal {
    fn from(cause: TransferFault) -> Self {
        Self::Transfer(cause)
    }
}

impl From<ProofFault> for Refusal {
    fn from(cause: ProofFault) -> Self {
        Self::Proof(cause)
    }
}

/// Why terms are impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsFault {
    /// Both parties are one account.
    #[error("both parties are the same account")]
    OneParty,
    /// The terms are opened by another than the one they say.
    #[error("the terms name account {expected} as the one that proposes them")]
    OtherProposer {
        /// Who should propose them.
        expected: AccountId,
    },
    /// An example, a proof and an inference must have falling prices, above zero.
    #[error("prices must satisfy E > Z > P > 0, found E = {example}, Z = {proof}, P = {inference}")]
    Prices {
        /// E.
        example: Money,
        /// Z.
        proof: Money,
        /// P.
        inference: Money,
    },
    /// The provider must risk at least twice what the customer does.
    #[error("beta must be at least 2, found {beta}")]
    Beta {
        /// Factor of the provider's deposit.
        beta: u32,
    },
    /// A number of entries is out of range.
    #[error("`{field}` is {found}, expected {least} to {most}")]
    Count {
        /// Name of the field.
        field: &'static str,
        /// What it is.
        found: u32,
        /// Least possible value.
        least: u32,
        /// Largest possible value.
        most: u32,
    },
    /// A period is zero or too long.
    #[error("`{field}` is {} ms, expected 1 to {} ms", found.0, Millis::MAX_PERIOD.0)]
    Period {
        /// Name of the field.
        field: &'static str,
        /// What it is.
        found: Millis,
    },
}

/// Why a stake does not cover an agreement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StakeFault {
    /// It is another provider's.
    #[error("it belongs to another provider")]
    OtherProvider,
    /// It is for another model.
    #[error("it is for another model")]
    OtherModel,
    /// It is too small.
    #[error("it is {found} units, {needed} are needed")]
    TooSmall {
        /// What is staked.
        found: Money,
        /// What must be.
        needed: Money,
    },
    /// It is being withdrawn or has been.
    #[error("it is being withdrawn")]
    Retired,
    /// As many agreements as it covers are open, or the provider has failed in them.
    #[error("its provider has failed in {covers} agreements, or they are open, and it covers no more: stake again")]
    Exhausted {
        /// So many.
        covers: u32,
    },
}

/// Why a marketplace does not allow terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesFault {
    /// Another price than everybody's.
    #[error("the price of {of} is {expected} here, not {found}")]
    Price {
        /// Of what.
        of: &'static str,
        /// In the terms.
        found: Money,
        /// The marketplace's.
        expected: Money,
    },
    /// Too few or too many examples.
    #[error("{of} is {found}; here it is {least} to {most}")]
    Count {
        /// Which number.
        of: &'static str,
        /// In the terms.
        found: u32,
        /// At least this.
        least: u32,
        /// At most this.
        most: u32,
    },
    /// Too small a fee: agreements with oneself would cost too little.
    #[error("the fee, epsilon, is {found}; here it is at least {least}")]
    Fee {
        /// In the terms.
        found: Money,
        /// At least this.
        least: Money,
    },
    /// Too small a stake.
    #[error("the stake is {found}; here it is at least {least}")]
    Stake {
        /// In the terms.
        found: Money,
        /// At least this.
        least: Money,
    },
    /// Another lock than everybody's.
    #[error("the lock of a stake is {} ms here, not {} ms", expected.0, found.0)]
    Lock {
        /// In the terms.
        found: Millis,
        /// The marketplace's.
        expected: Millis,
    },
    /// Another number of agreements than everybody's stake covers.
    #[error("a stake covers {expected} agreements here, not {found}")]
    Covers {
        /// In the terms.
        found: u32,
        /// The marketplace's.
        expected: u32,
    },
}

/// Why a move of a transfer is impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferFault {
    /// The commitment is to another number of ciphertexts.
    #[error("{found} ciphertexts are announced, {expected} are due")]
    Length {
        /// How many there are.
        found: u32,
        /// How many are due.
        expected: u32,
    },
    /// The ciphertexts are not those announced.
    #[error("the ciphertexts are not those that were announced")]
    OtherCiphertexts,
    /// The list cannot be committed to.
    #[error(transparent)]
    List(#[from] ListLength),
    /// Keys are short.
    #[error("the key has {len} bytes, at most {most} are allowed")]
    TooLong {
        /// How many it has.
        len: usize,
        /// How many it may have.
        most: usize,
    },
}

/// Why an entry of a list is not one that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberFault {
    /// It was not selected.
    #[error("it is not due")]
    NotDue,
    /// It was handled before, or stands twice in the list.
    #[error("it was handled before")]
    Repeated,
    /// The path does not show that it is in the committed list.
    #[error("it is not in the committed list")]
    NotInList,
    /// Labels are not opened although the agreement needs it, or opened although they must stay hidden.
    #[error("labels must be opened, in a file, exactly where outputs are shown")]
    Label,
    /// A signature is missing or not the right party's.
    #[error("its signature is missing or not valid")]
    Signature,
    /// The scores are missing, or not those that were signed.
    #[error("its scores are not those that were signed")]
    Scores,
    /// There is no entry with this index.
    #[error("there is no such entry")]
    Unknown,
    /// The list is empty or too long.
    #[error("a list must have 1 to {most} entries")]
    Count {
        /// Most entries.
        most: usize,
    },
}

/// Why a proof that holds does not settle what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// It is about another model.
    #[error("it is about another model")]
    OtherModel,
    /// It is bound to another agreement or stage.
    #[error("it is bound to another context")]
    OtherContext,
    /// It is about another number of images.
    #[error("it is about {found} images, the move names {expected}")]
    Images {
        /// How many it is about.
        found: usize,
        /// How many the move names.
        expected: usize,
    },
    /// An image is another than the one that is due.
    #[error("image {image} is not the one that is due")]
    OtherInput {
        /// Which.
        image: usize,
    },
    /// The labels are not those of the examples, or too many classes may be ahead.
    #[error("it counts with other labels or another rank")]
    OtherLabels,
    /// It decides another predicate.
    #[error("it decides another predicate")]
    OtherPredicate,
    /// What it says of the outputs does not decide the question.
    #[error("what it says of image {image} does not decide the question")]
    Undecided {
        /// Which.
        image: usize,
    },
    /// An output is another than the one answered or declared.
    #[error("the output of image {image} is another than was declared")]
    OtherOutput {
        /// Which.
        image: usize,
    },
}
