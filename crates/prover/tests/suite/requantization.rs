//! Requantization: the relation's one division with a table equals the interpreter's roundings, for every accumulator that can occur.

use proptest::prelude::*;
use verinfer_graph::{
    Add, Conv, DataType, Graph, Node, NodeId, Op, Operand, Requantization, Shape, TensorId, TensorSpec, Window, requantize,
};
use verinfer_relation::Relation;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::learned::Learned;
use verinfer_relation::relation::{Leaf, Recipe, RequantizeRecipe, Rescaling};
use verinfer_relation::setting::Setting;
use verinfer_relation::table::Table;

use crate::random::{Rng, random_requantization};

const CASES: u32 = 10_000;

/// Random accumulators of each channel.
const SAMPLES: usize = 200;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_relation_rounds_as_the_interpreter(seed in any::<u64>(), addition in any::<bool>()) {
        let mut rng = Rng::new(seed);
        let drawn = (0..6).find_map(|attempt| if addition { one_addition(&mut rng, attempt) } else { one_convolution(&mut rng, attempt) });
        if let Some((graph, relation, requantization)) = drawn {
            check_relation(&graph, &relation, &requantization, &mut rng)?;
            if let Some(relation) = hidden(&graph) {
                check_relation(&graph, &relation, &requantization, &mut rng)?;
            }
        }
    }
}

/// A layer of one output whose quotients take more values than three significant bits leave in 2^21.
#[test]
fn a_layer_of_many_keys_can_be_hidden_if_it_can_be_shown() {
    let mut rng = Rng::new(5);
    let requantization = Requantization {
        multipliers: vec![1 << 30],
        shifts: vec![2],
        rounding: verinfer_graph::Rounding::Twice,
        zero_point: -128,
        min: -128,
        max: 127,
    };
    let conv = Conv {
        input: TensorId(0),
        input_zero_point: 0,
        window: Window::POINT,
        weights: vec![127; 60],
        weight_zero_point: 0,
        bias: vec![0],
        requantization: requantization.clone(),
    };
    let (graph, relation, requantization) = network((60, 1), DataType::I8, Op::Conv2d(conv), requantization).unwrap();
    check_relation(&graph, &relation, &requantization, &mut rng).unwrap();
    let hidden = hidden(&graph).unwrap();
    let keys = hidden.setting.weights.unwrap().keys;
    assert!(keys.0 < -(1 << 20) && keys.1 - keys.0 >= 1 << 22, "{keys:?}");
    check_relation(&graph, &hidden, &requantization, &mut rng).unwrap();
}

/// A table that both used would leave the long remainder of the addition no room beside the large keys of the layer.
#[test]
fn an_addition_has_room_beside_a_layer_of_many_keys() {
    let spec = || TensorSpec { name: "t".into(), shape: Shape::new(1, 1, 1), dtype: DataType::I8 };
    let rescale = |multiplier, shift| Requantization {
        multipliers: vec![multiplier],
        shifts: vec![shift],
        rounding: verinfer_graph::Rounding::Twice,
        zero_point: -3,
        min: -128,
        max: 127,
    };
    let conv = Conv {
        input: TensorId(0),
        input_zero_point: -128,
        window: Window::POINT,
        weights: vec![127],
        weight_zero_point: 0,
        bias: vec![0],
        requantization: rescale(1_700_000_001, 4),
    };
    let table: Vec<i32> = (-128..128).map(|value: i32| (value + 5) << 19).collect();
    let right = Operand::Tensor { tensor: TensorId(0), table: table.iter().map(|value| value / 7).collect() };
    let add = Add { left: TensorId(1), left_table: table, right, requantization: rescale(1_234_567_891, -18) };
    let node = |op, output| Node { source: "OP".into(), op, output: TensorId(output) };
    let nodes = vec![node(Op::Conv2d(conv), 1), node(Op::Add(add), 2)];
    let graph = Graph::new(vec![spec(), spec(), spec()], nodes, TensorId(0), TensorId(2)).unwrap();
    let relation = Relation::new(&graph).unwrap();
    let shift = |node: usize| {
        let Recipe::Requantize(recipe) = &relation.recipes[node] else { panic!("{:?}", relation.recipes[node]) };
        (recipe.shift, relation.column(recipe.output).leaf.clone())
    };
    let ((_, layer), (bits, addition)) = (shift(0), shift(1));
    let keys = |leaf: Leaf| {
        let Leaf::Lookup { table, .. } = leaf else { panic!("{leaf:?}") };
        relation.tables[table.0].len
    };
    let (many, few) = (keys(layer), keys(addition));
    assert!(bits > 40 && many > 1 << 18 && few < 1 << 12, "{bits} bits beside {few} keys, {many} in the other table");
}

