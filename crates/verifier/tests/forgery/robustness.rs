//! Thousands of changed proofs and of random files: an error each, never a panic. `fuzz/` goes on where this ends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use verinfer_relation::statement::{MAGIC, Proof, VERSION};

use crate::forger::{FORGER, Forger, GENUINE};
use crate::hidden::forgers;

const CHANGED: u64 = 3000;
const CHANGED_HIDDEN: u64 = 300;
const RANDOM: u64 = 20_000;

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// A few random changes anywhere: bits, bytes, blocks moved, removed, repeated or overwritten.
fn changed(file: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..1 + rng.below(3) {
        let at = rng.below(file.len());
        let most = [1, 8, 24, 400][rng.below(4)].min(file.len() - at);
        let len = 1 + rng.below(most);
        match rng.below(7) {
            0 => file[at] ^= 1 << rng.below(8),
            1 => file[at] = rng.next() as u8,
            2 => file[at..at + len].fill([0, 255][rng.below(2)]),
            3 => drop(file.drain(at..at + len)),
            4 => {
                let copy = file[at..at + len].to_vec();
                file.splice(at..at, copy);
            }
            5 => {
                let bytes = rng.bytes(len);
                file[at..at + len].copy_from_slice(&bytes);
            }
            _ => {
                let from = rng.below(file.len() - len + 1);
                file.copy_within(from..from + len, at);
            }
        }
        if file.is_empty() {
            break;
        }
    }
    file
}

/// Verifies without unwinding; the genuine file is the only one that is accepted.
fn rejected(file: &[u8]) {
    rejected_by(&FORGER, &GENUINE.proof.encode(), file);
}

fn rejected_by(forger: &Forger, genuine: &[u8], file: &[u8]) {
    let result = catch_unwind(AssertUnwindSafe(|| forger.verify(file).is_ok()));
    let accepted = result.unwrap_or_else(|_| panic!("the verifier panics on {} bytes", file.len()));
    assert_eq!(accepted, file == genuine);
}

#[test]
fn changed_proofs_of_what_is_hidden_are_rejected_without_a_panic() {
    let mut rng = Rng(4);
    for (_, forger) in forgers() {
        let proof = forger.prove(forger.statement.clone(), forger.witness.clone()).proof;
        let file = proof.encode();
        let header = file.len() - proof.body.len();
        for _ in 0..CHANGED_HIDDEN {
            rejected_by(forger, &file, &changed(&file, &mut rng));
            // What is said, with the messages kept.
            rejected_by(forger, &file, &[&changed(&file[..header], &mut rng), &file[header..]].concat());
        }
    }
}

#[test]
fn changed_proofs_are_rejected_without_a_panic() {
    let file = GENUINE.proof.encode();
    let mut rng = Rng(1);
    for _ in 0..CHANGED {
        rejected(&changed(&file, &mut rng));
    }
}

#[test]
fn changed_bodies_are_rejected_without_a_panic() {
    let mut rng = Rng(2);
    for _ in 0..CHANGED {
        let body = changed(&GENUINE.proof.body, &mut rng);
        rejected(&Proof { statement: FORGER.statement.clone(), body }.encode());
    }
}

#[test]
fn random_bodies_and_files_are_rejected_without_a_panic() {
    let mut rng = Rng(3);
    for round in 0..RANDOM {
        let len = rng.below(400);
        let bytes = rng.bytes(len);
        match round % 3 {
            0 => rejected(&bytes),
            1 => rejected(&[MAGIC.as_slice(), &VERSION.to_le_bytes(), &bytes].concat()),
            _ => rejected(&Proof { statement: FORGER.statement.clone(), body: bytes }.encode()),
        }
    }
}
