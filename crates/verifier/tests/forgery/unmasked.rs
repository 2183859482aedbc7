//! What is wrong with a proof, seen through the pads.
//!
//! To the verifier every lie in steps 3 to 6 is one wrong claim on the committed vector. This module knows the vector: it takes the pads off the
//! messages, and lists which of the equations that the verifier adds up do not hold.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::functional::Functional;
use verinfer_relation::layout::{ColumnId, EqWeights};
use verinfer_relation::masks::Triple;
use verinfer_relation::relation::{Leaf, Location, Relation, Role};
use verinfer_relation::statement::Proof;
use verinfer_relation::table::Folding;
use verinfer_relation::transcript::{Transcript, VerifierTranscript};
use verinfer_relation::{claims, steps, weights};

use crate::forger::Forger;

/// An equation that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// A layer's claim is not what its children give; the topmost layer's is that the fractions sum to zero.
    Layer(usize),
    /// The contraction's claim is not what its end gives.
    Contraction,
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
    let [accumulated] = view.receive(steps::ACCUMULATORS);

    let (mut claim, mut rho) = (accumulated, Vec::new());
    for _ in 0..relation.log_contraction_len() {
        let [at_zero, leading] = view.receive(steps::CONTRACTION_ROUND);
        let x = view.challenge(steps::CONTRACTION_ROUND);
        claim = quadratic(at_zero, claim - at_zero, leading, x);
        rho.push(x);
    }
    let [inputs] = view.receive(steps::CONTRACTION_ENDS);
    let eq = eq_table(&rho, relation.contraction_len());
    view.expect(Broken::Contraction, claim, weights::evaluate(relation, forger.graph, &leaves.accumulators, &eq) * inputs);
    view.sacrifice(relation);
    let zeta = view.challenge(steps::CLAIM_COMBINATION);

    let input = &proof.statement.input.values;
    let of_cells = |functional: &Functional| functional.constant + functional.input_part(input) + apply(relation, functional, &r, cells);
    view.expect(Broken::Leaves, numerator + mu * denominator - accumulated, of_cells(&leaves.functional));
    let mut functional = Functional::default();
    claims::contraction_inputs(relation, &r, &eq, K::ONE, &mut functional);
    view.expect(Broken::Inputs, inputs, of_cells(&functional));
    let mut functional = Functional::default();
    claims::output(relation, zeta, K::ONE, &mut functional);
    view.expect(Broken::Output, claims::output_value(&proof.statement.output.values, zeta), of_cells(&functional));
    view.broken.sort_unstable();
    view.broken
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
            // A product of messages is seen by the verifier through the committed product of their pads.
            let correction = |pair: usize, x: usize, y: usize| {
                assert_eq!(relation.masks.pairs()[pair], (x, y));
                self.secrets[relation.masks.product(pair)] - self.secrets[x] * self.secrets[y]
            };
            let wrong = correction(2 * variables, first, first + 3) + correction(2 * variables + 1, first + 1, first + 2);
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
    for (&(column, index), channels) in &functional.chunks {
        let chunk = &relation.layout.placement(column).chunks[index];
        for (channel, &weight) in channels.iter().enumerate() {
            let plane = &cells[chunk.first_cell(channel)..];
            sum += weight * plane.iter().zip(r.pixels(chunk)).map(|(&cell, &pixel)| pixel * cell).sum::<K>();
        }
    }
    for product in &functional.products {
        let Location::Column(column) = product.location else { continue };
        for chunk in &relation.layout.placement(column).chunks {
            let (first, pixels) = product.pixels.within(chunk.pixels());
            for (channel, &weight) in product.channels.iter().enumerate().filter(|_| !pixels.is_empty()) {
                let plane = &cells[chunk.first_cell(channel) + first - chunk.first_pixel..];
                sum += weight * plane.iter().zip(pixels).map(|(&cell, &pixel)| pixel * cell).sum::<K>();
            }
        }
    }
    for (location, weights) in &functional.dense {
        let Location::Column(column) = *location else { continue };
        let placement = relation.layout.placement(column);
        for chunk in &placement.chunks {
            for channel in 0..placement.channels {
                for (i, pixel) in chunk.pixels().enumerate() {
                    sum += weights[pixel * placement.channels + channel] * cells[chunk.first_cell(channel) + i];
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
