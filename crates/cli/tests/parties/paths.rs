//! Every path through the protocols once, between processes, with exact balances at the end.

use std::thread;

use crate::world::World;
use crate::world::play::Play;

#[test]
fn a_party_that_cheats_loses() {
    play(&Play::CHEATING);
}

#[test]
fn what_does_not_arrive_goes_through_the_escrow() {
    play(&Play::UNDELIVERED);
}

#[test]
fn silence_costs_at_every_stage() {
    play(&Play::SILENT);
}

#[test]
fn proofs_may_say_no_more_than_how_many_labels_are_right() {
    play(&Play::VARIANTS);
}

/// A few at a time: they mostly wait.
fn play(plays: &[Play]) {
    for together in plays.chunks(5) {
        thread::scope(|scope| {
            for play in together {
                scope.spawn(|| World::start(*play, None).finish());
            }
        });
    }
}
