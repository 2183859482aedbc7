//! What takes long to find out: whether proofs hold, whether ciphertexts open to what was promised. Off the threads that serve, a bounded number at a time.

use std::pin::pin;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;
use verinfer_items::{Document, Example};
use verinfer_protocols::accuracy::Evidence;
use verinfer_protocols::agreement::{Agreement, State, Terms};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::event::Facts;
use verinfer_protocols::ledger::Account;
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::signed::Request;
use verinfer_protocols::statement::context;
use verinfer_protocols::time::Timestamp;
use verinfer_protocols::{accuracy, retrieval, serving, transfer};
use verinfer_sealing::{Verdict, adjudicate};

use crate::books::Question;
use crate::error::ServiceError;
use crate::proofs::{Asked, ProofRejection, verify};
use crate::service::Escrow;
use crate::turns::{Turn, Urgency};

/// Who has not got a turn by then is written down.
const SOON: Duration = Duration::from_secs(1);

impl Escrow {
    /// Finds out what a request about an agreement depends on, apart from what the database alone says.
    pub(crate) async fn find_out(
        &self,
        request: &Request,
        received: Timestamp,
        agreement: &Agreement,
        question: &Question<'_>,
    ) -> Result<Facts, ServiceError> {
        let Some(inquiry) = Inquiry::about(agreement, question)? else { return Ok(Facts::Nothing) };
        let held = self.store.balance(Account::Holding(agreement.id)).await?;
        let take = self.turns.take((agreement.id, request.header.signer), Urgency::new(held, agreement.state.deadline()));
        let mut take = pin!(take);
        let Ok(turn) = timeout(SOON, &mut take).await else {
            self.store.note(request.id(), agreement.id, received).await?;
            let facts = match take.await {
                Ok(turn) => self.answer(turn, inquiry, agreement).await,
                Err(busy) => Err(busy.into()),
            };
            if facts.is_err() {
                self.store.forget(request.id()).await?;
            }
            return facts;
        };
        self.answer(turn?, inquiry, agreement).await
    }

    async fn answer(&self, turn: Turn, inquiry: Inquiry, agreement: &Agreement) -> Result<Facts, ServiceError> {
        // Only now: the files of those who wait would fill the memory.
        let mut files = Vec::new();
        for file in inquiry.files() {
            let missing = ServiceError::NoFile { agreement: agreement.id, file };
            files.push(self.store.file(agreement.id, file).await?.ok_or(missing)?);
        }
        let task = spawn_blocking(move || {
            // The turn goes with the work: a client that leaves does not make room for another before it is done.
            let _turn = turn;
            inquiry.answer(&files)
        });
        Ok(task.await.map_err(|_| ServiceError::Stopping)??)
    }
}

/// A question that files answer.
pub(crate) enum Inquiry {
    /// What a proof about a model says that is bound to a context.
    Proof {
        /// The model's public commitment.
        model: Digest,
        /// The proof.
        proof: Digest,
        /// What opens digests that hide something, if that is needed.
        opening: Option<Digest>,
        /// What it must be bound to.
        context: Vec<u8>,
        /// What it must say.
        asked: Asked,
    },
    /// Whether a ciphertext opens to what was promised.
    Opens {
        /// The ciphertext.
        ciphertext: Digest,
        /// What was.
        promise: Box<Promise>,
    },
}

impl Inquiry {
    /// What has to be found out from files to answer a question about a move in an agreement as it stands.
    pub fn about(agreement: &Agreement, question: &Question<'_>) -> Result<Option<Self>, Refusal> {
        Ok(match *question {
            Question::Proof { proof, opening } => {
                let (stage, asked) = asked_of_proofs(&agreement.terms).ok_or(Refusal::OtherKind)?;
                Some(Self::Proof { model: agreement.terms.model(), proof, opening, context: context(agreement.id, stage), asked })
            }
            Question::Opens(ciphertext, position) => Some(Self::Opens { ciphertext, promise: Box::new(Promise::of(agreement, position)?) }),
            Question::Nothing | Question::Stake | Question::Held(_) => None,
        })
    }

