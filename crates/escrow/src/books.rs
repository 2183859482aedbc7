//! What an entry of the log does: a pure function, for the service that writes entries and for the audit that reads them.

use serde::{Deserialize, Serialize};
use verinfer_protocols::accuracy;
use verinfer_protocols::agreement::{Agreement, Event, Move, is_failure};
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::Posting;
use verinfer_protocols::payment::{Key, Payment, PaymentFault};
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::rules::Rules;
use verinfer_protocols::signed::{Body, Request, RequestFault};
use verinfer_protocols::time::{Millis, Timestamp};

/// How entries are written. It is raised when a program of before could not read, or would understand otherwise, what this one writes.
pub const LOG_FORMAT: i64 = 4;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A request was carried out.
    Request {
        /// As it was signed.
        request: Box<Request>,
        /// What the escrow found out about it.
        facts: Facts,
        /// How long that took, for which the agreement's time stood still; nothing if the database alone said it.
        waited: Millis,
    },
    /// A stage of an agreement ended without a move.
    Deadline {
        /// The agreement.
        agreement: AgreementId,
    },
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it happened; of a request, when it was received.
    pub at: Timestamp,
    /// What happened.
    pub record: Record,
}

/// What an entry depends on.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// The agreement that it is about, if there is one.
    pub agreement: Option<Agreement>,
    /// The stake that the agreement's terms name, if there is one.
    pub stake: Option<Agreement>,
    /// How many agreements that stake covers that are open, or in which its provider has failed.
    pub covered: u32,
    /// The marketplace's rules.
    pub rules: Rules,
    /// The payment that it is about, if it was recorded.
    pub payment: Option<Payment>,
    /// The number of the signer's last request about the agreement; 0 if there was none.
    pub last_sequence: u64,
}

/// What an entry does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The agreement as it stands then, if one is new or has changed.
    pub agreement: Option<Agreement>,
    /// The payment from or to outside as it stands then, if one is new or has changed.
    pub payment: Option<Payment>,
    /// What it moves between accounts.
    pub postings: Vec<Posting>,
    /// The stake that covers an agreement more or less.
    pub covered: Option<(AgreementId, Cover)>,
    /// The marketplace's rules from then on, if they have changed.
    pub rules: Option<Rules>,
}

/// What becomes of the number of agreements that count against what a stake covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// Its provider has accepted one more.
    Taken,
    /// One has ended in which its provider did not fail.
    Freed,
}

impl Cover {
    /// The number after it.
    pub const fn of(self, covered: u32) -> u32 {
        match self {
            Self::Taken => covered.saturating_add(1),
            Self::Freed => covered.saturating_sub(1),
        }
    }

    /// What a step of an agreement makes of it. Those that are open count: else a provider could accept any number of them, and then abort all.
    fn by(before: &Agreement, after: &Agreement) -> Option<Self> {
        let has_failed = after.state.outcome().is_some_and(is_failure);
        match (before.state.is_accepted(), after.state.is_accepted()) {
            (false, true) => Some(Self::Taken),
            (true, true) if after.state.has_ended() && !has_failed => Some(Self::Freed),
            (true, _) | (false, false) => None,
        }
    }
}

/// Why an entry cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// The request is none that can be carried out.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The agreement cannot take the event.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// There is no such agreement.
    #[error("there is no agreement {id}")]
    NoAgreement {
        /// Its name.
        id: AgreementId,
    },
    /// There is such an agreement already.
    #[error("agreement {id} exists already")]
    Exists {
        /// Its name.
        id: AgreementId,
    },
    /// The header is about another agreement than the body.
    #[error("the body is about {expected}, the header names {found}")]
    OtherAgreement {
        /// In the header.
        found: AgreementId,
        /// What it should be.
        expected: AgreementId,
    },
    /// Only the operator records what was paid outside, and sets the rules.
    #[error("only the escrow's operator records what was paid in and out and sets the rules")]
    NotOperator,
    /// The operator's own account has fees, and no deposits.
    #[error("the operator's own account has fees alone: deposits are for parties")]
    OwnDeposit,
    /// A payment is not recorded or changed.
    #[error(transparent)]
    Payment(#[from] PaymentFault),
    /// There was nothing to wait for.
    #[error("the entry says that it took {} ms to find out what the database says at once", waited.0)]
    Waited {
        /// How long it says.
        waited: Millis,
    },
    /// What the entry says about the stake is not so.
    #[error("the stake is not as the entry says")]
    OtherStake,
}

