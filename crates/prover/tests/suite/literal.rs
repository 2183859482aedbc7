//! The verifier's claims mean what docs/protocol.md says: for arbitrary cells, which need not satisfy anything, each functional is the sum that
//! defines it, taken leaf by leaf and connection by connection. A weight that honest executions never miss would be found here.

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use proptest::prelude::*;
use verinfer_graph::{Graph, Shape};
use verinfer_relation::check::{Assignment, for_each_tuple};
use verinfer_relation::claims::{self, LeafWeights};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::{F, K, from_coordinates, from_signed};
use verinfer_relation::functional::Functional;
use verinfer_relation::layout::{ColumnId, EqWeights};
use verinfer_relation::relation::{Bytes, Contraction, Leaf, Location};
use verinfer_relation::scaling::{self, Scales};
use verinfer_relation::setting::{OutputForm, Predicate, Setting};
use verinfer_relation::table::Folding;
use verinfer_relation::transcript::Transcript;
use verinfer_relation::{Relation, weights};

use crate::functional::written;
use crate::networks::random_batch;
use crate::random::{Description, Layer, descriptions};

const CASES: u32 = 60;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn claims_are_the_sums_that_define_them_for_any_cells(case in cases()) {
        if let Some(graph) = case.graph() {
            for relation in case.relations(&graph) {
                compare(&Literal::new(&graph, &relation, &random_batch(&graph, case.images, case.seed), case.seed))?;
            }
        }
    }
}

/// A network, and what is proved of it.
#[derive(Clone, Debug)]
pub struct Case {
    description: Description,
    /// Whether a layer over all elements is added, so that the output has classes.
    ends_in_classes: bool,
    /// Size of the batch.
    pub images: usize,
    hidden_input: bool,
    seed: u64,
}

/// Cases of which every statement can be made.
pub fn cases() -> impl Strategy<Value = Case> {
    let case = (descriptions(6), any::<bool>(), 1usize..=5, any::<bool>(), any::<u64>());
    case.prop_map(|(description, ends_in_classes, images, hidden_input, seed)| Case {
        description,
        ends_in_classes,
        images,
        hidden_input,
        seed,
    })
}

impl Case {
    /// The network, if there is one.
    pub fn graph(&self) -> Option<Graph> {
        let mut description = self.description.clone();
        if self.ends_in_classes {
            description.layers.push((Layer::Dense, self.seed));
        }
        description.graph()
    }

    /// One relation with public and one with hidden weights, the latter where the constants fit.
    pub fn relations(&self, graph: &Graph) -> Vec<Relation> {
        let settings = settings(graph, self.images, self.hidden_input, self.seed);
        settings.iter().filter_map(|setting| Relation::with_setting(graph, self.images, setting).ok()).collect()
    }
}

/// One setting with public and one with hidden weights, the latter where the constants fit.
fn settings(graph: &Graph, images: usize, hidden_input: bool, seed: u64) -> Vec<Setting> {
    let classes = graph.spec(graph.output()).shape.channels as u64;
    let class = |image: usize| (seed.rotate_left(7 * image as u32) % classes) as u32;
    let k = 1 + (seed % classes) as u32;
    let holds = || (0..images).map(|image| seed >> image & 1 == 1).collect();
    let output = match seed % 7 {
        0 => OutputForm::Shown,
        1 => OutputForm::Committed,
        2 => OutputForm::Rank { labels: (0..images).map(class).collect(), k },
        3 => OutputForm::AtLeast { class: class(0), value: 3 },
        4 => OutputForm::Decided { predicate: Predicate::Top { class: class(0), k }, holds: holds() },
        5 => OutputForm::Decided { predicate: Predicate::AtLeast { class: class(0), value: 3 }, holds: holds() },
        _ => OutputForm::Correct { k, count: 1 },
    };
    let shape = graph.spec(graph.output()).shape;
    let output = if shape.num_pixels() == 1 { output } else { OutputForm::Committed };
    let envelope = Envelope { num_limbs: 2, limb_bits: 16, keys: (-600, 600), signed_keys: (-1200, 1200) };
    [None, Some(envelope)].map(|weights| Setting { weights, hidden_input, output: output.clone() }).into()
}

/// Cells, input and challenges without any meaning.
struct Literal<'a> {
    graph: &'a Graph,
    relation: &'a Relation,
    cells: Vec<F>,
    input: Vec<i16>,
    transcript: Transcript,
    r: EqWeights,
}

