use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::money::Money;
use verinfer_protocols::rules::Rules;
use verinfer_protocols::serving::Answer;
use verinfer_protocols::signed::{Body, Header, Request, VERSION};
use verinfer_protocols::time::{Millis, Timestamp};
use verinfer_protocols::{accuracy, retrieval, serving, transfer};

use crate::MAX_FILE_BYTES;
use crate::address::EscrowAddress;
use crate::error::{ClientError, ReplyFault};
use crate::evidence::NO_AGREEMENT;
use crate::known::Known;
use crate::memory::{KeptReceipt, Memory};
use crate::messages::{About, AccountView, AgreementView, FileAccess, PartyView, REQUESTS, Receipt, RequestAccess, RequestReceipt};
use crate::transport::{Content, Question, Transport, refusal, text, understand};

/// How long a client waits for an escrow.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one answer.
    pub answer: Duration,
    /// For an escrow that is down or busy, over all attempts.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answer: Duration::from_secs(120), total: Duration::from_secs(60) }
    }
}

/// A party's access to an escrow.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    key: SecretKey,
    escrow: AccountId,
    /// Its time, and when it said so.
    time: Arc<Mutex<Option<(Timestamp, Instant)>>>,
}

const ABOUT: &str = "/v1/about";

/// How long its time is not asked for again: authorizations last longer.
const MEMORY: Duration = Duration::from_secs(60);

/// How long a signed request is good for.
const LIFETIME: Millis = Millis(10 * 60 * 1000);

impl Client {
    /// For the escrow at `url` (`http://host:port`), whose account is asked for.
    ///
    /// # Errors
    ///
    /// There is no escrow.
    pub fn connect(url: &str, key: SecretKey, patience: Patience) -> Result<Self, ClientError> {
        Self::connect_to(&EscrowAddress::of(url, patience), key, None)
    }

    /// For the escrow at an address. With a memory it keeps what the escrow signs, and compares it with what was kept before.
    ///
    /// # Errors
    ///
    /// There is no escrow, it has another certificate or another account, or contradicts what it has signed before; or what it has signed cannot be read or
    /// kept.
    pub fn connect_to(address: &EscrowAddress, key: SecretKey, memory: Option<Arc<dyn Memory>>) -> Result<Self, ClientError> {
        let transport = Transport::new(address, Known::new(address.account, memory)?);
        let escrow = transport.read::<About>(ABOUT)?.escrow;
        match transport.escrow() {
            Some(found) if found == escrow => Ok(Self { transport, key, escrow, time: Arc::default() }),
            Some(_) | None => {
                let reason = format!("it names the account {escrow}, and is signed by another");
                Err(ClientError::Answer { request: ABOUT.to_owned(), reason })
            }
        }
    }

    /// The escrow's account.
    pub const fn escrow(&self) -> AccountId {
        self.escrow
    }

    /// The party's account.
    pub fn account(&self) -> AccountId {
        self.key.account()
    }

    /// The escrow and the end of its log.
    ///
    /// # Errors
    ///
    /// It cannot be reached.
    pub fn about(&self) -> Result<About, ClientError> {
        self.transport.read(ABOUT)
    }

