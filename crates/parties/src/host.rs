//! A party that serves others: it has many agreements at once.
//!
//! Four things go on at the same time: the server takes and answers what others send, a watch looks which agreements there are, stewards make the moves that
//! are due in them, a worker makes proofs. There are enough stewards for every agreement that the party has accepted, so that none waits for another.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, sleep};
use std::time::Duration;

use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::time::Timestamp;

use crate::drive::{Pace, Step, Tell, settle};
use crate::error::PartyError;
use crate::http::{self, Service};
use crate::places::{Places, named};
use crate::queue::{Job, Queue};
use crate::schedule::Schedule;
use crate::store::{Store, StoreError};

/// A party that serves others: what it has, and what it does about its agreements.
pub trait Host: Service {
    /// What it has.
    fn desk(&self) -> Desk<'_>;

    /// Makes the move that is due in an agreement, if any is.
    ///
    /// # Errors
    ///
    /// It fails; it is tried again.
    fn step(&self, view: &AgreementView) -> Result<Step, PartyError>;

    /// Makes a proof.
    ///
    /// # Errors
    ///
    /// There is none; it is tried again if the escrow or the state failed, not the proof.
    fn prove(&self, job: &Job) -> Result<Vec<u8>, PartyError>;
}

/// What a party that serves others works with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Its access to the escrow.
    pub client: &'a Client,
    /// Its state.
    pub store: &'a Store,
    /// Its places for agreements.
    pub places: &'a Places,
    /// Its proofs to be made.
    pub queue: &'a Queue,
    /// Who is told of what happens.
    pub tell: &'a Tell,
}

/// Agreements that have not ended as far as this provider knows.
const OPEN: &str = "open";

/// Until a proof is tried again that could not be made because the escrow was down or busy.
const PAUSE: Duration = Duration::from_secs(1);

/// What stewards make moves by.
#[derive(Default)]
struct Stewardship {
    schedule: Schedule,
    memory: Mutex<BTreeMap<AgreementId, Memory>>,
}

/// What was last told about an agreement.
#[derive(Default)]
struct Memory {
    stage: String,
    complaint: String,
}

/// Serves until the process ends.
///
/// # Errors
///
/// The socket or the state fails.
pub fn run<H: Host>(host: H, listener: TcpListener, pace: Pace) -> Result<Infallible, PartyError> {
    let host = Arc::new(host);
    // The first that ends, ends the program: a party without one of them would lose its deposits.
    let (end, ended) = mpsc::channel();
    let spawn = |work: Box<dyn FnOnce(Arc<H>) -> PartyError + Send>| {
        let (host, end) = (host.clone(), End(end.clone()));
        let work = move || {
            let error = work(host);
            // Nobody listens any more only if another has ended before.
            let _ = end.0.send(Some(error));
        };
        thread::Builder::new().spawn(work).map(drop)
    };
    // One core is left to those who wait for answers.
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cores).build().map_err(std::io::Error::other)?;
    spawn(Box::new(move |host| match host.desk().queue.work(PAUSE, |job| pool.install(|| host.prove(job))) {
        Err(error) => error.into(),
    }))?;
    let stewardship = Arc::new(Stewardship::default());
    // What takes long is done only in agreements that have a place. One steward more is for the others.
    for _ in 0..=host.desk().places.most() {
        let stewardship = stewardship.clone();
        spawn(Box::new(move |host| match stewardship.schedule.work(|id| stewardship.attend(&*host, id)) {
            Err(error) => error.into(),
        }))?;
    }
    spawn(Box::new(move |host| match watch(&*host, &stewardship.schedule, pace) {
        Err(error) => error.into(),
    }))?;
    spawn(Box::new(move |host| match http::serve(listener, host) {
        Ok(()) => std::io::Error::other("the server has ended").into(),
        Err(error) => error,
    }))?;
    let error = ended.recv().ok().flatten();
    Err(error.unwrap_or_else(|| std::io::Error::other("a thread has failed").into()))
}

/// Tells that a thread has ended, also if it panicked.
struct End(mpsc::Sender<Option<PartyError>>);

impl Drop for End {
    fn drop(&mut self) {
        // Nobody listens any more only if another has ended before.
        let _ = self.0.send(None);
    }
}

/// Looks again and again which agreements there are, and has them attended to. What goes wrong is told, and tried again.
fn watch(host: &impl Host, schedule: &Schedule, pace: Pace) -> Result<Infallible, StoreError> {
    loop {
        match agreements(host) {
            Ok(agreements) => schedule.post(agreements),
            Err(PartyError::Store(error)) => return Err(error),
            Err(error) => (host.desk().tell)(&format!("error: {error}")),
        }
        sleep(pace.poll);
    }
}

/// The agreements that have not ended, with their deadlines, and those that have ended and are not tidied up yet.
fn agreements(host: &impl Host) -> Result<BTreeMap<AgreementId, Option<Timestamp>>, PartyError> {
    let Desk { client, store, places, .. } = host.desk();
    let account = client.own_account()?;
    let current = || account.agreements.iter().filter(|summary| !summary.ended && summary.kind != "stake");
    for summary in current().filter(|summary| summary.stage != "proposed") {
        places.keep(summary.id)?;
    }
    let known = named(store, OPEN).into_iter().chain(places.taken());
    let mut agreements: BTreeMap<AgreementId, Option<Timestamp>> = known.map(|id| (id, None)).collect();
    agreements.extend(current().map(|summary| (summary.id, summary.deadline)));
    Ok(agreements)
}

impl Stewardship {
    /// Makes the move that is due in an agreement, if any is. What goes wrong is told once, and tried again.
    fn attend(&self, host: &impl Host, id: AgreementId) -> Result<Step, StoreError> {
        match self.look(host, id) {
            Ok(step) => Ok(step),
            Err(PartyError::Store(error)) => Err(error),
            Err(error) => {
                self.complain(host.desk().tell, id, error.to_string());
                Ok(Step::Waiting)
            }
        }
    }

    fn look(&self, host: &impl Host, id: AgreementId) -> Result<Step, PartyError> {
        let Desk { client, store, places, tell, .. } = host.desk();
        let view = client.agreement(id)?;
        self.tell_stage(tell, id, &view.stage);
        if view.ended {
            // What it answered stays; what it was sent is no longer needed.
            store.forget(&id.to_string())?;
            places.free(id)?;
            store.remove(OPEN, &id.to_string())?;
            self.memory().remove(&id);
            return Ok(Step::Waiting);
        }
        store.once(OPEN, &id.to_string(), || Ok::<_, StoreError>(()))?;
        settle(client, &view, host.step(&view))
    }

    fn tell_stage(&self, tell: &Tell, id: AgreementId, stage: &str) {
        let mut memory = self.memory();
        let memory = memory.entry(id).or_default();
        if memory.stage != stage {
            stage.clone_into(&mut memory.stage);
            tell(&format!("{}: stage `{stage}`", short(id)));
        }
    }

    fn complain(&self, tell: &Tell, id: AgreementId, what: String) {
        let mut memory = self.memory();
        let memory = memory.entry(id).or_default();
        if memory.complaint != what {
            tell(&format!("{}: {what}", short(id)));
            memory.complaint = what;
        }
    }

    fn memory(&self) -> MutexGuard<'_, BTreeMap<AgreementId, Memory>> {
        // What a steward that panicked has told, it has told.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first digits of a name, for people.
pub(crate) fn short(id: AgreementId) -> String {
    id.to_string().chars().take(8).collect()
}
