//! A responder: says which documents of its corpus a model selects, proves it, and hands them over.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use verinfer_commitments::{Kind, Secret};
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_graph::{DataType, Graph, Shape};
use verinfer_import::import_tflite;
use verinfer_items::OpenedInput;
use verinfer_protocols::agreement::{self, Terms as AnyTerms};
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, canonical};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::member::Member;
use verinfer_protocols::merkle::{Root, Tree};
use verinfer_protocols::retrieval::{Document, Move, STAGE, State, Terms};
use verinfer_protocols::statement::context;
use verinfer_protocols::time::Timestamp;
use verinfer_protocols::transfer;
use verinfer_sealing::{Envelope, ReceiverPublic, ReceiverSecret};

use super::approval::{Approved, count};
use super::corpus;
use super::policy::objection_to_network;
use crate::drive::{Step, Tell};
use crate::error::PartyError;
use crate::glance::Glances;
use crate::host::{self, Desk, Host};
use crate::http::{Refused, Room, Service};
use crate::load::Load;
use crate::model::{Model, Shown};
use crate::peer::receiver;
use crate::places::{Places, named};
use crate::queue::{Job, Queue};
use crate::random::random_bytes;
use crate::request::Request;
use crate::size::Size;
use crate::store::Store;
use crate::transfer::{Due, Transfer};
use crate::wire::{About, Ask, Offer, SentModel, Topic};

pub use super::policy::Policy;

/// A responder.
pub struct Responder {
    key: SecretKey,
    client: Client,
    store: Arc<Store>,
    tree: Tree,
    /// Of all documents, sealed, as an escrow counts them.
    corpus_bytes: u64,
    /// Shape and type of the documents.
    input: (Shape, DataType),
    source: Option<AccountId>,
    approved: Approved,
    policy: Policy,
    receiver: ReceiverSecret,
    places: Places,
    queue: Queue,
    glances: Glances<AgreementView>,
    tell: Tell,
    /// One model is looked at and kept at a time: strangers must not keep the processor from proofs, and none is counted too late.
    keeping: Mutex<()>,
}

/// What a responder has.
#[derive(Debug)]
pub struct Means {
    /// Its account's key.
    pub key: SecretKey,
    /// Its access to the escrow, with this key.
    pub client: Client,
    /// Its state.
    pub store: Store,
    /// Documents in NHWC order; those of an earlier start count.
    pub documents: Vec<Vec<i16>>,
    /// Their shape and type.
    pub input: (Shape, DataType),
    /// The key of the source that signs them, if one does.
    pub source: Option<SecretKey>,
    /// Which models it answers.
    pub approved: Approved,
    /// Which agreements it makes.
    pub policy: Policy,
}

impl Responder {
    /// A responder that goes on where its state is.
    ///
    /// # Errors
    ///
    /// The documents cannot be committed to, or the state not be written.
    pub fn new(means: Means, tell: Tell) -> Result<Self, PartyError> {
        let Means { key, client, store, documents, input, source, approved, policy } = means;
        Request::new("retrieval respond").with("escrow", &client.escrow()).with("account", &client.account()).claim(&store)?;
        let (tree, corpus_bytes) = corpus::commit(&store, input, source.as_ref(), &documents)?;
        let receiver = receiver(&store)?;
        let store = Arc::new(store);
        let (places, queue) = (Places::new(store.clone(), policy.agreements), Queue::new(store.clone()));
        let source = source.map(|source| source.account());
        Ok(Self {
            key,
            client,
            store,
            tree,
            corpus_bytes,
            input,
            source,
            approved,
            policy,
            receiver,
            places,
            queue,
            glances: Glances::default(),
            tell,
            keeping: Mutex::new(()),
        })
    }

    /// The commitment to the documents, and who has signed each of them, if anybody has.
    pub fn corpus(&self) -> (Root, Option<AccountId>) {
        (self.tree.root(), self.source)
    }

