//! Zero-knowledge of steps 1 to 6: with the same challenges, two witnesses send messages of the same distribution, and each sends what the other has
//! sent if it has other pads. Where everything is public, the witnesses are an execution and a vector of zeros; where weights and input are hidden,
//! executions of two networks of one architecture.
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
use verinfer_relation::setting::OutputForm;
use verinfer_relation::statement::Statement;
use verinfer_relation::transcript::{ProverTranscript, Transcript};
use verinfer_relation::{Relation, masks, steps};

use crate::random::generator;
use crate::small;

/// Proofs of each of the two witnesses.
const PROOFS: usize = 48;

/// Labels of the messages under pads, in any order.
const MASKED: [&str; 7] = [
    steps::LAYER_ROUND,
    steps::LAYER_CHILDREN,
    steps::ACCUMULATORS,
    steps::CONTRACTION_ROUND,
    steps::CONTRACTION_ENDS,
    steps::SCALING_ROUND,
    steps::SCALING_ENDS,
];

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

/// Two witnesses of one relation.
struct Case {
    sides: [Side; 2],
    statement: Statement,
}

/// How a witness is made and proved.
struct Side {
    prover: Prover,
    witness: fn(&Prover, &mut ChaCha20Rng) -> Witness,
}

static PUBLIC: LazyLock<Case> = LazyLock::new(|| {
    let prover = || Prover::new(GRAPH.clone()).unwrap();
    Case::new([Side { prover: prover(), witness: executed }, Side { prover: prover(), witness: blank }])
});

static NETWORKS: LazyLock<[Graph; 2]> = LazyLock::new(|| [1, 2].map(small::network));

static HIDDEN: LazyLock<Case> = LazyLock::new(|| {
    // In every execution fewer than all classes are ahead of the first.
    let setting = small::hidden(&NETWORKS[0], OutputForm::Rank { labels: vec![0], k: small::CLASSES as u32 });
    let [first, second] = [0, 1].map(|network| Prover::showing_scales(NETWORKS[network].clone(), 1, &setting).unwrap());
    Case::new([
        Side { prover: first, witness: |prover, random| hidden(&NETWORKS[0], prover, 1, random) },
        Side { prover: second, witness: |prover, random| hidden(&NETWORKS[1], prover, 2, random) },
    ])
});

/// The true witness, with pads and masks of its own.
fn executed(prover: &Prover, random: &mut ChaCha20Rng) -> Witness {
    let input: Vec<i16> = (0..25).map(|i| (i * 83 + 11) % 256 - 128).collect();
    Witness::new(&GRAPH, prover.relation(), &input, random).unwrap()
}

fn hidden(graph: &Graph, prover: &Prover, input: u64, random: &mut ChaCha20Rng) -> Witness {
    Witness::new(graph, prover.relation(), &small::input(input), random).unwrap()
}

