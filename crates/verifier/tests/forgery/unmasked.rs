//! What is wrong with a proof, seen through the pads.
//!
//! To the verifier every lie in steps 3 to 6 is one wrong claim on the committed vector. This module knows the vector: it takes the pads off the
//! messages, and lists which of the equations that the verifier adds up do not hold.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::claims::LeafWeights;
use verinfer_relation::commitment::{Bases, Check};
use verinfer_relation::eq::eq_index;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::functional::Functional;
use verinfer_relation::layout::{ColumnId, EqWeights};
use verinfer_relation::masks::Triple;
use verinfer_relation::relation::{Leaf, Location, ObjectKind, Relation, Role};
use verinfer_relation::scaling::Scales;
use verinfer_relation::statement::{Proof, Statement};
use verinfer_relation::table::Folding;
use verinfer_relation::transcript::{Transcript, VerifierTranscript};
use verinfer_relation::{claims, scaling, steps, weights};

use crate::forger::Forger;

/// An equation that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// A layer's claim is not what its children give; the topmost layer's is that the fractions sum to zero.
    Layer(usize),
    /// The contraction's claim is not what its end gives.
    Contraction,
    /// The second contraction's claim is not what its ends give.
    Scaling,
    /// The message `e` of a pair is not what its pad and its triple give.
    FirstFactor(usize),
    /// The message `g` of a pair is not what its pad and its triple give.
    SecondFactor(usize),
    /// A pair's product of pads, or its triple's, is not the product.
    Product(usize),
    /// The claim on the leaves is not what the cells give.
    Leaves,
    /// The claim on the activations is not what the cells give.
    Inputs,
    /// The output claimed is not what the cells give.
    Output,
    /// The claim on multipliers and sign factors is not what the cells give.
    Scales,
    /// The claim on contracted weights and signs is not what the cells give.
    Contracted,
    /// The cells do not belong to the statement's commitment.
    Committed(ObjectKind),
}

impl Broken {
    /// The sum of the fractions is not zero, or not what the topmost children give.
    pub fn sum(forger: &Forger) -> Self {
        Self::Layer(forger.relation().layout.log_cells() - 1)
    }
}

/// The secrets that are committed.
pub fn committed_secrets(relation: &Relation, cells: &[F]) -> Vec<K> {
    let values = values(relation, relation.secrets, cells);
    values.as_chunks::<3>().0.iter().map(|coordinates| from_coordinates(*coordinates)).collect()
}

/// Cells of a column of one channel.
fn values(relation: &Relation, column: ColumnId, cells: &[F]) -> Vec<F> {
    let chunks = &relation.layout.placement(column).chunks;
    chunks.iter().flat_map(|chunk| cells[chunk.first_cell(0)..].iter().copied().take(1 << chunk.log_len)).collect()
}