/// The relation with hidden weights, where the constants fit.
fn hidden(graph: &Graph) -> Option<Relation> {
    let setting = Setting { weights: Some(Envelope::of(graph).ok()?), ..Setting::default() };
    let relation = Relation::with_setting(graph, 1, &setting).ok()?;
    Learned::new(graph, &relation).ok().map(|_| relation)
}

fn check_relation(graph: &Graph, relation: &Relation, requantization: &Requantization, rng: &mut Rng) -> Result<(), TestCaseError> {
    let ranges = graph.accumulator_range(NodeId(0)).unwrap();
    let Recipe::Requantize(recipe) = &relation.recipes[0] else { panic!("the node has an accumulator") };
    let rescaling = recipe.rescaling.clone().or_else(|| Learned::new(graph, relation).ok()?.rescalings.swap_remove(0)).unwrap();
    let table = |column: ColumnId| match &relation.column(column).leaf {
        Leaf::Lookup { table, .. } => &relation.tables[table.0],
        Leaf::Free | Leaf::Multiplicity(_) | Leaf::Row { .. } | Leaf::Spare => panic!("the column is looked up"),
    };
    let rounding = Rounding { recipe, rescaling: &rescaling, outputs: table(recipe.output), signs: recipe.sign.map(table) };
    for channel in 0..rescaling.multipliers.len() {
        let range = if ranges.len() == 1 { ranges[0] } else { ranges[channel] };
        for acc in accumulators(range, requantization, channel, rng) {
            rounding.check(requantization, channel, acc)?;
        }
    }
    Ok(())
}

/// A requantization of the relation, and its tables.
struct Rounding<'a> {
    recipe: &'a RequantizeRecipe,
    rescaling: &'a Rescaling,
    outputs: &'a Table,
    signs: Option<&'a Table>,
}

impl Rounding<'_> {
    /// The honest parts of an accumulator give the interpreter's output, and so do the parts with the other sign, if the tables have them at all.
    fn check(&self, requantization: &Requantization, channel: usize, acc: i64) -> Result<(), TestCaseError> {
        let (recipe, rescaling) = (self.recipe, self.rescaling);
        let expected = i64::from(requantize(i32::try_from(acc).unwrap(), requantization, channel));
        let split = recipe.split(rescaling, channel, acc);
        prop_assert!((0..1i64 << recipe.shift).contains(&split.remainder));
        prop_assert_eq!(self.output(split.key), Some(expected), "accumulator {}, {:?}", acc, requantization);
        if self.signs.is_some() {
            prop_assert_eq!(self.sign(split.key), Some(i64::from(split.sign)));
            prop_assert!((0..=1i64 << recipe.shift).contains(&rescaling.sign_factors[channel]));
            let other = !split.sign;
            let sign_factor = if other { i128::from(rescaling.sign_factors[channel]) } else { 0 };
            let product = i128::from(rescaling.multipliers[channel]) * i128::from(acc);
            let value = product + i128::from(rescaling.constants[channel]) - sign_factor;
            let key = i64::try_from(value >> recipe.shift).unwrap();
            if let Some(output) = self.output(key).filter(|_| self.sign(key) == Some(i64::from(other))) {
                prop_assert_eq!(output, expected, "accumulator {} with the wrong sign, {:?}", acc, requantization);
            }
        }
        Ok(())
    }

    fn output(&self, key: i64) -> Option<i64> {
        self.outputs.row(key + self.recipe.key_offset).and_then(|row| self.outputs.output(row))
    }

    fn sign(&self, key: i64) -> Option<i64> {
        self.signs.and_then(|table| table.row(key).and_then(|row| table.output(row)))
    }
}