/// Zeros in every cell that is no secret, spare or mask, and in every activation.
fn blank(prover: &Prover, random: &mut ChaCha20Rng) -> Witness {
    let mut witness = executed(prover, random);
    let relation = prover.relation();
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

impl Case {
    fn new(sides: [Side; 2]) -> Self {
        let [first, second] = &sides;
        assert_eq!(first.prover.relation().masks, second.prover.relation().masks);
        assert_eq!(first.prover.relation().layout.num_stored(), second.prover.relation().layout.num_stored());
        let witness = first.witness(&mut generator());
        let statement = first.prover.statement(&witness, &vec![0; first.prover.relation().input_len()], b"", 24);
        Self { sides, statement }
    }

    fn relation(&self) -> &Relation {
        self.sides[0].prover.relation()
    }

    /// The same witness without anything that hides it; the spare denominator is one.
    fn bare(&self, mut witness: Witness) -> Witness {
        witness.secrets.fill(K::ZERO);
        witness.masks.cells.fill(F::ZERO);
        witness.masks.blinding.fill(K::ZERO);
        let num_masks = witness.masks.cells.len();
        let first_mask = witness.cells.len() - num_masks;
        witness.cells[first_mask..].fill(F::ZERO);
        for cell in self.cells(|role| role == Role::Secrets || role == Role::Spare) {
            witness.cells[cell] = F::ZERO;
        }
        self.set_spare(&mut witness, K::ONE);
        witness
    }

    fn set_spare(&self, witness: &mut Witness, value: K) {
        for (cell, value) in self.cells(|role| role == Role::Spare).into_iter().zip(masks::cells(value)) {
            witness.cells[cell] = value;
        }
    }

    fn spare(&self, witness: &Witness) -> K {
        let cells = self.cells(|role| role == Role::Spare);
        from_coordinates([0, 1, 2].map(|i| witness.cells[cells[i]]))
    }

    fn set_secrets(&self, witness: &mut Witness, secrets: Vec<K>) {
        let cells = self.cells(|role| role == Role::Secrets);
        assert_eq!((secrets.len(), cells.len()), (witness.secrets.len(), 3 * secrets.len()));
        for (cell, value) in cells.into_iter().zip(secrets.iter().flat_map(|&secret| masks::cells(secret))) {
            witness.cells[cell] = value;
        }
        witness.secrets = secrets;
    }

    /// Addresses of columns of one channel, by column and pixel.
    fn cells(&self, wanted: impl Fn(Role) -> bool) -> Vec<usize> {
        let relation = self.relation();
        let columns = (0..relation.columns.len()).filter(|&index| wanted(relation.columns[index].role));
        columns
            .flat_map(|index| {
                let chunks = relation.layout.placement(ColumnId(index)).chunks.iter();
                let mut cells: Vec<(usize, usize)> =
                    chunks.flat_map(|chunk| chunk.pixels().map(|pixel| (pixel, chunk.first_cell(0) + pixel - chunk.first_pixel))).collect();
                cells.sort_unstable();
                cells.into_iter().map(|(_, cell)| cell)
            })
            .collect()
    }

    /// What a side's witness sends in steps 2 to 6, one entry for each element, under the challenges that follow from the messages of `public`.
    fn messages(&self, side: usize, witness: Witness, public: u64) -> Vec<(&'static str, K)> {
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
        self.sides[side].prover.prove_through(transcript, self.statement.clone(), witness, &|_| ()).unwrap();
        let noted = std::mem::take(&mut *noted.lock().unwrap());
        let plan = &self.relation().masks;
        assert_eq!(noted.len(), 1 + plan.num_messages() + 2 * plan.pairs().len());
        noted
    }

    /// The challenge of the sacrifice, from what was shown and the secrets.
    fn sacrifice(&self, sent: &[(&'static str, K)], secrets: &[K]) -> (K, Vec<[K; 2]>) {
        let plan = &self.relation().masks;
        let shown: Vec<K> = sent.iter().filter(|message| message.0 == steps::SACRIFICE).map(|message| message.1).collect();
        let shown: Vec<[K; 2]> = shown.as_chunks().0.to_vec();
        let factor = |pair: usize| {
            let triple = plan.triple(pair);
            let [x, y] = [plan.pairs()[pair].0, plan.pairs()[pair].1].map(|pad| secrets[pad]);
            assert_eq!(shown[pair][1], y - secrets[triple.b]);
            (shown[pair][0] + secrets[triple.a]) * x.inverse()
        };
        let tau = factor(0);
        assert!((0..plan.pairs().len()).all(|pair| factor(pair) == tau));
        (tau, shown)
    }
}

impl Side {
    fn witness(&self, random: &mut ChaCha20Rng) -> Witness {
        (self.witness)(&self.prover, random)
    }
}

fn messages_are_bare_ones_plus_pads(case: &Case) {
    let mut random = generator();
    let plan = &case.relation().masks;
    let mut bares = Vec::new();
    for side in [0, 1] {
        let mut witness = case.sides[side].witness(&mut random);
        let bare = case.messages(side, case.bare(witness.clone()), 5);
        // `D` is the bare one times the spare denominator.
        assert_eq!(case.messages(side, witness.clone(), 5)[0].1, bare[0].1 * case.spare(&witness));
        // With the same spare one, every message under a pad is the bare one plus its pad.
        case.set_spare(&mut witness, K::ONE);
        let real = case.messages(side, witness.clone(), 5);
        assert_eq!(real[0], bare[0]);
        let sent = real[1..].iter().zip(&bare[1..]).filter(|(real, _)| MASKED.contains(&real.0));
        let pads: Vec<K> = sent.map(|(real, bare)| real.1 - bare.1).collect();
        assert_eq!(pads, witness.secrets[..plan.num_messages()]);
        // The sacrifice shows nothing but a triple's factors plus multiples of pads, whatever the witness.
        let _ = case.sacrifice(&real, &witness.secrets);
        bares.push(bare);
    }
    let differ = bares[0].iter().zip(&bares[1]).filter(|(a, b)| a != b).count();
    let masked = 1 + plan.num_messages();
    assert!(differ > masked - 16, "{differ} of {masked}");
}

#[test]
fn messages_are_the_bare_ones_plus_the_pads_and_the_bare_ones_tell_witnesses_apart() {
    messages_are_bare_ones_plus_pads(&PUBLIC);
}

#[test]
fn messages_about_hidden_weights_are_the_bare_ones_plus_the_pads() {
    messages_are_bare_ones_plus_pads(&HIDDEN);
}

/// Pads, triples and a spare denominator under which the second witness sends what the first has sent.
fn couple(case: &Case) {
    let mut random = generator();
    let plan = &case.relation().masks;
    let [first, mut second] = [0, 1].map(|side| case.sides[side].witness(&mut random));
    let sent = case.messages(0, first.clone(), 13);
    let (tau, shown) = case.sacrifice(&sent, &first.secrets);

    let mut bare = case.bare(second.clone());
    let spare = sent[0].1 * case.messages(1, bare.clone(), 13)[0].1.inverse();
    case.set_spare(&mut bare, spare);
    case.set_spare(&mut second, spare);
    let bare = case.messages(1, bare, 13);
    // Each equation has one pad or factor that is in no other: message = bare + pad, e = tau x - a, g = y - b.
    let pairs = sent.iter().zip(&bare).filter(|(sent, _)| MASKED.contains(&sent.0));
    let mut secrets: Vec<K> = pairs.map(|(sent, bare)| sent.1 - bare.1).collect();
    secrets.extend(plan.pairs().iter().map(|&(x, y)| secrets[x] * secrets[y]).collect::<Vec<K>>());
    for (&(x, y), [e, g]) in plan.pairs().iter().zip(shown) {
        let (a, b) = (tau * secrets[x] - e, secrets[y] - g);
        secrets.extend([a, b, a * b]);
    }
    assert!(secrets.iter().zip(&first.secrets).all(|(second, first)| second != first));
    case.set_secrets(&mut second, secrets);
    assert_eq!(case.messages(1, second, 13), sent);
}

#[test]
fn a_vector_of_zeros_sends_what_an_execution_sends_if_it_has_other_pads() {
    couple(&PUBLIC);
}

#[test]
fn another_network_on_another_input_sends_the_same_messages_if_it_has_other_pads() {
    couple(&HIDDEN);
}

#[test]
fn pads_of_messages_and_factors_of_triples_are_used_once() {
    for case in [&*PUBLIC, &*HIDDEN] {
        let plan = &case.relation().masks;
        let mut used: Vec<usize> = (0..plan.pairs().len()).flat_map(|pair| [plan.triple(pair).a, plan.triple(pair).b]).collect();
        used.extend(0..plan.num_messages());
        let num_used = used.len();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), num_used);
        let free = case.cells(|role| role == Role::Secrets);
        assert_eq!(free.len(), 3 * plan.num_secrets());
        // No leaf of the lookup argument reads a secret.
        assert!(case.relation().columns.iter().all(|column| column.role != Role::Secrets || matches!(column.leaf, Leaf::Free)));
    }
    // Two more products than in the public setting: the ends of both contractions.
    let plan = &HIDDEN.relation().masks;
    assert_eq!(plan.pairs().len(), 2 * HIDDEN.relation().layout.log_cells() + 2);
    let ends = plan.num_messages() - 2;
    assert_eq!(plan.pairs()[plan.pairs().len() - 1], (ends, ends + 1));
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

fn look_alike(case: &Case) {
    let mut random = generator();
    let mut sample =
        |side: usize| -> Vec<_> { (0..PROOFS).map(|_| case.messages(side, case.sides[side].witness(&mut random), 9)).collect() };
    let (a, b) = (sample(0), sample(1));
    let found = statistics([&a, &b]);
    // One or two thousand statistics with mean 7; one of them above 45 has probability 3e-4 (and the generator is the same at each run).
    let largest = found.iter().copied().fold(0.0, f64::max);
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    assert!(largest < 45.0 && (6.5..7.5).contains(&mean), "{largest}, mean {mean} of {}", found.len());
    // Without pads the messages are constants, and most of their bits differ.
    let [a, b] = [0, 1].map(|side| vec![case.messages(side, case.bare(case.sides[side].witness(&mut random)), 9); PROOFS]);
    let found: Vec<f64> = statistics([&a, &b]);
    let apart = found.iter().filter(|&&statistic| statistic > 45.0).count();
    assert!(2 * apart > found.len(), "{apart} of {}", found.len());
}

#[test]
fn messages_of_an_execution_and_of_zeros_look_alike_for_the_same_challenges() {
    look_alike(&PUBLIC);
}

#[test]
fn messages_of_two_hidden_networks_look_alike_for_the_same_challenges() {
    look_alike(&HIDDEN);
}