/// Which equations the messages of a proof break, with these cells committed and the challenges that follow from `transcript`.
pub fn broken(forger: &Forger, transcript: Transcript, proof: &Proof, cells: &[F]) -> Vec<Broken> {
    let relation = forger.relation();
    let secrets = committed_secrets(relation, cells);
    let mut view =
        View { transcript: VerifierTranscript::new(transcript, &proof.body), secrets: &secrets, received: 0, broken: Vec::new() };
    let _: [u8; 32] = view.transcript.receive_bytes(steps::COMMITMENT).unwrap();
    let (alpha, beta) = (view.challenge(steps::LOOKUP_CHALLENGES), view.challenge(steps::LOOKUP_CHALLENGES));
    let folding = Folding::new(alpha, beta);
    let (point, numerator, denominator) = view.layers(relation);
    let mu = view.challenge(steps::LEAF_COMBINATION);
    let r = EqWeights::new(&point);
    let leaves = claims::leaves(relation, &r, &folding, mu);
    let layers = view.linear_layers(forger, &leaves);
    view.sacrifice(relation);
    let (gamma, nu) = (view.challenge(steps::COMMITMENT_CHECK), view.challenge(steps::COMMITMENT_CHECK));
    let zeta = view.challenge(steps::CLAIM_COMBINATION);

    let statement = &proof.statement;
    let input = statement.input.shown().map_or(&[][..], |input| &input.values);
    let of_cells =
        |functional: &Functional| functional.constant + functional.input_part(&r, input) + apply(relation, functional, &r, cells);
    view.expect(Broken::Leaves, numerator + mu * denominator - layers.claimed, of_cells(&leaves.functional));
    let mut functional = Functional::default();
    claims::contraction_inputs(relation, &r, &layers.inner, K::ONE, &mut functional);
    view.expect(Broken::Inputs, layers.inputs, of_cells(&functional));
    if let Some(output) = statement.output.shown() {
        let mut functional = Functional::default();
        claims::output(relation, zeta, K::ONE, &mut functional);
        view.expect(Broken::Output, claims::output_value(&output.values, zeta), of_cells(&functional));
    }
    if let Some(Second { xi, point, scales, contracted }) = &layers.second {
        let mut functional = Functional::default();
        let public = Scales { accumulators: &leaves.accumulators, signs: &leaves.signs, xi: *xi };
        public.add(relation, point, K::ONE, &mut functional);
        view.expect(Broken::Scales, *scales, of_cells(&functional));
        let mut functional = Functional::default();
        scaling::add_contracted(relation, &layers.inner, point, K::ONE, &mut functional);
        view.expect(Broken::Contracted, *contracted, of_cells(&functional));
    }
    for object in &relation.objects {
        let check = Check::new(object.plan, gamma, nu);
        let found = committed(&check, object.bases(relation), cells);
        view.expect(Broken::Committed(object.kind), found, check.target(&statement.commitment(object.kind).unwrap().root(&object.tag)));
    }
    view.broken.sort_unstable();
    view.broken
}

/// Whether all objects belong to their commitments.
pub fn commitments_hold(relation: &Relation, statement: &Statement, cells: &[F]) -> bool {
    let (gamma, nu) = (K::from_u64(0x1234_5678_9abc), K::from_u64(0xdef0_1234_5678));
    relation.objects.iter().all(|object| {
        let check = Check::new(object.plan, gamma, nu);
        committed(&check, object.bases(relation), cells) == check.target(&statement.commitment(object.kind).unwrap().root(&object.tag))
    })
}

/// What step 5 leaves, without pads.
struct LinearLayers {
    /// The accumulators' and the signs' part of the claim on the leaves.
    claimed: K,
    /// Equality weights of the contraction.
    inner: EqWeights,
    /// Activations at its end.
    inputs: K,
    /// The end of the second contraction.
    second: Option<Second>,
}

/// The end of the second contraction.
struct Second {
    xi: K,
    point: EqWeights,
    scales: K,
    contracted: K,
}

/// The functional of a commitment's check, of the cells that are committed to.
fn committed(check: &Check, bases: Bases, cells: &[F]) -> K {
    let weights = check.weights();
    let mut of_values = vec![K::ZERO; weights.num_values()];
    weights.add_values(K::ONE, 0, &mut of_values);
    let parts = [(bases.values, &of_values), (bases.digests, &weights.digests), (bases.salt, &weights.salt)];
    parts.into_iter().flat_map(|(base, weights)| cells[base..].iter().zip(weights)).map(|(&cell, &weight)| weight * cell).sum()
}

/// The verifier's place in a proof.
struct View<'a> {
    transcript: VerifierTranscript<'a>,
    secrets: &'a [K],
    received: usize,
    broken: Vec<Broken>,
}

