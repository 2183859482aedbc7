//! What the plain checker finds: one test for each violation, and that it accepts a trained network.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{
    Conv, DataType, Graph, MaxPool, Node, NodeId, Op, Pad, Requantization, Rounding, Shape, TensorId, TensorSpec, Window, run,
};
use verinfer_import::import_tflite;
use verinfer_prover::Witness;
use verinfer_relation::Relation;
use verinfer_relation::check::{Assignment, CheckReport, Place, Violation, check};
use verinfer_relation::field::F;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::Role;
use verinfer_relation::setting::Setting;

use crate::random::generator;

#[test]
fn the_built_in_model_satisfies_its_relation() {
    let model = import_tflite(include_bytes!("../../../../models/digits/digits_int8.tflite")).unwrap();
    let input: Vec<i16> = (0..model.input.shape.num_elements() as i64).map(|i| (i * 7919 % 65_537 % 256 - 128) as i16).collect();
    let relation = Relation::new(&model.graph).unwrap();
    let witness = Witness::new(&model.graph, &relation, &input, &mut generator()).unwrap();
    let output = &witness.tensors[model.graph.output().0];
    let report = check(&model.graph, &relation, &Assignment { cells: &witness.cells, input: &input, output }).unwrap();
    assert_eq!(report.outputs, 10);
}

#[test]
fn the_report_counts_every_constraint() {
    let case = Case::new();
    let report = case.check().unwrap();
    // Convolution: 25 pixels of 2 channels; maximum: 20 pairs of a row and 16 of these, of 2 channels.
    assert_eq!((report.accumulators, report.outputs), (50, 32));
    let counts = |name: &str| report.lookups.iter().find(|(found, _)| found == name).unwrap().1;
    assert_eq!((counts("clamp of halves"), counts("sign"), counts("positive part")), (50, 50, 72));
    let rows: usize = case.relation.tables.iter().map(|table| table.len).sum();
    assert_eq!(report.multiplicities, rows);
    let multiplicities = case.relation.tables.iter().map(|table| table.len).sum::<usize>();
    let random = 3 * case.relation.masks.num_secrets() + 3;
    assert_eq!(report.num_lookups() + multiplicities + random, case.relation.num_cells());
}

#[test]
fn vectors_of_another_length_are_refused() {
    let case = Case::new();
    let mut shorter = Case::new();
    shorter.witness.cells.pop();
    let expected = case.relation.layout.num_stored();
    assert_eq!(shorter.violation(), Violation::CellCount { found: expected - 1, expected });
    let mut shorter = Case::new();
    let used = case.relation.num_cells();
    shorter.witness.cells.truncate(used);
    assert_eq!(shorter.violation(), Violation::CellCount { found: used, expected });
    let mut shorter = Case::new();
    shorter.input.pop();
    assert_eq!(shorter.violation(), Violation::InputLength { found: 24, expected: 25 });
    let mut shorter = Case::new();
    shorter.output.pop();
    assert_eq!(shorter.violation(), Violation::OutputLength { found: 31, expected: 32 });
}

#[test]
fn secrets_masks_and_zeros_at_the_end_are_free() {
    let mut case = Case::new();
    let first = case.cell(case.column(Role::Secrets), 0, 0);
    for cell in [first, case.cell(case.column(Role::Spare), 0, 2), case.relation.num_cells(), case.witness.cells.len() - 1] {
        case.witness.cells[cell] += F::ONE;
    }
    assert_eq!(case.check().unwrap(), Case::new().check().unwrap());
}

#[test]
fn a_limb_out_of_range_is_not_in_its_table() {
    let mut case = Case::new();
    let limb = case.column(Role::Limb(0));
    case.set(limb, 1, 7, F::from_u32(1 << 20));
    let at = place(0, "CONV_2D #0", Role::Limb(0), (1, 1, 2));
    let Violation::NotInTable { at: found, table, tuple, first, .. } = case.violation() else { panic!("the limb is out of range") };
    assert_eq!((found, table.as_str(), tuple, first), (at, "range", vec![1 << 20], 0));
}

#[test]
fn an_output_that_is_not_the_maximum_is_not_its_row() {
    let mut case = Case::new();
    let running = case.column(Role::Running(2));
    let value = case.get(running, 0, 6);
    case.set(running, 0, 6, value + F::ONE);
    let Violation::NotARow { at, table, tuple, expected } = case.violation() else { panic!("the maximum is wrong") };
    assert_eq!((at, table.as_str()), (place(1, "MAX_POOL_2D #1", Role::Running(2), (0, 1, 2)), "positive part"));
    assert_eq!((tuple[0], tuple[1]), (expected[0], expected[1] + 1));
}

