//! A requester: wants the documents that its model selects.

use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_items::Document;
use verinfer_protocols::agreement::{self, Agreement};
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::merkle::Root;
use verinfer_protocols::money::Money;
use verinfer_protocols::retrieval::{Move, Periods, Predicate, State, Terms};
use verinfer_sealing::ReceiverSecret;

use crate::drive::{Pace, Step, Tell, drive};
use crate::error::PartyError;
use crate::model::Model;
use crate::peer::{Peer, receiver};
use crate::pins::{CorpusPins, Pins};
use crate::random::random_bytes;
use crate::request::Request;
use crate::store::{Store, numbered};
use crate::transfer::{Due, Transfer, check_period};
use crate::wire::{Ciphertexts, Offer, SentModel, Topic};

/// What the requester wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Of whom.
    pub pins: Pins,
    /// Of which documents.
    pub corpus: CorpusPins,
    /// Which documents match.
    pub predicate: Predicate,
    /// How many documents are proved; all of them if there are fewer.
    pub sample: u32,
    /// What it pays.
    pub price: Money,
    /// What the responder risks.
    pub bond: Money,
    /// How long the stages take at most.
    pub periods: Periods,
}

/// A requester with its agreement.
#[derive(Debug)]
pub struct Requester<'a> {
    client: &'a Client,
    key: &'a SecretKey,
    peer: Peer,
    store: &'a Store,
    receiver: ReceiverSecret,
    id: AgreementId,
    terms: Terms,
    share: Share,
}

const DEAL: (&str, &str) = ("deal", "retrieval");
const MODEL: (&str, &str) = ("deal", "model");
const DOCUMENTS: &str = "documents";

impl Plan {
    /// Everything that the terms follow from.
    fn request(&self, client: &Client, model: Digest) -> Request {
        Request::new("retrieval request")
            .with("escrow", &client.escrow())
            .with("account", &client.account())
            .with("responder account", &self.pins)
            .with("model", &model)
            .with("corpus or source", &self.corpus)
            .with("question", &self.predicate)
            .with("sample", &self.sample)
            .with("price", &self.price)
            .with("bond", &self.bond)
            .with("time", &self.periods)
    }
}

impl<'a> Requester<'a> {
    /// Proposes an agreement to the responder, or goes on with the one in the state, which belongs to this plan. `file` is the model's TFLite file; `key` is that of the client.
    ///
    /// # Errors
    ///
    /// The state belongs to another plan or cannot be read or written, another responder answers, or the plan is impossible.
    pub fn begin(
        client: &'a Client,
        key: &'a SecretKey,
        peer: &'a Peer,
        store: &'a Store,
        (model, file): (&Model, &[u8]),
        plan: Plan,
    ) -> Result<Self, PartyError> {
        if store.has(DEAL.0, DEAL.1) {
            plan.request(client, model.digest()).claim(store)?;
        }
        let (terms, share) = store.once(DEAL.0, DEAL.1, || {
            let corpus = ask(peer, &plan)?;
            plan.request(client, model.digest()).claim(store)?;
            store.put(MODEL.0, MODEL.1, &SentModel { file: file.to_vec(), secret: model.secret().encode() })?;
            propose(client, model.digest(), corpus, plan)
        })?;
        let receiver = receiver(store)?;
        let id = agreement::Terms::Retrieval(terms.clone()).id(client.escrow());
        let peer = peer.within(terms.periods.respond);
        Ok(Self { client, key, peer, store, receiver, id, terms, share })
    }

    /// The agreement's name.
    pub const fn id(&self) -> AgreementId {
        self.id
    }

