//! Which of several processes on one database is the escrow: the one that holds the [lock](crate::store::Lock). The others stand by, and take over in turn.
//!
//! Who has the lock begins a term, takes the end of the log and the time written down for the truth, and serves. Who has lost the lock stands by again,
//! and whatever it still does is of a term that has passed. Only who has the lock begins a term: two that are started again and again do not depose each
//! other.
//!
//! Before it leads, a process checks that the log is the one that was [written down](crate::mark), and that parties take what it signs. Who leads and whose
//! certificate ends stands by: time stands still, unless another process has a certificate that holds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::rules::Rules;

use crate::clock::{machine_seconds, machine_time};
use crate::error::ServiceError;
use crate::http::{Door, HttpLimits, Shared};
use crate::mark::Marks;
use crate::service::{Escrow, Limits};
use crate::signer::Signer;
use crate::store::{Lock, Store, StoreError};

/// How often a process that stands by tries to take over.
const ATTEMPT: Duration = Duration::from_millis(500);

/// How often deadlines are looked for.
const TICK: Duration = Duration::from_millis(100);

/// How often the time is written down: at most so much of it passes again after the escrow was killed.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Within what time parties whose requests waited when the escrow was stopped have sent them again.
const RETURN: Duration = Duration::from_secs(60);

/// The operator is told so many seconds before the receipt key's certificate ends.
const WARNINGS: [u64; 4] = [14 * 24 * 3600, 3 * 24 * 3600, 24 * 3600, 3600];

/// A process that leads when it can.
#[derive(Debug)]
pub struct Candidate {
    store: Store,
    lock: Lock,
    signer: Signer,
    limits: Limits,
    /// What it sets when it leads and the log has no rules, if anything: the operator's key, and the rules; without any the default ones.
    rules: Option<(SecretKey, Option<Rules>)>,
    /// What the log must go on from.
    marks: Option<Marks>,
    /// What the operator was told last.
    told: String,
}

impl Candidate {
    /// For the escrow that a signer signs for, on its database; its log is made if there is none.
    ///
    /// # Errors
    ///
    /// The database is another escrow's, or fails.
    pub async fn new(store: Store, signer: Signer, limits: Limits) -> Result<Self, StoreError> {
        store.initialize(signer.escrow(), machine_time()).await?;
        let lock = store.lock();
        Ok(Self { store, lock, signer, limits, rules: None, marks: None, told: String::new() })
    }

    /// With the marketplace's rules, which the operator's key signs once this process leads where the log has none; without rules, the default ones.
    #[must_use]
    pub fn with_rules(self, rules: Option<Rules>, operator: SecretKey) -> Self {
        Self { rules: Some((operator, rules)), ..self }
    }

    /// Leads only on a log that goes on from these.
    #[must_use]
    pub fn with_marks(self, marks: Marks) -> Self {
        Self { marks: Some(marks), ..self }
    }

    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    /// Leads if nobody else does.
    ///
    /// # Errors
    ///
    /// The database is none that this escrow can lead on; where it fails, that may pass.
    pub(crate) async fn attempt(&mut self, door: &Door, http: HttpLimits) -> Result<Option<Arc<Escrow>>, ServiceError> {
        let result = self.try_to_lead(door, http).await;
        if result.is_err() {
            self.lock.release();
        }
        match result {
            Err(ServiceError::Store(error)) if error.is_outage() => {
                self.tell(format!("this process stands by: {error}"));
                Ok(None)
            }
            Err(ServiceError::Certificate(error)) => {
                self.tell(format!("this process stands by: {error}"));
                Ok(None)
            }
            result => result,
        }
    }

    async fn try_to_lead(&mut self, door: &Door, http: HttpLimits) -> Result<Option<Arc<Escrow>>, ServiceError> {
        self.signer.check(machine_seconds())?;
        if !self.lock.take().await? {
            self.tell("another process of this escrow leads: this one stands by".to_owned());
            return Ok(None);
        }
        // An older copy may have been put in its place while this process stood by.
        if let Some(marks) = &self.marks {
            marks.check(&self.store).await?;
        }
        let escrow = Arc::new(Escrow::lead(&self.store, self.signer.clone(), self.limits).await?);
        // No deadline is called before it is known that the time can be written down.
        write_time(&escrow).await;
        if let Some((operator, rules)) = &self.rules {
            escrow.begin_with_rules(rules.as_ref(), operator).await?;
        }
        if !self.told.is_empty() {
            self.tell("this process leads".to_owned());
        }
        door.open(Shared { escrow: escrow.clone(), limits: http });
        Ok(Some(escrow))
    }