#[test]
fn a_wrong_accumulator_makes_a_quotient_that_is_no_integer() {
    let mut case = Case::new();
    case.input[12] = if case.input[12] == 5 { 6 } else { 5 };
    let Violation::NotInTable { at, table, .. } = case.violation() else { panic!("the key is no integer") };
    assert_eq!((at.node, at.role, table.as_str()), (Some(0), Role::Sign, "sign"));
}

#[test]
fn a_wrong_sign_is_not_its_row() {
    let mut case = Case::new();
    let sign = case.column(Role::Sign);
    let value = case.get(sign, 0, 0);
    case.set(sign, 0, 0, F::ONE - value);
    let found = case.violation();
    assert!(matches!(&found, Violation::NotInTable { at, .. } | Violation::NotARow { at, .. } if at.role == Role::Sign), "{found}");
}

#[test]
fn a_multiplicity_must_count_exactly() {
    let mut case = Case::new();
    let column = ColumnId(case.relation.columns.iter().position(|column| matches!(column.role, Role::Multiplicity(_))).unwrap());
    let value = case.get(column, 0, 3);
    case.set(column, 0, 3, value + F::ONE);
    let Violation::Multiplicity { table, key, found, expected } = case.violation() else { panic!("the count is wrong") };
    assert_eq!((table.as_str(), key, found), ("range", 3, expected as i64 + 1));
}

#[test]
fn the_output_must_be_the_claimed_one() {
    let mut case = Case::new();
    case.output[9] += 1;
    let claimed = case.output[9];
    let at = place(1, "MAX_POOL_2D #1", Role::Running(2), (1, 1, 0));
    assert_eq!(case.violation(), Violation::Output { at, found: i64::from(claimed) - 1, claimed });
    assert_eq!(
        case.violation().to_string(),
        format!("node 1 (MAX_POOL_2D #1), Running(2), channel 1, pixel (1, 0): the output is {}, {claimed} is claimed", claimed - 1)
    );
}

#[test]
fn a_batch_is_checked_image_by_image() {
    let (one, mut three) = (Case::new().check().unwrap(), Case::batch(3));
    let report = three.check().unwrap();
    assert_eq!((report.accumulators, report.outputs), (3 * one.accumulators, 3 * one.outputs));
    assert_eq!((report.num_lookups(), report.multiplicities), (3 * one.num_lookups(), one.multiplicities));
    // Pixel (1, 2) of channel 0 of the last image.
    let running = three.column(Role::Running(2));
    let value = three.get(running, 0, 2 * 16 + 6);
    three.set(running, 0, 2 * 16 + 6, value + F::ONE);
    let Violation::NotARow { at, .. } = three.violation() else { panic!("the maximum is wrong") };
    assert_eq!(at, Place { image: Some(2), ..place(1, "MAX_POOL_2D #1", Role::Running(2), (0, 1, 2)) });
    assert_eq!(at.to_string(), "image 2, node 1 (MAX_POOL_2D #1), Running(2), channel 0, pixel (1, 2)");
    let mut three = Case::batch(3);
    three.output[32 + 9] += 1;
    let Violation::Output { at, .. } = three.violation() else { panic!("the output is wrong") };
    assert_eq!((at.image, at.channel, at.y, at.x), (Some(1), 1, 1, 0));
    three.output.pop();
    assert_eq!(three.violation(), Violation::OutputLength { found: 95, expected: 96 });
    three.input.truncate(25);
    assert_eq!(three.violation(), Violation::InputLength { found: 25, expected: 75 });
}

#[test]
fn a_border_may_lie_in_all_three_directions() {
    let pad = Pad { input: TensorId(0), before: Shape::new(1, 0, 2), value: 7 };
    holds(Shape::new(2, 3, 2), Op::Pad(pad), Shape::new(4, 4, 5));
}

#[test]
fn a_depthwise_layer_may_follow_a_flattening() {
    let tensors = [Shape::new(2, 3, 2), Shape::new(1, 1, 12), Shape::new(1, 1, 12)].map(spec).to_vec();
    let conv = Conv { weights: (1..=12).collect(), bias: vec![0; 12], ..convolution(TensorId(1), Window::POINT) };
    let nodes = vec![node("RESHAPE #0", Op::Reshape { input: TensorId(0) }, 1), node("MUL #1", Op::DepthwiseConv2d(conv), 2)];
    holds_for(&Graph::new(tensors, nodes, TensorId(0), TensorId(2)).unwrap());
}