    /// What an agreement on these terms may demand, with such a model; or why it does not make it.
    fn judge(&self, terms: &Terms, model: Kept) -> Result<Load, &'static str> {
        if terms.corpus != self.tree.root() || terms.source != self.source {
            return Err("it is about another corpus");
        }
        self.approved.check_terms(&terms.model, terms.predicate)?;
        self.policy.judge(terms, self.corpus_bytes, model.size, model.batch)
    }

    fn accept(&self, id: AgreementId, terms: &Terms) -> Result<Step, PartyError> {
        let Some(model) = self.store.get::<Kept>(&scope(id), KEPT)? else {
            return self.judge(terms, self.smallest()).map(|_| Step::Waiting).map_err(PartyError::NotAcceptable);
        };
        let load = self.judge(terms, model).map_err(PartyError::NotAcceptable)?;
        self.places.accept(id, load, || {
            self.client.leave_file(id, self.model(id)?.public())?;
            self.act(id, Move::Accept { share: Share(random_bytes()?) })
        })
    }

    /// Before a model has come, whatever it is.
    const fn smallest(&self) -> Kept {
        Kept { size: Size { cells: 0, values: 0, scores: 0 }, batch: self.policy.batch }
    }

    /// Keeps the model of an agreement, if there is room: what strangers propose must not fill the disk.
    fn keep_model(&self, id: AgreementId, sent: &SentModel, model: Kept) -> Result<(), Refused> {
        if self.store.has(&scope(id), KEPT) {
            return Ok(());
        }
        let others = named(&self.store, MODELS).into_iter().filter(|&other| other != id);
        let (kept, ended): (Vec<_>, Vec<_>) = others.partition(|&other| self.store.has(&scope(other), MODEL));
        for other in ended {
            self.store.remove(MODELS, &other.to_string())?;
        }
        if kept.len() >= usize::from(self.policy.agreements) {
            return Err(Refused::not_now("there is no room for more models before other agreements end"));
        }
        self.store.put(MODELS, &id.to_string(), &())?;
        self.store.put(&scope(id), MODEL, sent)?;
        // Last: with it, the model is there.
        self.store.put(&scope(id), KEPT, &model)?;
        Ok(())
    }

    /// Which documents match.
    fn matches(&self, id: AgreementId, terms: &Terms) -> Result<BTreeSet<u32>, PartyError> {
        let model = self.model(id)?;
        let mut matches = BTreeSet::new();
        for index in 0..terms.corpus.len {
            if terms.predicate.is_met_by(&model.scores(&self.content(index)?)?) {
                matches.insert(index);
            }
        }
        Ok(matches)
    }

    fn prove_sample(&self, id: AgreementId, due: &[u32], since: Timestamp) -> Result<Step, PartyError> {
        let lost = || PartyError::Lost { agreement: id, name: KEPT.to_owned() };
        let batch = self.store.get::<Kept>(&scope(id), KEPT)?.ok_or_else(lost)?.batch;
        let Some((job, proof)) = self.queue.next(id, due, batch, since)? else { return Ok(Step::Waiting) };
        let documents = job.entries.iter().map(|&index| {
            let document = corpus::document(&self.store, &self.tree, index)?;
            Ok(Document { member: Member { index, path: document.path }, signature: document.signature })
        });
        let documents = documents.collect::<Result<_, PartyError>>()?;
        let proof = self.client.leave_file(id, &proof)?;
        let action = agreement::Move::Retrieval(Move::Prove { proof, documents });
        self.queue.handed_in(&job, self.client.act(id, action))
    }

    fn deliver(&self, view: &AgreementView, state: &transfer::State, matches: &BTreeSet<u32>) -> Result<Step, PartyError> {
        let id = view.agreement.id;
        let transfer = Transfer { client: &self.client, store: &self.store, agreement: id, stage: &view.stage };
        let item = |&index: &u32| corpus::document(&self.store, &self.tree, index).map(|document| document.encode());
        match transfer.send(state, || Ok(matches.iter().map(item)))? {
            Due::Move(action) => self.act(id, Move::Transfer(action)),
            // The requester fetches them.
            Due::Deliver | Due::Await | Due::Nothing => Ok(Step::Waiting),
        }
    }

    /// The model that the requester has sent.
    fn model(&self, id: AgreementId) -> Result<Model, PartyError> {
        let lost = || PartyError::Lost { agreement: id, name: MODEL.to_owned() };
        read_model(&self.store.get::<SentModel>(&scope(id), MODEL)?.ok_or_else(lost)?)
    }

    fn content(&self, index: u32) -> Result<OpenedInput, PartyError> {
        corpus::document(&self.store, &self.tree, index).map(|document| document.content)
    }

    fn act(&self, id: AgreementId, action: Move) -> Result<Step, PartyError> {
        self.client.act(id, agreement::Move::Retrieval(action))?;
        Ok(Step::Moved)
    }
}

impl Host for Responder {
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
        let (AnyTerms::Retrieval(terms), agreement::State::Retrieval(state)) = (&view.agreement.terms, &view.agreement.state) else {
            return Ok(Step::Waiting);
        };
        if terms.responder != self.client.account() {
            return Ok(Step::Waiting);
        }
        let id = view.agreement.id;
        match state {
            State::Proposed { .. } => self.accept(id, terms),
            State::Declaring { .. } => {
                let matches = self.matches(id, terms)?;
                let asked = count(&self.store, &terms.requester, id, terms.corpus.len)?;
                (self.tell)(&format!(
                    "{}: agreement {} of account {}, which has learned {} bits about documents with it",
                    host::short(id),
                    asked.agreements,
                    terms.requester,
                    asked.bits
                ));
                (self.tell)(&format!("{}: {} of {} documents are declared", host::short(id), matches.len(), terms.corpus.len));
                self.act(id, Move::Declare { matches })
            }
            State::Proving { seed, proved, deadline, .. } => {
                let due: Vec<u32> = terms.sampled(seed).into_iter().filter(|index| !proved.contains(index)).collect();
                self.prove_sample(id, &due, deadline.before(terms.periods.prove))
            }
            State::Delivering { matches, transfer } => self.deliver(view, transfer, matches),
            State::Revealing { .. } | State::Ended(_) => Ok(Step::Waiting),
        }
    }

    fn prove(&self, job: &Job) -> Result<Vec<u8>, PartyError> {
        let inputs = job.entries.iter().map(|&index| self.content(index)).collect::<Result<Vec<_>, _>>()?;
        let AnyTerms::Retrieval(terms) = self.client.agreement(job.agreement)?.agreement.terms else {
            return Err(PartyError::OtherKind { expected: "retrieval" });
        };
        Ok(self.model(job.agreement)?.prove(&context(job.agreement, STAGE), &inputs, &Shown::Decision(terms.predicate))?)
    }
}

