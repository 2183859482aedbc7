//! Rounds of predictions, with providers who answer some inputs without running the model, or none, and customers who contest at random.

use std::collections::BTreeSet;

use rand::Rng;
use rand::seq::index::sample;
use verinfer_protocols::agreement;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::event::Facts;
use verinfer_protocols::money::Money;
use verinfer_protocols::serving::{Answer, MAX_ANSWERS, Move, Outcome, Periods, STAGE, State, Terms};
use verinfer_protocols::statement::{Output, SaltedScores, ScoresSalt, Statement, context};
use verinfer_sampling::hypergeometric;

use crate::deviations::Path;
use crate::fault::{Fault, FaultAt};
use crate::world::{PERIOD, World, customer, digest, provider};
use crate::{Economy, Estimate, Gains, PlayError};

/// Answers that are false.
const FALSE_SCORES: [i16; 2] = [1, 0];
/// What the model gives.
const SCORES: [i16; 2] = [0, 1];

/// How predictions come to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the provider.
    Direct,
    /// Through the escrow, when the customer demands them.
    Demanded,
}

/// The probability that a contest of `K1` predictions finds one of `tampered`.
pub fn detection(economy: &Economy, tampered: u32) -> f64 {
    let (round, contested) = (u64::from(economy.round), u64::from(economy.contested));
    0.0 - hypergeometric::ln_miss(round, u64::from(tampered), contested).exp_m1()
}

/// The expected gains if the provider answers `tampered` of the `K` inputs without running the model.
///
/// # Errors
///
/// The economy is impossible.
pub fn expected(economy: &Economy, tampered: u32) -> Result<Gains, PlayError> {
    let detection = detection(economy, tampered);
    let tampered: BTreeSet<u32> = (0..tampered).collect();
    let first = |count: u32| (0..count).collect::<BTreeSet<u32>>();
    let last: BTreeSet<u32> = (economy.round - economy.contested..economy.round).collect();
    // What is contested matters only as far as something tampered with is among it: the first are, the last are not.
    let found = play(economy, Way::Direct, &tampered, &first(economy.contested), None)?.gains;
    let missed = play(economy, Way::Direct, &if detection < 1.0 { tampered } else { BTreeSet::new() }, &last, None)?.gains;
    Ok(found * detection + missed * (1.0 - detection))
}

/// Gains of `games` rounds.
///
/// # Errors
///
/// The economy is impossible.
pub fn simulate(economy: &Economy, tampered: u32, games: u32, random: &mut impl Rng) -> Result<Estimate, PlayError> {
    let mut draw = |count: u32| -> BTreeSet<u32> {
        sample(random, economy.round as usize, count as usize).into_iter().map(|index| index as u32).collect()
    };
    let gains = (0..games).map(|_| Ok(play(economy, Way::Direct, &draw(tampered), &draw(economy.contested), None)?.gains));
    Ok(Estimate::new(&gains.collect::<Result<Vec<_>, PlayError>>()?))
}

/// The gains if the provider confirms the inputs and then gives no prediction; `demanded` says whether the customer demands them.
///
/// # Errors
///
/// The economy is impossible.
pub fn silent(economy: &Economy, demanded: bool) -> Result<Gains, PlayError> {
    let (way, stage) = if demanded { (Way::Demanded, "demanded") } else { (Way::Direct, "running") };
    let contested = BTreeSet::from([0]);
    let fair = play(economy, way, &BTreeSet::new(), &contested, None)?;
    let turn = fair.turns.iter().position(|(_, found)| found == stage).ok_or(PlayError::OtherKind)?;
    // A customer who has got nothing and does not demand it has nothing to do in its turn.
    Ok(play(economy, way, &BTreeSet::new(), &contested, Some(FaultAt { turn, fault: Fault::Silence }))?.gains)
}

