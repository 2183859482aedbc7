//! What each way to the end pays, as docs/protocols.md says.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test panics on what it does not expect")]

mod common;

use std::collections::BTreeSet;

use common::accuracy::{CUSTOMERS_SHARE, E, FEE, P, PROVIDERS_SHARE, Z, proving};
use common::{World, contest, customer, honest_transfer, provider, retrieval, serving};
use verinfer_protocols::accuracy::{Evidence, Move, Outcome, State};
use verinfer_protocols::agreement::{self, Event};
use verinfer_protocols::event::Facts;
use verinfer_protocols::refusal::{MemberFault, Refusal};
use verinfer_protocols::time::{Millis, Timestamp};
use verinfer_protocols::transfer::{self, Breach};
use verinfer_protocols::{retrieval as retrieval_protocol, serving as serving_protocol, stake};

const RISK: i64 = 2 * 3 * E as i64;
const EPSILON: i64 = FEE as i64;
const TRIAL: i64 = P as i64;
const PRICE: i64 = 2 * (P + 2 * Z) as i64;

fn accuracy_outcome(world: &World) -> Outcome {
    match &world.agreement.state {
        agreement::State::Accuracy(State::Ended(outcome)) => *outcome,
        state => panic!("not ended: {state:?}"),
    }
}

#[test]
fn met_target_pays_the_price() {
    for evidence in [Evidence::Outputs, Evidence::Count] {
        let (mut world, due) = proving(evidence);
        for &index in &due {
            let (action, facts) = common::accuracy::prove(world.agreement.id, evidence, &[index], &[true]);
            world.act(&provider(), agreement::Move::Accuracy(action), facts);
        }
        assert_eq!(accuracy_outcome(&world), Outcome::TargetMet { correct: 2 });
        assert_eq!(world.gains(), (-PRICE - EPSILON, PRICE - EPSILON, 2 * EPSILON));
    }
}

#[test]
fn missed_target_costs_the_provider_its_deposit() {
    for evidence in [Evidence::Outputs, Evidence::Count] {
        let (mut world, due) = proving(evidence);
        let (action, facts) = common::accuracy::prove(world.agreement.id, evidence, &due, &[true, false]);
        world.act(&provider(), agreement::Move::Accuracy(action), facts);
        assert_eq!(accuracy_outcome(&world), Outcome::TargetMissed { correct: 1 });
        assert_eq!(world.gains(), (RISK - EPSILON, -RISK - EPSILON, 2 * EPSILON));
    }
}

#[test]
fn unproved_accuracy_costs_the_provider_its_deposit() {
    let (mut world, _) = proving(Evidence::Outputs);
    world.wait();
    assert_eq!(accuracy_outcome(&world), Outcome::ProviderAtFault(Breach::Silence));
    assert_eq!(world.gains(), (RISK - EPSILON, -RISK - EPSILON, 2 * EPSILON));
}

#[test]
fn provider_that_aborts_after_the_trial_is_paid_for_it() {
    let mut world = common::accuracy::world(Evidence::Outputs);
    let mut act = |by, action, facts| world.act(&by, agreement::Move::Accuracy(action), facts);
    act(provider(), Move::Accept { share: PROVIDERS_SHARE }, common::accuracy::stake(stake::State::Active));
    act(customer(), Move::Reveal { share: CUSTOMERS_SHARE }, Facts::Nothing);
    for (by_sender, action) in honest_transfer(1) {
        act(if by_sender { customer() } else { provider() }, Move::Transfer(action), Facts::Nothing);
    }
    act(provider(), Move::Abort, Facts::Nothing);
    assert_eq!(accuracy_outcome(&world), Outcome::ProviderAborted);
    assert_eq!(world.gains(), (-TRIAL - EPSILON, TRIAL - EPSILON, 2 * EPSILON));
}

#[test]
fn customer_that_does_not_open_its_share_loses_its_deposit() {
    let mut world = common::accuracy::world(Evidence::Outputs);
    let accept = Move::Accept { share: PROVIDERS_SHARE };
    world.act(&provider(), agreement::Move::Accuracy(accept), common::accuracy::stake(stake::State::Active));
    world.wait();
    assert_eq!(accuracy_outcome(&world), Outcome::CustomerAtFault(Breach::Silence));
    assert_eq!(world.gains(), (-RISK - EPSILON, RISK - EPSILON, 2 * EPSILON));
}

#[test]
fn nothing_is_paid_before_the_provider_accepts() {
    let mut expired = common::accuracy::world(Evidence::Outputs);
    expired.wait();
    assert_eq!((accuracy_outcome(&expired), expired.gains()), (Outcome::Expired, (0, 0, 0)));
    let mut withdrawn = common::accuracy::world(Evidence::Outputs);
    withdrawn.act(&customer(), agreement::Move::Accuracy(Move::Abort), Facts::Nothing);
    assert_eq!((accuracy_outcome(&withdrawn), withdrawn.gains()), (Outcome::Withdrawn, (0, 0, 0)));
}

