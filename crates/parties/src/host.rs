//! A party that serves others: it has many agreements at once.
//!
//! Four things go on at the same time: the server takes and answers what others send, a watch looks which agreements there are, stewards make the moves that
//! are due in them, a worker makes proofs. There are enough stewards for every agreement that the party has accepted, so that none waits for another.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::time::Timestamp;
use verinfer_sealing::Envelope;

use crate::drive::{Pace, Step, Tell, settle};
use crate::error::PartyError;
use crate::glance::{Glances, TooMany};
use crate::http::{self, Entrance, Refused, Room, Service};
use crate::places::{Places, named};
use crate::queue::{Job, Queue};
use crate::schedule::{Schedule, Standing};
use crate::store::{Store, StoreError};
use crate::wire::{About, Ask, Topic};

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
    /// What it has seen of the escrow for those who ask it.
    pub glances: &'a Glances<AgreementView>,
    /// Who is told of what happens.
    pub tell: &'a Tell,
}

impl Desk<'_> {
    /// An agreement as it stands, for who asks the party about it.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached or knows no such agreement, or too many ask about agreements that are not the party's.
    pub fn view(&self, id: AgreementId) -> Result<AgreementView, Refused> {
        let looked = self.glances.look(id, || self.client.agreement(id)).map_err(|TooMany| Refused::busy())?;
        Ok(looked?)
    }
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
    /// When its terms were last found not to be acceptable.
    declined: Option<Instant>,
}

/// After so many polls, a proposal that was declined is looked at again; terms do not change.
const DECLINED: u32 = 60;