impl<'a> Literal<'a> {
    fn new(graph: &'a Graph, relation: &'a Relation, input: &[i16], seed: u64) -> Self {
        let mut transcript = Transcript::new();
        transcript.absorb("seed", &seed.to_le_bytes());
        let cells = transcript.challenges("cells", relation.layout.num_stored().div_ceil(3));
        let cells = cells.iter().flat_map(|cell| -> &[F] { cell.as_basis_coefficients_slice() }).copied();
        let cells = cells.take(relation.layout.num_stored()).collect();
        let r = EqWeights::new(&transcript.challenges("r", relation.layout.log_cells()));
        let input = if relation.setting.hidden_input { vec![0; input.len()] } else { input.to_vec() };
        Self { graph, relation, cells, input, transcript, r }
    }

    fn challenges(&self, label: &'static str, count: usize) -> Vec<K> {
        self.transcript.clone().challenges(label, count)
    }

    fn address(&self, column: ColumnId, channel: usize, pixel: usize) -> usize {
        let chunks = &self.relation.layout.placement(column).chunks;
        let chunk = chunks.iter().find(|chunk| chunk.pixels().contains(&pixel)).unwrap();
        chunk.first_cell(channel) + pixel - chunk.first_pixel
    }

    fn cell(&self, column: ColumnId, channel: usize, pixel: usize) -> F {
        self.cells[self.address(column, channel, pixel)]
    }

    fn at(&self, location: Location, channels: usize, channel: usize, pixel: usize) -> F {
        match location {
            Location::Input => from_signed(i64::from(self.input[pixel * channels + channel])),
            Location::Column(column) => self.cell(column, channel, pixel),
        }
    }

    fn integer(&self, bytes: &Bytes, channel: usize) -> F {
        let planes = bytes.terms().flat_map(|(column, factors)| factors.into_iter().enumerate().map(move |plane| (column, plane)));
        planes.map(|(column, (plane, factor))| factor * self.cell(column, plane, channel)).sum::<F>() - from_signed(bytes.offset)
    }

    /// An input of a layer less its zero point at a tap of an output pixel of the batch, zero where there is none.
    fn activation(&self, contraction: &Contraction, tap: usize, inner: usize, pixel: usize) -> F {
        let Contraction { input_shape: from, output_shape: to, .. } = contraction;
        let (image, within) = (pixel / to.num_pixels(), pixel % to.num_pixels());
        let source = contraction.window.source(*from, within / to.width, within % to.width, tap);
        source.map_or(F::ZERO, |source| {
            let channel = if contraction.depthwise { inner * from.channels / to.channels } else { inner };
            let pixel = image * from.num_pixels() + source;
            self.at(contraction.input, from.channels, channel, pixel) - from_signed(contraction.input_zero_point)
        })
    }

    /// A weight of a layer less its zero point.
    fn weight(&self, contraction: &Contraction, channel: usize, tap: usize, inner: usize) -> F {
        let conv = contraction.conv(self.graph).unwrap();
        let (taps, channels) = (contraction.window.num_taps(), contraction.output_shape.channels);
        let zero = from_signed(i64::from(conv.weight_zero_point));
        match &contraction.hidden {
            None if contraction.depthwise => from_signed(i64::from(conv.weights[tap * channels + channel])) - zero,
            None => from_signed(i64::from(conv.weights[(channel * taps + tap) * contraction.input_shape.channels + inner])) - zero,
            Some(hidden) => {
                // Both are stored less the type's smallest value.
                let zero = self.cell(hidden.zero_point, 0, 0);
                let stored = match contraction.depthwise {
                    true => self.cell(hidden.weights, tap, channel),
                    false => self.cell(hidden.weights, channel, tap * contraction.input_shape.channels + inner),
                };
                stored - zero
            }
        }
    }

    fn accumulator(&self, contraction: &Contraction, channel: usize, pixel: usize) -> F {
        let inner = if contraction.depthwise { channel..channel + 1 } else { 0..contraction.input_shape.channels };
        let taps = (0..contraction.window.num_taps()).flat_map(|tap| inner.clone().map(move |inner| (tap, inner)));
        taps.map(|(tap, i)| self.activation(contraction, tap, i, pixel) * self.weight(contraction, channel, tap, i)).sum()
    }

    /// Each output pixel of a layer: its chunk, and its weight there.
    fn pixels(&self, contraction: &Contraction) -> Vec<(usize, usize, K)> {
        let chunks = self.relation.layout.placement(contraction.output).chunks.iter().enumerate();
        chunks
            .flat_map(|(index, chunk)| chunk.pixels().zip(self.r.pixels(chunk)).map(move |(pixel, &weight)| (index, pixel, weight)))
            .collect()
    }

