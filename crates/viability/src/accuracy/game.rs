use verinfer_protocols::accuracy::{Evidence, Form, Move, Outcome, Periods, Prices, STAGE, State, Terms};
use verinfer_protocols::agreement;
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::member::{LabelSalt, Member, OpenedLabel, example_entry};
use verinfer_protocols::merkle::Tree;
use verinfer_protocols::money::Money;
use verinfer_protocols::stake;
use verinfer_protocols::statement::{Output, Statement, context};

use super::Provider;
use crate::fault::{Fault, FaultAt};
use crate::world::{PERIOD, World, customer, digest, provider};
use crate::{Economy, Gains, PlayError, transfer};

/// What every agreement about accuracy in an economy has in common.
pub struct Game {
    economy: Economy,
    wealth: u64,
    test_set: Tree,
    terms: Terms,
}

/// How a game went.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// How it ended.
    pub outcome: Outcome,
    /// Of money, less work; without a sale.
    pub gains: Gains,
    /// Whose turn it was in which stage.
    pub turns: Vec<(AccountId, String)>,
}

/// All labels are this one.
const LABEL: OpenedLabel = OpenedLabel { class: 1, salt: LabelSalt([0; 32]) };

impl Game {
    /// # Errors
    ///
    /// The economy is impossible.
    pub fn new(economy: &Economy) -> Result<Self, PlayError> {
        economy.check()?;
        let entries: Vec<Digest> = (0..economy.examples()).map(|index| example_entry(&input(index), &LABEL.digest())).collect();
        let test_set = Tree::new(&entries)?;
        let terms = Terms {
            customer: customer().account(),
            provider: provider().account(),
            model: digest("model"),
            test_set: test_set.root(),
            form: Form { input: digest("form"), classes: 10 },
            first: economy.first,
            evidence: Evidence::Outputs,
            top: 1,
            target: economy.target,
            prices: Prices {
                example: Money::new(economy.example)?,
                proof: Money::new(economy.proof)?,
                inference: Money::new(economy.inference)?,
            },
            fee: Money::new(economy.fee)?,
            stake: AgreementId([0; 32]),
            coin: Share([0; 32]).commit(),
            periods: Periods { respond: PERIOD, decide: PERIOD, prove: PERIOD },
            nonce: digest("nonce"),
        };
        Ok(Self { economy: economy.clone(), wealth: economy.wealth()?, test_set, terms })
    }

    /// Plays one agreement. `correct` says of each example whether the provider's model gives the customer's label; `share` is the customer's share of
    /// the coin.
    ///
    /// # Errors
    ///
    /// The books do not balance.
    pub fn play(&self, player: &Provider, correct: &[bool], share: Share, fault: Option<FaultAt>) -> Result<Played, PlayError> {
        let terms = Terms { coin: share.commit(), ..self.terms.clone() };
        let mut world = World::open(agreement::Terms::Accuracy(terms), self.wealth)?;
        let mut work = Work::default();
        world.play(fault, &agreement::Move::Accuracy(Move::Abort), |world, fault| {
            let (action, facts) = self.turn(player, correct, share, world, fault, &mut work)?;
            Ok((agreement::Move::Accuracy(action), facts))
        })?;
        let agreement::State::Accuracy(State::Ended(outcome)) = world.agreement.state else { return Err(PlayError::OtherKind) };
        let mut gains = world.gains();
        gains.provider -= work.cost(&self.economy, player);
        Ok(Played { outcome, gains, turns: world.turns })
    }

    /// What the player does whose turn it is.
    fn turn(
        &self,
        player: &Provider,
        correct: &[bool],
        share: Share,
        world: &World,
        fault: Option<Fault>,
        work: &mut Work,
    ) -> Result<(Move, Facts), PlayError> {
        let agreement::State::Accuracy(state) = &world.agreement.state else { return Err(PlayError::OtherKind) };
        let transfer = |state, items| transfer::next(state, items, fault).map(|(action, facts)| (Move::Transfer(action), facts));
        Ok(match state {
            State::Proposed { .. } => (Move::Accept { share: Share([0; 32]) }, self.stake()?),
            State::Revealing { .. } => (Move::Reveal { share }, Facts::Nothing),
            State::First { transfer: state, .. } => transfer(state, self.economy.first)?,
            State::Second { transfer: state, .. } => transfer(state, self.economy.second)?,
            State::Deciding { seed, .. } => {
                work.inferences += if player.tries { self.economy.first } else { 0 };
                let found = self.terms.first_part(seed).into_iter().filter(|&index| is_correct(correct, index)).count();
                let proceeds = player.decision.proceeds(&self.economy, u32::try_from(found).unwrap_or(u32::MAX));
                (if proceeds { Move::Proceed } else { Move::Abort }, Facts::Nothing)
            }
            State::Proving { seed, .. } => {
                let cheats = fault == Some(Fault::OtherModel);
                work.inferences += if cheats { 0 } else { self.economy.second };
                work.proofs += if cheats { 0 } else { self.economy.second };
                let model = if cheats { digest("another model") } else { self.terms.model };
                self.prove(world.agreement.id, &self.terms.second_part(seed), correct, model)
            }
            State::Ended(_) => return Err(PlayError::OtherKind),
        })
    }

    fn stake(&self) -> Result<Facts, PlayError> {
        let Terms { provider, model, .. } = self.terms;
        let terms = stake::Terms { provider, model, amount: self.terms.needed_stake()?, lock: PERIOD, covers: 1, nonce: digest("stake") };
        Ok(Facts::Stake { terms, state: stake::State::Active, covered: 0 })
    }

    fn prove(&self, id: AgreementId, indices: &[u32], correct: &[bool], model: Digest) -> (Move, Facts) {
        let example = |&index: &u32| Some(Member { index, path: self.test_set.path(index)? });
        let examples = indices.iter().filter_map(example).collect();
        let right = indices.iter().filter(|&&index| is_correct(correct, index)).count();
        let labels = indices.iter().map(|_| LABEL.digest()).collect();
        let output = Output::Correct { labels, k: self.terms.top, count: u32::try_from(right).unwrap_or(u32::MAX) };
        let inputs = indices.iter().map(|&index| input(index)).collect();
        let statement = Statement { model, context: context(id, STAGE), inputs, output };
        (Move::Prove { proof: digest("proof"), labels: Some(digest("labels")), examples }, Facts::Proof(statement))
    }
}

/// What a provider has done.
#[derive(Default)]
struct Work {
    inferences: u32,
    proofs: u32,
}

impl Work {
    fn cost(&self, economy: &Economy, player: &Provider) -> f64 {
        f64::from(self.inferences) * player.quality.inference(economy) as f64 + f64::from(self.proofs) * economy.proof as f64
    }
}

fn input(index: u32) -> Digest {
    digest(&format!("input {index}"))
}

fn is_correct(correct: &[bool], index: u32) -> bool {
    correct.get(index as usize).copied().unwrap_or(false)
}