/// Plays a round through the machine.
pub(crate) fn play(
    economy: &Economy,
    way: Way,
    tampered: &BTreeSet<u32>,
    contested: &BTreeSet<u32>,
    fault: Option<FaultAt>,
) -> Result<Path, PlayError> {
    let mut world = World::open(agreement::Terms::Serving(terms(economy)?), economy.wealth()?)?;
    let (mut inferences, mut proofs) = (0, 0);
    world.play(fault, &agreement::Move::Serving(Move::Abort), |world, fault| {
        let agreement::State::Serving(state) = &world.agreement.state else { return Err(PlayError::OtherKind) };
        let id = world.agreement.id;
        let file = |index: u32| file_of(if tampered.contains(&index) { &FALSE_SCORES } else { &SCORES });
        let answer = |index: u32| Answer::sign(id, index, &input(index), &file(index), &provider());
        let (action, facts) = match state {
            State::Proposed { .. } => (Move::Accept, Facts::Nothing),
            State::Sending { .. } => (Move::Send { inputs: (0..economy.round).map(input).collect() }, Facts::Nothing),
            State::Confirming { .. } => (Move::Confirm, Facts::Nothing),
            State::Running { round, .. } if round.answers.is_empty() && way == Way::Demanded => (Move::Demand, Facts::Nothing),
            State::Demanded { round, .. } => {
                let due: Vec<u32> = round.missing().take(MAX_ANSWERS).collect();
                inferences += due.iter().filter(|&index| !tampered.contains(index)).count();
                let (answers, scores) = due.into_iter().map(|index| (answer(index), file(index))).unzip();
                (Move::Answer { answers, scores }, Facts::Held)
            }
            State::Running { round, .. } if round.answers.is_empty() => {
                inferences = economy.round as usize - tampered.len();
                // Only what is contested has to be recorded.
                (Move::Record { answers: contested.iter().copied().map(answer).collect() }, Facts::Nothing)
            }
            // What was not recorded need not be: predictions cost nothing here.
            State::Running { round, .. } if !round.proved.is_empty() => (Move::Conclude, Facts::Nothing),
            State::Running { .. } => (Move::Contest { inputs: contested.clone() }, Facts::Nothing),
            State::Contested { due: contested, .. } => {
                let other_model = fault == Some(Fault::OtherModel);
                // Whoever sees that it cannot succeed does no work for it.
                if !other_model && contested.iter().all(|index| !tampered.contains(index)) {
                    proofs = contested.len();
                }
                let output = Output::Salted(contested.iter().map(|_| file_of(&SCORES)).collect());
                let inputs = contested.iter().map(|&index| input(index)).collect();
                let statement = Statement {
                    model: digest(if other_model { "another model" } else { "model" }),
                    context: context(id, STAGE),
                    inputs,
                    output,
                };
                let inputs = contested.iter().copied().collect();
                (Move::Prove { proof: digest("proof"), salts: digest("salts"), inputs }, Facts::Proof(statement))
            }
            State::Ended(_) => return Err(PlayError::OtherKind),
        };
        Ok((agreement::Move::Serving(action), facts))
    })?;
    let mut gains = world.gains();
    gains.provider -= inferences as f64 * economy.inference as f64 + proofs as f64 * economy.proof as f64;
    let agreement::State::Serving(State::Ended(outcome)) = world.agreement.state else { return Err(PlayError::OtherKind) };
    let completed = matches!(outcome, Outcome::Concluded { .. } | Outcome::Proved { .. });
    Ok(Path { gains, turns: world.turns, completed })
}

/// What stands for these scores in public.
fn file_of(scores: &[i16]) -> Digest {
    SaltedScores { salt: ScoresSalt([0; 32]), scores: scores.to_vec() }.digest()
}

/// The terms of a round.
fn terms(economy: &Economy) -> Result<Terms, PlayError> {
    Ok(Terms {
        customer: customer().account(),
        provider: provider().account(),
        model: digest("model"),
        inputs: economy.round,
        proof: Money::new(economy.proof)?,
        // What a customer pays for predictions is in `round_surplus`.
        price: Money::ZERO,
        beta: economy.beta,
        periods: Periods { respond: PERIOD, round: PERIOD, answer: PERIOD, prove: PERIOD },
        nonce: digest("nonce"),
    })
}

fn input(index: u32) -> Digest {
    digest(&format!("input {index}"))
}