#[test]
fn contest_is_lost_by_who_is_wrong_after_a_detour_over_the_escrow() {
    for good in [true, false] {
        let mut world = common::accuracy::world(Evidence::Outputs);
        let mut act = |by, action, facts| world.act(&by, agreement::Move::Accuracy(action), facts);
        act(provider(), Move::Accept { share: PROVIDERS_SHARE }, common::accuracy::stake(stake::State::Active));
        act(customer(), Move::Reveal { share: CUSTOMERS_SHARE }, Facts::Nothing);
        let transfer = Move::Transfer;
        act(customer(), transfer(transfer::Move::Announce { ciphertexts: common::ciphertext_root(1, good) }), Facts::Nothing);
        act(provider(), transfer(transfer::Move::Missing), Facts::Nothing);
        act(customer(), transfer(transfer::Move::Publish { ciphertexts: common::ciphertexts(1, good) }), Facts::Held);
        act(customer(), transfer(transfer::Move::Key { key: vec![7; 32] }), Facts::Nothing);
        act(provider(), transfer(contest(1, good)), Facts::Opens(good));
        let (outcome, customers) = if good {
            (Outcome::ProviderAtFault(Breach::FalseContest), RISK - EPSILON)
        } else {
            (Outcome::CustomerAtFault(Breach::WrongData), -RISK - EPSILON)
        };
        assert_eq!(accuracy_outcome(&world), outcome);
        assert_eq!(world.gains().0, customers);
    }
}

#[test]
fn served_round_costs_its_predictions_and_twice_the_proofs_of_what_was_contested() {
    let mut world = serving::running();
    let id = world.agreement.id;
    let mut act = |by, action| world.act(&by, agreement::Move::Serving(action), Facts::Nothing);
    use serving_protocol::Move;
    act(customer(), Move::Record { answers: vec![serving::answer(id, 0, true), serving::answer(id, 1, true)] });
    act(customer(), Move::Contest { inputs: BTreeSet::from([1]) });
    let (action, facts) = serving::prove(id, &[1]);
    world.act(&provider(), agreement::Move::Serving(action), facts);
    assert_eq!(
        world.agreement.state,
        agreement::State::Serving(serving_protocol::State::Ended(serving_protocol::Outcome::Proved { contested: 1, predictions: 2 }))
    );
    let price = 2 * (serving::Z + serving::PRICE) as i64;
    assert_eq!(world.gains(), (-price, price, 0));
}

#[test]
fn contest_forfeits_no_prediction_that_was_not_recorded_yet() {
    use serving_protocol::{Move, Outcome, State};
    let mut world = serving::running();
    let id = world.agreement.id;
    let mut act = |by, (action, facts)| world.act(&by, agreement::Move::Serving(action), facts);
    let contest = |index| (Move::Contest { inputs: BTreeSet::from([index]) }, Facts::Nothing);
    act(customer(), (Move::Record { answers: vec![serving::answer(id, 0, true)] }, Facts::Nothing));
    act(customer(), contest(0));
    act(provider(), serving::prove(id, &[0]));
    let again = world
        .agreement
        .step(&Event::Move { by: customer().account(), action: agreement::Move::Serving(contest(0).0), facts: Facts::Nothing }, world.now);
    assert_eq!(again.unwrap_err(), Refusal::Member { position: 0, fault: MemberFault::NotDue }, "it is proved");
    let mut act = |by, (action, facts)| world.act(&by, agreement::Move::Serving(action), facts);
    act(customer(), (Move::Demand, Facts::Nothing));
    act(provider(), serving::answer_openly(id, &[1], true));
    act(customer(), contest(1));
    act(provider(), serving::prove(id, &[1]));
    let outcome = Outcome::Proved { contested: 2, predictions: 2 };
    assert_eq!(world.agreement.state, agreement::State::Serving(State::Ended(outcome)));
    let price = 2 * (2 * serving::Z + serving::PRICE) as i64;
    assert_eq!(world.gains(), (-price, price, 0));
}

#[test]
fn customer_that_takes_predictions_and_records_none_pays_for_them() {
    use serving_protocol::{Move, Outcome, State};
    let all = (2 * serving::PRICE) as i64;
    // It concludes at once.
    let mut world = serving::running();
    world.act(&customer(), agreement::Move::Serving(Move::Conclude), Facts::Nothing);
    assert_eq!(world.gains(), (-all, all, 0));
    // It does nothing: the provider leaves them with the escrow, in time, and the customer can still contest.
    let mut world = serving::running();
    let (round, id) = (world.agreement.state.deadline().unwrap(), world.agreement.id);
    world.now = Timestamp(round.0 - 1);
    let (action, facts) = serving::answer_openly(id, &[0, 1], true);
    world.act(&provider(), agreement::Move::Serving(action), facts);
    assert_eq!(world.agreement.state.deadline(), Some(world.now.after(common::PERIOD)));
    world.wait();
    assert_eq!(world.agreement.state, agreement::State::Serving(State::Ended(Outcome::Concluded { predictions: 2 })));
    assert_eq!(world.gains(), (-all, all, 0));
}

