//! Statistics of whole proofs as they are published: two networks on two inputs, with one statement up to fresh commitments, and the simulator.
//!
//! The challenges of each proof are its own, so that these tests find what shows under every challenge: a message without its mask, a constant, a
//! range. What shows for given challenges only is what [`crate::zero_knowledge`] looks for.

use std::collections::BTreeMap;

use p3_field::PrimeField64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use verinfer_graph::Graph;
use verinfer_prover::{Prover, Witness};
use verinfer_relation::commitment::{Commitment, SALT_CELLS, commit};
use verinfer_relation::field::F;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::Statement;
use verinfer_relation::steps;
use verinfer_relation::transcript::Message;

use crate::{simulator, small};

/// Proofs of each kind.
const PROOFS: u64 = 24;

/// Pairs of commitments of each kind.
const COMMITMENTS: usize = 512;

/// How often each byte was found.
type Counts = [f64; 256];

/// By label, the low byte of each coordinate, or all bytes of hashes.
#[derive(Default)]
struct Sample(BTreeMap<&'static str, Vec<u8>>);

impl Sample {
    fn add(&mut self, statement: &Statement, body: &[u8], messages: &[Message]) {
        for message in messages {
            let bytes = &body[message.offset..][..message.len];
            let hash = matches!(message.label, steps::COMMITMENT | steps::FOLDED_COMMITMENT | steps::SIBLING);
            // The proof of work is the first nonce that does, not a uniform one.
            if message.label != steps::GRINDING {
                self.0.entry(message.label).or_default().extend(bytes.iter().step_by(if hash { 1 } else { 8 }));
            }
        }
        for (label, kind) in [("model", ObjectKind::Model), ("input", ObjectKind::Input(0))] {
            self.0.entry(label).or_default().extend(statement.commitment(kind).unwrap().to_bytes().iter().step_by(8));
        }
    }
}

/// Counts of the low bits, as many as give at least eight expected in each bin.
fn counts(bytes: &[u8]) -> (Counts, usize) {
    let bins = [256, 16, 2].into_iter().find(|bins| bytes.len() >= 8 * bins).unwrap_or(2);
    let mut counts = [0.0; 256];
    bytes.iter().for_each(|&byte| counts[usize::from(byte) % bins] += 1.0);
    (counts, bins)
}

/// How many standard deviations a chi-square statistic lies above its mean, by the cube root that makes it nearly normal.
fn deviation(statistic: f64, degrees: f64) -> f64 {
    let variance = 2.0 / (9.0 * degrees);
    ((statistic / degrees).cbrt() - 1.0 + variance) / variance.sqrt()
}

/// Against the uniform distribution.
fn uniform(bytes: &[u8]) -> f64 {
    let (counts, bins) = counts(bytes);
    let expected = bytes.len() as f64 / bins as f64;
    deviation(counts[..bins].iter().map(|count| (count - expected).powi(2) / expected).sum(), (bins - 1) as f64)
}

/// Against each other.
fn alike(a: &[u8], b: &[u8]) -> f64 {
    let shorter = a.len().min(b.len());
    let ((first, bins), (second, _)) = (counts(&a[..shorter]), counts(&b[..shorter]));
    let term = |(a, b): (&f64, &f64)| if a + b > 0.0 { (a - b).powi(2) / (a + b) } else { 0.0 };
    deviation(first[..bins].iter().zip(&second[..bins]).map(term).sum(), (bins - 1) as f64)
}

/// Beyond this with probability 3e-7 for each of about 100 statistics; the generators are the same at each run.
const LIMIT: f64 = 5.0;

fn setting(graph: &Graph) -> Setting {
    // In every execution fewer than all classes are ahead of the first.
    small::hidden(graph, OutputForm::Rank { labels: vec![0], k: small::CLASSES as u32 })
}

/// The model's bytes as they are committed to.
fn model_bytes(graph: &Graph) -> Vec<i16> {
    let prover = Prover::showing_scales(graph.clone(), 1, &setting(&small::network(1))).unwrap();
    let relation = prover.relation();
    let witness = Witness::new(graph, relation, &small::input(1), &mut ChaCha20Rng::seed_from_u64(0)).unwrap();
    let cells = &witness.cells[relation.addresses(&relation.object(ObjectKind::Model).unwrap().values)];
    let signed = |value: u64| if value > 255 { -((F::ORDER_U64 - value) as i16) } else { value as i16 };
    cells.iter().map(|cell| signed(cell.as_canonical_u64())).collect()
}

#[test]
fn proofs_of_two_hidden_networks_and_simulated_ones_look_alike_and_uniform() {
    let networks = [1, 2].map(small::network);
    let setting = setting(&networks[0]);
    let mut random = ChaCha20Rng::seed_from_u64(77);
    let mut samples = [Sample::default(), Sample::default(), Sample::default()];
    for (network, sample) in networks.iter().zip(&mut samples) {
        let prover = Prover::showing_scales(network.clone(), 1, &setting).unwrap();
        for _ in 0..PROOFS {
            let input = small::input(network.digest()[0].into());
            let witness = Witness::new(network, prover.relation(), &input, &mut random).unwrap();
            let statement = prover.statement(&witness, &input, b"", 24);
            let proved = prover.prove_statement(statement, witness, &|_| ()).unwrap();
            sample.add(&proved.proof.statement, &proved.proof.body, &proved.messages);
        }
    }
    let architecture = networks[0].without_learned();
    for seed in 0..PROOFS {
        let statement = simulator::random_statement(&networks[0], &setting, 1, 24, &mut random);
        let (proof, program) = simulator::simulate(&architecture, statement, ChaCha20Rng::seed_from_u64(1000 + seed));
        let messages = simulator::verdict(&networks[0], &proof, Some(&program)).unwrap();
        samples[2].add(&proof.statement, &proof.body, &messages);
    }
    let mut found = Vec::new();
    for (&label, first) in &samples[0].0 {
        let [second, simulated] = [1, 2].map(|i| &samples[i].0[label]);
        found.extend([first, second, simulated].map(|bytes| (label, uniform(bytes))));
        found.extend([(first, second), (first, simulated), (second, simulated)].map(|(a, b)| (label, alike(a, b))));
    }
    // Labels of steps 1 to 7 and the commitments.
    assert!(found.len() > 6 * 18, "{found:?}");
    let beyond: Vec<_> = found.iter().filter(|(_, deviation)| deviation.abs() > LIMIT).collect();
    assert!(beyond.is_empty(), "{beyond:?}");
}

#[test]
fn commitments_do_not_show_whether_they_are_to_the_same_model() {
    let [first, second] = [1, 2].map(|seed| model_bytes(&small::network(seed)));
    assert_eq!(first.len(), second.len());
    assert_ne!(first, second);
    let mut random = ChaCha20Rng::seed_from_u64(78);
    let mut salt = || -> [u8; SALT_CELLS] {
        let mut salt = [0; SALT_CELLS];
        random.fill_bytes(&mut salt);
        salt
    };
    let commitment = |bytes: &[i16], salt: &[u8; SALT_CELLS]| commit(bytes, salt).unwrap().0;
    // What an observer of two commitments can compute by coordinate: difference, sum, product.
    let observe = |Commitment(a): Commitment, Commitment(b): Commitment| -> [Vec<u8>; 3] {
        let low = |value: F| value.as_canonical_u64() as u8;
        let pairs = || a.iter().zip(&b);
        [
            pairs().map(|(&a, &b)| low(a - b)).collect(),
            pairs().map(|(&a, &b)| low(a + b)).collect(),
            pairs().map(|(&a, &b)| low(a * b)).collect(),
        ]
    };
    let (mut same, mut other, mut reused) = (<[Vec<u8>; 3]>::default(), <[Vec<u8>; 3]>::default(), Vec::new());
    for _ in 0..COMMITMENTS {
        let linked = observe(commitment(&first, &salt()), commitment(&first, &salt()));
        let unlinked = observe(commitment(&first, &salt()), commitment(&second, &salt()));
        same.iter_mut().zip(linked).for_each(|(all, bytes)| all.extend(bytes));
        other.iter_mut().zip(unlinked).for_each(|(all, bytes)| all.extend(bytes));
        let one = salt();
        reused.extend(observe(commitment(&first, &one), commitment(&second, &one))[0].clone());
    }
    for (same, other) in same.iter().zip(&other) {
        let found = [uniform(same), uniform(other), alike(same, other)];
        assert!(found.iter().all(|deviation| deviation.abs() < LIMIT), "{found:?}");
    }
    // The test would notice a salt that is used twice: the difference of the models is the same each time.
    assert!(uniform(&reused) > 100.0);
}
