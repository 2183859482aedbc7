//! Receives requests, finds out what they depend on, writes entries, and watches deadlines.

use std::num::NonZeroUsize;
use std::sync::Arc;

use verinfer_escrow_client::messages::Receipt;
use verinfer_escrow_client::{MAX_ACCOUNT_BYTES, MAX_AGREEMENT_BYTES, MAX_FILE_BYTES};
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::{AgreementId, canonical};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::payment::{Key, check_texts};
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::rules::Rules;
use verinfer_protocols::signed::{Body, Header, MAX_LIFETIME, Request, VERSION};
use verinfer_protocols::time::{Millis, Timestamp};

use crate::books::{Change, Entry, EntryFault, Question, Record, stake_facts};
use crate::clock::{Clock, machine_seconds};
use crate::deciding::Decisions;
use crate::error::ServiceError;
use crate::metrics::Metrics;
use crate::signer::Signer;
use crate::store::{FileLimits, Standing, Store, StoreError, Subject, Writing};
use crate::turns::Turns;

/// Bytes of a move that is carried out also when the disk is nearly full, and of requests of who has no agreement.
const SMALL: usize = 1 << 16;

/// What the escrow allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Agreements that an account has proposed and that have not ended.
    pub open_agreements: u64,
    /// Bytes of a file.
    pub file_bytes: usize,
    /// Bytes of all files that a party has left with an agreement that nobody has accepted yet.
    pub proposed_bytes: u64,
    /// Bytes of all files that a party has left with one that was accepted.
    pub agreement_bytes: u64,
    /// Bytes of all files that an account has left with agreements that have not ended, and [`FILE_OVERHEAD`](verinfer_escrow_client::FILE_OVERHEAD) for each.
    pub account_bytes: u64,
    /// Bytes that must be free on the disk of an SQLite database: with less, no files are kept and the clock stands still.
    pub reserve: u64,
    /// Proofs that are verified at the same time.
    pub verifying: NonZeroUsize,
    /// Proofs that wait to be.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_agreements: 1000,
            file_bytes: MAX_FILE_BYTES,
            proposed_bytes: 1 << 25,
            agreement_bytes: MAX_AGREEMENT_BYTES,
            account_bytes: MAX_ACCOUNT_BYTES,
            reserve: 1 << 29,
            verifying: NonZeroUsize::MIN.saturating_add(1),
            waiting: 256,
        }
    }
}

impl Limits {
    /// What a party may leave with an agreement as it stands.
    pub(crate) const fn files(&self, agreement: &Agreement) -> FileLimits {
        let agreement = if agreement.state.is_accepted() { self.agreement_bytes } else { self.proposed_bytes };
        FileLimits { agreement, account: self.account_bytes }
    }
}

/// The escrow.
#[derive(Debug)]
pub struct Escrow {
    /// Writes in this escrow's term, which its clock belongs to.
    pub(crate) store: Store,
    /// For what holds no deadline: pages and the log. It has connections of its own, and whoever reads keeps nobody from moving.
    pub(crate) reading: Store,
    pub(crate) clock: Clock,
    pub(crate) account: AccountId,
    /// Who signs its answers.
    pub(crate) signer: Signer,
    pub(crate) limits: Limits,
    /// Whose proof is verified.
    pub(crate) turns: Arc<Turns>,
    /// Counts what is asked.
    pub(crate) metrics: Metrics,
    decisions: Decisions,
}

impl Escrow {
    /// The escrow of an account on a store, in a term of its own: one of an earlier term, in this process or another, writes nothing from here on, whatever
    /// its clock says. Its own goes on from the end of the log and the time written down.
    ///
    /// # Errors
    ///
    /// The store belongs to another escrow, or fails.
    pub(crate) async fn lead(store: &Store, signer: Signer, limits: Limits) -> Result<Self, StoreError> {
        let account = signer.escrow();
        store.initialize(account, crate::clock::machine_time()).await?;
        let (store, head) = store.begin_term().await?;
        let decisions = Decisions::default();
        decisions.hold(store.all_noted().await?);
        let turns = Turns::new(limits.verifying, limits.waiting);
        let reading = store.for_reading();
        Ok(Self { store, reading, clock: Clock::from(head.clock), account, signer, limits, turns, metrics: Metrics::default(), decisions })
    }

    /// Holds proposals to these rules from now on: an entry of the operator in the log, unless the last one says so already.
    ///
    /// # Errors
    ///
    /// The rules are impossible, or the database fails.
    pub async fn set_rules(&self, rules: &Rules, operator: &SecretKey) -> Result<(), ServiceError> {
        if self.store.has_rules().await? && self.store.rules().await? == *rules {
            return Ok(());
        }
        let sequence = self.store.last_sequence(self.account, AgreementId::NONE).await?.saturating_add(1);
        let (agreement, expires) = (AgreementId::NONE, self.now().after(MAX_LIFETIME));
        let header = Header { version: VERSION, escrow: self.account, signer: operator.account(), agreement, sequence, expires };
        self.carry_out(Request::sign(header, Body::Rules(rules.clone()), operator)).await.map(drop)
    }

