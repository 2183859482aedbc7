//! Whole protocol runs during which escrow and honest parties are killed (`kill -9`) at random points and started again: every run must end as if nothing
//! had happened, also one in which the other party cheats or goes silent. The escrow is two processes, of which one stands by and takes over; at times
//! one of them is stopped for a while, so that its time jumps, or the disk of their database is full. `VERINFER_KILLS` says how many runs of each of these kinds on SQLite,
//! `VERINFER_KILLS_POSTGRES` how many on the PostgreSQL server of `VERINFER_POSTGRES`; `VERINFER_KILL_SEED` repeats the choices (not the timing) of an
//! earlier test.

use std::collections::BTreeMap;

use crate::world::play::{Play, Side};
use crate::world::{Fault, World};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};

#[test]
fn runs_with_kills_end_as_if_uninterrupted() {
    run("honest", &Play::HONEST, 6);
}

#[test]
fn runs_with_kills_against_a_cheat_end_as_if_uninterrupted() {
    run("cheating", &Play::CHEATING, 2);
}

#[test]
fn runs_with_kills_against_silence_end_as_if_uninterrupted() {
    run("silent", &Play::SILENT, 2);
}

fn run(kind: &str, plays: &[Play], usual: u64) {
    let seed = number("VERINFER_KILL_SEED").unwrap_or_else(|| rand::rng().next_u64());
    println!("VERINFER_KILL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    repeat(kind, plays, number("VERINFER_KILLS").unwrap_or(usual), None, &mut random);
    match std::env::var("VERINFER_POSTGRES") {
        Ok(server) => repeat(kind, plays, number("VERINFER_KILLS_POSTGRES").unwrap_or(usual / 2), Some(&server), &mut random),
        Err(_) => println!("SKIPPED on PostgreSQL: VERINFER_POSTGRES does not name a server"),
    }
}

fn repeat(kind: &str, plays: &[Play], runs: u64, postgres: Option<&str>, random: &mut StdRng) {
    let database = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
    let mut kills: BTreeMap<&str, u32> = BTreeMap::new();
    // Each in turn, from a random one on.
    let first = random.random_range(0..plays.len());
    for (run, play) in (1..=runs).zip(plays.iter().cycle().skip(first)) {
        let victims: &[usize] = match play.cheat {
            None => &[0, 3, 1, 2],
            Some((Side::Server, _)) => &[0, 3, 2],
            Some((Side::Asker, _)) => &[0, 3, 1],
        };
        let mut world = World::with_standby(*play, postgres);
        for _ in 0..random.random_range(1..=5) {
            if world.pause(random.random_range(0..250)) {
                break;
            }
            let fault = match random.random_range(0..8) {
                0 => Some((Fault::FullDisk, "full disk")),
                1 | 2 => Some((Fault::Stopped, "stopped escrow")),
                _ => None,
            };
            if let Some((fault, name)) = fault {
                let (process, millis) = ([0, 3][random.random_range(0..2)], random.random_range(100..2500));
                if world.suffer(fault, process, millis) {
                    *kills.entry(name).or_default() += 1;
                }
            } else if let Some(name) = victims.choose(random).and_then(|victim| world.kill_and_restart(*victim)) {
                *kills.entry(name).or_default() += 1;
            }
        }
        world.finish();
        println!(
            "{database}: {kind} run {run} of {runs} ended as it should ({:?}, {:?}); faults so far: {kills:?}",
            play.protocol, play.cheat
        );
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
