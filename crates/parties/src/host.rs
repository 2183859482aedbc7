//! A party that serves others: it has many agreements at once.
//!
//! Three things go on at the same time: the server takes and answers what others send, a steward makes the moves that are due, a worker makes proofs. They
//! share the state and nothing else, so that none waits for another.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread::{self, sleep};

use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::time::Timestamp;

use crate::drive::{Pace, Step, Tell, settle};
use crate::error::PartyError;
use crate::http::{self, Service};
use crate::queue::{Job, Queue};
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
    /// There is none.
    fn prove(&self, job: &Job) -> Result<Vec<u8>, PartyError>;
}

/// What a party that serves others works with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Its access to the escrow.
    pub client: &'a Client,
    /// Its state.
    pub store: &'a Store,
    /// Its proofs to be made.
    pub queue: &'a Queue,
    /// Who is told of what happens.
    pub tell: &'a Tell,
}

/// Agreements that have not ended as far as this provider knows.
const OPEN: &str = "open";

/// What the steward remembers while it runs.
#[derive(Default)]
struct Memory {
    /// The stage in which each agreement was last seen.
    stages: BTreeMap<AgreementId, String>,
    /// What was last told about each.
    told: BTreeMap<AgreementId, String>,
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
        thread::spawn(move || {
            let error = work(host);
            // Nobody listens any more only if another has ended before.
            let _ = end.0.send(Some(error));
        });
    };
    // One core is left to those who wait for answers.
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cores).build().map_err(std::io::Error::other)?;
    spawn(Box::new(move |host| match host.desk().queue.work(|job| pool.install(|| host.prove(job))) {
        Err(error) => error.into(),
    }));
    spawn(Box::new(move |host| match watch(&*host, pace) {
        Err(error) => error,
    }));
    spawn(Box::new(move |host| match http::serve(listener, host) {
        Ok(()) => std::io::Error::other("the server has ended").into(),
        Err(error) => error,
    }));
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

/// Makes the moves that are due in all agreements, again and again. What goes wrong in one is told, and tried again.
fn watch(host: &impl Host, pace: Pace) -> Result<Infallible, PartyError> {
    let mut memory = Memory::default();
    loop {
        match look(host, &mut memory) {
            Ok(Step::Moved) => {}
            Ok(Step::Waiting) => sleep(pace.poll),
            Err(PartyError::Store(error)) => return Err(error.into()),
            Err(error) => {
                (host.desk().tell)(&format!("error: {error}"));
                sleep(pace.poll);
            }
        }
    }
}

fn look(host: &impl Host, memory: &mut Memory) -> Result<Step, PartyError> {
    let Desk { client, store, tell, .. } = host.desk();
    let account = client.own_account()?;
    let current = account.agreements.iter().filter(|summary| !summary.ended && summary.kind != "stake");
    let mut due: BTreeMap<AgreementId, Option<Timestamp>> = open_agreements(store)?.into_iter().map(|id| (id, None)).collect();
    due.extend(current.map(|summary| (summary.id, summary.deadline)));
    // Those with the nearest deadline first; those that have ended are merely tidied up.
    let mut due: Vec<(Option<Timestamp>, AgreementId)> = due.into_iter().map(|(id, deadline)| (deadline, id)).collect();
    due.sort_unstable_by_key(|&(deadline, id)| (deadline.is_none(), deadline, id));
    let mut step = Step::Waiting;
    for (_, id) in due {
        let view = client.agreement(id)?;
        store.once(OPEN, &id.to_string(), || Ok::<_, StoreError>(()))?;
        if memory.stages.insert(id, view.stage.clone()).as_ref() != Some(&view.stage) {
            tell(&format!("{}: stage `{}`", short(id), view.stage));
        }
        if view.ended {
            // What it answered stays; what it was sent is no longer needed.
            store.forget(&id.to_string())?;
            store.remove(OPEN, &id.to_string())?;
            continue;
        }
        match settle(client, &view, host.step(&view)) {
            Ok(Step::Moved) => step = Step::Moved,
            Ok(Step::Waiting) => {}
            Err(PartyError::Store(error)) => return Err(error.into()),
            Err(error) => complain(tell, memory, id, error.to_string()),
        }
    }
    Ok(step)
}

fn open_agreements(store: &Store) -> Result<BTreeSet<AgreementId>, StoreError> {
    let open: Vec<(String, ())> = store.list(OPEN)?;
    Ok(open.iter().filter_map(|(id, ())| id.parse().ok()).collect())
}

/// Tells of what goes wrong, once.
fn complain(tell: &Tell, memory: &mut Memory, id: AgreementId, what: String) {
    if memory.told.get(&id) != Some(&what) {
        tell(&format!("{}: {what}", short(id)));
        memory.told.insert(id, what);
    }
}

/// The first digits of a name, for people.
pub(crate) fn short(id: AgreementId) -> String {
    id.to_string().chars().take(8).collect()
}