    /// What was agreed on.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The documents that were handed over, with their places in the corpus.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn documents(&self) -> Result<Vec<(u32, Document)>, PartyError> {
        let documents = self.store.list::<(u32, Document)>(DOCUMENTS).map(|document| document.map(|(_, entry)| entry));
        Ok(documents.collect::<Result<_, _>>()?)
    }

    /// Makes the moves of `step`, which for an honest party is [`Self::step`], until the agreement has ended.
    ///
    /// # Errors
    ///
    /// A move fails.
    pub fn run(
        &self,
        pace: Pace,
        tell: &Tell,
        step: impl Fn(&AgreementView) -> Result<Step, PartyError>,
    ) -> Result<AgreementView, PartyError> {
        drive(self.client, agreement::Terms::Retrieval(self.terms.clone()), pace, tell, step)
    }

    /// Makes the move that is due, if any is.
    ///
    /// # Errors
    ///
    /// It fails.
    pub fn step(&self, view: &AgreementView) -> Result<Step, PartyError> {
        let Agreement { state: agreement::State::Retrieval(state), .. } = &view.agreement else {
            return Err(PartyError::OtherKind { expected: "retrieval" });
        };
        match state {
            State::Proposed { .. } => {
                let lost = || PartyError::Lost { agreement: self.id, name: MODEL.1.to_owned() };
                let model: SentModel = self.store.get(MODEL.0, MODEL.1)?.ok_or_else(lost)?;
                self.peer.send(self.id, self.terms.responder, Topic::Model, &model)?;
                Ok(Step::Waiting)
            }
            State::Revealing { .. } => self.act(Move::Reveal { share: self.share }),
            State::Delivering { matches, transfer: state } => {
                let transfer = Transfer { client: self.client, store: self.store, agreement: self.id, stage: &view.stage };
                let check = |position: u32, item: &[u8]| {
                    let place = usize::try_from(position).unwrap_or(usize::MAX);
                    let index = matches.iter().nth(place).copied().unwrap_or(u32::MAX);
                    self.keep(index, item)
                };
                match transfer.receive(view, state, check, self.terms.periods.respond.0)? {
                    Due::Move(action) => self.act(Move::Transfer(action)),
                    Due::Await => self.fetch(&transfer, state),
                    Due::Deliver | Due::Nothing => Ok(Step::Waiting),
                }
            }
            State::Declaring { .. } | State::Proving { .. } | State::Ended(_) => Ok(Step::Waiting),
        }
    }

    /// Keeps a document, if it is the one that was promised.
    fn keep(&self, index: u32, item: &[u8]) -> Result<Result<(), verinfer_items::ItemError>, PartyError> {
        let document = Document::decode(item).and_then(|document| {
            document.is_entry(&self.terms.corpus, index, self.terms.source.as_ref())?;
            Ok(document)
        });
        match document {
            // It may be looked at again; once is enough to keep it.
            Ok(_) if self.store.has(DOCUMENTS, &numbered(index)) => Ok(Ok(())),
            Ok(document) => Ok(Ok(self.store.put(DOCUMENTS, &numbered(index), &(index, document))?)),
            Err(fault) => Ok(Err(fault)),
        }
    }

    fn fetch(&self, transfer: &Transfer<'_>, state: &verinfer_protocols::transfer::State) -> Result<Step, PartyError> {
        let verinfer_protocols::transfer::State::Acknowledging { ciphertexts: announced, .. } = state else { return Ok(Step::Waiting) };
        let Ciphertexts(ciphertexts) = self.peer.fetch(self.id, Topic::Ciphertexts, self.key, &self.receiver)?;
        match transfer.keep(announced, &ciphertexts)? {
            Ok(()) => Ok(Step::Moved),
            // As good as nothing.
            Err(_) => Ok(Step::Waiting),
        }
    }

    fn act(&self, action: Move) -> Result<Step, PartyError> {
        self.client.act(self.id, agreement::Move::Retrieval(action))?;
        Ok(Step::Moved)
    }
}

/// Which corpus there is, whose documents they are, and who answers.
type Corpus = (Root, Option<AccountId>, AccountId);

fn ask(peer: &Peer, plan: &Plan) -> Result<Corpus, PartyError> {
    let about = peer.about()?;
    let Offer::Documents { corpus, source } = about.offer else {
        return Err(PartyError::Plan("the other party offers no documents".to_owned()));
    };
    plan.pins.check_account(about.account)?;
    plan.corpus.check(corpus.digest, source)?;
    Ok((corpus, source, about.account))
}

fn propose(client: &Client, model: Digest, (corpus, source, responder): Corpus, plan: Plan) -> Result<(Terms, Share), PartyError> {
    let share = Share(random_bytes()?);
    let terms = Terms {
        requester: client.account(),
        responder,
        model,
        corpus,
        source,
        predicate: plan.predicate,
        sample: plan.sample.min(corpus.len),
        price: plan.price,
        bond: plan.bond,
        coin: share.commit(),
        periods: plan.periods,
        nonce: Digest(random_bytes()?),
    };
    terms.check().map_err(|fault| PartyError::Plan(fault.to_string()))?;
    check_period(terms.corpus.len, terms.periods.respond)?;
    Ok((terms, share))
}