    /// Has the operator set the marketplace's first rules: these, or the default ones. A log that has rules keeps them, as the operator may have set others
    /// since these were written.
    pub(crate) async fn begin_with_rules(&self, rules: Option<&Rules>, operator: &SecretKey) -> Result<(), ServiceError> {
        if !self.store.has_rules().await? {
            return self.set_rules(rules.unwrap_or(&Rules::default()), operator).await;
        }
        if let Some(rules) = rules
            && self.store.rules().await? != *rules
        {
            tracing::warn!("the log has other rules than --rules, and keeps them: `verinfer escrow rules` changes them");
        }
        Ok(())
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
        // Nothing else is called for the agreement until the clock knows how it has gone.
        let deciding = self.decisions.begin(request.header.agreement, &self.clock);
        let id = request.id();
        let result = self.decide(request, deciding.received).await;
        if matches!(result, Err(ServiceError::Entry(_))) && self.store.noted(id).await?.is_some() {
            // It was refused after it had waited: it waits no longer.
            self.store.forget(id).await?;
        }
        self.observed(result)
    }

    async fn decide(&self, request: Request, received: Timestamp) -> Result<Receipt, ServiceError> {
        // Nobody would take the receipt.
        self.signer.check(machine_seconds())?;
        request.check(self.account)?;
        // Before the database sees them.
        check_texts(&request.body).map_err(EntryFault::from)?;
        let id = request.id();
        let subject = Subject { signer: Some(request.header.signer), agreement: request.header.agreement, request: Some(id) };
        let standing = self.store.standing(subject).await?;
        if let Some(receipt) = standing.receipt {
            return Ok(receipt);
        }
        self.check_known(request.header.signer).await?;
        self.check_room(&request)?;
        // One that waited when the escrow was stopped has come in time, if it had then.
        let noted = if self.decisions.may_return(request.header.agreement) { self.store.noted(id).await? } else { None };
        let received = noted.map_or(received, |noted| noted.min(received));
        let _deciding = self.decisions.resume(request.header.agreement, received);
        request.header.check_expiry(received)?;
        let facts = self.facts_outside(&request, received, standing).await?;

        let (mut writing, standing) = self.store.write(subject).await?;
        if let Some(receipt) = standing.receipt {
            writing.leave().await?;
            return Ok(receipt);
        }
        match self.entry_of(request, received, facts, (&mut writing, standing)).await {
            Ok((entry, change)) => Ok(writing.commit(&entry, &change).await?),
            Err(refusal) => {
                writing.leave().await?;
                Err(refusal)
            }
        }
    }

    /// The entry of a request as things stand, and what it changes.
    async fn entry_of(
        &self,
        request: Request,
        received: Timestamp,
        facts: Facts,
        (writing, standing): (&mut Writing, Standing),
    ) -> Result<(Entry, Change), ServiceError> {
        let signer = request.header.signer;
        if matches!(request.body, Body::Open(_)) {
            let open = writing.open_agreements(signer).await?;
            if open >= self.limits.open_agreements {
                return Err(ServiceError::TooManyAgreements { open });
            }
        }
        let mut before = writing.before(standing).await?;
        if let Some(key) = Key::of(&request) {
            before.payment = writing.payment(&key).await?;
        }
        let facts = if Question::asked_by(&request) == Question::Stake { stake_facts(&before) } else { facts };
        let waited = match facts {
            Facts::Proof(_) | Facts::Opens(_) => Millis(self.now().0.saturating_sub(received.0)),
            Facts::Nothing | Facts::Stake { .. } | Facts::Held => Millis(0),
        };
        let entry = Entry { at: received, record: Record::Request { request: Box::new(request), facts, waited } };
        let change = entry.apply(self.account, &before)?;
        Ok((entry, change))
    }

    /// Checks that a request may take room in the log: with little of it left only what keeps agreements going does. Time stands still then, so that nobody is late.
    fn check_room(&self, request: &Request) -> Result<(), ServiceError> {
        let is_needed = match request.body {
            Body::Act(_) => canonical(request).len() <= SMALL,
            Body::Deposit { .. }
            | Body::Withdraw { .. }
            | Body::Rules(_)
            | Body::Reverse { .. }
            | Body::Paid { .. }
            | Body::Returned { .. } => true,
            Body::Open(_) => false,
        };
        if is_needed { Ok(()) } else { self.check_space() }
    }

    /// Checks that something was recorded for an account. Keys cost nothing: what strangers may do takes room and time from others.
    pub(crate) async fn check_known(&self, account: AccountId) -> Result<(), ServiceError> {
        if account == self.account || self.store.is_known(account).await? { Ok(()) } else { Err(ServiceError::UnknownAccount { account }) }
    }