/// Ends of the range, values around zero, random ones, and for some random outputs both sides of the step to them.
fn accumulators((low, high): (i64, i64), requantization: &Requantization, channel: usize, rng: &mut Rng) -> Vec<i64> {
    let mut found: Vec<i64> = (low..=high).take(3).chain((low..=high).rev().take(3)).chain((-3..=3).map(|v| v.clamp(low, high))).collect();
    found.extend((0..SAMPLES).map(|_| rng.between(low, high)));
    for _ in 0..SAMPLES / 4 {
        let from = first_with_output_of(rng.between(low, high), low, channel, requantization);
        found.extend((from - 1..=from).filter(|acc| (low..=high).contains(acc)));
    }
    found
}

/// The smallest accumulator from `low` on with the same output as `acc`.
fn first_with_output_of(acc: i64, low: i64, channel: usize, requantization: &Requantization) -> i64 {
    let output = requantization.quotient(acc as i32, channel);
    let (mut from, mut to) = (low, acc);
    while from < to {
        let middle = from + (to - from) / 2;
        if requantization.quotient(middle as i32, channel) >= output { to = middle } else { from = middle + 1 }
    }
    from
}

/// A convolution of one tap from many channels to a few.
fn one_convolution(rng: &mut Rng, attempt: u32) -> Option<(Graph, Relation, Requantization)> {
    let (inputs, outputs) = (1 << rng.below(8), 1 + rng.below(4));
    let dtype = *rng.pick(&[DataType::U8, DataType::I8]);
    let size = 9000 * inputs as i64;
    let requantization = random_requantization(rng, dtype, outputs, size, attempt);
    let conv = Conv {
        input: TensorId(0),
        input_zero_point: rng.between(-128, 127) as i32,
        window: Window::POINT,
        weights: (0..inputs * outputs).map(|_| rng.between(-128, 127) as i16).collect(),
        weight_zero_point: 0,
        bias: (0..outputs).map(|_| rng.between(-size, size) as i32).collect(),
        requantization: requantization.clone(),
    };
    network((inputs, outputs), dtype, Op::Conv2d(conv), requantization)
}

/// A table of any values, plus a constant.
fn one_addition(rng: &mut Rng, attempt: u32) -> Option<(Graph, Relation, Requantization)> {
    let channels = 1 + rng.below(3);
    let dtype = *rng.pick(&[DataType::U8, DataType::I8]);
    let size = 1i64 << rng.below(29);
    let requantization = random_requantization(rng, dtype, 1, size, attempt);
    let left_table: Vec<i32> = (0..256).map(|_| rng.between(-size, size) as i32).collect();
    let ends = [left_table.iter().min()?, left_table.iter().max()?].map(|&end| i64::from(end));
    let constant = |rng: &mut Rng| match rng.below(2) {
        0 => rng.between(-size, size),
        // The range begins or ends within one of a step of the rounding.
        _ => first_with_output_of(rng.between(-size, size), -size, 0, &requantization) - ends[rng.below(2)] + rng.between(-1, 1),
    };
    let add = Add {
        left: TensorId(0),
        right: Operand::Constant((0..channels).map(|_| constant(rng) as i32).collect()),
        left_table,
        requantization: requantization.clone(),
    };
    network((channels, channels), dtype, Op::Add(add), requantization)
}

fn network(
    (inputs, outputs): (usize, usize),
    dtype: DataType,
    op: Op,
    requantization: Requantization,
) -> Option<(Graph, Relation, Requantization)> {
    let spec = |channels, dtype| TensorSpec { name: "t".into(), shape: Shape::new(1, 1, channels), dtype };
    let node = Node { source: "OP #0".into(), op, output: TensorId(1) };
    let graph = Graph::new(vec![spec(inputs, DataType::I8), spec(outputs, dtype)], vec![node], TensorId(0), TensorId(1)).ok()?;
    let relation = Relation::new(&graph).ok()?;
    Some((graph, relation, requantization))
}
