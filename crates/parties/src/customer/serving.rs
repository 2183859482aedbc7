//! A customer who buys a round of predictions, and contests some of them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::index::sample;
use verinfer_commitments::draw_salt;
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_graph::{DataType, Shape};
use verinfer_items::{OpenedInput, input_kind};
use verinfer_protocols::agreement::{self, Agreement};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::money::Money;
use verinfer_protocols::serving::{Answer, MAX_ANSWERS, Move, Periods, Round, State, Terms, answer_digest};
use verinfer_protocols::statement::SaltedScores;
use verinfer_protocols::time::Millis;
use verinfer_sealing::ReceiverSecret;

use super::record::Demand;
use crate::drive::{Pace, Step, Tell, drive};
use crate::error::PartyError;
use crate::failures::Tolerance;
use crate::model::ModelError;
use crate::peer::{Peer, PeerError, receiver};
use crate::pins::Pins;
use crate::random::random_bytes;
use crate::request::Request;
use crate::store::{Store, numbered};
use crate::transfer::check_period;
use crate::wire::{Offer, Prediction, Topic};

/// What the customer wants.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of whom, and of which model.
    pub pins: Pins,
    /// How many failures of the provider are taken; nothing to take any.
    pub tolerance: Option<Tolerance>,
    /// What must have been proved of the model before.
    pub demand: Option<Demand>,
    /// Shape and type of the inputs.
    pub input: (Shape, DataType),
    /// How many scores a prediction has, where the model that is wanted says so.
    pub classes: Option<u32>,
    /// Inputs in NHWC order.
    pub inputs: Vec<Vec<i16>>,
    /// Z: the price of a proof of one input.
    pub proof: Money,
    /// The price of a prediction.
    pub price: Money,
    /// The provider's deposit in proofs of the whole round.
    pub beta: u32,
    /// How many predictions, chosen at random, are contested.
    pub contest: u32,
    /// How long the stages take at most.
    pub periods: Periods,
}

/// A customer with its agreement.
#[derive(Debug)]
pub struct Customer<'a> {
    client: &'a Client,
    key: &'a SecretKey,
    peer: Peer,
    /// The peer when it is asked for predictions.
    predictor: Peer,
    /// How long inputs are sent, or predictions asked for, at a time; then what has come is recorded, and the time is looked at.
    asking: Duration,
    /// How many inputs have been sent.
    sent: Cell<u32>,
    store: &'a Store,
    receiver: ReceiverSecret,
    id: AgreementId,
    terms: Terms,
    contest: u32,
    /// How many scores a prediction has, if that is known.
    classes: Option<u32>,
}

const DEAL: (&str, &str) = ("deal", "serving");
const INPUTS: &str = "inputs";
const PREDICTIONS: &str = "predictions";

/// The provider is asked no longer at a time, and no longer than an eighth of the round.
const ASKING: Duration = Duration::from_secs(10);

impl Plan {
    /// Everything that the terms follow from.
    fn request(&self, client: &Client) -> Request {
        let (shape, dtype) = self.input;
        let inputs: Vec<Digest> = self.inputs.iter().map(|input| Digest::of("verinfer parties v1 input", input)).collect();
        Request::new("customer serving")
            .with("escrow", &client.escrow())
            .with("account", &client.account())
            .with("model or provider account", &self.pins)
            .with("bound of failures", &self.tolerance)
            .with("demand of accuracy", &self.demand)
            .with("form of inputs or outputs", &(input_kind(shape, dtype), self.classes))
            .with("list of inputs", &inputs)
            .with("price", &(self.proof, self.price))
            .with("beta", &self.beta)
            .with("number of contests", &self.contest)
            .with("time", &self.periods)
    }
}