    /// Checks that an account is known before anything that it sends is read.
    ///
    /// # Errors
    ///
    /// It is not, or the database fails.
    pub async fn check_sender(&self, account: AccountId) -> Result<(), ServiceError> {
        self.observed(self.check_known(account).await)
    }

    /// Bytes of the longest request that an account has a use for: moves may be long, and what else there is fits into [`SMALL`].
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn longest_request(&self, account: AccountId, most: usize) -> Result<usize, ServiceError> {
        let may_move = self.observed(self.store.is_bound(account).await.map_err(Into::into))?;
        Ok(if may_move { most } else { most.min(SMALL) })
    }

    /// Has the clock stand still if the database fails, or nobody takes the escrow's answers: until that has passed nobody can do what is due.
    pub(crate) fn observed<T>(&self, result: Result<T, ServiceError>) -> Result<T, ServiceError> {
        let stops = match &result {
            Err(ServiceError::Store(error)) => error.is_outage(),
            Err(ServiceError::NoSpace { .. } | ServiceError::Certificate(_)) => true,
            Ok(_) | Err(_) => false,
        };
        if stops {
            self.clock.stop();
        }
        result
    }

    /// What takes long to find out and does not change afterwards: it is only tried if the request would otherwise be carried out. What would not be is
    /// refused here already: writers follow one another, and must not wait for it.
    async fn facts_outside(&self, request: &Request, received: Timestamp, standing: Standing) -> Result<Facts, ServiceError> {
        let id = request.header.agreement;
        request.header.check_sequence(standing.last_sequence)?;
        if !matches!(request.body, Body::Act(_)) {
            return Ok(Facts::Nothing);
        }
        let question = Question::asked_by(request);
        let agreement = standing.agreement.ok_or(EntryFault::NoAgreement { id })?;
        check_possible(&agreement, request, received)?;
        if matches!(question, Question::Nothing | Question::Stake) {
            return Ok(Facts::Nothing);
        }
        if let Question::Held(files) = question
            && self.store.holds_files(id, files).await?
        {
            return Ok(Facts::Held);
        }
        self.find_out(request, received, &agreement, &question).await
    }

    /// Holds no deadlines any longer for requests that waited when who led before stopped and have not come again.
    pub fn release(&self) {
        self.decisions.release();
    }

    /// Writes down the time, which goes on from then; where it stands still, a file of the largest size is written and removed first.
    ///
    /// # Errors
    ///
    /// The database fails, its disk is nearly full, or the receipt key's certificate does not hold; time stands still.
    pub async fn write_time(&self) -> Result<(), ServiceError> {
        self.observed(self.try_to_write_time().await)?;
        self.clock.wrote();
        Ok(())
    }

    async fn try_to_write_time(&self) -> Result<(), ServiceError> {
        self.signer.check(machine_seconds())?;
        self.check_space()?;
        if self.clock.stands() {
            self.store.rehearse(self.limits.file_bytes).await?;
        }
        Ok(self.store.set_clock(self.now()).await?)
    }

    /// Ends the stages whose time is over, unless time stands still; gives how many.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn call_deadlines(&self) -> Result<usize, ServiceError> {
        self.observed(self.try_to_call_deadlines().await)
    }

    async fn try_to_call_deadlines(&self) -> Result<usize, ServiceError> {
        if self.clock.stands() {
            return Ok(0);
        }
        let mut called = 0_usize;
        for id in self.store.due(self.now(), 1000).await? {
            match self.call_deadline(id).await {
                Ok(true) => called = called.saturating_add(1),
                Ok(false) => {}
                Err(ServiceError::Store(error)) if error.is_outage() => return Err(error.into()),
                // The others must not wait for this one.
                Err(error) => tracing::error!(%error, agreement = %id, "a deadline could not be called"),
            }
        }
        Ok(called)
    }

    /// Ends the stage of an agreement if its time is over.
    async fn call_deadline(&self, id: AgreementId) -> Result<bool, ServiceError> {
        let (mut writing, standing) = self.store.write(Subject { signer: None, agreement: id, request: None }).await?;
        // The time of its turn: others have written while it waited, and times of entries do not run backwards.
        let now = self.now();
        let before = writing.before(standing).await?;
        let Some(deadline) = before.agreement.as_ref().and_then(|agreement| agreement.state.deadline()) else { return Ok(false) };
        // Requests that came in time go first; when one of them could not be written down just now, time has come to a stand.
        if now < deadline || self.decisions.are_pending(id, deadline) || self.clock.stands() {
            return Ok(false);
        }
        let entry = Entry { at: now, record: Record::Deadline { agreement: id } };
        let change = entry.apply(self.account, &before)?;
        writing.commit(&entry, &change).await?;
        Ok(true)
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
