//! All interleavings of small agreements: both parties may make every move, right or wrong, or be silent, in every state.
//!
//! After every event the books balance, every state is left by its deadline, every path ends, and nothing is held at the end (`World::after`,
//! `explore`). Here: what honest parties can lose.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test panics on what it does not expect")]

mod common;

use common::explore::{Explored, by_everybody, explore, explore_when};
use common::{PERIOD, World, accuracy, customer, provider, retrieval, serving};
use verinfer_protocols::accuracy::Evidence;
use verinfer_protocols::agreement::{self, Event, Move};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::serving::{Move as Act, Outcome, Periods, State};
use verinfer_protocols::time::{Millis, Timestamp};
use verinfer_protocols::transfer::Breach;

/// One party is honest: it makes the moves that are right when it is its turn, and makes them in time. The other may do everything.
fn against(
    start: World,
    honest: AccountId,
    moves: impl Fn(&World) -> Vec<(Move, Facts)>,
    right: impl Fn(&World, AccountId) -> Vec<(Move, Facts)>,
) -> Explored {
    let others = |world: &World| by_everybody(moves(world)).into_iter().filter(|(by, ..)| *by != honest).collect::<Vec<_>>();
    let all = |world: &World| {
        let own = right(world, honest).into_iter().map(|(action, facts)| (honest, action, facts));
        others(world).into_iter().chain(own).collect()
    };
    explore(start, all, |world| world.agreement.awaits() != Some(honest))
}

fn print(title: &str, explored: &Explored) {
    let Explored { states, transitions, refused, ended } = explored;
    println!("{title}: {states} situations, {transitions} transitions, {refused} refusals, {} ends", ended.len());
}

#[test]
fn accuracy_always_ends_and_conserves_money() {
    for evidence in [Evidence::Outputs, Evidence::Count] {
        let explored = explore(accuracy::world(evidence), |world| by_everybody(accuracy::moves(world, evidence)), |_| true);
        print(&format!("accuracy by {evidence:?}"), &explored);
    }
}

#[test]
fn serving_always_ends_and_conserves_money() {
    let explored = explore(serving::world(), |world| by_everybody(serving::moves(world)), |_| true);
    print("serving", &explored);
}

#[test]
fn retrieval_always_ends_and_conserves_money() {
    let explored = explore(retrieval::world(), |world| by_everybody(retrieval::moves(world)), |_| true);
    print("retrieval", &explored);
}

#[test]
fn honest_customer_pays_the_fee_and_the_price_of_a_trial_or_of_a_met_target() {
    use accuracy::{FEE, P, Z};
    let (fee, trial, price) = (FEE as i64, P as i64, 2 * (P + 2 * Z) as i64);
    let evidence = Evidence::Outputs;
    let honest = customer().account();
    let explored = against(
        accuracy::world(evidence),
        honest,
        |world| accuracy::moves(world, evidence),
        |w, who| accuracy::honest(w, who, evidence).into_iter().collect(),
    );
    print("honest customer", &explored);
    for world in &explored.ended {
        let gain = world.gain(honest);
        assert!(gain >= 0 || gain == -fee - trial || gain == -fee - price, "{gain}: {:?}", world.agreement.state);
    }
}

#[test]
fn honest_provider_with_a_good_model_loses_nothing_but_the_fee_of_a_round_it_wins() {
    let evidence = Evidence::Outputs;
    let honest = provider().account();
    let explored = against(
        accuracy::world(evidence),
        honest,
        |world| accuracy::moves(world, evidence),
        |w, who| accuracy::honest(w, who, evidence).into_iter().collect(),
    );
    print("honest provider", &explored);
    let least = explored.ended.iter().map(|world| world.gain(honest)).min().unwrap();
    assert_eq!(least, 0, "a round that never begins");
    let begun = explored.ended.iter().map(|world| world.gain(honest)).filter(|&gain| gain != 0).min().unwrap();
    assert_eq!(begun, (2 * (accuracy::P + 2 * accuracy::Z) - accuracy::FEE) as i64);
}

#[test]
fn honest_serving_customer_pays_for_predictions_and_gains_by_untrue_answers_and_by_none() {
    let honest = customer().account();
    let explored = against(serving::world(), honest, serving::moves, |world, who| {
        // It records whatever answers it has got.
        let recorded = |(action, _): &(Move, Facts)| matches!(action, Move::Serving(Act::Record { .. }));
        let records = serving::moves(world).into_iter().filter(recorded);
        serving::honest(world, who).into_iter().chain(records).collect()
    });
    print("honest serving customer", &explored);
    let won = i64::from(serving::BETA * serving::K) * serving::Z as i64;
    for world in &explored.ended {
        let (outcome, gain) = (serving_outcome(world), world.gain(honest));
        // It contests only what is not true, which cannot be proved; once the round has begun, it has every prediction or the deposit.
        let due = match outcome {
            Outcome::Expired | Outcome::NotBegun => 0,
            Outcome::Concluded { predictions } => -i64::from(predictions) * serving::PRICE as i64,
            Outcome::NotAnswered(_) | Outcome::NotProved(_) => won,
            Outcome::Withdrawn | Outcome::NotSent(_) | Outcome::Proved { .. } => panic!("{outcome:?}"),
        };
        assert_eq!(gain, due, "{outcome:?}");
    }
    for outcome in
        [Outcome::Concluded { predictions: serving::K }, Outcome::NotAnswered(Breach::Silence), Outcome::NotProved(Breach::Silence)]
    {
        assert!(explored.ended.iter().any(|world| serving_outcome(world) == outcome), "{outcome:?}");
    }
}

