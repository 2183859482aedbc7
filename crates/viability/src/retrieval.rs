//! Retrievals by responders who hide some of the documents that match.

use std::collections::BTreeSet;

use rand::Rng;
use rand::seq::index::sample;
use verinfer_protocols::agreement;
use verinfer_protocols::coin::{Seed, Share};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::member::{Member, document_entry};
use verinfer_protocols::merkle::Tree;
use verinfer_protocols::money::Money;
use verinfer_protocols::retrieval::{Document, Move, Outcome, Periods, Predicate, STAGE, State, Terms};
use verinfer_protocols::statement::{Output, Statement, context};
use verinfer_sampling::hypergeometric;

use crate::deviations::Path;
use crate::fault::{Fault, FaultAt};
use crate::world::{PERIOD, World, customer, digest, escrow, provider};
use crate::{Economy, Estimate, Gains, PlayError, transfer};

/// The probability that the sample has one of `hidden` documents in it.
pub fn detection(economy: &Economy, hidden: u32) -> f64 {
    0.0 - hypergeometric::ln_miss(u64::from(economy.corpus), u64::from(hidden), u64::from(economy.sample)).exp_m1()
}

/// The expected gains if the responder hides so many documents, which are all that match. What hiding is worth to it is not counted.
///
/// # Errors
///
/// The economy is impossible.
pub fn expected(economy: &Economy, hidden: u32) -> Result<Gains, PlayError> {
    let (game, detection) = (Game::new(economy)?, detection(economy, hidden));
    // Which documents match is of no account, only whether the sample has one of them.
    let share = Share([1; 32]);
    let sampled = game.sampled(share);
    let (inside, outside): (Vec<u32>, Vec<u32>) = (0..economy.corpus).partition(|index| sampled.contains(index));
    let gains = |first: &[u32], then: &[u32]| -> Result<Gains, PlayError> {
        let hidden = first.iter().chain(then).copied().take(hidden as usize).collect();
        Ok(game.play(&hidden, &BTreeSet::new(), share, None)?.gains)
    };
    Ok(gains(&inside, &outside)? * detection + gains(&outside, &inside)? * (1.0 - detection))
}

/// Gains of `games` retrievals.
///
/// # Errors
///
/// The economy is impossible.
pub fn simulate(economy: &Economy, hidden: u32, games: u32, random: &mut impl Rng) -> Result<Estimate, PlayError> {
    let game = Game::new(economy)?;
    let mut gains = Vec::new();
    for _ in 0..games {
        let hidden = sample(random, economy.corpus as usize, hidden as usize).into_iter().map(|index| index as u32).collect();
        let mut share = Share([0; 32]);
        random.fill_bytes(&mut share.0);
        gains.push(game.play(&hidden, &BTreeSet::new(), share, None)?.gains);
    }
    Ok(Estimate::new(&gains))
}

/// What every retrieval in an economy has in common.
pub(crate) struct Game {
    economy: Economy,
    wealth: u64,
    corpus: Tree,
    terms: Terms,
}

impl Game {
    pub fn new(economy: &Economy) -> Result<Self, PlayError> {
        economy.check()?;
        let entries: Vec<Digest> = (0..economy.corpus).map(|index| document_entry(&document(index))).collect();
        let corpus = Tree::new(&entries)?;
        let terms = Terms {
            requester: customer().account(),
            responder: provider().account(),
            model: digest("model"),
            corpus: corpus.root(),
            source: None,
            predicate: Predicate::Top { class: 1, k: 1 },
            sample: economy.sample,
            price: Money::new(economy.retrieval_price)?,
            bond: Money::new(economy.bond)?,
            coin: Share([0; 32]).commit(),
            periods: Periods { respond: PERIOD, declare: PERIOD, prove: PERIOD },
            nonce: digest("nonce"),
        };
        Ok(Self { economy: economy.clone(), wealth: economy.wealth()?, corpus, terms })
    }

