//! Proofs that are to be made: a queue that survives restarts, and a thread that works it off without keeping anybody else from anything.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use verinfer_escrow_client::ClientError;
use verinfer_escrow_client::messages::Receipt;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::time::Timestamp;

use crate::drive::Step;
use crate::error::PartyError;
use crate::store::{Store, StoreError};

/// A proof to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// For this agreement.
    pub agreement: AgreementId,
    /// About these entries, in this order.
    pub entries: Vec<u32>,
}

/// Jobs and finished proofs in a party's state.
#[derive(Debug)]
pub struct Queue {
    store: Arc<Store>,
    /// Whether something may have been queued since the worker last looked.
    news: Mutex<bool>,
    changed: Condvar,
    /// Held while jobs are taken off the queue.
    finishing: Mutex<()>,
}

const QUEUE: &str = "queue";

impl Queue {
    /// The queue in a state.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, news: Mutex::new(true), changed: Condvar::new(), finishing: Mutex::new(()) }
    }

    /// The proof, if it is made, or why it could not be; otherwise it is queued, in the order of the times since when they are due.
    ///
    /// # Errors
    ///
    /// The state cannot be read or written.
    fn proof(&self, job: &Job, since: Timestamp) -> Result<Option<Result<Vec<u8>, String>>, StoreError> {
        if let Some(made) = self.store.get(&scope(job), &name(job))? {
            return Ok(Some(made));
        }
        let queued = format!("{:020}-{}", since.0, name(job));
        if !self.store.has(QUEUE, &queued) {
            self.store.put(QUEUE, &queued, job)?;
            *self.news.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_all();
        }
        Ok(None)
    }

    /// The next proof of entries that are due since then, in proofs of `batch` entries; all of them are queued. Nothing if none is made yet.
    ///
    /// # Errors
    ///
    /// A proof could not be made, or the state cannot be read or written.
    pub fn next(&self, agreement: AgreementId, due: &[u32], batch: usize, since: Timestamp) -> Result<Option<(Job, Vec<u8>)>, PartyError> {
        let mut first = None;
        for entries in due.chunks(batch.max(1)) {
            let job = Job { agreement, entries: entries.to_vec() };
            let made = self.proof(&job, since)?;
            first = first.or_else(|| made.map(|made| (job, made)));
        }
        let Some((job, made)) = first else { return Ok(None) };
        made.map(|proof| Some((job, proof))).map_err(PartyError::NotProved)
    }

    /// What came of handing in a proof. One that was refused is not handed in again.
    ///
    /// # Errors
    ///
    /// As it was; or the state cannot be written.
    pub fn handed_in(&self, job: &Job, result: Result<Receipt, ClientError>) -> Result<Step, PartyError> {
        match result {
            Ok(_) => Ok(Step::Moved),
            Err(error) => {
                // Only what the escrow has found out of the proof counts, and that it says with this status.
                let is_refused = matches!(error, ClientError::Refused { status: 422, .. });
                if is_refused && matches!(error.kind(), Some("proof_rejected" | "proof" | "member")) {
                    self.store.put(&scope(job), &name(job), &Err::<Vec<u8>, _>(error.to_string()))?;
                }
                Err(error.into())
            }
        }
    }

    /// Takes all jobs of an agreement that has ended off the queue. Of one that is being worked on, nothing is kept from then on.
    ///
    /// # Errors
    ///
    /// The state cannot be read or written.
    pub fn forget(&self, agreement: AgreementId) -> Result<(), StoreError> {
        let _turn = self.finishing();
        for queued in self.store.list::<Job>(QUEUE) {
            let (queued, job) = queued?;
            if job.agreement == agreement {
                self.store.remove(QUEUE, &queued)?;
            }
        }
        Ok(())
    }

    /// Makes proofs, one after the other, and waits for more. One that cannot be made now is tried again after `pause`; the others come first. One of an
    /// agreement that the escrow does not know is not: it is queued anew if the escrow should come to know it.
    ///
    /// # Errors
    ///
    /// The state cannot be read or written, or the escrow has contradicted itself.
    pub fn work(
        &self,
        pause: Duration,
        make: impl Fn(&Job) -> Result<Vec<u8>, PartyError>,
    ) -> Result<std::convert::Infallible, PartyError> {
        let mut put_off = BTreeSet::new();
        loop {
            while let Some(queued) = self.store.names(QUEUE).into_iter().find(|queued| !put_off.contains(queued)) {
                let Some(job) = self.store.get::<Job>(QUEUE, &queued)? else { continue };
                if self.store.has(&scope(&job), &name(&job)) {
                    self.finish(&queued, &job, None)?;
                    continue;
                }
                match make(&job) {
                    Err(error) if is_of_no_agreement(&error) => self.finish(&queued, &job, None)?,
                    Err(error) if error.is_fatal() => return Err(error),
                    Err(error) if is_passing(&error) => {
                        put_off.insert(queued);
                    }
                    made => self.finish(&queued, &job, Some(made.map_err(|error| error.to_string())))?,
                }
            }
            let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
            let mut news = if put_off.is_empty() {
                self.changed.wait_while(news, |news| !*news).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.changed.wait_timeout_while(news, pause, |news| !*news).unwrap_or_else(PoisonError::into_inner).0
            };
            *news = false;
            put_off.clear();
        }
    }

    /// Keeps what came of a job, if anything, and takes it off the queue, unless it was taken off because its agreement has ended.
    fn finish(&self, queued: &str, job: &Job, made: Option<Result<Vec<u8>, String>>) -> Result<(), StoreError> {
        let _turn = self.finishing();
        if !self.store.has(QUEUE, queued) {
            return Ok(());
        }
        if let Some(made) = made {
            self.store.put(&scope(job), &name(job), &made)?;
        }
        self.store.remove(QUEUE, queued)
    }

    fn finishing(&self) -> MutexGuard<'_, ()> {
        self.finishing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the escrow does not know the agreement.
fn is_of_no_agreement(error: &PartyError) -> bool {
    matches!(error, PartyError::Escrow(error) if error.kind() == Some("no_agreement"))
}

/// Whether an error says nothing about the proof: without it, the proof may be made later.
const fn is_passing(error: &PartyError) -> bool {
    matches!(error, PartyError::Escrow(_) | PartyError::Peer(_) | PartyError::Store(_) | PartyError::Randomness(_))
}

fn scope(job: &Job) -> String {
    format!("{}/proofs", job.agreement)
}

fn name(job: &Job) -> String {
    Digest::of("verinfer parties v1 job", job).to_string()
}

#[cfg(test)]
mod tests;
