//! Every way in which an agreement can go: all moves of all parties in every state, and silence.

use std::collections::BTreeSet;

use verinfer_protocols::agreement::{Event, Move};
use verinfer_protocols::digest::canonical;
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::time::{Millis, Timestamp};

use super::{World, customer, provider, stranger};

/// What was seen.
#[derive(Debug, Default)]
pub struct Explored {
    /// Different situations.
    pub states: usize,
    /// Events that changed something.
    pub transitions: usize,
    /// Events that were refused.
    pub refused: usize,
    /// The situations at the end.
    pub ended: Vec<World>,
}

/// Visits every situation that can be reached from `start`. In each, `moves` are tried by every account and `silence` says whether the stage may end
/// without a move. Situations are different if the agreement, an account or the time is.
pub fn explore(start: World, moves: impl Fn(&World) -> Vec<(AccountId, Move, Facts)>, silence: impl Fn(&World) -> bool) -> Explored {
    // At once, or at the last moment.
    let moments = |world: &World, _, _: &Move| {
        let last = world.agreement.state.deadline().map(|deadline| Timestamp(deadline.0 - 1));
        [Some(world.now), last].into_iter().flatten().collect()
    };
    explore_when(start, moves, silence, moments, Millis(0))
}

/// The same with the times at which somebody may make a move: if it can be made at the first, it is also tried at the others. The escrow takes `deciding` for each
/// proof.
pub fn explore_when(
    start: World,
    moves: impl Fn(&World) -> Vec<(AccountId, Move, Facts)>,
    silence: impl Fn(&World) -> bool,
    moments: impl Fn(&World, AccountId, &Move) -> Vec<Timestamp>,
    deciding: Millis,
) -> Explored {
    let mut explored = Explored::default();
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(world) = open.pop() {
        if !seen.insert((canonical(&world.agreement), world.ledger.balances().collect::<Vec<_>>(), world.now)) {
            continue;
        }
        explored.states += 1;
        let moves = moves(&world);
        let Some(deadline) = world.agreement.state.deadline() else {
            assert!(world.agreement.state.has_ended() && world.agreement.awaits().is_none(), "stuck in {:?}", world.agreement);
            check_ended(&world, &moves);
            explored.ended.push(world);
            continue;
        };
        assert!(world.agreement.awaits().is_some());
        check_deadline(&world, &moves, deadline);
        let mut moved = false;
        let mut visit = |event: &Event, now| match world.after(event, now) {
            Ok(next) => {
                let is_proof = matches!(event, Event::Move { facts: Facts::Proof(_), .. });
                let next = if is_proof { next.decided_after(deciding) } else { next };
                assert!(next.agreement != world.agreement, "an event without effect: {event:?}");
                explored.transitions += 1;
                open.push(next);
                true
            }
            Err(_) => {
                explored.refused += 1;
                false
            }
        };
        for (by, action, facts) in moves {
            let moments = moments(&world, by, &action);
            let event = Event::Move { by, action, facts };
            moved |= !moments.is_empty() && moments.into_iter().all(|now| visit(&event, now));
        }
        if silence(&world) {
            moved |= visit(&Event::Deadline, deadline);
        }
        assert!(moved, "nothing can happen in {:?}", world.agreement);
    }
    explored
}

/// Every move by everybody.
pub fn by_everybody(moves: Vec<(Move, Facts)>) -> Vec<(AccountId, Move, Facts)> {
    let accounts = [customer(), provider(), stranger()].map(|key| key.account());
    moves.into_iter().flat_map(|(action, facts)| accounts.map(|by| (by, action.clone(), facts.clone()))).collect()
}

/// Before the deadline it cannot be called, from then on nothing else is possible, and it always leads on.
fn check_deadline(world: &World, moves: &[(AccountId, Move, Facts)], deadline: Timestamp) {
    assert!(world.now < deadline);
    let postponed = world.agreement.clone().postponed(Millis(7));
    assert_eq!(postponed.state.deadline(), Some(deadline.after(Millis(7))));
    let early = world.after(&Event::Deadline, Timestamp(deadline.0 - 1)).unwrap_err();
    assert!(matches!(early, Refusal::Early { .. }), "{early}");
    for now in [deadline, Timestamp(deadline.0 + 1_000_000)] {
        for (by, action, facts) in moves {
            let late = world.after(&Event::Move { by: *by, action: action.clone(), facts: facts.clone() }, now).unwrap_err();
            assert!(matches!(late, Refusal::Late { .. }), "{late}");
        }
        assert!(world.after(&Event::Deadline, now).is_ok());
    }
}

fn check_ended(world: &World, moves: &[(AccountId, Move, Facts)]) {
    for (by, action, facts) in moves {
        let event = Event::Move { by: *by, action: action.clone(), facts: facts.clone() };
        assert_eq!(world.after(&event, world.now).unwrap_err(), Refusal::Ended);
    }
    assert_eq!(world.after(&Event::Deadline, world.now).unwrap_err(), Refusal::Ended);
}