impl View<'_> {
    fn challenge(&mut self, label: &'static str) -> K {
        self.transcript.state().challenge(label)
    }

    /// Messages without their pads.
    fn receive<const N: usize>(&mut self, label: &'static str) -> [K; N] {
        let mut values = self.transcript.receive::<N>(label).unwrap();
        values.iter_mut().zip(&self.secrets[self.received..]).for_each(|(value, &pad)| *value -= pad);
        self.received += N;
        values
    }

    fn expect(&mut self, equation: Broken, found: K, expected: K) {
        if found != expected {
            self.broken.push(equation);
        }
    }

    /// Step 3. Returns the point of the leaves, and numerator and denominator claimed there.
    fn layers(&mut self, relation: &Relation) -> (Vec<K>, K, K) {
        let log_cells = relation.layout.log_cells();
        let [mut denominator] = self.transcript.receive(steps::DENOMINATOR).unwrap();
        let mut numerator = K::ZERO;
        let mut point: Vec<K> = Vec::new();
        for variables in 0..log_cells {
            let lambda = self.challenge(steps::LAYER_COMBINATION);
            let mut claim = numerator + lambda * denominator;
            let num_lanes = variables.min(3);
            let (mut lanes, mut upper) = (Vec::new(), Vec::new());
            for bit in (num_lanes..variables).chain(0..num_lanes) {
                let [at_zero, leading] = self.receive(steps::LAYER_ROUND);
                let at_one = (claim - (K::ONE - point[bit]) * at_zero) / point[bit];
                let x = self.challenge(steps::LAYER_ROUND);
                claim = quadratic(at_zero, at_one, leading, x);
                if bit < num_lanes { lanes.push(x) } else { upper.push(x) }
            }
            let first = self.received;
            let [combined, n1, d0, d1] = self.receive(steps::LAYER_CHILDREN);
            let wrong = self.correction(relation, 2 * variables, first, first + 3)
                + self.correction(relation, 2 * variables + 1, first + 1, first + 2);
            self.expect(Broken::Layer(log_cells - 1 - variables), claim, combined * d1 + n1 * d0 + wrong);
            let x = self.challenge(steps::LAYER_CHILDREN);
            let n0 = combined - lambda * d0;
            numerator = n0 + x * (n1 - n0);
            denominator = d0 + x * (d1 - d0);
            // In the topmost layers, of fewer than eight fractions, the new bit is the lowest.
            point = if variables < 3 { [vec![x], lanes].concat() } else { [lanes, vec![x], upper].concat() };
        }
        (point, numerator, denominator)
    }

    /// Step 5.
    fn linear_layers(&mut self, forger: &Forger, leaves: &LeafWeights) -> LinearLayers {
        let relation = forger.relation();
        let Some(log_scaling_len) = relation.log_scaling_len() else {
            let [claimed] = self.receive(steps::ACCUMULATORS);
            let (claim, rho) = self.rounds(steps::CONTRACTION_ROUND, relation.log_contraction_len(), claimed);
            let [inputs] = self.receive(steps::CONTRACTION_ENDS);
            let inner = EqWeights::new(&rho);
            self.expect(Broken::Contraction, claim, weights::evaluate(relation, forger.graph, &leaves.accumulators, &inner) * inputs);
            return LinearLayers { claimed, inner, inputs, second: None };
        };
        let [accumulators, signs] = self.receive(steps::ACCUMULATORS);
        let (claim, rho) = self.rounds(steps::CONTRACTION_ROUND, relation.log_contraction_len(), accumulators);
        let first = self.received;
        let [inputs, weights] = self.receive(steps::CONTRACTION_ENDS);
        let pair = 2 * relation.layout.log_cells();
        let wrong = self.correction(relation, pair, first, first + 1);
        self.expect(Broken::Contraction, claim, inputs * weights + wrong);
        let xi = self.challenge(steps::SCALING_COMBINATION);
        let (claim, point) = self.rounds(steps::SCALING_ROUND, log_scaling_len, weights + xi * signs);
        let first = self.received;
        let [scales, contracted] = self.receive(steps::SCALING_ENDS);
        let wrong = self.correction(relation, pair + 1, first, first + 1);
        self.expect(Broken::Scaling, claim, scales * contracted + wrong);
        let second = Some(Second { xi, point: EqWeights::new(&point), scales, contracted });
        LinearLayers { claimed: accumulators + signs, inner: EqWeights::new(&rho), inputs, second }
    }

    /// A sumcheck of an inner product. Returns the claim it ends in, and the point.
    fn rounds(&mut self, label: &'static str, num_rounds: usize, mut claim: K) -> (K, Vec<K>) {
        let mut point = Vec::new();
        for _ in 0..num_rounds {
            let [at_zero, leading] = self.receive(label);
            let x = self.challenge(label);
            claim = quadratic(at_zero, claim - at_zero, leading, x);
            point.push(x);
        }
        (claim, point)
    }

    /// What the verifier sees too much of the product of the messages under two pads, for which it uses the committed product.
    fn correction(&self, relation: &Relation, pair: usize, x: usize, y: usize) -> K {
        assert_eq!(relation.masks.pairs()[pair], (x, y));
        self.secrets[relation.masks.product(pair)] - self.secrets[x] * self.secrets[y]
    }

    /// The products of pads.
    fn sacrifice(&mut self, relation: &Relation) {
        let tau = self.challenge(steps::SACRIFICE);
        for (pair, &(x, y)) in relation.masks.pairs().iter().enumerate() {
            let [e, g] = self.transcript.receive(steps::SACRIFICE).unwrap();
            let Triple { a, b, c } = relation.masks.triple(pair);
            let [x, y, z, a, b, c] = [x, y, relation.masks.product(pair), a, b, c].map(|index| self.secrets[index]);
            self.expect(Broken::FirstFactor(pair), e, tau * x - a);
            self.expect(Broken::SecondFactor(pair), g, y - b);
            self.expect(Broken::Product(pair), tau * z - c, e * b + g * a + e * g);
        }
        let _ = self.challenge(steps::SACRIFICE);
    }
}