#[test]
fn round_has_the_time_after_an_early_contest_that_it_had_before() {
    use serving_protocol::{Move, Outcome, State};
    let mut world = serving::running();
    let (round, id) = (world.agreement.state.deadline().unwrap(), world.agreement.id);
    let act = |world: &mut World, by, (action, facts)| world.act(&by, agreement::Move::Serving(action), facts);
    act(&mut world, customer(), (Move::Record { answers: vec![serving::answer(id, 0, true)] }, Facts::Nothing));
    // Just before the provider would record the other one, which the customer has, too.
    let left = Millis(common::PERIOD.0 / 4);
    world.now = round.before(left);
    act(&mut world, customer(), (Move::Contest { inputs: BTreeSet::from([0]) }, Facts::Nothing));
    // The proof takes longer than was left of the round, and so does the escrow.
    world.now = Timestamp(world.agreement.state.deadline().unwrap().0 - 1);
    act(&mut world, provider(), serving::prove(id, &[0]));
    let mut world = world.decided_after(common::PERIOD);
    let (answer, held) = serving::answer_openly(id, &[1], true);
    let event = Event::Move { by: provider().account(), action: agreement::Move::Serving(answer), facts: held };
    let over = world.now.after(left);
    assert_eq!(world.agreement.step(&event, over).unwrap_err(), Refusal::Late { deadline: over, now: over });
    world = world.after(&event, Timestamp(over.0 - 1)).unwrap();
    world.wait();
    let outcome = Outcome::Proved { contested: 1, predictions: 2 };
    assert_eq!(world.agreement.state, agreement::State::Serving(State::Ended(outcome)));
    let price = 2 * (serving::Z + serving::PRICE) as i64;
    assert_eq!(world.gains(), (-price, price, 0));
}

#[test]
fn provider_cannot_draw_a_round_out_by_answers_after_its_end() {
    let mut world = serving::running();
    let (round, id) = (world.agreement.state.deadline().unwrap(), world.agreement.id);
    world.now = Timestamp(round.0 - 1);
    let (action, facts) = serving::answer_openly(id, &[0], true);
    world.act(&provider(), agreement::Move::Serving(action), facts);
    let (action, facts) = serving::answer_openly(id, &[1], true);
    let event = Event::Move { by: provider().account(), action: agreement::Move::Serving(action), facts };
    assert_eq!(world.agreement.step(&event, round).unwrap_err(), Refusal::Late { deadline: round, now: round });
}

#[test]
fn place_that_the_customer_does_not_use_costs_it_the_predictions() {
    use serving_protocol::{Move, Outcome, State};
    let all = (2 * serving::PRICE) as i64;
    for aborts in [false, true] {
        let mut world = serving::world();
        world.act(&provider(), agreement::Move::Serving(Move::Accept), Facts::Nothing);
        let breach = if aborts {
            world.act(&customer(), agreement::Move::Serving(Move::Abort), Facts::Nothing);
            Breach::Abort
        } else {
            world.wait();
            Breach::Silence
        };
        assert_eq!(world.agreement.state, agreement::State::Serving(State::Ended(Outcome::NotSent(breach))));
        assert_eq!(world.gains(), (-all, all, 0));
    }
}

#[test]
fn stake_covers_no_more_agreements_than_it_says() {
    let refused = |covered: u32| {
        let world = common::accuracy::world(verinfer_protocols::accuracy::Evidence::Outputs);
        let Facts::Stake { terms, state, .. } = common::accuracy::stake(stake::State::Active) else { panic!() };
        let action = verinfer_protocols::accuracy::Move::Accept { share: common::accuracy::PROVIDERS_SHARE };
        let facts = Facts::Stake { terms, state, covered };
        let event = Event::Move { by: provider().account(), action: agreement::Move::Accuracy(action), facts };
        world.agreement.step(&event, world.now).err()
    };
    assert_eq!(refused(0), None);
    assert_eq!(refused(1), Some(Refusal::Stake(verinfer_protocols::refusal::StakeFault::Exhausted { covers: 1 })));
}