    /// What a functional is for the cells and the input.
    fn apply(&self, functional: &Functional) -> K {
        let weights = written(self.relation, functional, &self.r);
        let point = self.challenges("at", self.relation.layout.log_cells());
        let expected: K = weights.iter().zip(eq_table(&point, weights.len())).map(|(&weight, eq)| weight * eq).sum();
        assert_eq!(functional.evaluate(&self.relation.layout, &self.r, &EqWeights::new(&point)), expected);
        let of_cells: K = weights.iter().zip(&self.cells).map(|(&weight, &cell)| weight * cell).sum();
        functional.constant + of_cells + functional.input_part(&self.r, &self.input)
    }

    /// `numerator(r) + mu * denominator(r)`, leaf by leaf.
    fn leaves(&self, folding: &Folding, mu: K) -> K {
        let eq = eq_table(self.r.point(), self.cells.len());
        let columns = || self.relation.columns.iter().enumerate().map(|(index, column)| (ColumnId(index), column));
        let mut numerators = vec![K::ZERO; self.cells.len()];
        let mut denominators = vec![K::ONE; self.cells.len()];
        let shape = self.relation.column(self.relation.output);
        let output = vec![0; shape.channels * shape.pixels];
        let assignment = Assignment { cells: &self.cells, input: &self.input, output: &output };
        for_each_tuple(self.graph, self.relation, &assignment, |address, table, tuple| {
            numerators[address] = K::ONE;
            denominators[address] =
                folding.offset(table) - tuple.iter().zip(&folding.powers).map(|(&value, &power)| power * value).sum::<K>();
        })
        .unwrap();
        for (id, column) in columns() {
            match &column.leaf {
                Leaf::Row { .. } => {
                    for address in (0..column.pixels).map(|pixel| self.address(id, 0, pixel)) {
                        numerators[address] = -K::from(self.cells[address]);
                    }
                }
                Leaf::Multiplicity(table) => {
                    for row in 0..column.pixels {
                        let address = self.address(id, 0, row);
                        numerators[address] = -K::from(self.cells[address]);
                        denominators[address] = folding.row(*table, &self.relation.tables[table.0], row);
                    }
                }
                Leaf::Spare => {
                    let address = self.address(id, 0, 0);
                    denominators[address] = from_coordinates([0, 1, 2].map(|pixel| self.cell(id, 0, pixel)));
                }
                Leaf::Free | Leaf::Lookup { .. } => {}
            }
        }
        // Addresses beyond the vector have the fraction 0 / 1.
        let leaves: K = eq.iter().zip(&numerators).zip(&denominators).map(|((&eq, &n), &d)| eq * (n + mu * (d - K::ONE))).sum();
        leaves + mu
    }

    /// The accumulators' and the signs' part of the claim on the leaves.
    fn layers(&self, weights: &LeafWeights) -> K {
        let mut sum = K::ZERO;
        for (layer, contraction) in self.relation.contractions.iter().enumerate() {
            for (chunk, pixel, eq) in self.pixels(contraction) {
                for channel in 0..contraction.output_shape.channels {
                    let hidden = contraction.hidden.as_ref();
                    let multiplier = hidden.map_or(F::ONE, |hidden| self.integer(&hidden.multiplier, channel));
                    let accumulators = &weights.accumulators[layer][chunk];
                    sum += accumulators[channel] * eq * multiplier * self.accumulator(contraction, channel, pixel);
                    if let Some((sign, factor)) = hidden.and_then(|hidden| hidden.sign.as_ref()) {
                        let scaled = self.integer(factor, channel) * self.cell(*sign, channel, pixel);
                        sum += weights.signs[layer][chunk][channel] * eq * scaled;
                    }
                }
            }
        }
        sum
    }

    /// `A` and `B` of docs/protocol.md, by index; the second with the accumulators' weights alone.
    fn contraction(&self, weights: &LeafWeights) -> (Vec<K>, Vec<K>) {
        let len = self.relation.contraction_len();
        let (mut a, mut b) = (vec![K::ZERO; len], vec![K::ZERO; len]);
        for (layer, contraction) in self.relation.contractions.iter().enumerate() {
            let (taps, inner) = (contraction.window.num_taps(), contraction.inner_channels());
            for (tap, i) in (0..taps).flat_map(|tap| (0..inner).map(move |i| (tap, i))) {
                for (chunk, pixel, eq) in self.pixels(contraction) {
                    a[contraction.grid.index(contraction.row(chunk, tap)) + i] += eq * self.activation(contraction, tap, i, pixel);
                }
                for (chunk, accumulators) in weights.accumulators[layer].iter().enumerate() {
                    let channels = if contraction.depthwise { i..i + 1 } else { 0..contraction.output_shape.channels };
                    b[contraction.grid.index(contraction.row(chunk, tap)) + i] =
                        channels.map(|channel| accumulators[channel] * self.weight(contraction, channel, tap, i)).sum();
                }
            }
        }
        (a, b)
    }
}