    /// The files that are needed.
    pub fn files(&self) -> Vec<Digest> {
        match *self {
            Self::Proof { model, proof, opening, .. } => [model, proof].into_iter().chain(opening).collect(),
            Self::Opens { ciphertext, .. } => vec![ciphertext],
        }
    }

    /// The answer, from the contents of [`Inquiry::files`]. Other files answer nothing.
    pub fn answer(&self, files: &[Vec<u8>]) -> Result<Facts, ProofRejection> {
        match (self, files) {
            (Self::Proof { context, asked, .. }, [model, proof, opening @ ..]) => {
                let opening = opening.first().map_or(&[][..], Vec::as_slice);
                Ok(Facts::Proof(verify(model, proof, context, *asked, opening)?))
            }
            (Self::Opens { promise, .. }, [sealed]) => Ok(Facts::Opens(promise.is_kept(sealed))),
            (Self::Proof { .. } | Self::Opens { .. }, _) => Ok(Facts::Nothing),
        }
    }
}

/// The stage in the context of an agreement's proofs, and what they must say; nothing for a stake, of which no move has a proof.
const fn asked_of_proofs(terms: &Terms) -> Option<(&'static str, Asked)> {
    match terms {
        Terms::Accuracy(terms) => Some((
            accuracy::STAGE,
            match terms.evidence {
                Evidence::Outputs => Asked::Labels { top: terms.top },
                Evidence::Count => Asked::Count,
            },
        )),
        Terms::Serving(_) => Some((serving::STAGE, Asked::Predictions)),
        Terms::Retrieval(terms) => Some((retrieval::STAGE, Asked::Decision(terms.predicate))),
        Terms::Stake(_) => None,
    }
}

/// What a sealed item must open to.
pub(crate) struct Promise {
    key: Vec<u8>,
    context: Digest,
    position: u32,
    terms: Terms,
    /// The place of the item in the committed list.
    index: u32,
}

impl Promise {
    /// What was promised at a position of the transfer that is being checked.
    fn of(agreement: &Agreement, position: u32) -> Result<Self, Refusal> {
        let place = usize::try_from(position).unwrap_or(usize::MAX);
        let (transfer, index) = match (&agreement.terms, &agreement.state) {
            (Terms::Accuracy(terms), State::Accuracy(accuracy::State::First { seed, transfer })) => {
                (transfer, terms.first_part(seed).get(place).copied())
            }
            (Terms::Accuracy(terms), State::Accuracy(accuracy::State::Second { seed, transfer })) => {
                (transfer, terms.second_part(seed).get(place).copied())
            }
            (Terms::Retrieval(_), State::Retrieval(retrieval::State::Delivering { matches, transfer })) => {
                (transfer, matches.iter().nth(place).copied())
            }
            _ => return Err(Refusal::OutOfStage { stage: agreement.state.stage() }),
        };
        let (transfer::State::Checking { key, .. }, Some(index)) = (transfer, index) else {
            return Err(Refusal::OutOfStage { stage: transfer.stage() });
        };
        let context = transfer::context(agreement.id, agreement.state.stage());
        Ok(Self { key: key.clone(), context, position, terms: agreement.terms.clone(), index })
    }

    fn is_kept(&self, sealed: &[u8]) -> bool {
        let is_promised = |item: &[u8]| match &self.terms {
            Terms::Accuracy(terms) => is_promised_example(item, terms, self.index),
            Terms::Retrieval(terms) => {
                Document::decode(item).is_ok_and(|item| item.is_entry(&terms.corpus, self.index, terms.source.as_ref()).is_ok())
            }
            Terms::Stake(_) | Terms::Serving(_) => false,
        };
        adjudicate(&self.key, &self.context.0, self.position, sealed, is_promised) == Verdict::Kept
    }
}

/// Whether an item is the example that was promised at a place.
fn is_promised_example(item: &[u8], terms: &accuracy::Terms, index: u32) -> bool {
    Example::decode(item).is_ok_and(|example| example.is_promised(terms, index).is_ok())
}