#[test]
fn honest_serving_provider_is_paid_for_every_recorded_prediction_and_for_a_place_that_is_not_used() {
    let honest = provider().account();
    let explored = against(serving::world(), honest, with_true_answers, |world, who| {
        serving::honest(world, who).into_iter().chain(left_with_the_escrow(world)).collect()
    });
    print("honest serving provider", &explored);
    for world in &explored.ended {
        // Whatever is demanded, and however late: a customer gains nothing by it, and pays twice for each proof.
        let due = match serving_outcome(world) {
            Outcome::Withdrawn | Outcome::Expired | Outcome::NotBegun => 0,
            Outcome::NotSent(_) => i64::from(serving::K) * serving::PRICE as i64,
            Outcome::Concluded { predictions } => i64::from(predictions) * serving::PRICE as i64,
            Outcome::Proved { contested, predictions } => {
                2 * i64::from(contested) * serving::Z as i64 + i64::from(predictions) * serving::PRICE as i64
            }
            outcome @ (Outcome::NotAnswered(_) | Outcome::NotProved(_)) => panic!("{outcome:?}"),
        };
        assert_eq!(world.gain(honest), due);
    }
}

/// All moves in a round, but what the provider signs is true.
fn with_true_answers(world: &World) -> Vec<(Move, Facts)> {
    let untrue = |action: &Move| {
        let Move::Serving(Act::Record { answers }) = action else { return false };
        answers.iter().any(|answer| *answer == serving::answer(world.agreement.id, answer.index, false))
    };
    serving::moves(world).into_iter().filter(|(action, _)| !untrue(action)).collect()
}

/// What the provider may leave with the escrow before anybody asks: each prediction that is not recorded, and all of them.
fn left_with_the_escrow(world: &World) -> Vec<(Move, Facts)> {
    let missing = match &world.agreement.state {
        agreement::State::Serving(State::Running { round, .. }) => round.missing().collect(),
        _ => Vec::new(),
    };
    let parts = missing.iter().map(|&index| vec![index]).chain((missing.len() > 1).then(|| missing.clone()));
    let answer = |part: Vec<u32>| serving::answer_openly(world.agreement.id, &part, true);
    parts.map(answer).map(|(action, facts)| (Move::Serving(action), facts)).collect()
}

/// When the time of a round is over that still goes on, in which predictions are missing.
fn end_of_unfinished_round(world: &World) -> Option<Timestamp> {
    match &world.agreement.state {
        agreement::State::Serving(State::Running { round, .. }) if !round.is_complete() && world.now < round.ends => Some(round.ends),
        _ => None,
    }
}

#[test]
fn serving_provider_that_records_all_before_the_round_is_over_is_paid_for_all_whatever_the_customer_does() {
    let honest = provider().account();
    let all = i64::from(serving::K) * serving::PRICE as i64;
    let long = Millis(10 * PERIOD.0);
    for (prove, deciding) in [(PERIOD, Millis(0)), (long, Millis(0)), (PERIOD, long), (long, long)] {
        let start = serving::world_of(Periods { respond: PERIOD, round: Millis(4 * PERIOD.0), answer: PERIOD, prove });
        // Whatever is missing the provider leaves with the escrow in the last moment of the round, before which the customer may do everything.
        let moments = |world: &World, by: AccountId, action: &Move| {
            let deadline = world.agreement.state.deadline().unwrap();
            let is_part = matches!(action, Move::Serving(Act::Answer { answers, .. }) if answers.len() < serving::K as usize);
            let last = match end_of_unfinished_round(world) {
                Some(_) if by == honest && is_part && left_with_the_escrow(world).len() > 1 => world.now,
                Some(ends) if by == honest => Timestamp(ends.0 - 1),
                Some(ends) => Timestamp(ends.0 - 2),
                None => Timestamp(deadline.0 - 1),
            };
            vec![world.now, last]
        };
        let moves = |world: &World| {
            let customers = by_everybody(with_true_answers(world)).into_iter().filter(|(by, ..)| *by != honest);
            let own = serving::honest(world, honest).into_iter().chain(left_with_the_escrow(world));
            customers.chain(own.map(|(action, facts)| (honest, action, facts))).collect()
        };
        let silence = |world: &World| world.agreement.awaits() != Some(honest) && end_of_unfinished_round(world).is_none();
        let explored = explore_when(start, moves, silence, moments, deciding);
        print("serving provider that records all", &explored);
        for world in &explored.ended {
            let due = match serving_outcome(world) {
                Outcome::Withdrawn | Outcome::Expired | Outcome::NotBegun => 0,
                Outcome::NotSent(_) | Outcome::Concluded { predictions: serving::K } => all,
                Outcome::Proved { contested, predictions: serving::K } => all + 2 * i64::from(contested) * serving::Z as i64,
                outcome => panic!("{outcome:?}"),
            };
            assert_eq!(world.gain(honest), due);
        }
    }
}