/// The digest of an empty log of an escrow.
pub fn empty_log(escrow: AccountId) -> Digest {
    Digest::of("verinfer escrow v1 empty log", &escrow)
}

/// The digest of a log with one entry more.
pub fn extended_log(log: &Digest, entry: &[u8]) -> Digest {
    Digest::of("verinfer escrow v1 log", &(log, entry))
}

impl Entry {
    /// The bytes that are logged.
    pub fn encode(&self) -> Vec<u8> {
        canonical(self)
    }

    /// The entry of logged bytes; nothing if they are none, or not in their one encoding.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let entry: Self = postcard::from_bytes(bytes).ok()?;
        (entry.encode() == bytes).then_some(entry)
    }

    /// The agreement that it is about, if any.
    pub fn agreement(&self) -> Option<AgreementId> {
        let id = match &self.record {
            Record::Request { request, .. } => request.header.agreement,
            Record::Deadline { agreement } => *agreement,
        };
        (id != AgreementId::NONE).then_some(id)
    }

    /// What it does.
    ///
    /// # Errors
    ///
    /// It cannot be, given what was before. Whether accounts have the money that it moves is the ledger's to say, and whether the request is signed is
    /// [`Request::check`]'s.
    pub fn apply(&self, escrow: AccountId, before: &Before) -> Result<Change, EntryFault> {
        match &self.record {
            Record::Deadline { agreement: id } => {
                let agreement = before.agreement.as_ref().ok_or(EntryFault::NoAgreement { id: *id })?;
                Ok(stepped(agreement, agreement.step(&Event::Deadline, self.at)?))
            }
            Record::Request { request, facts, waited } => {
                request.header.check_sequence(before.last_sequence)?;
                let mut change = carry_out(request, facts, escrow, before, self.at)?;
                match facts {
                    Facts::Proof(_) | Facts::Opens(_) => change.agreement = change.agreement.map(|agreement| agreement.postponed(*waited)),
                    Facts::Nothing | Facts::Stake { .. } | Facts::Held if *waited == Millis(0) => {}
                    Facts::Nothing | Facts::Stake { .. } | Facts::Held => return Err(EntryFault::Waited { waited: *waited }),
                }
                Ok(change)
            }
        }
    }
}

fn carry_out(request: &Request, facts: &Facts, escrow: AccountId, before: &Before, at: Timestamp) -> Result<Change, EntryFault> {
    let (by, id) = (request.header.signer, request.header.agreement);
    match &request.body {
        Body::Deposit { .. } | Body::Reverse { .. } | Body::Paid { .. } | Body::Returned { .. } if by != escrow => {
            Err(EntryFault::NotOperator)
        }
        Body::Deposit { account, .. } if *account == escrow => Err(EntryFault::OwnDeposit),
        Body::Deposit { .. } | Body::Reverse { .. } | Body::Paid { .. } | Body::Returned { .. } | Body::Withdraw { .. } => {
            pay(request, before)
        }
        Body::Rules(rules) => {
            if id != AgreementId::NONE {
                return Err(EntryFault::OtherAgreement { found: id, expected: AgreementId::NONE });
            }
            if by != escrow {
                return Err(EntryFault::NotOperator);
            }
            rules.check().map_err(Refusal::from)?;
            Ok(Change { rules: Some(rules.clone()), ..Change::default() })
        }
        Body::Open(terms) => {
            let expected = terms.id(escrow);
            if id != expected {
                return Err(EntryFault::OtherAgreement { found: id, expected });
            }
            if before.agreement.is_some() {
                return Err(EntryFault::Exists { id });
            }
            let opened = Agreement::open(escrow, terms.clone(), by, at)?;
            before.rules.check_terms(terms).map_err(Refusal::from)?;
            let (agreement, postings) = opened;
            Ok(Change { agreement: Some(agreement), postings, ..Change::default() })
        }
        Body::Act(action) => {
            let agreement = before.agreement.as_ref().ok_or(EntryFault::NoAgreement { id })?;
            if matches!(facts, Facts::Stake { .. }) && *facts != stake_facts(before) {
                return Err(EntryFault::OtherStake);
            }
            let event = Event::Move { by, action: action.clone(), facts: facts.clone() };
            Ok(stepped(agreement, agreement.step(&event, at)?))
        }
    }
}

