//! Data transfer (appendix B): the sender commits to ciphertexts, the receiver acknowledges them, the sender publishes the key. Nobody can later say
//! that something else was sent.
//!
//! ```text
//! Announcing --announce--> Acknowledging --acknowledge--> Keying --key--> Checking --accept--> delivered
//!                                |                          ^                |
//!                             missing                       |             contest --> one of them is at fault
//!                                '----> Publishing --publish'
//! ```
//!
//! The paper has no answer for a receiver who says that nothing arrived: a silent sender and a receiver who denies receipt look alike. Here the
//! receiver says so, and the sender then leaves the ciphertexts with the escrow, which everybody trusts to hand them over.

use serde::{Deserialize, Serialize};

use crate::digest::{AgreementId, Digest};
use crate::event::{Event, Facts, check_time};
use crate::keys::AccountId;
use crate::merkle::{Path, Root, Tree};
use crate::refusal::{Refusal, TransferFault};
use crate::time::{Millis, Timestamp};

/// Most items: their digests can be published in one request to an escrow. Who had promised more would lose to a receiver that says they are missing.
pub const MAX_ITEMS: u32 = 1 << 15;

/// Longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 256;

/// What the ciphertexts of a transfer belong to: the agreement, and the stage in which they are transferred ([`crate::agreement::State::stage`]).
pub fn context(agreement: AgreementId, stage: &str) -> Digest {
    Digest::of("verinfer protocols v1 transfer", &(agreement, stage))
}

/// What is transferred, by whom, to whom.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Who sends.
    pub sender: AccountId,
    /// Who receives.
    pub receiver: AccountId,
    /// How many items.
    pub items: u32,
    /// Time for each move.
    pub respond: Millis,
}

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = transfer::State))]
pub enum State {
    /// The sender has to commit to the ciphertexts.
    Announcing {
        /// Until then.
        deadline: Timestamp,
    },
    /// The receiver has to say whether they arrived.
    Acknowledging {
        /// Commitment to the ciphertexts.
        ciphertexts: Digest,
        /// Until then.
        deadline: Timestamp,
    },
    /// The sender has to leave them with the escrow.
    Publishing {
        /// Commitment to the ciphertexts.
        ciphertexts: Digest,
        /// Until then.
        deadline: Timestamp,
    },
    /// The sender has to publish the key.
    Keying {
        /// Commitment to the ciphertexts.
        ciphertexts: Digest,
        /// Until then.
        deadline: Timestamp,
    },
    /// The receiver has to accept what it got, or contest it.
    Checking {
        /// Commitment to the ciphertexts.
        ciphertexts: Digest,
        /// The published key.
        key: Vec<u8>,
        /// Until then.
        deadline: Timestamp,
    },
}

/// What a party does in a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = transfer::Move))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Move {
    /// The sender commits to the digests of the ciphertexts, in the order of the items.
    Announce {
        /// Over [`Digest::of_bytes`] of each ciphertext.
        ciphertexts: Root,
    },
    /// The receiver has them.
    Acknowledge,
    /// The receiver does not have them.
    Missing,
    /// The sender has left them with the escrow.
    Publish {
        /// Their digests.
        ciphertexts: Vec<Digest>,
    },
    /// The sender publishes the key.
    Key {
        /// The key, as bytes.
        key: Vec<u8>,
    },
    /// The receiver has what was promised.
    Accept,
    /// The receiver says that a ciphertext does not open to what was promised.
    Contest {
        /// Which item.
        position: u32,
        /// Digest of the ciphertext, which the receiver has left with the escrow.
        ciphertext: Digest,
        /// Shows that it is the announced one.
        path: Path,
    },
}

/// What came of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The transfer goes on.
    On(State),
    /// The receiver has what was promised, and agrees.
    Delivered,
    /// The sender broke the rules.
    SenderAtFault(Breach),
    /// The receiver broke the rules.
    ReceiverAtFault(Breach),
}

/// How a party broke the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// It did nothing until the deadline.
    Silence,
    /// It gave up.
    Abort,
    /// What it sent does not open to what it had committed to.
    WrongData,
    /// It contested what was right.
    FalseContest,
}

impl State {
    /// The first state.
    pub const fn start(plan: &Plan, now: Timestamp) -> Self {
        Self::Announcing { deadline: now.after(plan.respond) }
    }