fn quadratic(at_zero: K, at_one: K, leading: K, x: K) -> K {
    at_zero + x * (at_one - at_zero - leading + leading * x)
}

/// The weights of a functional applied to the cells.
fn apply(relation: &Relation, functional: &Functional, r: &EqWeights, cells: &[F]) -> K {
    let mut sum = K::ZERO;
    for &(column, scale) in &functional.columns {
        let placement = relation.layout.placement(column);
        for cell in placement.chunks.iter().flat_map(|chunk| chunk.cells(placement.channels)) {
            sum += scale * eq_index(r.point(), cell) * cells[cell];
        }
    }
    for product in &functional.products {
        let Location::Column(column) = product.location else { continue };
        for chunk in &relation.layout.placement(column).chunks {
            let (first, pixels) = product.pixels.read(r, |pixels| {
                let (first, within) = pixels.within(chunk.pixels());
                (first, within.to_vec())
            });
            for (channel, &weight) in product.channels.iter().enumerate().filter(|_| !pixels.is_empty()) {
                let plane = &cells[chunk.first_cell(channel) + first - chunk.first_pixel..];
                sum += product.scale * weight * plane.iter().zip(&pixels).map(|(&cell, &pixel)| pixel * cell).sum::<K>();
            }
        }
    }
    for dense in &functional.dense {
        let Location::Column(column) = dense.location else { continue };
        let placement = relation.layout.placement(column);
        for chunk in &placement.chunks {
            for channel in 0..placement.channels {
                for (i, pixel) in chunk.pixels().enumerate() {
                    let element = (pixel * placement.channels + channel).checked_sub(dense.first);
                    let weight = element.and_then(|element| dense.weights.get(element)).copied().unwrap_or(K::ZERO);
                    sum += weight * cells[chunk.first_cell(channel) + i];
                }
            }
        }
    }
    sum
}

/// The column of the spare denominator.
pub fn spare(relation: &Relation) -> ColumnId {
    let found = relation.columns.iter().position(|column| column.role == Role::Spare && matches!(column.leaf, Leaf::Spare));
    ColumnId(found.unwrap())
}
