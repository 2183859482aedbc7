//! A round of two predictions.

use std::collections::BTreeSet;

use verinfer_protocols::agreement::{self, Terms};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::serving::{self, Answer, Move, Periods, STAGE, State};
use verinfer_protocols::statement::{Output, Statement, context, scores_digest};

use super::{PERIOD, World, customer, digest, provider, units};

pub const Z: u64 = 20;
pub const K: u32 = 2;
pub const BETA: u32 = 3;

pub fn input(index: u32) -> Digest {
    digest(&format!("input {index}"))
}

/// What the model gives.
pub fn scores(index: u32) -> Vec<i16> {
    vec![i16::try_from(index).unwrap(), 7]
}

/// What the provider says; if it is not true, it cannot be proved.
pub fn answer(id: AgreementId, index: u32, truthful: bool) -> Answer {
    let scores = if truthful { scores(index) } else { vec![-1, -1] };
    Answer::sign(id, index, &input(index), &scores_digest(&scores), &provider())
}

pub fn world() -> World {
    World::open(Terms::Serving(serving::Terms {
        customer: customer().account(),
        provider: provider().account(),
        model: digest("model"),
        inputs: K,
        proof: units(Z),
        beta: BETA,
        periods: Periods { respond: PERIOD, round: PERIOD, prove: PERIOD },
        nonce: digest("nonce"),
    }))
}

pub fn prove(id: AgreementId, inputs: &[u32]) -> (Move, Facts) {
    let output = Output::Shown(inputs.iter().map(|&index| scores(index)).collect());
    let digests = inputs.iter().map(|&index| input(index)).collect();
    let statement = Statement { model: digest("model"), context: context(id, STAGE), inputs: digests, output };
    (Move::Prove { proof: digest("proof"), inputs: inputs.to_vec() }, Facts::Proof(statement))
}

/// Every move of either party, right and wrong, with its facts.
pub fn moves(world: &World) -> Vec<(agreement::Move, Facts)> {
    let id = world.agreement.id;
    let mut moves = vec![
        Move::Accept,
        Move::Send { inputs: vec![input(0), input(1)] },
        Move::Send { inputs: vec![input(1), input(0)] },
        Move::Send { inputs: vec![input(0)] },
        Move::Confirm,
        Move::Conclude,
        Move::Abort,
        Move::Contest { inputs: BTreeSet::new() },
        Move::Contest { inputs: BTreeSet::from([0]) },
        Move::Contest { inputs: BTreeSet::from([1]) },
        Move::Contest { inputs: BTreeSet::from([0, 1]) },
    ];
    for index in 0..K {
        moves.extend([true, false].map(|truthful| Move::Record { answers: vec![answer(id, index, truthful)] }));
    }
    let mut moves: Vec<(Move, Facts)> = moves.into_iter().map(|action| (action, Facts::Nothing)).collect();
    moves.extend([&[0][..], &[1], &[0, 1], &[1, 0], &[0, 0]].map(|inputs| prove(id, inputs)));
    moves.into_iter().map(|(action, facts)| (agreement::Move::Serving(action), facts)).collect()
}

/// The move of an honest party whose turn it is. The customer contests what is not true.
pub fn honest(world: &World, who: AccountId) -> Option<(agreement::Move, Facts)> {
    let (agreement::Terms::Serving(terms), agreement::State::Serving(state)) = (&world.agreement.terms, &world.agreement.state) else {
        panic!("not about serving")
    };
    if state.awaits(terms) != Some(who) {
        return None;
    }
    let (action, facts) = match state {
        State::Proposed { .. } => (Move::Accept, Facts::Nothing),
        State::Sending { .. } => (Move::Send { inputs: vec![input(0), input(1)] }, Facts::Nothing),
        State::Confirming { inputs, .. } if *inputs == [input(0), input(1)] => (Move::Confirm, Facts::Nothing),
        State::Confirming { .. } => (Move::Abort, Facts::Nothing),
        State::Running { answers, .. } => {
            let untrue = |(index, digest): (&u32, &Digest)| (answer(world.agreement.id, *index, true).digest != *digest).then_some(*index);
            let inputs: BTreeSet<u32> = answers.iter().filter_map(untrue).collect();
            (if inputs.is_empty() { Move::Conclude } else { Move::Contest { inputs } }, Facts::Nothing)
        }
        State::Contested { contested, proved, .. } => {
            let rest: Vec<u32> = contested.keys().copied().filter(|index| !proved.contains(index)).collect();
            prove(world.agreement.id, &rest)
        }
        State::Ended(_) => return None,
    };
    Some((agreement::Move::Serving(action), facts))
}
