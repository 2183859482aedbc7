//! Zero-knowledge of steps 1 to 6: with the same challenges, an execution and a vector of zeros send messages of the same distribution.
//!
//! The prover here is told the challenges: what it sends is noted, and replaced by messages chosen beforehand. What it notes is what an honest
//! verifier with these challenges would see.

use std::sync::{Arc, LazyLock, Mutex};

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use rand_chacha::ChaCha20Rng;
use verinfer_graph::{Conv, DataType, Graph, MaxPool, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
use verinfer_prover::{NO_ROW, Prover, Witness};
use verinfer_relation::field::{F, K, decode_base, from_coordinates};
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{Leaf, Role};
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim};
use verinfer_relation::statement::{PublicTensor, Statement};
use verinfer_relation::steps;
use verinfer_relation::transcript::{ProverTranscript, Transcript};

use crate::random::generator;

/// Proofs of each of the two witnesses.
const PROOFS: usize = 48;

/// Labels of the messages under pads, in any order.
const MASKED: [&str; 5] =
    [steps::LAYER_ROUND, steps::LAYER_CHILDREN, steps::ACCUMULATORS, steps::CONTRACTION_ROUND, steps::CONTRACTION_ENDS];

static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
    let spec = |shape| TensorSpec { name: "t".into(), shape, dtype: DataType::I8 };
    let tensors = [Shape::new(5, 5, 1), Shape::new(5, 5, 2), Shape::new(4, 4, 2)].map(spec).to_vec();
    let requantization = Requantization {
        multipliers: vec![1_500_000_000],
        shifts: vec![-7],
        rounding: Rounding::Twice,
        zero_point: 3,
        min: -128,
        max: 127,
    };
    let conv = Conv {
        input: TensorId(0),
        input_zero_point: -1,
        window: Window { kernel_h: 3, kernel_w: 3, pad_top: 1, pad_left: 1, ..Window::POINT },
        weights: (0..18).map(|i| i * 29 % 251 - 125).collect(),
        weight_zero_point: 0,
        bias: vec![300, -200],
        requantization,
    };
    let pool = MaxPool { input: TensorId(1), window: Window { kernel_h: 2, kernel_w: 2, ..Window::POINT }, min: -128, max: 127 };
    let node = |op, output| Node { source: "OP".into(), op, output: TensorId(output) };
    Graph::new(tensors, vec![node(Op::Conv2d(conv), 1), node(Op::MaxPool(pool), 2)], TensorId(0), TensorId(2)).unwrap()
});

static PROVER: LazyLock<Prover<'static>> = LazyLock::new(|| Prover::new(&GRAPH).unwrap());

/// The true witness, with pads and masks of its own.
fn executed(random: &mut ChaCha20Rng) -> Witness {
    let input: Vec<i16> = (0..25).map(|i| (i * 83 + 11) % 256 - 128).collect();
    Witness::new(&GRAPH, PROVER.relation(), &input, random).unwrap()
}

/// Zeros in every cell that is no secret, spare or mask, and in every activation.
fn blank(random: &mut ChaCha20Rng) -> Witness {
    let mut witness = executed(random);
    let relation = PROVER.relation();
    for (column, placement) in relation.columns.iter().zip(relation.layout.placements()) {
        if matches!(column.role, Role::Secrets | Role::Spare) {
            continue;
        }
        for chunk in &placement.chunks {
            witness.cells[chunk.first_cell(0)..chunk.first_cell(placement.channels)].fill(F::ZERO);
        }
    }
    witness.rows.iter_mut().filter(|row| **row != NO_ROW).for_each(|row| *row = 0);
    witness.tensors.iter_mut().for_each(|tensor| tensor.fill(0));
    witness
}

/// The same witness without anything that hides it; the spare denominator is one.
fn bare(mut witness: Witness) -> Witness {
    witness.secrets.fill(K::ZERO);
    witness.masks.cells.fill(F::ZERO);
    witness.masks.blinding.fill(K::ZERO);
    let num_masks = witness.masks.cells.len();
    let first_mask = witness.cells.len() - num_masks;
    witness.cells[first_mask..].fill(F::ZERO);
    for cell in cells(|role| role == Role::Secrets || role == Role::Spare) {
        witness.cells[cell] = F::ZERO;
    }
    set_spare(&mut witness, [F::ONE, F::ZERO, F::ZERO]);
    witness
}

