//! Receives requests, finds out what they depend on, writes entries, and watches deadlines.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use verinfer_escrow_client::MAX_FILE_BYTES;
use verinfer_escrow_client::messages::Receipt;
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::signed::{Body, Request};
use verinfer_protocols::time::Timestamp;

use crate::books::{Entry, EntryFault, Question, Record, stake_facts};
use crate::clock::Clock;
use crate::error::ServiceError;
use crate::store::{Store, StoreError};

/// What the escrow allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Agreements that an account has proposed and that have not ended.
    pub open_agreements: u64,
    /// Bytes of a file.
    pub file_bytes: usize,
    /// Bytes of all files that a party has left with an agreement.
    pub agreement_bytes: u64,
    /// Proofs that are verified at the same time.
    pub verifying: usize,
    /// Proofs that wait to be.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { open_agreements: 1000, file_bytes: MAX_FILE_BYTES, agreement_bytes: 1 << 30, verifying: 2, waiting: 64 }
    }
}

/// The escrow.
#[derive(Debug)]
pub struct Escrow {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) account: AccountId,
    pub(crate) limits: Limits,
    /// A permit for each proof that is verified.
    pub(crate) verifying: Arc<Semaphore>,
    /// A permit for each that is verified or waits.
    pub(crate) waiting: Arc<Semaphore>,
    /// When the requests were received that are being decided on, by agreement.
    deciding: Mutex<BTreeMap<AgreementId, Vec<Timestamp>>>,
}

/// A request is being decided on. Until it is dropped, no deadline after its reception is called.
struct Deciding<'a> {
    escrow: &'a Escrow,
    agreement: AgreementId,
    received: Timestamp,
}

impl Escrow {
    /// The escrow of an account on a store, whose log is made if it has none.
    ///
    /// # Errors
    ///
    /// The store belongs to another escrow, or fails.
    pub async fn new(store: Store, account: AccountId, clock: impl FnOnce(Timestamp) -> Clock, limits: Limits) -> Result<Self, StoreError> {
        let head = store.initialize(account, crate::clock::machine_time()).await?;
        Ok(Self {
            store,
            clock: clock(head.clock),
            account,
            limits,
            verifying: Arc::new(Semaphore::new(limits.verifying)),
            waiting: Arc::new(Semaphore::new(limits.verifying.saturating_add(limits.waiting))),
            deciding: Mutex::default(),
        })
    }

    /// The escrow's own account.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Carries out a request, once; the same request again has the same receipt.
    ///
    /// # Errors
    ///
    /// It cannot be carried out; nothing has changed.
    pub async fn carry_out(&self, request: Request) -> Result<Receipt, ServiceError> {
        let deciding = self.deciding(request.header.agreement);
        let received = deciding.received;
        request.check(self.account)?;
        let id = request.id();
        if let Some(receipt) = self.store.receipt(id).await? {
            return Ok(receipt);
        }
        request.header.check_expiry(received)?;
        let facts = self.facts_outside(&request, received).await?;

        let mut writing = self.store.write().await?;
        if let Some(receipt) = writing.receipt(id).await? {
            return Ok(receipt);
        }
        let signer = request.header.signer;
        if matches!(request.body, Body::Open(_)) {
            let open = writing.open_agreements(signer).await?;
            if open >= self.limits.open_agreements {
                return Err(ServiceError::TooManyAgreements { open });
            }
        }
        let before = writing.before(Some(signer), request.header.agreement).await?;
        let facts = if Question::asked_by(&request) == Question::Stake { stake_facts(&before) } else { facts };
        let entry = Entry { at: received, record: Record::Request { request: Box::new(request), facts } };
        let change = entry.apply(self.account, &before)?;
        let receipt = writing.commit(&entry, &change).await?;
        drop(deciding);
        Ok(receipt)
    }

    /// What takes long to find out and does not change afterwards: it is only tried if the request would otherwise be carried out.
    async fn facts_outside(&self, request: &Request, received: Timestamp) -> Result<Facts, ServiceError> {
        let id = request.header.agreement;
        let question = Question::asked_by(request);
        if matches!(question, Question::Nothing | Question::Stake) {
            return Ok(Facts::Nothing);
        }
        let last = self.store.last_sequence(request.header.signer, id).await?;
        request.header.check_sequence(last)?;
        let agreement = self.store.agreement(id).await?.ok_or(EntryFault::NoAgreement { id })?.agreement;
        check_possible(&agreement, request, received)?;
        if let Question::Held(files) = question
            && self.store.holds_files(id, files).await?
        {
            return Ok(Facts::Held);
        }
        self.find_out(&agreement, &question).await
    }

