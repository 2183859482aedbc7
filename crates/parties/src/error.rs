//! Why a party cannot go on.

use std::error::Error;

use verinfer_escrow_client::ClientError;
use verinfer_items::ItemError;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::merkle::ListLength;
use verinfer_protocols::money::{Money, MoneyError};
use verinfer_sealing::{EnvelopeError, SealError};

use crate::model::ModelError;
use crate::peer::PeerError;
use crate::pins::PinError;
use crate::random::NoRandomness;
use crate::request::RequestError;
use crate::store::StoreError;

/// Why a party cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PartyError {
    /// The escrow refuses, or cannot be reached.
    #[error(transparent)]
    Escrow(#[from] ClientError),
    /// The other party refuses, or cannot be reached.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// What must not be forgotten cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model cannot predict or prove.
    #[error(transparent)]
    Model(Box<ModelError>),
    /// An input, a document or a label cannot be committed to.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// A list cannot be committed to.
    #[error(transparent)]
    List(#[from] ListLength),
    /// An amount is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// Items cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// An envelope cannot be made or opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Another party, model or escrow answers than was named.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The state belongs to another request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Nobody whose test sets count has had such an accuracy proved.
    #[error(
        "no agreement of the accounts whose test sets count shows that the model {model} is right on {right} of {of} examples \
         (among the top {top}): have it proved first (`customer accuracy`), or ask for less"
    )]
    NoRecord {
        /// The model's commitment.
        model: Digest,
        /// Of `of` examples.
        right: u32,
        /// So many at least.
        of: u32,
        /// The rank that counts as right.
        top: u32,
    },
    /// The other party has failed too often, or has done too little.
    #[error(
        "account {account} has failures that weigh {failed}, and met targets that have cost it {paid} in fees; taken is at most {times} times the fees, \
         of at least {least}"
    )]
    Failures {
        /// The other party.
        account: AccountId,
        /// What its failures weigh.
        failed: u64,
        /// What met targets have cost it.
        paid: u64,
        /// How many times that is taken.
        times: f64,
        /// Least fees.
        least: Money,
    },
    /// The state is about something else.
    #[error("the state is that of another kind of agreement than {expected}")]
    OtherKind {
        /// What it should be about.
        expected: &'static str,
    },
    /// Something that must be in the state is not.
    #[error("the state of agreement {agreement} lacks `{name}`")]
    Lost {
        /// The agreement.
        agreement: AgreementId,
        /// What is missing.
        name: String,
    },
    /// Terms that this party does not want to propose.
    #[error("{0}")]
    Plan(String),
    /// Terms that this party does not accept.
    #[error("not accepted: {0}")]
    NotAcceptable(&'static str),
    /// An agreement has to wait until another one has ended.
    #[error("not accepted: {most} agreements are open, and no more are taken at once")]
    NoPlace {
        /// How many places there are.
        most: u16,
    },
    /// An agreement has to wait until others have ended.
    #[error("not accepted: together with {others} open agreements it might leave too little time for one of them")]
    NoTime {
        /// How many are open.
        others: usize,
    },
    /// A proof that is due could not be made, or was refused.
    #[error("not proved: {0}")]
    NotProved(String),
    /// The server's socket cannot be used.
    #[error("cannot listen: {0}")]
    Listen(std::io::Error),
}

impl PartyError {
    /// Whether the party must not go on: its state fails, or its escrow has contradicted itself.
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Escrow(ClientError::Contradiction(_) | ClientError::Memory(_)))
    }

    /// Itself and its causes, in one line, for the party's own eyes.
    pub fn with_causes(&self) -> String {
        let causes = std::iter::successors(self.source(), |&cause| cause.source());
        causes.fold(self.to_string(), |said, cause| format!("{said}: {cause}"))
    }
}

impl From<std::io::Error> for PartyError {
    fn from(cause: std::io::Error) -> Self {
        Self::Listen(cause)
    }
}

impl From<ModelError> for PartyError {
    fn from(error: ModelError) -> Self {
        Self::Model(Box::new(error))
    }
}