fn set_spare(witness: &mut Witness, coordinates: [F; 3]) {
    for (cell, value) in cells(|role| role == Role::Spare).into_iter().zip(coordinates) {
        witness.cells[cell] = value;
    }
}

fn spare(witness: &Witness) -> K {
    let cells = cells(|role| role == Role::Spare);
    from_coordinates([0, 1, 2].map(|i| witness.cells[cells[i]]))
}

/// Addresses of columns of one channel, in order of the column.
fn cells(wanted: impl Fn(Role) -> bool) -> Vec<usize> {
    let relation = PROVER.relation();
    let columns = (0..relation.columns.len()).filter(|&index| wanted(relation.columns[index].role));
    let chunks = columns.flat_map(|index| &relation.layout.placement(ColumnId(index)).chunks);
    chunks.flat_map(|chunk| (0..1 << chunk.log_len).map(|i| chunk.first_cell(0) + i)).collect()
}

/// What a witness sends in steps 2 to 6, one entry for each element, under the challenges that follow from the messages of `public`.
fn messages(witness: Witness, public: u64) -> Vec<(&'static str, K)> {
    let noted = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&noted);
    let mut stream = Transcript::new();
    stream.absorb("public messages", &public.to_le_bytes());
    let alteration = move |label: &'static str, bytes: &mut [u8]| {
        if label == steps::COMMITMENT {
            bytes.fill(public as u8);
        }
        if label == steps::DENOMINATOR || label == steps::SACRIFICE || MASKED.contains(&label) {
            for element in bytes.as_chunks_mut::<24>().0 {
                let coordinates = element.as_chunks_mut::<8>().0;
                let sent = [0, 1, 2].map(|i| decode_base(coordinates[i]).unwrap());
                note.lock().unwrap().push((label, from_coordinates(sent)));
                // Below the order, and not zero.
                coordinates.iter_mut().for_each(|bytes| *bytes = (1 + stream.indices("public", 62, 1)[0] as u64).to_le_bytes());
            }
        }
    };
    let transcript = ProverTranscript::new(Transcript::new()).altered_by(Box::new(alteration));
    PROVER.prove_through(transcript, statement(), witness, &|_| ()).unwrap();
    let noted = std::mem::take(&mut *noted.lock().unwrap());
    assert_eq!(noted.len(), 1 + PROVER.relation().masks.num_messages() + 2 * PROVER.relation().masks.pairs().len());
    noted
}

fn statement() -> Statement {
    let tensor = |id: TensorId| {
        let spec = GRAPH.spec(id);
        PublicTensor { shape: spec.shape, dtype: spec.dtype, values: vec![0; spec.shape.num_elements()] }
    };
    let (input, output) = (tensor(GRAPH.input()), tensor(GRAPH.output()));
    Statement {
        security_level: 24,
        context: Vec::new(),
        images: 1,
        model: ModelClaim::Public { digest: GRAPH.digest() },
        input: InputClaim::Shown(input),
        output: OutputClaim::Shown(output),
    }
}