impl<'a> Customer<'a> {
    /// Proposes an agreement to the provider, or goes on with the one in the state, which belongs to this plan. `key` is that of the client.
    ///
    /// # Errors
    ///
    /// The state belongs to another plan or cannot be read or written, another provider or model answers, the accuracy that is demanded was not proved, or the
    /// plan is impossible.
    pub fn begin(client: &'a Client, key: &'a SecretKey, peer: &'a Peer, store: &'a Store, plan: &Plan) -> Result<Self, PartyError> {
        if store.has(DEAL.0, DEAL.1) {
            plan.request(client).claim(store)?;
        }
        let (terms, contest, classes) = store.once(DEAL.0, DEAL.1, || propose(client, peer, store, plan))?;
        let receiver = receiver(store)?;
        let id = agreement::Terms::Serving(terms.clone()).id(client.escrow());
        let asking = ASKING.min(Duration::from_millis(terms.periods.round.0 / 8));
        // The round begins while inputs are sent: one that is not taken must leave time to demand what does not come.
        let (peer, predictor) = (peer.within(terms.periods.respond.min(terms.periods.round)), peer.asked_briefly(asking));
        Ok(Self { client, key, peer, predictor, asking, sent: Cell::new(0), store, receiver, id, terms, contest, classes })
    }

    /// The agreement's name.
    pub const fn id(&self) -> AgreementId {
        self.id
    }