    fn terms(&self, share: Share) -> Terms {
        Terms { coin: share.commit(), ..self.terms.clone() }
    }

    /// The documents that are proved if this is the requester's share of the coin.
    fn sampled(&self, share: Share) -> BTreeSet<u32> {
        let terms = self.terms(share);
        let id = agreement::Terms::Retrieval(terms.clone()).id(escrow().account());
        terms.sampled(&Seed::new(id, &share, &RESPONDERS_SHARE)).into_iter().collect()
    }

    /// Plays a retrieval: of the documents that match the responder declares some and hides the others.
    pub fn play(&self, hidden: &BTreeSet<u32>, declared: &BTreeSet<u32>, share: Share, fault: Option<FaultAt>) -> Result<Path, PlayError> {
        let mut world = World::open(agreement::Terms::Retrieval(self.terms(share)), self.wealth)?;
        let (mut inferences, mut proofs) = (0, 0);
        world.play(fault, &agreement::Move::Retrieval(Move::Abort), |world, fault| {
            let agreement::State::Retrieval(state) = &world.agreement.state else { return Err(PlayError::OtherKind) };
            let (action, facts) = match state {
                State::Proposed { .. } => (Move::Accept { share: RESPONDERS_SHARE }, Facts::Nothing),
                State::Declaring { .. } => {
                    inferences = self.economy.corpus;
                    (Move::Declare { matches: declared.clone() }, Facts::Nothing)
                }
                State::Revealing { .. } => (Move::Reveal { share }, Facts::Nothing),
                State::Proving { seed, .. } => {
                    let sampled = self.terms.sampled(seed);
                    let other_model = fault == Some(Fault::OtherModel);
                    // Whoever sees that it cannot succeed does no work for it.
                    if !other_model && sampled.iter().all(|index| !hidden.contains(index)) {
                        proofs = self.economy.sample;
                    }
                    let model = digest(if other_model { "another model" } else { "model" });
                    self.prove(world.agreement.id, model, &sampled, |index| hidden.contains(&index) || declared.contains(&index))
                }
                State::Delivering { matches, transfer } => {
                    let (action, facts) = transfer::next(transfer, matches.len() as u32, fault)?;
                    (Move::Transfer(action), facts)
                }
                State::Ended(_) => return Err(PlayError::OtherKind),
            };
            Ok((agreement::Move::Retrieval(action), facts))
        })?;
        let mut gains = world.gains();
        gains.provider -= f64::from(inferences) * self.economy.inference as f64 + f64::from(proofs) * self.economy.proof as f64;
        let agreement::State::Retrieval(State::Ended(outcome)) = &world.agreement.state else { return Err(PlayError::OtherKind) };
        // Who has the key has the documents, whatever it does then.
        let has_key = world.turns.last().is_some_and(|(_, stage)| stage.ends_with("checking"));
        let completed = matches!(outcome, Outcome::Fulfilled { .. }) || has_key && matches!(outcome, Outcome::RequesterAtFault(_));
        Ok(Path { gains, turns: world.turns, completed })
    }

    fn prove(&self, id: AgreementId, model: Digest, indices: &[u32], matches: impl Fn(u32) -> bool) -> (Move, Facts) {
        let document_at = |&index: &u32| Some(Document { member: Member { index, path: self.corpus.path(index)? }, signature: None });
        let documents = indices.iter().filter_map(document_at).collect();
        let holds = indices.iter().map(|&index| matches(index)).collect();
        let output = Output::Decided { predicate: self.terms.predicate, holds };
        let inputs = indices.iter().map(|&index| document(index)).collect();
        let statement = Statement { model, context: context(id, STAGE), inputs, output };
        (Move::Prove { proof: digest("proof"), documents }, Facts::Proof(statement))
    }
}

const RESPONDERS_SHARE: Share = Share([0; 32]);

fn document(index: u32) -> Digest {
    digest(&format!("document {index}"))
}