#[test]
fn messages_are_the_bare_ones_plus_the_pads_and_the_bare_ones_tell_witnesses_apart() {
    let mut random = generator();
    let plan = &PROVER.relation().masks;
    let mut bares = Vec::new();
    for mut witness in [executed(&mut random), blank(&mut random)] {
        let bare = messages(bare(witness.clone()), 5);
        // `D` is the bare one times the spare denominator.
        assert_eq!(messages(witness.clone(), 5)[0].1, bare[0].1 * spare(&witness));
        // With the same spare one, every message under a pad is the bare one plus its pad.
        set_spare(&mut witness, [F::ONE, F::ZERO, F::ZERO]);
        let real = messages(witness.clone(), 5);
        assert_eq!(real[0], bare[0]);
        let sent = real[1..].iter().zip(&bare[1..]).filter(|(real, _)| MASKED.contains(&real.0));
        let pads: Vec<K> = sent.map(|(real, bare)| real.1 - bare.1).collect();
        assert_eq!(pads, witness.secrets[..plan.num_messages()]);
        // The sacrifice shows nothing but a triple's factors plus multiples of pads, whatever the witness.
        let shown: Vec<K> = real.iter().filter(|message| message.0 == steps::SACRIFICE).map(|message| message.1).collect();
        let factor = |pair: usize| {
            let triple = plan.triple(pair);
            let [x, y] = [plan.pairs()[pair].0, plan.pairs()[pair].1].map(|pad| witness.secrets[pad]);
            assert_eq!(shown[2 * pair + 1], y - witness.secrets[triple.b]);
            (shown[2 * pair] + witness.secrets[triple.a]) * x.inverse()
        };
        let tau = factor(0);
        assert!((0..plan.pairs().len()).all(|pair| factor(pair) == tau));
        bares.push(bare);
    }
    let differ = bares[0].iter().zip(&bares[1]).filter(|(a, b)| a != b).count();
    let masked = 1 + plan.num_messages();
    assert!(differ > masked - 16, "{differ} of {masked}");
}

#[test]
fn pads_of_messages_and_factors_of_triples_are_used_once() {
    let plan = &PROVER.relation().masks;
    let mut used: Vec<usize> = (0..plan.pairs().len()).flat_map(|pair| [plan.triple(pair).a, plan.triple(pair).b]).collect();
    used.extend(0..plan.num_messages());
    let num_used = used.len();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used.len(), num_used);
    let free = cells(|role| role == Role::Secrets);
    assert_eq!(free.len(), 3 * plan.num_secrets());
    // No leaf of the lookup argument reads a secret.
    assert!(PROVER.relation().columns.iter().all(|column| column.role != Role::Secrets || matches!(column.leaf, Leaf::Free)));
}

/// Chi-square statistics of two samples in eight bins (7 degrees of freedom), one for the low and one for the high three bits of each coordinate.
fn statistics(samples: [&[Vec<(&'static str, K)>]; 2]) -> Vec<f64> {
    let mut found = Vec::new();
    for position in 0..samples[0][0].len() {
        for coordinate in 0..3 {
            for shift in [0, 61] {
                let counts = samples.map(|sample| {
                    let mut counts = [0.0f64; 8];
                    for messages in sample {
                        let coordinates: &[F] = p3_field::BasedVectorSpace::as_basis_coefficients_slice(&messages[position].1);
                        counts[(coordinates[coordinate].as_canonical_u64() >> shift & 7) as usize] += 1.0;
                    }
                    counts
                });
                let bins = counts[0].iter().zip(counts[1]).filter(|&(a, b)| a + b > 0.0);
                found.push(bins.map(|(a, b)| (a - b).powi(2) / (a + b)).sum());
            }
        }
    }
    found
}

#[test]
fn messages_of_an_execution_and_of_zeros_look_alike_for_the_same_challenges() {
    let mut random = generator();
    let a: Vec<_> = (0..PROOFS).map(|_| messages(executed(&mut random), 9)).collect();
    let b: Vec<_> = (0..PROOFS).map(|_| messages(blank(&mut random), 9)).collect();
    let found = statistics([&a, &b]);
    // About 1500 statistics with mean 7; one of them above 45 has probability 2e-4 (and the generator is the same at each run).
    let largest = found.iter().copied().fold(0.0, f64::max);
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    assert!(largest < 45.0 && (6.5..7.5).contains(&mean), "{largest}, mean {mean} of {}", found.len());
    // Without pads the messages are constants, and most of their bits differ.
    let [a, b] = [bare(executed(&mut random)), bare(blank(&mut random))].map(|witness| vec![messages(witness, 9); PROOFS]);
    let found: Vec<f64> = statistics([&a, &b]);
    let apart = found.iter().filter(|&&statistic| statistic > 45.0).count();
    assert!(2 * apart > found.len(), "{apart} of {}", found.len());
}