fn holds(input: Shape, op: Op, output: Shape) {
    let graph = Graph::new(vec![spec(input), spec(output)], vec![node("OP #0", op, 1)], TensorId(0), TensorId(1)).unwrap();
    holds_for(&graph);
}

fn holds_for(graph: &Graph) {
    let input: Vec<i16> = (0..graph.spec(graph.input()).shape.num_elements() as i16).map(|i| i * 37 % 128).collect();
    let relation = Relation::new(graph).unwrap();
    let witness = Witness::new(graph, &relation, &input, &mut generator()).unwrap();
    let output = &run(graph, &input).unwrap().tensors[graph.output().0];
    if let Err(violation) = check(graph, &relation, &Assignment { cells: &witness.cells, input: &input, output }) {
        panic!("{violation}");
    }
}

/// A convolution whose rounding needs a sign, and a maximum over 2x2 pixels.
struct Case {
    graph: Graph,
    relation: Relation,
    witness: Witness,
    input: Vec<i16>,
    output: Vec<i16>,
}

impl Case {
    fn new() -> Self {
        Self::batch(1)
    }

    fn batch(images: usize) -> Self {
        let tensors = [Shape::new(5, 5, 1), Shape::new(5, 5, 2), Shape::new(4, 4, 2)].map(spec).to_vec();
        let window = Window { kernel_h: 3, kernel_w: 3, pad_top: 1, pad_left: 1, ..Window::POINT };
        let weights = (0..18).map(|i| i * 29 % 251 - 125).collect();
        let conv = Conv { weights, bias: vec![300, -200], ..convolution(TensorId(0), window) };
        let window = Window { kernel_h: 2, kernel_w: 2, ..Window::POINT };
        let pool = MaxPool { input: TensorId(1), window, min: -128, max: 127 };
        let nodes = vec![node("CONV_2D #0", Op::Conv2d(conv), 1), node("MAX_POOL_2D #1", Op::MaxPool(pool), 2)];
        let graph = Graph::new(tensors, nodes, TensorId(0), TensorId(2)).unwrap();
        let relation = Relation::with_setting(&graph, images, &Setting::default()).unwrap();
        let input: Vec<i16> = (0..25 * images as i16).map(|i| (i * 83 + 11) % 256 - 128).collect();
        let witness = Witness::new(&graph, &relation, &input, &mut generator()).unwrap();
        let output = witness.tensors[2].clone();
        Self { graph, relation, witness, input, output }
    }

    fn check(&self) -> Result<CheckReport, Box<Violation>> {
        let assignment = Assignment { cells: &self.witness.cells, input: &self.input, output: &self.output };
        check(&self.graph, &self.relation, &assignment)
    }

    fn violation(&self) -> Violation {
        *self.check().unwrap_err()
    }

    fn column(&self, role: Role) -> ColumnId {
        ColumnId(self.relation.columns.iter().position(|column| column.role == role).unwrap())
    }

    fn cell(&self, column: ColumnId, channel: usize, pixel: usize) -> usize {
        let chunks = &self.relation.layout.placement(column).chunks;
        let chunk = chunks.iter().find(|chunk| chunk.pixels().contains(&pixel)).unwrap();
        chunk.first_cell(channel) + pixel - chunk.first_pixel
    }

    fn get(&self, column: ColumnId, channel: usize, pixel: usize) -> F {
        self.witness.cells[self.cell(column, channel, pixel)]
    }

    fn set(&mut self, column: ColumnId, channel: usize, pixel: usize, value: F) {
        let cell = self.cell(column, channel, pixel);
        self.witness.cells[cell] = value;
    }
}

fn place(node: usize, operator: &str, role: Role, (channel, y, x): (usize, usize, usize)) -> Place {
    Place { node: Some(NodeId(node).0), operator: operator.into(), image: None, role, channel, y, x }
}

fn convolution(input: TensorId, window: Window) -> Conv {
    let requantization = Requantization {
        multipliers: vec![1_500_000_000],
        shifts: vec![-7],
        rounding: Rounding::Twice,
        zero_point: 3,
        min: -128,
        max: 127,
    };
    Conv { input, input_zero_point: -1, window, weights: Vec::new(), weight_zero_point: 0, bias: Vec::new(), requantization }
}

fn spec(shape: Shape) -> TensorSpec {
    TensorSpec { name: "t".into(), shape, dtype: DataType::I8 }
}

fn node(source: &str, op: Op, output: usize) -> Node {
    Node { source: source.into(), op, output: TensorId(output) }
}