/// The facts about the stake that an agreement names, as it stands.
pub fn stake_facts(before: &Before) -> Facts {
    use verinfer_protocols::agreement::{State, Terms};
    match before.stake.as_ref().map(|stake| (&stake.terms, &stake.state)) {
        Some((Terms::Stake(terms), State::Stake(state))) => {
            Facts::Stake { terms: terms.clone(), state: state.clone(), covered: before.covered }
        }
        Some(_) | None => Facts::Nothing,
    }
}

/// What the escrow must find out about a move before it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question<'a> {
    /// Nothing.
    Nothing,
    /// How the stake stands.
    Stake,
    /// What a proof says.
    Proof {
        /// The file with the proof.
        proof: Digest,
        /// The file with what opens digests that hide something: labels, or salts of predictions.
        opening: Option<Digest>,
    },
    /// Whether it has these files.
    Held(&'a [Digest]),
    /// Whether this file opens to what was promised at this position.
    Opens(Digest, u32),
}

impl<'a> Question<'a> {
    /// What has to be found out about a request.
    pub fn asked_by(request: &'a Request) -> Self {
        match &request.body {
            Body::Act(action) => Self::about(action),
            Body::Open(_)
            | Body::Deposit { .. }
            | Body::Withdraw { .. }
            | Body::Reverse { .. }
            | Body::Paid { .. }
            | Body::Returned { .. }
            | Body::Rules(_) => Self::Nothing,
        }
    }

    /// What has to be found out about a move.
    pub fn about(action: &'a Move) -> Self {
        use verinfer_protocols::{retrieval, serving};
        match action {
            Move::Accuracy(accuracy::Move::Accept { .. }) => Self::Stake,
            Move::Accuracy(accuracy::Move::Prove { proof, labels, .. }) => Self::Proof { proof: *proof, opening: *labels },
            Move::Serving(serving::Move::Prove { proof, salts, .. }) => Self::Proof { proof: *proof, opening: Some(*salts) },
            Move::Retrieval(retrieval::Move::Prove { proof, .. }) => Self::Proof { proof: *proof, opening: None },
            Move::Accuracy(accuracy::Move::Transfer(action)) | Move::Retrieval(retrieval::Move::Transfer(action)) => {
                Self::about_transfer(action)
            }
            Move::Serving(serving::Move::Answer { scores, .. }) => Self::Held(scores),
            Move::Stake(_) | Move::Accuracy(_) | Move::Serving(_) | Move::Retrieval(_) => Self::Nothing,
        }
    }

    fn about_transfer(action: &'a verinfer_protocols::transfer::Move) -> Self {
        use verinfer_protocols::transfer::Move as Transfer;
        match action {
            Transfer::Publish { ciphertexts } => Self::Held(ciphertexts),
            Transfer::Contest { position, ciphertext, .. } => Self::Opens(*ciphertext, *position),
            Transfer::Announce { .. } | Transfer::Acknowledge | Transfer::Missing | Transfer::Key { .. } | Transfer::Accept => {
                Self::Nothing
            }
        }
    }
}

/// Records a payment, or what becomes of it.
fn pay(request: &Request, before: &Before) -> Result<Change, EntryFault> {
    let id = request.header.agreement;
    let expected = AgreementId::NONE;
    let key = Key::of(request).filter(|_| id == expected).ok_or(EntryFault::OtherAgreement { found: id, expected })?;
    let (payment, postings) = Payment::step(before.payment.as_ref(), key, &request.body)?;
    Ok(Change { payment: Some(payment), postings, ..Change::default() })
}

fn stepped(before: &Agreement, (after, postings): (Agreement, Vec<Posting>)) -> Change {
    let covered = after.terms.stake().zip(Cover::by(before, &after));
    Change { agreement: Some(after), postings, covered, ..Change::default() }
}