    /// The party's account and its agreements.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn own_account(&self) -> Result<AccountView, ClientError> {
        self.account_of(self.account())
    }

    /// An account and its agreements.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn account_of(&self, account: AccountId) -> Result<AccountView, ClientError> {
        let last = if account == self.account() { self.transport.known().last_sequence(AgreementId::NONE) } else { 0 };
        let target = format!("/v1/accounts/{account}");
        let (answer, body) = self.transport.ask(&Question::get(&target))?;
        let body = text(&target, body)?;
        let view: AccountView = understand(&target, &body)?;
        if view.account != account {
            return Err(ClientError::Answer { request: target, reason: format!("it is about account {}", view.account) });
        }
        self.transport.known().check_sequence(AgreementId::NONE, (last, view.next_sequence), (&target, &answer, &body))?;
        Ok(view)
    }

    /// Agreements in which a customer had a target met by a model, the newest first.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn met_targets(&self, customer: AccountId, model: Digest) -> Result<Vec<AgreementId>, ClientError> {
        self.transport.read(&format!("/v1/accounts/{customer}/met/{model}"))
    }

    /// An agreement as it stands.
    ///
    /// # Errors
    ///
    /// There is no such agreement, or the escrow cannot be reached.
    pub fn agreement(&self, id: AgreementId) -> Result<AgreementView, ClientError> {
        let (target, last) = (format!("/v1/agreements/{id}"), self.transport.known().last_sequence(id));
        let (answer, body) = self.transport.ask_any(&Question::get(&target))?;
        let body = text(&target, body)?;
        if answer.answer.status != 200 {
            let refusal = refusal(answer.answer.status, body.as_bytes());
            if refusal.kind() == Some(NO_AGREEMENT) {
                self.transport.known().check_sequence(id, (last, 1), (&target, &answer, &body))?;
            }
            return Err(refusal);
        }
        let view: AgreementView = understand(&target, &body)?;
        if view.agreement.id != id {
            return Err(ClientError::Answer { request: target, reason: format!("it is about agreement {}", view.agreement.id) });
        }
        let own = view.parties.iter().find(|party| party.account == self.account());
        let next = own.map_or(1, |party| party.next_sequence);
        self.transport.known().check_sequence(id, (last, next), (&target, &answer, &body))?;
        Ok(view)
    }

    /// Signs a request with the next number. Who keeps it can [submit](Client::submit) it again after a crash: it is carried out once.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached, or does not know the agreement.
    pub fn prepare(&self, agreement: AgreementId, body: Body) -> Result<Request, ClientError> {
        let (sequence, now) = match body {
            Body::Deposit { .. }
            | Body::Withdraw { .. }
            | Body::Reverse { .. }
            | Body::Paid { .. }
            | Body::Returned { .. }
            | Body::Rules(_) => (self.own_account()?.next_sequence, self.about()?.now),
            // Nobody can have moved before there is an agreement.
            Body::Open(_) => (1, self.about()?.now),
            Body::Act(_) => {
                let view = self.agreement(agreement)?;
                let own = |party: &PartyView| (party.account == self.account()).then_some(party.next_sequence);
                // The escrow says that others are no parties.
                (view.parties.iter().find_map(own).unwrap_or(1), view.now)
            }
        };
        Ok(self.sign(agreement, body, sequence, now))
    }

    fn sign(&self, agreement: AgreementId, body: Body, sequence: u64, now: Timestamp) -> Request {
        let expires = now.after(LIFETIME);
        let header = Header { version: VERSION, escrow: self.escrow, signer: self.account(), agreement, sequence, expires };
        Request::sign(header, body, &self.key)
    }

    /// Sends a signed request until it is answered. That it is sent again does no harm.
    ///
    /// # Errors
    ///
    /// The escrow refuses it, or cannot be reached.
    pub fn submit(&self, request: &Request) -> Result<Receipt, ClientError> {
        let json = encode(request);
        // A request that waited before the escrow was stopped may come again when it has expired.
        let expires = self.recent_time()?.after(LIFETIME);
        let access = RequestAccess { escrow: self.escrow, body: Digest::of_bytes(&json), expires }.authorize(&self.key);
        let question = Question { content: Content::Post(&json), authorization: Some(&access), ..Question::get(REQUESTS) };
        let (answer, body) = self.transport.ask(&question)?;
        let (status, body) = (answer.answer.status, text(REQUESTS, body)?);
        let RequestReceipt { request: found, entry } = understand(REQUESTS, &body)?;
        let expected = request.id();
        if found != expected {
            return Err(ClientError::OtherReceipt { expected, found });
        }
        let (request, content_length) = (request.clone(), json.len() as u64);
        let receipt = KeptReceipt { request, authorization: access, content_length, entry, answer, body };
        // What is kept shows everybody what it shows the party.
        let unproved = |fault| ClientError::Unproved { request: REQUESTS.to_owned(), status, fault: ReplyFault::Receipt(fault) };
        receipt.check(self.escrow).map_err(unproved)?;
        self.transport.known().keep(&receipt)?;
        Ok(entry)
    }

    /// Proposes terms.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn open(&self, terms: Terms) -> Result<AgreementId, ClientError> {
        let id = terms.id(self.escrow);
        self.submit(&self.prepare(id, Body::Open(terms))?)?;
        Ok(id)
    }

    /// Moves in an agreement.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn act(&self, agreement: AgreementId, action: Move) -> Result<Receipt, ClientError> {
        self.submit(&self.prepare(agreement, Body::Act(action))?)
    }

    /// As the escrow's operator: money has come in for an account.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn deposit(&self, account: AccountId, amount: Money, reference: String) -> Result<Receipt, ClientError> {
        self.submit(&self.prepare(AgreementId::NONE, Body::Deposit { account, amount, reference })?)
    }

    /// As the escrow's operator: sets the marketplace's rules.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn set_rules(&self, rules: Rules) -> Result<Receipt, ClientError> {
        self.submit(&self.prepare(AgreementId::NONE, Body::Rules(rules))?)
    }

    /// Has money paid out.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn withdraw(&self, amount: Money, reference: String) -> Result<Receipt, ClientError> {
        self.submit(&self.prepare(AgreementId::NONE, Body::Withdraw { amount, reference })?)
    }

    /// Leaves a file with an agreement of the party: a model's public commitment, a proof, a ciphertext. Gives its digest.
    ///
    /// # Errors
    ///
    /// The escrow refuses it, or cannot be reached.
    pub fn leave_file(&self, agreement: AgreementId, bytes: &[u8]) -> Result<Digest, ClientError> {
        let file = Digest::of_bytes(bytes);
        let (target, access) = (file_target(agreement, file), self.file_access(agreement, file, true)?);
        let question = Question { content: Content::Put(bytes), authorization: Some(&access), ..Question::get(&target) };
        self.transport.ask(&question)?;
        Ok(file)
    }

    /// Reads a file that was left with an agreement of the party.
    ///
    /// # Errors
    ///
    /// There is none, or the escrow cannot be reached.
    pub fn file(&self, agreement: AgreementId, file: Digest) -> Result<Vec<u8>, ClientError> {
        // The reader wants room for one byte more than it reads.
        let limit = (MAX_FILE_BYTES as u64).saturating_add(1);
        let (target, access) = (file_target(agreement, file), self.file_access(agreement, file, false)?);
        let question = Question { authorization: Some(&access), limit, ..Question::get(&target) };
        let (_, bytes) = self.transport.ask(&question)?;
        if Digest::of_bytes(&bytes) == file { Ok(bytes) } else { Err(ClientError::OtherFile { expected: file }) }
    }

    /// The digests of the ciphertexts that were last left with the escrow in a transfer of an agreement, in order; none if there were none.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn published(&self, agreement: AgreementId) -> Result<Vec<Digest>, ClientError> {
        let mut published = Vec::new();
        self.read_moves(agreement, |action| {
            if let Move::Accuracy(accuracy::Move::Transfer(transfer::Move::Publish { ciphertexts }))
            | Move::Retrieval(retrieval::Move::Transfer(transfer::Move::Publish { ciphertexts })) = action
            {
                published = ciphertexts;
            }
        })?;
        Ok(published)
    }

    /// The answers that a provider has given through the escrow because they were demanded, each with the digest of the file that has its scores.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn demanded(&self, agreement: AgreementId) -> Result<Vec<(Answer, Digest)>, ClientError> {
        let mut demanded = Vec::new();
        self.read_moves(agreement, |action| {
            if let Move::Serving(serving::Move::Answer { answers, scores }) = action {
                demanded.extend(answers.into_iter().zip(scores));
            }
        })?;
        Ok(demanded)
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        self.transport.read(target)
    }

    /// Reads every move that was made in an agreement, in order.
    fn read_moves(&self, agreement: AgreementId, mut read: impl FnMut(Move)) -> Result<(), ClientError> {
        let mut after = 0;
        loop {
            let entries: Vec<LogEntry> = self.transport.read(&format!("/v1/log?agreement={agreement}&after={after}"))?;
            let Some(last) = entries.last() else { return Ok(()) };
            after = last.position;
            entries.into_iter().filter_map(|entry| entry.record.action()).for_each(&mut read);
        }
    }

    /// Asks for an agreement every `interval` until `holds`, and gives it; nothing if that takes longer than `limit`.
    ///
    /// # Errors
    ///
    /// As [`Client::agreement`].
    pub fn wait(
        &self,
        agreement: AgreementId,
        (interval, limit): (Duration, Duration),
        holds: impl Fn(&AgreementView) -> bool,
    ) -> Result<Option<AgreementView>, ClientError> {
        let start = Instant::now();
        loop {
            let view = self.agreement(agreement)?;
            if holds(&view) {
                return Ok(Some(view));
            }
            if start.elapsed() >= limit {
                return Ok(None);
            }
            sleep(interval);
        }
    }

    fn file_access(&self, agreement: AgreementId, file: Digest, leave: bool) -> Result<String, ClientError> {
        let expires = self.recent_time()?.after(LIFETIME);
        Ok(FileAccess { escrow: self.escrow, agreement, file, leave, expires }.authorize(&self.key))
    }

    /// About the escrow's time: many files at once are not worth a question each.
    fn recent_time(&self) -> Result<Timestamp, ClientError> {
        // Whoever panicked has written all or nothing.
        let known = *self.time.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((time, since)) = known.filter(|(_, since)| since.elapsed() < MEMORY) {
            return Ok(time.after(Millis(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX))));
        }
        let now = self.about()?.now;
        *self.time.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Instant::now()));
        Ok(now)
    }
}

/// Of an entry of the log, what is of interest here.
#[derive(Deserialize)]
struct LogEntry {
    position: u64,
    record: LogRecord,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum LogRecord {
    Request { request: Box<Request> },
    Deadline {},
}

impl LogRecord {
    /// The move, if it is one.
    fn action(self) -> Option<Move> {
        let Self::Request { request } = self else { return None };
        match request.body {
            Body::Act(action) => Some(action),
            Body::Open(_)
            | Body::Deposit { .. }
            | Body::Withdraw { .. }
            | Body::Reverse { .. }
            | Body::Paid { .. }
            | Body::Returned { .. }
            | Body::Rules(_) => None,
        }
    }
}

fn file_target(agreement: AgreementId, file: Digest) -> String {
    format!("/v1/agreements/{agreement}/files/{file}")
}

fn encode(request: &Request) -> Vec<u8> {
    // JSON fails only for maps whose keys are not strings; a request has none.
    serde_json::to_vec(request).unwrap_or_default()
}