impl Service for Responder {
    fn about(&self) -> Result<About, Refused> {
        let offer = Offer::Documents { corpus: self.tree.root(), source: self.source };
        Ok(About::sign(&self.receiver.public(), offer, &self.key))
    }

    fn take(&self, agreement: AgreementId, topic: Topic, envelope: &Envelope) -> Result<(), Refused> {
        let content = envelope.open(&self.receiver, &topic.context(agreement))?;
        let view = self.desk().view(agreement)?;
        let (AnyTerms::Retrieval(terms), Topic::Model) = (&view.agreement.terms, topic) else {
            return Err(Refused::not_now("a responder takes no such thing"));
        };
        // It may be sent again and again; once is enough to keep it.
        if self.store.has(&scope(agreement), KEPT) {
            return Ok(());
        }
        if view.ended {
            return Err(Refused::not_now("it has ended"));
        }
        self.judge(terms, self.smallest()).map_err(Refused::not_now)?;
        if terms.responder != self.client.account() {
            return Err(Refused::wrong(&"it is for another responder"));
        }
        let sent: SentModel = postcard::from_bytes(&content).map_err(|error| Refused::wrong(&error))?;
        // One at a time: until it turns out to be the one that was agreed on, it is a stranger's.
        let _turn = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let network = read_network(&sent)?;
        if let Some(objection) = objection_to_network(terms, &network, self.input, self.policy.classes) {
            return Err(Refused::wrong(&objection));
        }
        self.approved.check(&terms.model, &network).map_err(Refused::not_now)?;
        let model = Model::new(network, read_secret(&sent)?).map_err(PartyError::from)?;
        if model.digest() != terms.model {
            return Err(Refused::wrong(&"it is not the model of this agreement"));
        }
        let model = Kept { size: model.size(), batch: model.batch(self.policy.batch, self.policy.cells) };
        self.judge(terms, model).map_err(Refused::not_now)?;
        self.keep_model(agreement, &sent, model)
    }

    fn give(&self, agreement: AgreementId, topic: Topic, ask: &Ask, room: &mut Room) -> Result<Envelope, Refused> {
        let view = self.desk().view(agreement)?;
        let (AnyTerms::Retrieval(terms), Topic::Ciphertexts) = (&view.agreement.terms, topic) else {
            return Err(Refused::not_now("a responder gives no such thing"));
        };
        if !ask.is_signed_by(&terms.requester, agreement) {
            return Err(Refused::forbidden());
        }
        let transfer = Transfer { client: &self.client, store: &self.store, agreement, stage: &view.stage };
        let ciphertexts = transfer.ciphertexts(|bytes| room.take(bytes).map_err(Refused::from))?;
        let ciphertexts = ciphertexts.ok_or_else(|| Refused::not_now("there are no ciphertexts that are given at once"))?;
        Ok(Envelope::new(&ReceiverPublic(ask.receiver), &topic.context(agreement), &canonical(&ciphertexts))?)
    }
}

const MODEL: &str = "model";

/// That it is kept, and how large it is.
const KEPT: &str = "kept";

/// The size of a requester's model.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Kept {
    size: Size,
    /// How many documents one proof is about.
    batch: usize,
}

/// The agreements whose models have been kept; some of them may have ended.
const MODELS: &str = "models";

fn scope(id: AgreementId) -> String {
    format!("{id}/retrieval")
}

fn read_model(sent: &SentModel) -> Result<Model, PartyError> {
    Ok(Model::new(read_network(sent)?, read_secret(sent)?)?)
}

fn read_network(sent: &SentModel) -> Result<Arc<Graph>, PartyError> {
    let model = import_tflite(&sent.file).map_err(|error| PartyError::Plan(format!("the requester's model: {error}")))?;
    Ok(model.graph)
}

fn read_secret(sent: &SentModel) -> Result<Secret, PartyError> {
    let secret = Secret::decode_as(&sent.secret, Kind::Model);
    secret.map_err(|error| PartyError::Plan(format!("the secret of the requester's model: {error}")))
}
