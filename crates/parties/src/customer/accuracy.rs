//! A customer who wants to know a hidden model's accuracy on its hidden test set.

use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_graph::{DataType, Shape};
use verinfer_protocols::accuracy::{Evidence, Form, Move, Periods, Prices, State, Terms};
use verinfer_protocols::agreement::{self, Agreement};
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::money::Money;
use verinfer_protocols::transfer;

use super::test_set;
use crate::drive::{Pace, Step, Tell, drive};
use crate::error::PartyError;
use crate::failures::Tolerance;
use crate::peer::Peer;
use crate::pins::Pins;
use crate::random::random_bytes;
use crate::request::Request;
use crate::store::Store;
use crate::transfer::{Due, Transfer, check_period};
use crate::wire::{Offer, Topic};

/// What the customer wants.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of whom, and of which model.
    pub pins: Pins,
    /// How many failures of the provider are taken; nothing to take any.
    pub tolerance: Option<Tolerance>,
    /// Shape and type of the inputs.
    pub input: (Shape, DataType),
    /// What the model takes and gives.
    pub form: Form,
    /// Inputs in NHWC order, with their true classes.
    pub examples: Vec<(Vec<i16>, u32)>,
    /// How many of them the provider may try before it decides.
    pub first: u32,
    /// How the provider shows what is correct.
    pub evidence: Evidence,
    /// An output is correct if fewer than so many classes are ahead of the label.
    pub top: u32,
    /// So many of the other examples must be correct.
    pub target: u32,
    /// E, Z, P.
    pub prices: Prices,
    /// What each party pays to the escrow; nothing for the least that its rules allow.
    pub fee: Option<Money>,
    /// How long the stages take at most.
    pub periods: Periods,
}

/// What is kept of the agreement.
type Deal = (Terms, Share);

const DEAL: (&str, &str) = ("deal", "accuracy");

/// A customer with its agreement.
#[derive(Debug)]
pub struct Customer<'a> {
    client: &'a Client,
    peer: Peer,
    store: &'a Store,
    id: AgreementId,
    terms: Terms,
    share: Share,
}

impl Plan {
    /// Everything that the terms follow from.
    fn request(&self, client: &Client) -> Request {
        let examples: Vec<Digest> = self.examples.iter().map(|example| Digest::of("verinfer parties v1 example", example)).collect();
        Request::new("customer accuracy")
            .with("escrow", &client.escrow())
            .with("account", &client.account())
            .with("model or provider account", &self.pins)
            .with("bound of failures", &self.tolerance)
            .with("form of inputs and outputs", &self.form)
            .with("test set", &examples)
            .with("number of first examples", &self.first)
            .with("evidence", &self.evidence)
            .with("rank", &self.top)
            .with("target", &self.target)
            .with("price", &self.prices)
            .with("fee", &self.fee)
            .with("time", &self.periods)
    }
}

impl<'a> Customer<'a> {
    /// Proposes an agreement to the provider, or goes on with the one in the state, which belongs to this plan.
    ///
    /// # Errors
    ///
    /// The state belongs to another plan, another provider or model answers, it has no stake, or the escrow refuses the terms.
    pub fn begin(client: &'a Client, peer: &'a Peer, store: &'a Store, plan: &Plan) -> Result<Self, PartyError> {
        if store.has(DEAL.0, DEAL.1) {
            plan.request(client).claim(store)?;
        }
        let (terms, share) = store.once(DEAL.0, DEAL.1, || propose(client, peer, store, plan))?;
        let id = agreement::Terms::Accuracy(terms.clone()).id(client.escrow());
        let peer = peer.within(terms.periods.respond);
        Ok(Self { client, peer, store, id, terms, share })
    }

    /// The agreement's name.
    pub const fn id(&self) -> AgreementId {
        self.id
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
        drive(self.client, agreement::Terms::Accuracy(self.terms.clone()), pace, tell, step)
    }

    /// Makes the move that is due, if any is.
    ///
    /// # Errors
    ///
    /// It fails.
    pub fn step(&self, view: &AgreementView) -> Result<Step, PartyError> {
        let Agreement { state: agreement::State::Accuracy(state), .. } = &view.agreement else {
            return Err(PartyError::OtherKind { expected: "accuracy" });
        };
        match state {
            State::Revealing { .. } => self.act(Move::Reveal { share: self.share }),
            State::First { seed, transfer } => self.send(view, transfer, &self.terms.first_part(seed)),
            State::Second { seed, transfer } => self.send(view, transfer, &self.terms.second_part(seed)),
            State::Proposed { .. } | State::Deciding { .. } | State::Proving { .. } | State::Ended(_) => Ok(Step::Waiting),
        }
    }

    fn send(&self, view: &AgreementView, state: &transfer::State, part: &[u32]) -> Result<Step, PartyError> {
        let transfer = Transfer { client: self.client, store: self.store, agreement: self.id, stage: &view.stage };
        let items = || {
            let tree = test_set::tree(self.store)?;
            Ok(part.iter().map(move |&index| test_set::item(self.store, &tree, index)))
        };
        match transfer.send(state, items)? {
            Due::Move(action) => self.act(Move::Transfer(action)),
            Due::Deliver => {
                let lost = || PartyError::Lost { agreement: self.id, name: "sealed".to_owned() };
                let ciphertexts = transfer.ciphertexts(|_| Ok::<_, PartyError>(()))?.ok_or_else(lost)?;
                // A provider that does not take them says later that they are missing.
                self.peer.send(self.id, self.terms.provider, Topic::Ciphertexts, &ciphertexts)?;
                Ok(Step::Waiting)
            }
            Due::Await | Due::Nothing => Ok(Step::Waiting),
        }
    }

    fn act(&self, action: Move) -> Result<Step, PartyError> {
        self.client.act(self.id, agreement::Move::Accuracy(action))?;
        Ok(Step::Moved)
    }
}

fn propose(client: &Client, peer: &Peer, store: &Store, plan: &Plan) -> Result<Deal, PartyError> {
    let about = peer.about()?;
    let Offer::Predictions { model, stake } = about.offer else {
        return Err(PartyError::Plan("the other party offers no predictions".to_owned()));
    };
    plan.pins.check_account(about.account)?;
    plan.pins.check_model(model)?;
    if let Some(tolerance) = &plan.tolerance {
        tolerance.check(client, about.account)?;
    }
    plan.request(client).claim(store)?;
    let stake = stake.ok_or_else(|| PartyError::Plan("the provider has no stake for its model".to_owned()))?;
    if let Some((_, class)) = plan.examples.iter().find(|(_, class)| *class >= plan.form.classes) {
        return Err(PartyError::Plan(format!("there is no class {class}: the model has {}", plan.form.classes)));
    }
    let fee = match plan.fee {
        Some(fee) => fee,
        None => client.about()?.rules.least_fee(plan.first)?,
    };
    let tree = test_set::commit(store, plan.input, plan.evidence, &plan.examples)?;
    let share = Share(random_bytes()?);
    let terms = Terms {
        customer: client.account(),
        provider: about.account,
        model,
        test_set: tree.root(),
        form: plan.form,
        first: plan.first,
        evidence: plan.evidence,
        top: plan.top,
        target: plan.target,
        prices: plan.prices,
        fee,
        stake,
        coin: share.commit(),
        periods: plan.periods,
        nonce: Digest(random_bytes()?),
    };
    terms.check().map_err(|fault| PartyError::Plan(fault.to_string()))?;
    check_period(terms.first.max(terms.second()), terms.periods.respond)?;
    Ok((terms, share))
}