    /// Leads and stands by in turn, until it is told to stop.
    ///
    /// # Errors
    ///
    /// The database is none that this escrow can lead on, or the time cannot be written down at the end.
    pub(crate) async fn run(
        mut self,
        first: Option<Arc<Escrow>>,
        door: &Door,
        http: HttpLimits,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), ServiceError> {
        let mut lead = first;
        loop {
            if let Some(escrow) = lead {
                let Some(error) = self.reign(&escrow, door, &mut stopped).await else {
                    return Ok(escrow.store.set_clock(escrow.now()).await?);
                };
                self.tell(format!("this process has lost the lead: {error}"));
            }
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
                () = sleep(ATTEMPT) => {}
            }
            lead = self.attempt(door, http).await?;
        }
    }

    /// Calls deadlines and writes down the time, until it is told to stop or the lead is lost, which is said then.
    async fn reign(&mut self, escrow: &Arc<Escrow>, door: &Door, stopped: &mut watch::Receiver<bool>) -> Option<ServiceError> {
        let (end, ended) = watch::channel(false);
        let (depose, deposed) = oneshot::channel();
        let mut watchers = JoinSet::new();
        watchers.spawn(watch_deadlines(escrow.clone(), ended.clone()));
        watchers.spawn(keep_time(escrow.clone(), ended.clone(), depose));
        watchers.spawn(release_held(escrow.clone(), ended));
        let lost = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => None,
            error = self.lock.lost() => Some(error.into()),
            Ok(error) = deposed => Some(error),
        };
        door.close();
        if lost.is_some() {
            // Whatever they still try is of a term that has passed, or will have before anything else is written.
            watchers.shutdown().await;
            self.lock.release();
        } else {
            let _ = end.send(true);
            while watchers.join_next().await.is_some() {}
        }
        lost
    }

    /// Tells the operator, once.
    fn tell(&mut self, what: String) {
        if self.told != what {
            tracing::warn!("{what}");
            self.told = what;
        }
    }
}

async fn watch_deadlines(escrow: Arc<Escrow>, mut ended: watch::Receiver<bool>) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = ended.changed() => return,
        }
        if let Err(error) = escrow.call_deadlines().await {
            // The database may be back at the next tick; deadlines are called once time goes on.
            tracing::error!(%error, "deadlines could not be called");
        }
    }
}

/// Writes down the time, apart from deadlines: many that are due at once must not keep it from going on.
async fn keep_time(escrow: Arc<Escrow>, mut ended: watch::Receiver<bool>, depose: oneshot::Sender<ServiceError>) {
    let mut warned = 0;
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = heartbeat.tick() => {
                if let Some(error) = write_time(&escrow).await {
                    // Nobody listens any more only if it stops anyway.
                    let _ = depose.send(error);
                    return;
                }
                warned = warn_of_end(escrow.signer.seconds_left(machine_seconds()), warned);
            }
            _ = ended.changed() => return,
        }
    }
}

async fn release_held(escrow: Arc<Escrow>, mut ended: watch::Receiver<bool>) {
    tokio::select! {
        () = sleep(RETURN) => escrow.release(),
        _ = ended.changed() => {}
    }
}

/// Writes down the time. Gives why this process leads no longer: a later term has begun, or nobody takes what it signs.
async fn write_time(escrow: &Escrow) -> Option<ServiceError> {
    let error = escrow.write_time().await.err()?;
    tracing::error!(%error, "time stands still");
    matches!(error, ServiceError::Store(StoreError::Deposed) | ServiceError::Certificate(_)).then_some(error)
}

/// Warns the operator of the end of a certificate, once for each of [`WARNINGS`]; gives how many of them have passed.
fn warn_of_end(seconds_left: Option<u64>, warned: usize) -> usize {
    let Some(left) = seconds_left else { return warned };
    let passed = WARNINGS.iter().filter(|&&warning| left < warning).count();
    if passed > warned {
        tracing::warn!("the receipt key's certificate is used for {} hours more: certify it again with `escrow certify`", left / 3600);
    }
    passed.max(warned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_is_warned_once_for_each_time_before_the_end_of_a_certificate() {
        assert_eq!(warn_of_end(None, 0), 0);
        assert_eq!(warn_of_end(Some(WARNINGS[0]), 0), 0);
        assert_eq!(warn_of_end(Some(WARNINGS[0] - 1), 0), 1);
        assert_eq!(warn_of_end(Some(WARNINGS[1]), 1), 1);
        assert_eq!(warn_of_end(Some(10), 1), 4);
        assert_eq!(warn_of_end(Some(9), 4), 4);
    }
}