    /// The scores that were predicted, by input, where there is a prediction.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn predictions(&self) -> Result<Vec<Option<Vec<i16>>>, PartyError> {
        let scores = |index| Ok(self.store.get::<Prediction>(PREDICTIONS, &numbered(index))?.map(|prediction| prediction.scores.scores));
        (0..self.terms.inputs).map(scores).collect()
    }

    /// Makes every move that is due until the agreement has ended.
    ///
    /// # Errors
    ///
    /// A move fails.
    pub fn run(&self, pace: Pace, tell: &Tell) -> Result<AgreementView, PartyError> {
        drive(self.client, agreement::Terms::Serving(self.terms.clone()), pace, tell, |view| self.step(view, tell))
    }

    fn step(&self, view: &AgreementView, tell: &Tell) -> Result<Step, PartyError> {
        let Agreement { state: agreement::State::Serving(state), .. } = &view.agreement else {
            return Err(PartyError::OtherKind { expected: "serving" });
        };
        match state {
            State::Sending { .. } => {
                let inputs = self.store.list::<(OpenedInput, Digest)>(INPUTS);
                self.act(Move::Send { inputs: inputs.map(|input| input.map(|(_, (_, digest))| digest)).collect::<Result<_, _>>()? })
            }
            State::Confirming { .. } => self.send_inputs(),
            State::Running { round, deadline } => self.collect(round, view.now.until(*deadline), tell),
            State::Proposed { .. } | State::Demanded { .. } | State::Contested { .. } | State::Ended(_) => Ok(Step::Waiting),
        }
    }

    /// Sends inputs, from where it stopped. A provider that has confirmed already, and takes them slowly, is not to keep it beyond the round: after a while it
    /// looks at the agreement again.
    fn send_inputs(&self) -> Result<Step, PartyError> {
        let start = Instant::now();
        for index in self.sent.get()..self.terms.inputs {
            if start.elapsed() >= self.asking {
                return Ok(Step::Moved);
            }
            let (input, _) = self.input(index)?;
            self.peer.send(self.id, self.terms.provider, Topic::Input(index), &input)?;
            self.sent.set(index + 1);
        }
        // If the provider has not got them all, they are sent again.
        self.sent.set(0);
        Ok(Step::Waiting)
    }

    /// Fetches predictions and records them; when half of the time is over, demands the others. Contests some when it has them all.
    fn collect(&self, round: &Round, rest: Millis, tell: &Tell) -> Result<Step, PartyError> {
        let recorded = &round.answers;
        let is_late = rest.0 <= self.terms.periods.round.0 / 2;
        let new = self.fetch(recorded, is_late)?;
        if !new.is_empty() {
            tell(&format!("{} predictions are recorded", new.len()));
            return self.act(Move::Record { answers: new });
        }
        let missing = (0..self.terms.inputs).filter(|index| !recorded.contains_key(index)).count();
        if missing > 0 {
            if !is_late {
                return Ok(Step::Waiting);
            }
            tell(&format!("{missing} predictions have not come: they are demanded through the escrow"));
            return self.act(Move::Demand);
        }
        let mut contested: BTreeSet<u32> = self.store.once(DEAL.0, "contested", || choose(self.terms.inputs, self.contest))?;
        match self.take_demanded(recorded, rest)? {
            Taken::All => {}
            Taken::Part => return Ok(Step::Moved),
            Taken::Unusable(index) => drop(contested.insert(index)),
        }
        contested.retain(|index| !round.proved.contains(index));
        if contested.is_empty() {
            return self.act(Move::Conclude);
        }
        tell(&format!("contested: predictions {contested:?}"));
        self.act(Move::Contest { inputs: contested })
    }

    /// The answers that can be recorded. A provider that answers slowly, or with anything else, is not waited for longer than one that is silent.
    fn fetch(&self, recorded: &BTreeMap<u32, Digest>, is_late: bool) -> Result<Vec<Answer>, PartyError> {
        let (start, mut new) = (Instant::now(), Vec::new());
        for index in (0..self.terms.inputs).filter(|index| !recorded.contains_key(index)) {
            // What was kept before a crash is recorded in any case.
            let may_ask = !is_late && start.elapsed() < self.asking;
            if new.len() == MAX_ANSWERS || !(may_ask || self.store.has(PREDICTIONS, &numbered(index))) {
                continue;
            }
            match self.prediction(index) {
                Ok(prediction) => new.push(prediction.answer),
                Err(PartyError::Peer(PeerError::Unreachable { .. })) => break,
                Err(PartyError::Peer(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(new)
    }

    /// The prediction for an input, kept before it is recorded.
    fn prediction(&self, index: u32) -> Result<Prediction, PartyError> {
        self.store.once(PREDICTIONS, &numbered(index), || {
            let prediction: Prediction = self.predictor.fetch(self.id, Topic::Prediction(index), self.key, &self.receiver)?;
            let is_right = prediction.answer.index == index && self.has_all_scores(&prediction) && self.is_signed(&prediction)?;
            if is_right { Ok(prediction) } else { Err(self.peer.unreadable("it is no prediction that the provider has signed").into()) }
        })
    }

    /// Takes what the provider has left with the escrow because it was demanded, or so that it is recorded, as far as it comes before the agreement is to be
    /// looked at again.
    ///
    /// What is no prediction cannot be proved: one such contest wins the whole deposit. What has not come may be one, and the contest of it costs two proofs; or
    /// it is so much that it cannot be fetched. So it is fetched until there is no more time than the contest itself needs.
    fn take_demanded(&self, recorded: &BTreeMap<u32, Digest>, rest: Millis) -> Result<Taken, PartyError> {
        let place = |index: &u32| numbered(*index);
        let Some(missing) = recorded.keys().find(|index| !self.store.has(PREDICTIONS, &place(index))) else { return Ok(Taken::All) };
        if is_time_to_contest(&self.terms, rest) {
            return Ok(Taken::Unusable(*missing));
        }
        let (start, limit) = (Instant::now(), self.asking.min(Duration::from_millis(rest.0 / 2)));
        for (answer, file) in self.client.demanded(self.id)? {
            let (index, place) = (answer.index, place(&answer.index));
            if self.store.has(PREDICTIONS, &place) {
                continue;
            }
            if start.elapsed() >= limit {
                return Ok(Taken::Part);
            }
            let scores: Result<SaltedScores, _> = postcard::from_bytes(&self.client.file(self.id, file)?);
            match scores.map(|scores| Prediction { scores, answer }) {
                Ok(prediction) if self.has_all_scores(&prediction) && self.is_signed(&prediction)? => {
                    self.store.put(PREDICTIONS, &place, &prediction)?
                }
                Ok(_) | Err(_) => return Ok(Taken::Unusable(index)),
            }
        }
        Ok(Taken::All)
    }

    /// Whether a prediction has a score for each class: one that has not cannot be proved.
    fn has_all_scores(&self, prediction: &Prediction) -> bool {
        self.classes.is_none_or(|classes| u32::try_from(prediction.scores.scores.len()) == Ok(classes))
    }

    /// Whether the provider has signed a prediction for its input, and these scores.
    fn is_signed(&self, prediction: &Prediction) -> Result<bool, PartyError> {
        let Prediction { scores, answer } = prediction;
        let (_, input) = self.input(answer.index)?;
        Ok(answer.digest == answer_digest(&input, &scores.digest()) && answer.is_signed_by(&self.terms.provider, self.id))
    }

    fn input(&self, index: u32) -> Result<(OpenedInput, Digest), PartyError> {
        let lost = || PartyError::Lost { agreement: self.id, name: format!("input {index}") };
        self.store.get(INPUTS, &numbered(index))?.ok_or_else(lost)
    }

    fn act(&self, action: Move) -> Result<Step, PartyError> {
        self.client.act(self.id, agreement::Move::Serving(action))?;
        Ok(Step::Moved)
    }
}

/// How much of what the provider has left with the escrow the customer has.
enum Taken {
    /// All of it.
    All,
    /// Not all yet.
    Part,
    /// For this input there is no prediction, or none that the customer can get.
    Unusable(u32),
}

/// Whether what has not come has to be contested now, with so much left to do it: the customer has at least `respond` from the last answer.
const fn is_time_to_contest(terms: &Terms, rest: Millis) -> bool {
    rest.0 <= terms.periods.respond.0 / 4
}

fn propose(client: &Client, peer: &Peer, store: &Store, plan: &Plan) -> Result<(Terms, u32, Option<u32>), PartyError> {
    let about = peer.about()?;
    let Offer::Predictions { model, .. } = about.offer else {
        return Err(PartyError::Plan("the other party offers no predictions".to_owned()));
    };
    plan.pins.check_account(about.account)?;
    plan.pins.check_model(model)?;
    if let Some(tolerance) = &plan.tolerance {
        tolerance.check(client, about.account)?;
    }
    if let Some(demand) = &plan.demand {
        demand.check(client, model)?;
    }
    plan.request(client).claim(store)?;
    let (shape, dtype) = plan.input;
    for (index, values) in (0..).zip(&plan.inputs) {
        store.once(INPUTS, &numbered(index), || {
            let salt = draw_salt().map_err(ModelError::from)?;
            let input = OpenedInput::new(shape, dtype, values, &salt);
            let input = input.ok_or_else(|| PartyError::Plan(format!("input {index} is out of range")))?;
            let digest = input.digest()?;
            Ok::<_, PartyError>((input, digest))
        })?;
    }
    let inputs = u32::try_from(plan.inputs.len()).unwrap_or(u32::MAX);
    let terms = Terms {
        customer: client.account(),
        provider: about.account,
        model,
        inputs,
        proof: plan.proof,
        price: plan.price,
        beta: plan.beta,
        periods: plan.periods,
        nonce: Digest(random_bytes()?),
    };
    terms.check().map_err(|fault| PartyError::Plan(fault.to_string()))?;
    check_period(inputs, terms.periods.respond)?;
    Ok((terms, plan.contest.min(inputs), plan.classes))
}

/// So many of the inputs, uniformly, and not to be foreseen by the provider.
fn choose(inputs: u32, contest: u32) -> Result<BTreeSet<u32>, PartyError> {
    let mut random = StdRng::from_seed(random_bytes()?);
    let (inputs, contest) = (usize::try_from(inputs).unwrap_or(0), usize::try_from(contest).unwrap_or(0));
    Ok(sample(&mut random, inputs, contest).into_iter().filter_map(|index| u32::try_from(index).ok()).collect())
}
