//! Whole protocol runs during which escrow and parties are killed (`kill -9`) at random points and started again: every run must end as if nothing had
//! happened. `VERINFER_KILLS` says how many runs on SQLite, `VERINFER_KILLS_POSTGRES` how many on the PostgreSQL server of `VERINFER_POSTGRES`;
//! `VERINFER_KILL_SEED` repeats the choices (not the timing) of an earlier test.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use world::{Protocol, World};

mod world;

#[test]
fn runs_with_kills_end_as_if_uninterrupted() {
    let seed = number("VERINFER_KILL_SEED").unwrap_or_else(|| rand::rng().next_u64());
    println!("VERINFER_KILL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    play(number("VERINFER_KILLS").unwrap_or(6), None, &mut random);
    match std::env::var("VERINFER_POSTGRES") {
        Ok(server) => play(number("VERINFER_KILLS_POSTGRES").unwrap_or(3), Some(&server), &mut random),
        Err(_) => println!("SKIPPED on PostgreSQL: VERINFER_POSTGRES does not name a server"),
    }
}

fn play(runs: u64, postgres: Option<&str>, random: &mut StdRng) {
    let database = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
    let mut kills: BTreeMap<&str, u32> = BTreeMap::new();
    for run in 0..runs {
        let protocol = Protocol::ALL[(run % 3) as usize];
        let mut world = World::start(protocol, postgres);
        for _ in 0..random.random_range(1..=5) {
            if world.pause(random.random_range(0..250)) {
                break;
            }
            let victim = random.random_range(0..3);
            if let Some(name) = world.kill_and_restart(victim) {
                *kills.entry(name).or_default() += 1;
            }
        }
        world.finish();
        println!("{database}: run {} of {runs} ({protocol:?}) ended as it should; kills so far: {kills:?}", run + 1);
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