fn dot(a: &[K], b: &[K]) -> K {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}

fn compare(literal: &Literal<'_>) -> Result<(), TestCaseError> {
    let Literal { graph, relation, .. } = *literal;
    let [alpha, beta, mu, zeta, scale, xi] = literal.challenges("challenges", 6).try_into().unwrap();
    let folding = Folding::new(alpha, beta);
    let weights = claims::leaves(relation, &literal.r, &folding, mu);
    prop_assert_eq!(literal.apply(&weights.functional) + literal.layers(&weights), literal.leaves(&folding, mu), "{:#?}", graph.nodes());

    let rho = literal.challenges("rho", relation.log_contraction_len());
    let (rho, e) = (EqWeights::new(&rho), eq_table(&rho, relation.contraction_len()));
    let (a, b) = literal.contraction(&weights);
    let mut inputs = Functional::default();
    claims::contraction_inputs(relation, &literal.r, &rho, scale, &mut inputs);
    prop_assert_eq!(literal.apply(&inputs), scale * dot(&a, &e), "{:#?}", graph.nodes());

    if relation.log_scaling_len().is_some() {
        scaled(literal, &weights, &rho, scale, xi)?;
    } else {
        prop_assert_eq!(weights::evaluate(relation, graph, &weights.accumulators, &rho), dot(&b, &e));
        prop_assert_eq!(literal.layers(&weights), dot(&a, &b));
    }

    let mut output = Functional::default();
    claims::output(relation, zeta, scale, &mut output);
    let Shape { channels, .. } = graph.spec(graph.output()).shape;
    let elements = relation.column(relation.output).pixels * channels;
    let values = (0..elements).map(|i| literal.cell(relation.output, i % channels, i / channels));
    prop_assert_eq!(literal.apply(&output), scale * values.zip(zeta.powers()).map(|(value, power)| power * value).sum::<K>());
    Ok(())
}

/// Both sides of the second contraction, index by index.
fn scaled(literal: &Literal<'_>, weights: &LeafWeights, rho: &EqWeights, scale: K, xi: K) -> Result<(), TestCaseError> {
    let Literal { graph, relation, .. } = *literal;
    let point = literal.challenges("rho'", relation.log_scaling_len().unwrap_or_default());
    let inner = eq_table(rho.point(), relation.contraction_len());
    let (point, e) = (EqWeights::new(&point), eq_table(&point, relation.scaling_len()));
    let (mut p, mut q) = (vec![K::ZERO; e.len()], vec![K::ZERO; e.len()]);
    for part in scaling::parts(relation) {
        let contraction = part.contraction;
        let (num_chunks, channels) = (part.grid.rows, contraction.output_shape.channels);
        for (chunk, channel) in (0..num_chunks).flat_map(|chunk| (0..channels).map(move |channel| (chunk, channel))) {
            let index = part.grid.index(chunk) + channel;
            if let Some((sign, factor)) = part.hidden.sign.as_ref().filter(|_| part.sign) {
                p[index] = xi * weights.signs[part.layer][chunk][channel] * literal.integer(factor, channel);
                let pixels = literal.pixels(contraction).into_iter().filter(|&(other, ..)| other == chunk);
                q[index] = pixels.map(|(_, pixel, eq)| eq * literal.cell(*sign, channel, pixel)).sum();
            } else {
                p[index] = weights.accumulators[part.layer][chunk][channel] * literal.integer(&part.hidden.multiplier, channel);
                let inputs = if contraction.depthwise { channel..channel + 1 } else { 0..contraction.inner_channels() };
                for (tap, i) in (0..contraction.window.num_taps()).flat_map(|tap| inputs.clone().map(move |i| (tap, i))) {
                    let index_in = contraction.grid.index(contraction.row(chunk, tap)) + i;
                    q[index] += inner[index_in] * literal.weight(contraction, channel, tap, i);
                }
            }
        }
    }
    let scales = Scales { accumulators: &weights.accumulators, signs: &weights.signs, xi };
    let (mut left, mut right) = (Functional::default(), Functional::default());
    scales.add(relation, &point, scale, &mut left);
    scaling::add_contracted(relation, rho, &point, scale, &mut right);
    prop_assert_eq!(literal.apply(&left), scale * dot(&p, &e), "{:#?}", graph.nodes());
    prop_assert_eq!(literal.apply(&right), scale * dot(&q, &e), "{:#?}", graph.nodes());
    Ok(())
}