#[test]
fn round_lasts_no_longer_than_its_periods_whoever_draws_it_out() {
    let [short, medium, long] = [PERIOD, Millis(3 * PERIOD.0), Millis(10 * PERIOD.0)];
    for (respond, round, answer, prove) in [(short, long, medium, medium), (short, medium, medium, long)] {
        let start = serving::world_of(Periods { respond, round, answer, prove });
        let opened = start.now;
        let explored = explore(start, |world| by_everybody(serving::moves(world)), |_| true);
        // Accepting, sending, confirming, the round; looking at what the provider left at its end, proofs of a contest of some, time to demand the others, answers,
        // time to contest these, proofs.
        let longest = 6 * respond.0 + round.0 + answer.0 + 2 * prove.0;
        let seen = explored.ended.iter().map(|world| world.now.0 - opened.0).max().unwrap();
        // Each of these moves is made a millisecond before it is too late.
        assert_eq!(seen, longest - 9, "{respond:?} {round:?} {answer:?} {prove:?}");
    }
}

#[test]
fn every_stage_of_a_round_has_the_time_that_the_terms_promise() {
    let in_time = |world: &World, event: &Event, now| world.after(event, now);
    // Who demands at the last moment gives the provider its whole time, and keeps time to contest.
    let (mut world, id) = (serving::running(), serving::world().agreement.id);
    let last = |world: &World| Timestamp(world.agreement.state.deadline().unwrap().0 - 1);
    let event = |by: AccountId, (action, facts): (Act, Facts)| Event::Move { by, action: Move::Serving(action), facts };
    for (by, action) in [
        (customer().account(), (Act::Demand, Facts::Nothing)),
        (provider().account(), serving::answer_openly(id, &[1], true)),
        (provider().account(), serving::answer_openly(id, &[0], true)),
        (customer().account(), (Act::Contest { inputs: [0].into() }, Facts::Nothing)),
        (provider().account(), serving::prove(id, &[0])),
    ] {
        let (before, now) = (world.agreement.state.deadline().unwrap(), last(&world));
        world = in_time(&world, &event(by, action), now).unwrap();
        let partly =
            matches!(&world.agreement.state, agreement::State::Serving(State::Demanded { round, .. }) if !round.answers.is_empty());
        let deadline = world.agreement.state.deadline();
        assert!(deadline.is_none_or(|deadline| deadline == if partly { before } else { now.after(PERIOD) }), "{world:?}");
    }
    assert_eq!(serving_outcome(&world), Outcome::Proved { contested: 1, predictions: 2 });
    // Who demands and gets it at once has the rest of the round.
    let mut world = serving::running();
    let round = world.agreement.state.deadline();
    for (by, action) in
        [(customer().account(), (Act::Demand, Facts::Nothing)), (provider().account(), serving::answer_openly(id, &[0, 1], true))]
    {
        world = in_time(&world, &event(by, action), world.now).unwrap();
    }
    assert_eq!(world.agreement.state.deadline(), round);
}

fn serving_outcome(world: &World) -> Outcome {
    match world.agreement.state {
        agreement::State::Serving(State::Ended(outcome)) => outcome,
        ref state => panic!("{state:?}"),
    }
}

#[test]
fn honest_requester_pays_only_for_what_it_gets() {
    let honest = customer().account();
    let explored = against(retrieval::world(), honest, retrieval::moves, |world, who| retrieval::honest(world, who).into_iter().collect());
    print("honest requester", &explored);
    for world in &explored.ended {
        let gain = world.gain(honest);
        assert!(gain >= 0 || gain == -(retrieval::PRICE as i64), "{gain}");
    }
}

#[test]
fn honest_responder_loses_nothing() {
    let honest = provider().account();
    let explored = against(retrieval::world(), honest, retrieval::moves, |world, who| retrieval::honest(world, who).into_iter().collect());
    print("honest responder", &explored);
    assert!(explored.ended.iter().all(|world| world.gain(honest) >= 0));
}