/// Serves until the process ends.
///
/// # Errors
///
/// The socket or the state fails, or the escrow has contradicted itself.
pub fn run<H: Host>(host: H, entrance: impl Into<Entrance>, pace: Pace) -> Result<Infallible, PartyError> {
    let (host, entrance) = (Arc::new(host), entrance.into());
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
        Err(error) => error,
    }))?;
    let stewardship = Arc::new(Stewardship::default());
    // What takes long is done only in agreements that have a place. One steward more is for the others.
    for _ in 0..=host.desk().places.most() {
        let stewardship = stewardship.clone();
        spawn(Box::new(move |host| match stewardship.schedule.work(|id| stewardship.attend(&*host, id)) {
            Err(error) => error,
        }))?;
    }
    spawn(Box::new(move |host| match watch(&*host, &stewardship, pace) {
        Err(error) => error,
    }))?;
    let tell = host.desk().tell.clone();
    spawn(Box::new(move |host| match http::serve(entrance, Arc::new(Server(host)), tell) {
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

/// Looks again and again which agreements there are, and has them attended to. What goes wrong is told, and tried again, unless the state fails or the escrow
/// has contradicted itself.
fn watch(host: &impl Host, stewardship: &Stewardship, pace: Pace) -> Result<Infallible, PartyError> {
    loop {
        match agreements(host) {
            Ok(agreements) => {
                host.desk().glances.own(&agreements.keys().copied().collect());
                stewardship.post(agreements, pace.poll.saturating_mul(DECLINED));
            }
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => (host.desk().tell)(&format!("error: {}", error.with_causes())),
        }
        sleep(pace.poll);
    }
}

/// The agreements that have not ended, and those that have ended and are not tidied up yet.
fn agreements(host: &impl Host) -> Result<BTreeMap<AgreementId, Standing>, PartyError> {
    let Desk { client, store, places, .. } = host.desk();
    let account = client.own_account()?;
    let current = account.agreements.iter().filter(|summary| !summary.ended && summary.kind != "stake");
    let taken = places.taken();
    let mut agreements: BTreeMap<AgreementId, Standing> = named(store, OPEN).into_iter().map(|id| (id, Standing::Ended)).collect();
    // One that has a place and is not listed has ended, or strangers' proposals have pushed it off the list: it must not wait for them.
    agreements.extend(taken.iter().map(|&id| (id, Standing::Accepted(Timestamp(0)))));
    agreements.extend(current.map(|summary| {
        let is_accepted = taken.contains(&summary.id) || summary.stage != "proposed";
        let standing = match summary.deadline {
            Some(deadline) if is_accepted => Standing::Accepted(deadline),
            Some(deadline) => Standing::Proposed(deadline),
            None => Standing::Ended,
        };
        (summary.id, standing)
    }));
    Ok(agreements)
}

/// What a host does for who asks it.
struct Server<H>(Arc<H>);

impl<H: Host> Service for Server<H> {
    fn about(&self) -> Result<About, Refused> {
        self.0.about()
    }

    fn take(&self, agreement: AgreementId, topic: Topic, envelope: &Envelope) -> Result<(), Refused> {
        self.0.take(agreement, topic, envelope)?;
        // Meanwhile the agreement may have ended and been tidied up: then it is once more.
        Ok(self.0.desk().store.once(OPEN, &agreement.to_string(), || Ok::<_, StoreError>(()))?)
    }

    fn give(&self, agreement: AgreementId, topic: Topic, ask: &Ask, room: &mut Room) -> Result<Envelope, Refused> {
        self.0.give(agreement, topic, ask, room)
    }
}

impl Stewardship {
    /// Has agreements attended to, except proposals that were declined less than `pause` ago.
    fn post(&self, mut agreements: BTreeMap<AgreementId, Standing>, pause: Duration) {
        let memory = self.memory();
        let is_declined =
            |id: &AgreementId| memory.get(id).and_then(|memory| memory.declined).is_some_and(|declined| declined.elapsed() < pause);
        agreements.retain(|id, standing| !(matches!(standing, Standing::Proposed(_)) && is_declined(id)));
        drop(memory);
        self.schedule.post(agreements);
    }

    /// Makes the move that is due in an agreement, if any is. What goes wrong is told once, and tried again, unless the state fails or the escrow has
    /// contradicted itself.
    fn attend(&self, host: &impl Host, id: AgreementId) -> Result<Step, PartyError> {
        match self.look(host, id) {
            Ok(step) => Ok(step),
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => {
                if matches!(error, PartyError::NotAcceptable(_)) {
                    self.memory().entry(id).or_default().declined = Some(Instant::now());
                }
                self.complain(host.desk().tell, id, error.with_causes());
                Ok(Step::Waiting)
            }
        }
    }

    fn look(&self, host: &impl Host, id: AgreementId) -> Result<Step, PartyError> {
        let Desk { client, store, places, queue, tell, .. } = host.desk();
        let view = client.agreement(id)?;
        self.tell_stage(tell, id, &view.stage);
        if view.ended {
            // What it answered stays; what it was sent, and proofs, are no longer needed.
            queue.forget(id)?;
            store.forget(&id.to_string())?;
            places.free(id)?;
            store.remove(OPEN, &id.to_string())?;
            self.memory().remove(&id);
            return Ok(Step::Waiting);
        }
        store.once(OPEN, &id.to_string(), || Ok::<_, StoreError>(()))?;
        let step = settle(client, &view, host.step(&view));
        if matches!(step, Err(PartyError::NotAcceptable(_))) {
            // It may have had one, since it was acceptable before the party was last started.
            places.free(id)?;
        }
        step
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is attended to, in order, if the first two were declined just now.
    fn attended(agreements: [(AgreementId, Standing); 3], pause: Duration) -> Vec<AgreementId> {
        let (stewardship, (begun, attended)) = (Stewardship::default(), mpsc::channel());
        for (id, _) in &agreements[..2] {
            stewardship.memory().entry(*id).or_default().declined = Some(Instant::now());
        }
        stewardship.post(BTreeMap::from(agreements), pause);
        thread::spawn(move || stewardship.schedule.work(|id| begun.send(id).map(|()| Step::Waiting)));
        std::iter::from_fn(|| attended.recv_timeout(Duration::from_millis(200)).ok()).collect()
    }

    #[test]
    fn proposal_that_was_declined_takes_nobodys_time_until_the_pause_is_over() {
        let [declined, accepted, new] = [1, 2, 3].map(|id| AgreementId([id; 32]));
        let agreements = [
            (declined, Standing::Proposed(Timestamp(1))),
            (accepted, Standing::Accepted(Timestamp(2))),
            (new, Standing::Proposed(Timestamp(3))),
        ];
        assert_eq!(attended(agreements, Duration::from_secs(3600)), [accepted, new]);
        assert_eq!(attended(agreements, Duration::ZERO), [accepted, declined, new]);
    }
}