    /// Ends the stages whose time is over; gives how many.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn call_deadlines(&self) -> Result<usize, ServiceError> {
        let now = self.now();
        let mut called = 0_usize;
        for id in self.store.due(now, 1000).await? {
            if self.call_deadline(id, now).await? {
                called = called.saturating_add(1);
            }
        }
        Ok(called)
    }

    /// Ends the stage of an agreement if its time is over.
    async fn call_deadline(&self, id: AgreementId, now: Timestamp) -> Result<bool, ServiceError> {
        let mut writing = self.store.write().await?;
        let before = writing.before(None, id).await?;
        let Some(deadline) = before.agreement.as_ref().and_then(|agreement| agreement.state.deadline()) else { return Ok(false) };
        // Requests that came in time go first.
        if now < deadline || self.is_deciding(id, deadline) {
            return Ok(false);
        }
        let entry = Entry { at: now, record: Record::Deadline { agreement: id } };
        let change = entry.apply(self.account, &before)?;
        writing.commit(&entry, &change).await?;
        Ok(true)
    }

    /// Keeps a file that a party leaves with an agreement that has not ended.
    ///
    /// # Errors
    ///
    /// It may not, or the files would be too many.
    pub async fn keep_file(&self, by: AccountId, id: AgreementId, bytes: &[u8]) -> Result<(), ServiceError> {
        let agreement = self.party_to(by, id).await?;
        if agreement.state.has_ended() {
            return Err(ServiceError::NoAccess { agreement: id });
        }
        let most = self.limits.agreement_bytes;
        if self.store.keep_file(id, by, bytes, most).await? { Ok(()) } else { Err(ServiceError::TooManyFiles { most }) }
    }

    /// A file of an agreement, for a party to it.
    ///
    /// # Errors
    ///
    /// The account is no party, or there is no such file.
    pub async fn file(&self, by: AccountId, id: AgreementId, file: Digest) -> Result<Vec<u8>, ServiceError> {
        self.party_to(by, id).await?;
        self.store.file(id, file).await?.ok_or(ServiceError::NoFile { agreement: id, file })
    }

    async fn party_to(&self, by: AccountId, id: AgreementId) -> Result<Agreement, ServiceError> {
        let agreement = self.store.agreement(id).await?.ok_or(EntryFault::NoAgreement { id })?.agreement;
        let (proposer, acceptor) = agreement.terms.parties();
        if by == proposer || Some(by) == acceptor { Ok(agreement) } else { Err(ServiceError::NoAccess { agreement: id }) }
    }

    /// A request is received.
    fn deciding(&self, agreement: AgreementId) -> Deciding<'_> {
        let mut deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is taken with the lock: a deadline that finds no request here is called before any that is received later.
        let received = self.now();
        deciding.entry(agreement).or_default().push(received);
        Deciding { escrow: self, agreement, received }
    }

    fn is_deciding(&self, agreement: AgreementId, deadline: Timestamp) -> bool {
        let deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        deciding.get(&agreement).is_some_and(|received| received.iter().any(|&received| received < deadline))
    }
}

impl Drop for Deciding<'_> {
    fn drop(&mut self) {
        let mut deciding = self.escrow.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(received) = deciding.get_mut(&self.agreement) {
            if let Some(place) = received.iter().position(|&received| received == self.received) {
                received.swap_remove(place);
            }
            if received.is_empty() {
                deciding.remove(&self.agreement);
            }
        }
    }
}

/// Checks that only facts are missing to carry a move out.
fn check_possible(agreement: &Agreement, request: &Request, received: Timestamp) -> Result<(), Refusal> {
    let Body::Act(action) = &request.body else { return Ok(()) };
    let event = verinfer_protocols::agreement::Event::Move { by: request.header.signer, action: action.clone(), facts: Facts::Nothing };
    match agreement.step(&event, received) {
        Ok(_) | Err(Refusal::FactsMissing) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}
