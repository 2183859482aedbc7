//! Proofs that are to be made: a queue that survives restarts, and a thread that works it off without keeping anybody else from anything.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
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
}

const QUEUE: &str = "queue";

impl Queue {
    /// The queue in a state.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, news: Mutex::new(true), changed: Condvar::new() }
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
                if matches!(error.kind(), Some("proof_rejected" | "proof" | "member")) {
                    self.store.put(&scope(job), &name(job), &Err::<Vec<u8>, _>(error.to_string()))?;
                }
                Err(error.into())
            }
        }
    }

    /// Makes proofs, one after the other, and waits for more. One that cannot be made now is tried again after `pause`; the others come first.
    ///
    /// # Errors
    ///
    /// The state cannot be read or written.
    pub fn work(
        &self,
        pause: Duration,
        make: impl Fn(&Job) -> Result<Vec<u8>, PartyError>,
    ) -> Result<std::convert::Infallible, StoreError> {
        let mut put_off = BTreeSet::new();
        loop {
            while let Some(queued) = self.store.names(QUEUE).into_iter().find(|queued| !put_off.contains(queued)) {
                let Some(job) = self.store.get::<Job>(QUEUE, &queued)? else { continue };
                if !self.store.has(&scope(&job), &name(&job)) {
                    match make(&job) {
                        Err(error) if is_passing(&error) => {
                            put_off.insert(queued);
                            continue;
                        }
                        made => self.store.put(&scope(&job), &name(&job), &made.map_err(|error| error.to_string()))?,
                    }
                }
                self.store.remove(QUEUE, &queued)?;
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
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    const AGREEMENT: AgreementId = AgreementId([7; 32]);
    const PAUSE: Duration = Duration::from_millis(20);

    #[test]
    fn jobs_survive_a_restart_and_what_has_been_due_longest_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let next = |queue: &Queue, due: &[u32], since| queue.next(AGREEMENT, due, 2, Timestamp(since));
        let queue = Queue::new(Arc::new(Store::open(&path).unwrap()));
        assert!(next(&queue, &[1, 2, 3], 200).unwrap().is_none());
        assert!(next(&queue, &[9], 100).unwrap().is_none());
        drop(queue);

        let queue = Arc::new(Queue::new(Arc::new(Store::open(&path).unwrap())));
        let order = Arc::new(Mutex::new(Vec::new()));
        let (working, made) = (queue.clone(), order.clone());
        thread::spawn(move || {
            working.work(PAUSE, |job| {
                made.lock().unwrap().push(job.entries.clone());
                match job.entries.as_slice() {
                    [3] => Err(PartyError::Plan("three is too many".to_owned())),
                    entries => Ok(entries.iter().map(|&entry| entry as u8).collect()),
                }
            })
        });
        let (job, proof) = loop {
            match next(&queue, &[1, 2], 200).unwrap() {
                Some(made) => break made,
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        assert_eq!((job.entries, proof), (vec![1, 2], vec![1, 2]));
        assert_eq!(order.lock().unwrap()[0], [9]);
        let failed = loop {
            match next(&queue, &[3], 200) {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                result => break result,
            }
        };
        assert!(matches!(failed, Err(PartyError::NotProved(reason)) if reason == "three is too many"));
    }

    #[test]
    fn proof_that_cannot_be_made_while_the_escrow_is_busy_is_tried_again_after_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Arc::new(Queue::new(Arc::new(Store::open(&folder.path().join("state")).unwrap())));
        let next = |due: u32, since| queue.next(AGREEMENT, &[due], 1, Timestamp(since)).unwrap();
        assert_eq!((next(1, 100), next(2, 200)), (None, None));
        let (working, tried) = (queue.clone(), Arc::new(Mutex::new(Vec::new())));
        let trying = tried.clone();
        thread::spawn(move || {
            working.work(PAUSE, |job| {
                let mut tried = trying.lock().unwrap();
                tried.push(job.entries[0]);
                if tried.len() > 1 {
                    return Ok(vec![1]);
                }
                Err(ClientError::Refused { status: 503, kind: "busy".to_owned(), message: String::new() }.into())
            })
        });
        while next(1, 100).is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(*tried.lock().unwrap(), [1, 2, 1]);
    }
}
