//! A provider of predictions: it serves customers over HTTP, keeps to its agreements, and proves what it must.

mod accuracy;
mod policy;
mod service;
mod serving;

use std::sync::Arc;

use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_protocols::agreement::{State, Terms};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::money::Money;
use verinfer_protocols::rules::{Rules, StakeRules};
use verinfer_protocols::stake;
use verinfer_sealing::ReceiverSecret;

use crate::drive::{Step, Tell, open};
use crate::error::PartyError;
use crate::glance::Glances;
use crate::host::{Desk, Host};
use crate::model::Model;
use crate::peer::receiver;
use crate::places::Places;
use crate::queue::{Job, Queue};
use crate::random::random_bytes;
use crate::request::Request;
use crate::store::Store;

pub use policy::{Policy, Proceed};

/// A provider.
pub struct Provider {
    key: SecretKey,
    client: Client,
    store: Arc<Store>,
    model: Model,
    /// What answers customers if it is not the model: a provider that cheats.
    substitute: Option<Model>,
    policy: Policy,
    /// The marketplace's rules, as they were when it was started.
    rules: Rules,
    receiver: ReceiverSecret,
    places: Places,
    queue: Queue,
    glances: Glances<AgreementView>,
    tell: Tell,
}

/// What a provider has.
#[derive(Debug)]
pub struct Means {
    /// Its account's key.
    pub key: SecretKey,
    /// Its access to the escrow, with this key.
    pub client: Client,
    /// Its state.
    pub store: Store,
    /// The model that it commits itself to.
    pub model: Model,
    /// What answers customers in its place, to show what happens then.
    pub substitute: Option<Model>,
    /// Which agreements it makes.
    pub policy: Policy,
}

const SELF: &str = "self";

impl Provider {
    /// A provider that goes on where its state is.
    ///
    /// # Errors
    ///
    /// The state cannot be read or written, or belongs to a provider of another model, or escrows verify no proofs about the model.
    pub fn new(means: Means, tell: Tell) -> Result<Self, PartyError> {
        let Means { key, client, store, model, substitute, policy } = means;
        Request::new("provider serve").with("escrow", &client.escrow()).with("account", &client.account()).claim(&store)?;
        let committed: Digest = store.once(SELF, "model", || Ok::<_, PartyError>(model.digest()))?;
        if committed != model.digest() {
            return Err(PartyError::Plan(format!("this state is that of a provider of the model {committed}, not {}", model.digest())));
        }
        model.check_dependence()?;
        if model.size().cells > policy.cells {
            return Err(PartyError::Plan(format!("a proof has {} cells, more than the {} allowed", model.size().cells, policy.cells)));
        }
        let policy = Policy { batch: model.batch(policy.batch, policy.cells), ..policy };
        let rules = client.about()?.rules;
        let receiver = receiver(&store)?;
        let store = Arc::new(store);
        let (places, queue) = (Places::new(store.clone(), policy.agreements), Queue::new(store.clone()));
        Ok(Self { key, client, store, model, substitute, policy, rules, receiver, places, queue, glances: Glances::default(), tell })
    }

    /// Deposits a stake for the model, if it has none of so much that still covers agreements; gives its name.
    ///
    /// # Errors
    ///
    /// The escrow refuses.
    pub fn stake(&self, amount: Money) -> Result<AgreementId, PartyError> {
        let kept: Option<stake::Terms> = self.store.get(SELF, "stake")?;
        let terms = match kept.filter(|terms| terms.amount >= amount) {
            Some(terms) if self.covers(&terms)? => terms,
            Some(_) | None => {
                let (StakeRules { lock, covers, .. }, nonce) = (self.rules.stake, Digest(random_bytes()?));
                let (provider, model) = (self.client.account(), self.model.digest());
                let terms = stake::Terms { provider, model, amount, lock, covers, nonce };
                // Before it is deposited: it is this one that is deposited again after a crash.
                self.store.put(SELF, "stake", &terms)?;
                terms
            }
        };
        Ok(open(&self.client, Terms::Stake(terms))?)
    }

    /// Whether agreements can name a stake, or could if it were deposited now.
    fn covers(&self, terms: &stake::Terms) -> Result<bool, PartyError> {
        match self.client.agreement(Terms::Stake(terms.clone()).id(self.client.escrow())) {
            Ok(view) => {
                let is_active = view.agreement.state == State::Stake(stake::State::Active);
                Ok(is_active && view.covered.unwrap_or(0) < terms.covers)
            }
            Err(error) if error.kind() == Some("no_agreement") => {
                let StakeRules { least, lock, covers } = self.rules.stake;
                Ok(terms.amount >= least && terms.lock == lock && terms.covers == covers)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Host for Provider {
    fn desk(&self) -> Desk<'_> {
        Desk {
            client: &self.client,
            store: &self.store,
            places: &self.places,
            queue: &self.queue,
            glances: &self.glances,
            tell: &self.tell,
        }
    }

    fn step(&self, view: &AgreementView) -> Result<Step, PartyError> {
        match (&view.agreement.terms, &view.agreement.state) {
            (Terms::Accuracy(terms), State::Accuracy(state)) if terms.provider == self.client.account() => {
                self.accuracy(view, terms, state)
            }
            (Terms::Serving(terms), State::Serving(state)) if terms.provider == self.client.account() => self.serving(view, terms, state),
            // An account may have other agreements; they are not this program's.
            (Terms::Stake(_) | Terms::Accuracy(_) | Terms::Serving(_) | Terms::Retrieval(_), _) => Ok(Step::Waiting),
        }
    }

    fn prove(&self, job: &Job) -> Result<Vec<u8>, PartyError> {
        match self.client.agreement(job.agreement)?.agreement.terms {
            Terms::Accuracy(terms) => self.examples_proof(job.agreement, &terms, &job.entries),
            Terms::Serving(_) => self.predictions_proof(job.agreement, &job.entries),
            Terms::Stake(_) | Terms::Retrieval(_) => Err(PartyError::OtherKind { expected: "accuracy or serving" }),
        }
    }
}