    /// When the time for the next move is over.
    pub const fn deadline(&self) -> Timestamp {
        match self {
            Self::Announcing { deadline }
            | Self::Acknowledging { deadline, .. }
            | Self::Publishing { deadline, .. }
            | Self::Keying { deadline, .. }
            | Self::Checking { deadline, .. } => *deadline,
        }
    }

    /// The same, to be moved.
    pub(crate) const fn deadline_mut(&mut self) -> &mut Timestamp {
        match self {
            Self::Announcing { deadline }
            | Self::Acknowledging { deadline, .. }
            | Self::Publishing { deadline, .. }
            | Self::Keying { deadline, .. }
            | Self::Checking { deadline, .. } => deadline,
        }
    }

    /// Whether the sender has to move; otherwise the receiver has to.
    pub const fn awaits_sender(&self) -> bool {
        match self {
            Self::Announcing { .. } | Self::Publishing { .. } | Self::Keying { .. } => true,
            Self::Acknowledging { .. } | Self::Checking { .. } => false,
        }
    }

    /// The name of the stage.
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Announcing { .. } => "announcing",
            Self::Acknowledging { .. } => "acknowledging",
            Self::Publishing { .. } => "publishing",
            Self::Keying { .. } => "keying",
            Self::Checking { .. } => "checking",
        }
    }
}

/// What an event makes of a transfer.
///
/// # Errors
///
/// The event is not possible now; nothing changes.
pub fn step(plan: &Plan, state: &State, event: Event<'_, Move>, now: Timestamp) -> Result<Progress, Refusal> {
    check_time(&event, state.deadline(), now)?;
    let (by, action, facts) = match event {
        Event::Deadline if state.awaits_sender() => return Ok(Progress::SenderAtFault(Breach::Silence)),
        Event::Deadline => return Ok(Progress::ReceiverAtFault(Breach::Silence)),
        Event::Move { by, action, facts } => (by, action, facts),
    };
    let due = if state.awaits_sender() { plan.sender } else { plan.receiver };
    let out_of_stage = Refusal::OutOfStage { stage: state.stage() };
    if by != due {
        return Err(out_of_stage);
    }
    let deadline = now.after(plan.respond);
    Ok(match (state, action) {
        (State::Announcing { .. }, Move::Announce { ciphertexts }) => {
            if ciphertexts.len != plan.items {
                return Err(TransferFault::Length { found: ciphertexts.len, expected: plan.items }.into());
            }
            Progress::On(State::Acknowledging { ciphertexts: ciphertexts.digest, deadline })
        }
        (State::Acknowledging { ciphertexts, .. }, Move::Acknowledge) => {
            Progress::On(State::Keying { ciphertexts: *ciphertexts, deadline })
        }
        (State::Acknowledging { ciphertexts, .. }, Move::Missing) => {
            Progress::On(State::Publishing { ciphertexts: *ciphertexts, deadline })
        }
        (State::Publishing { ciphertexts, .. }, Move::Publish { ciphertexts: published }) => {
            let root = Tree::new(published).map_err(TransferFault::from)?.root();
            if root != (Root { digest: *ciphertexts, len: plan.items }) {
                return Err(TransferFault::OtherCiphertexts.into());
            }
            if *facts != Facts::Held {
                return Err(Refusal::FactsMissing);
            }
            Progress::On(State::Keying { ciphertexts: *ciphertexts, deadline })
        }
        (State::Keying { ciphertexts, .. }, Move::Key { key }) => {
            check_length(key)?;
            Progress::On(State::Checking { ciphertexts: *ciphertexts, key: key.clone(), deadline })
        }
        (State::Checking { .. }, Move::Accept) => Progress::Delivered,
        (State::Checking { ciphertexts, .. }, Move::Contest { position, ciphertext, path }) => {
            let root = Root { digest: *ciphertexts, len: plan.items };
            if !root.holds(*position, ciphertext, path) {
                return Err(TransferFault::OtherCiphertexts.into());
            }
            match facts {
                Facts::Opens(true) => Progress::ReceiverAtFault(Breach::FalseContest),
                Facts::Opens(false) => Progress::SenderAtFault(Breach::WrongData),
                Facts::Nothing | Facts::Stake { .. } | Facts::Proof(_) | Facts::Held => return Err(Refusal::FactsMissing),
            }
        }
        _ => return Err(out_of_stage),
    })
}

fn check_length(bytes: &[u8]) -> Result<(), TransferFault> {
    match bytes.len() {
        0..=MAX_KEY_BYTES => Ok(()),
        len => Err(TransferFault::TooLong { len, most: MAX_KEY_BYTES }),
    }
}