#[test]
fn untrue_answer_costs_the_provider_its_whole_deposit() {
    for through_escrow in [false, true] {
        let mut world = serving::running();
        let id = world.agreement.id;
        let mut act = |by, action, facts| world.act(&by, agreement::Move::Serving(action), facts);
        use serving_protocol::Move;
        if through_escrow {
            act(customer(), Move::Demand, Facts::Nothing);
            let (answer, held) = serving::answer_openly(id, &[0, 1], false);
            act(provider(), answer, held);
        } else {
            act(customer(), Move::Record { answers: vec![serving::answer(id, 0, false)] }, Facts::Nothing);
        }
        act(customer(), Move::Contest { inputs: BTreeSet::from([0]) }, Facts::Nothing);
        let (action, facts) = serving::prove(id, &[0]);
        let event = Event::Move { by: provider().account(), action: agreement::Move::Serving(action), facts };
        assert!(world.agreement.step(&event, world.now).is_err(), "the true output is not the one that was answered");
        world.wait();
        let lost = i64::from(serving::BETA * serving::K) * serving::Z as i64;
        assert_eq!(world.gains(), (lost, -lost, 0));
    }
}

#[test]
fn provider_that_does_not_answer_what_is_demanded_loses_its_whole_deposit() {
    use serving_protocol::{Move, Outcome, State};
    for (answered, aborts) in [(false, false), (true, false), (false, true)] {
        let mut world = serving::running();
        let id = world.agreement.id;
        let mut act = |by, action, facts| world.act(&by, agreement::Move::Serving(action), facts);
        act(customer(), Move::Demand, Facts::Nothing);
        if answered {
            let (answer, held) = serving::answer_openly(id, &[0], true);
            act(provider(), answer, held);
        }
        let breach = if aborts {
            act(provider(), Move::Abort, Facts::Nothing);
            Breach::Abort
        } else {
            world.wait();
            Breach::Silence
        };
        assert_eq!(world.agreement.state, agreement::State::Serving(State::Ended(Outcome::NotAnswered(breach))));
        let lost = i64::from(serving::BETA * serving::K) * serving::Z as i64;
        assert_eq!(world.gains(), (lost, -lost, 0));
    }
}

#[test]
fn only_what_is_missing_is_demanded_and_only_what_was_signed_answers_it() {
    use serving_protocol::Move;
    let mut world = serving::running();
    let id = world.agreement.id;
    let refused = |world: &World, by: &verinfer_protocols::keys::SecretKey, (action, facts): (Move, Facts)| {
        let event = Event::Move { by: by.account(), action: agreement::Move::Serving(action), facts };
        world.agreement.step(&event, world.now).unwrap_err()
    };
    let answer = |index| serving::answer_openly(id, &[index], true);
    world.act(&customer(), agreement::Move::Serving(Move::Record { answers: vec![serving::answer(id, 0, true)] }), Facts::Nothing);
    let mut complete = world.clone();
    complete.act(&customer(), agreement::Move::Serving(Move::Record { answers: vec![serving::answer(id, 1, true)] }), Facts::Nothing);
    let not_due = Refusal::Member { position: 0, fault: MemberFault::NotDue };
    assert_eq!(refused(&complete, &customer(), (Move::Demand, Facts::Nothing)), not_due, "all of it is recorded");

    world.act(&customer(), agreement::Move::Serving(Move::Demand), Facts::Nothing);
    assert_eq!(refused(&world, &provider(), answer(0)), Refusal::Member { position: 0, fault: MemberFault::Repeated });
    for (action, facts) in serving::wrong_answers(id) {
        let refusal = refused(&world, &provider(), (action, facts));
        assert!(matches!(refusal, Refusal::Member { .. } | Refusal::FactsMissing), "{refusal}");
    }
    for action in [Move::Demand, Move::Conclude, Move::Abort, Move::Contest { inputs: BTreeSet::from([0]) }] {
        assert!(matches!(refused(&world, &customer(), (action, Facts::Nothing)), Refusal::OutOfStage { .. }));
    }
    let (action, facts) = answer(1);
    world.act(&provider(), agreement::Move::Serving(action), facts);
    assert_eq!(refused(&world, &customer(), (Move::Demand, Facts::Nothing)), not_due, "there is no second demand");
    world.act(&customer(), agreement::Move::Serving(Move::Contest { inputs: BTreeSet::from([0, 1]) }), Facts::Nothing);
}

#[test]
fn retrieval_pays_the_price_once_the_matches_are_handed_over() {
    let mut world = retrieval::world();
    let parties = [customer(), provider()];
    while !world.agreement.state.has_ended() {
        let (by, (action, facts)) =
            parties.iter().find_map(|key| retrieval::honest(&world, key.account()).map(|right| (key, right))).unwrap();
        world.act(by, action, facts);
    }
    let outcome = retrieval_protocol::Outcome::Fulfilled { matches: 1 };
    assert_eq!(world.agreement.state, agreement::State::Retrieval(retrieval_protocol::State::Ended(outcome)));
    let price = retrieval::PRICE as i64;
    assert_eq!(world.gains(), (-price, price, 0));
}
