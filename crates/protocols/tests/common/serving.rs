//! A round of two predictions.

use std::collections::BTreeSet;

use verinfer_protocols::agreement::{self, Terms};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::serving::{self, Answer, Move, Periods, STAGE, State};
use verinfer_protocols::statement::{Output, SaltedScores, ScoresSalt, Statement, context};

use super::{PERIOD, World, customer, digest, provider, units};

pub const Z: u64 = 20;
pub const K: u32 = 2;
pub const BETA: u32 = 3;
pub const PRICE: u64 = 7;

pub fn input(index: u32) -> Digest {
    digest(&format!("input {index}"))
}

/// What the model gives.
pub fn scores(index: u32) -> Vec<i16> {
    vec![i16::try_from(index).unwrap(), 7]
}

/// The file with what the provider says; if it is not true, it cannot be proved.
fn file(index: u32, truthful: bool) -> Digest {
    SaltedScores { salt: ScoresSalt([7; 32]), scores: if truthful { scores(index) } else { vec![-1, -1] } }.digest()
}

/// What the provider says.
pub fn answer(id: AgreementId, index: u32, truthful: bool) -> Answer {
    Answer::sign(id, index, &input(index), &file(index, truthful), &provider())
}

/// What the provider says to the customer through the escrow.
pub fn answer_openly(id: AgreementId, indices: &[u32], truthful: bool) -> (Move, Facts) {
    let answers = indices.iter().map(|&index| answer(id, index, truthful)).collect();
    (Move::Answer { answers, scores: indices.iter().map(|&index| file(index, truthful)).collect() }, Facts::Held)
}

/// Answers that are never possible: for each input with other scores than were signed, with none, without a file, for another input, for none.
pub fn wrong_answers(id: AgreementId) -> Vec<(Move, Facts)> {
    let of = |answers: Vec<Answer>, scores, facts| (Move::Answer { answers, scores }, facts);
    let mut wrong = vec![of(Vec::new(), Vec::new(), Facts::Held)];
    for index in 0..K {
        let [signed, unsigned] =
            [true, false].map(|own| Answer::sign(id, index, &input(index), &file(index, true), &if own { provider() } else { customer() }));
        let other_input = Answer::sign(id, index, &input(K), &file(index, true), &provider());
        wrong.extend([
            of(vec![signed.clone()], vec![file(index, false)], Facts::Held),
            of(vec![signed.clone()], Vec::new(), Facts::Held),
            of(vec![signed.clone()], vec![file(index, true); 2], Facts::Held),
            of(vec![signed.clone()], vec![file(index, true)], Facts::Nothing),
            of(vec![signed; 2], vec![file(index, true); 2], Facts::Held),
            of(vec![unsigned], vec![file(index, true)], Facts::Held),
            of(vec![other_input], vec![file(index, true)], Facts::Held),
        ]);
    }
    let beyond = Answer::sign(id, K, &input(K), &file(K, true), &provider());
    wrong.push(of(vec![beyond], vec![file(K, true)], Facts::Held));
    wrong
}

pub fn world() -> World {
    world_of(Periods { respond: PERIOD, round: PERIOD, answer: PERIOD, prove: PERIOD })
}

/// The same with other periods.
pub fn world_of(periods: Periods) -> World {
    World::open(Terms::Serving(serving::Terms {
        customer: customer().account(),
        provider: provider().account(),
        model: digest("model"),
        inputs: K,
        proof: units(Z),
        price: units(PRICE),
        beta: BETA,
        periods,
        nonce: digest("nonce"),
    }))
}

/// A world in which the round is going on, and nothing is recorded.
pub fn running() -> World {
    let mut world = world();
    for (by, action) in
        [(provider(), Move::Accept), (customer(), Move::Send { inputs: vec![input(0), input(1)] }), (provider(), Move::Confirm)]
    {
        world.act(&by, agreement::Move::Serving(action), Facts::Nothing);
    }
    world
}

pub fn prove(id: AgreementId, inputs: &[u32]) -> (Move, Facts) {
    let output = Output::Salted(inputs.iter().map(|&index| file(index, true)).collect());
    let digests = inputs.iter().map(|&index| input(index)).collect();
    let statement = Statement { model: digest("model"), context: context(id, STAGE), inputs: digests, output };
    (Move::Prove { proof: digest("proof"), salts: digest("salts"), inputs: inputs.to_vec() }, Facts::Proof(statement))
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
        Move::Demand,
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
    for truthful in [true, false] {
        moves.extend([&[0][..], &[1], &[0, 1]].map(|indices| answer_openly(id, indices, truthful)));
    }
    moves.extend(wrong_answers(id));
    moves.into_iter().map(|(action, facts)| (agreement::Move::Serving(action), facts)).collect()
}

/// The move of an honest party whose turn it is. The customer demands what it has not got, and contests what is not true.
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
        State::Running { round, .. } => {
            let untrue = |(index, digest): (&u32, &Digest)| (answer(world.agreement.id, *index, true).digest != *digest).then_some(*index);
            let inputs: BTreeSet<u32> = round.answers.iter().filter_map(untrue).filter(|index| !round.proved.contains(index)).collect();
            let action = match inputs.is_empty() {
                _ if !round.is_complete() => Move::Demand,
                true => Move::Conclude,
                false => Move::Contest { inputs },
            };
            (action, Facts::Nothing)
        }
        State::Demanded { round, .. } => {
            let due: Vec<u32> = round.missing().collect();
            answer_openly(world.agreement.id, &due, true)
        }
        State::Contested { due, .. } => {
            let rest: Vec<u32> = due.iter().copied().collect();
            prove(world.agreement.id, &rest)
        }
        State::Ended(_) => return None,
    };
    Some((agreement::Move::Serving(action), facts))
}
