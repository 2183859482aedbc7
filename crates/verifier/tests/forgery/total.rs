//! What is left out of something derived would be bound by nothing: a limit must not carry it, and a gap must be noticed.

use verinfer_graph::{Conv, DataType, Graph, Node, Op, Pad, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
use verinfer_relation::layout::{ColumnId, Layout};
use verinfer_relation::masks::MaskPlan;
use verinfer_relation::relation::{Coefficients, Factor, Form, Leaf, Location, ObjectKind, Role, Source};
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, PublicTensor, Statement};
use verinfer_relation::total::Gap;
use verinfer_relation::wiring::{ChannelMap, PixelMap};
use verinfer_relation::{Relation, RelationError};
use verinfer_verifier::{Proof, Verifier, VerifyError};

use crate::forger::{CONTEXT, EXPECTATIONS, FORGER, LEVEL};
use crate::hidden::{COMMITTED, CORRECT, HIDDEN, forgers};

/// Side of the padded plane, and images: its plane of all images has `2^30` pixels.
const SIDE: usize = 1 << 10;

/// One pixel in a plane of fives, of which one is read.
fn padded() -> Graph {
    let point = Shape::new(1, 1, 1);
    let conv = Conv {
        input: TensorId(1),
        input_zero_point: 0,
        window: Window { stride_h: SIDE, stride_w: SIDE, ..Window::POINT },
        weights: vec![1],
        weight_zero_point: 0,
        bias: vec![0],
        requantization: Requantization {
            multipliers: vec![1 << 30],
            shifts: vec![0],
            rounding: Rounding::Twice,
            zero_point: -128,
            min: -128,
            max: 127,
        },
    };
    let spec = |shape| TensorSpec { name: String::new(), shape, dtype: DataType::I8 };
    let node = |op, output| Node { source: String::new(), op, output: TensorId(output) };
    let pad = Pad { input: TensorId(0), before: Shape::new(0, 0, 0), value: 5 };
    let tensors = vec![spec(point), spec(Shape::new(SIDE, SIDE, 1)), spec(point)];
    Graph::new(tensors, vec![node(Op::Pad(pad), 1), node(Op::Conv2d(conv), 2)], TensorId(0), TensorId(2)).unwrap()
}

/// A verifier with a limit of `2^31` cells took the column of the padded plane without a cell: it read as zero, whatever the input.
#[test]
fn a_plane_that_no_layout_holds_is_refused_whatever_the_limit_of_the_caller() {
    let graph = padded();
    let tensor = || PublicTensor { shape: Shape::new(1, 1, 1), dtype: DataType::I8, values: vec![100; SIDE] };
    let statement = Statement {
        security_level: LEVEL,
        context: CONTEXT.to_vec(),
        images: SIDE as u32,
        model: ModelClaim::Public { digest: graph.digest() },
        input: InputClaim::Shown(tensor()),
        output: OutputClaim::Shown(PublicTensor { values: vec![-128; SIDE], ..tensor() }),
    };
    let file = Proof { statement, body: vec![0; 49_000] }.encode();
    for max_cells in [1 << 30, 1 << 31, 1 << 40, usize::MAX] {
        let verifier = Verifier::with_setting_within(max_cells, graph.clone(), 1, &Setting::default()).unwrap();
        let error = verifier.verify(&file, &EXPECTATIONS).unwrap_err();
        assert!(matches!(error, VerifyError::Relation(RelationError::TooLarge { max_cells: MOST, .. })), "{max_cells}: {error}");
    }
}

const MOST: usize = 1 << Layout::MAX_LOG_CELLS;

#[test]
fn no_setting_has_the_relation_of_a_plane_that_no_layout_holds() {
    let graph = padded();
    let hidden_input = Setting { hidden_input: true, ..Setting::default() };
    let weights = Setting { weights: Some(verinfer_relation::envelope::Envelope::of(&graph).unwrap()), ..Setting::default() };
    for setting in [Setting::default(), hidden_input, weights] {
        for images in [SIDE, 2 * SIDE, 4095 * SIDE, 1 << 44, usize::MAX] {
            let error = Relation::within(usize::MAX, &graph, images, &setting).unwrap_err();
            assert!(matches!(error, RelationError::TooLarge { cells, max_cells: MOST } if cells > MOST), "{images}: {error}");
        }
    }
}

/// The gap that a change leaves.
fn gap(relation: &Relation, change: impl FnOnce(&mut Relation)) -> Option<Gap> {
    let mut relation = relation.clone();
    change(&mut relation);
    relation.check_total().err()
}

#[test]
fn what_is_derived_has_no_gap() {
    assert_eq!(FORGER.relation().check_total(), Ok(()));
    for (name, forger) in forgers() {
        assert_eq!(forger.relation().check_total(), Ok(()), "{name}");
    }
}

#[test]
fn a_column_without_place_is_noticed() {
    let relation = FORGER.relation();
    assert_eq!(gap(relation, |relation| relation.columns[0].pixels += 1), Some(Gap::Layout));
    assert_eq!(gap(relation, |relation| relation.columns[0].channels -= 1), Some(Gap::Layout));
    assert_eq!(gap(relation, |relation| relation.columns.truncate(relation.columns.len() - 1)), Some(Gap::Layout));
    assert_eq!(gap(relation, |relation| relation.output = ColumnId(relation.columns.len())), Some(Gap::Layout));
    let shapes: Vec<_> = relation.columns.iter().map(|column| (column.channels, column.pixels)).collect();
    let without_masks = Layout::new(&shapes, &[], |cells| cells).unwrap();
    assert_eq!(gap(relation, |relation| relation.layout = without_masks), Some(Gap::Layout));
}

#[test]
fn a_cell_that_nothing_binds_is_noticed() {
    for (column, of) in FORGER.relation().columns.iter().enumerate() {
        let found = gap(FORGER.relation(), |relation| relation.columns[column].leaf = Leaf::Free);
        let expected = match of.leaf {
            Leaf::Free => None,
            Leaf::Multiplicity(table) => Some(Gap::Table { table: table.0 }),
            Leaf::Spare | Leaf::Lookup { .. } | Leaf::Row { .. } => Some(Gap::Free { column }),
        };
        assert_eq!(found, expected, "{:?}", of.role);
    }
}

/// The forms of a column's tuple.
fn values(relation: &mut Relation, column: usize) -> Option<&mut Vec<Form>> {
    match &mut relation.columns[column].leaf {
        Leaf::Lookup { values, .. } | Leaf::Row { values, .. } => Some(values),
        Leaf::Free | Leaf::Multiplicity(_) | Leaf::Spare => None,
    }
}

#[test]
fn a_tuple_of_another_length_than_its_rows_is_noticed() {
    for relation in [FORGER.relation(), CORRECT.relation()] {
        for column in 0..relation.columns.len() {
            let mut changed = relation.clone();
            let Some(tuple) = values(&mut changed, column) else { continue };
            let is_row = matches!(relation.columns[column].role, Role::Reads);
            tuple.pop();
            // Rows that are cells say how long a row is: their lookups have another length.
            let found = changed.check_total().err();
            assert!(matches!(found, Some(Gap::Tuple { column: at, .. }) if is_row || at == column), "{found:?}");
            let mut changed = relation.clone();
            let tuple = values(&mut changed, column).unwrap();
            tuple.resize(4, tuple[0].clone());
            let found = changed.check_total().err();
            assert!(matches!(found, Some(Gap::Tuple { column: at, .. }) if is_row || at == column), "{found:?}");
        }
    }
}

/// Shortens a constant by one channel or pixel, if it has some; or has it reach beyond the channels.
fn shorten(constant: &mut Coefficients) -> bool {
    match constant {
        Coefficients::Uniform(_) => false,
        Coefficients::Channel(values) => values.pop().is_some(),
        Coefficients::Missing(missing) => {
            missing[0].channels.end += 1000;
            true
        }
        Coefficients::Grid(by_place) => by_place.rows.pop().is_some(),
        Coefficients::Pixel(values) => {
            values.pop();
            // Constants are repeated for each image: a period of one pixel is one.
            values.len() != 1
        }
    }
}

/// Has a source read a pixel or a channel too few or too many.
fn shift(source: &mut Source) {
    match source {
        Source::Cell(column) => column.0 += 1000,
        Source::Reordered { location } => *location = Location::Column(ColumnId(1000)),
        Source::Integers(bytes) => bytes.columns[0].1 -= 1,
        Source::Accumulator(id) | Source::ScaledAccumulator(id) | Source::ScaledSign(id) => id.0 += 1,
        Source::Tensor { shape, pixels, channels, .. } => match (pixels, channels) {
            (PixelMap::Total { len }, _) => *len -= 1,
            (PixelMap::Window { target, .. } | PixelMap::Broadcast { target, .. }, _) => target.width += 1,
            (PixelMap::Inset { left, .. }, _) => *left += 100,
            (PixelMap::Same, ChannelMap::Select { channel }) => *channel = shape.channels,
            (PixelMap::Same, ChannelMap::Inset { first }) => *first += 1000,
            (PixelMap::Same, ChannelMap::Same | ChannelMap::Broadcast) => shape.channels += 1,
        },
    }
}

#[test]
fn a_form_that_is_not_defined_for_every_cell_is_noticed() {
    let (mut constants, mut factors, mut sources) = (0, 0, 0);
    let all = std::iter::once(&*FORGER).chain(forgers().map(|(_, forger)| forger));
    for relation in all.map(|forger| forger.relation()) {
        for column in 0..relation.columns.len() {
            let mut changed = relation.clone();
            let forms = values(&mut changed, column).map_or(0, |forms| forms.len());
            for form in 0..forms {
                let mut changed = relation.clone();
                if shorten(&mut values(&mut changed, column).unwrap()[form].constant) {
                    assert_eq!(changed.check_total(), Err(Gap::Form { column }));
                    constants += 1;
                }
                let terms = values(&mut changed, column).unwrap()[form].terms.len();
                for term in 0..terms {
                    let mut changed = relation.clone();
                    if let Factor::Channel(values) = &mut values(&mut changed, column).unwrap()[form].terms[term].factor {
                        values.pop();
                        assert_eq!(changed.check_total(), Err(Gap::Form { column }));
                        factors += 1;
                    }
                    let mut changed = relation.clone();
                    let source = &mut values(&mut changed, column).unwrap()[form].terms[term].source;
                    shift(source);
                    let source = format!("{source:?}");
                    assert_eq!(changed.check_total(), Err(Gap::Form { column }), "{source}");
                    sources += 1;
                }
            }
        }
    }
    assert!(constants > 50 && factors > 20 && sources > 300, "{constants} constants, {factors} factors, {sources} sources");
}

#[test]
fn a_row_of_a_table_that_is_not_counted_is_noticed() {
    let relation = FORGER.relation();
    for table in 0..relation.tables.len() {
        let expected = Some(Gap::Table { table });
        assert_eq!(gap(relation, |relation| _ = relation.tables[table].runs.pop()), expected);
        assert_eq!(gap(relation, |relation| _ = relation.tables[table].runs.remove(0)), expected);
        assert_eq!(gap(relation, |relation| relation.tables[table].runs[0].end = 0), expected);
        assert_eq!(gap(relation, |relation| relation.tables[table].len += 1), expected);
        let other = (table + 1) % relation.tables.len();
        let counted_elsewhere = gap(relation, |relation| {
            let mut leaves = relation.columns.iter_mut().map(|column| &mut column.leaf);
            if let Some(Leaf::Multiplicity(counted)) = leaves.find(|leaf| matches!(leaf, Leaf::Multiplicity(id) if id.0 == table)) {
                counted.0 = other;
            }
        });
        assert!(matches!(counted_elsewhere, Some(Gap::Table { .. })), "{counted_elsewhere:?}");
    }
}

#[test]
fn a_term_of_a_linear_layer_without_index_is_noticed() {
    for relation in [FORGER.relation(), HIDDEN.relation()] {
        for contraction in 0..relation.contractions.len() {
            let expected = Some(Gap::Contraction { contraction });
            assert_eq!(gap(relation, |relation| relation.contractions[contraction].grid.rows -= 1), expected);
            assert_eq!(gap(relation, |relation| relation.contractions[contraction].grid.width -= 1), expected);
            assert_eq!(gap(relation, |relation| relation.contractions[contraction].input_shape.height += 1), expected);
        }
    }
    let relation = HIDDEN.relation();
    for contraction in 0..relation.contractions.len() {
        let found = gap(relation, |relation| relation.contractions[contraction].hidden = None);
        assert!(matches!(found, Some(Gap::Form { .. })), "{found:?}");
        let found = gap(relation, |relation| {
            let hidden = relation.contractions[contraction].hidden.as_mut().unwrap();
            hidden.multiplier.columns.truncate(1);
            hidden.multiplier.columns[0].1 = 1;
        });
        assert_eq!(found, Some(Gap::Contraction { contraction }));
    }
    for part in 0..relation.scaling.len() {
        for change in [|rows: usize| rows - 1, |rows: usize| rows + 1] {
            let found = gap(relation, |relation| relation.scaling[part].rows = change(relation.scaling[part].rows));
            assert!(matches!(found, Some(Gap::Contraction { .. })), "{found:?}");
        }
    }
    let found = gap(relation, |relation| relation.scaling.truncate(relation.scaling.len() - 1));
    assert!(matches!(found, Some(Gap::Contraction { .. })), "{found:?}");
    let found = gap(relation, |relation| relation.scaling.push(relation.scaling[0]));
    assert!(matches!(found, Some(Gap::Contraction { .. })), "{found:?}");
}

#[test]
fn a_message_without_pad_is_noticed() {
    for relation in [FORGER.relation(), HIDDEN.relation()] {
        assert_eq!(gap(relation, |relation| relation.masks = MaskPlan::default()), Some(Gap::Masks));
        assert_eq!(gap(relation, |relation| relation.masks = MaskPlan::new(30, 30, None)), Some(Gap::Masks));
    }
    // The product of `A(rho) B(rho)` of hidden weights has no pads in a proof of public ones.
    let public = MaskPlan::new(HIDDEN.relation().layout.log_cells(), HIDDEN.relation().log_contraction_len(), None);
    assert_eq!(gap(HIDDEN.relation(), |relation| relation.masks = public), Some(Gap::Masks));
}

#[test]
fn bytes_that_a_commitment_does_not_bind_are_noticed() {
    for forger in [&*HIDDEN, &*COMMITTED, &*CORRECT] {
        let relation = forger.relation();
        let len = relation.objects.len();
        for (index, object) in relation.objects.iter().enumerate() {
            let found = gap(relation, |relation| drop(relation.objects.remove(index)));
            assert_eq!(found, Some(Gap::Objects { found: len - 1, expected: len }));
            let expected = Some(Gap::Object { kind: object.kind });
            let shortened = gap(relation, |relation| {
                relation.objects[index].values.pop();
            });
            assert_eq!(shortened, expected);
            assert_eq!(gap(relation, |relation| relation.objects[index].values[0].1.end -= 1), expected);
            assert_eq!(gap(relation, |relation| relation.objects[index].salt = relation.output), expected);
            let digests = if object.digests.is_some() { None } else { Some(object.salt) };
            assert_eq!(gap(relation, |relation| relation.objects[index].digests = digests), expected);
        }
    }
    // A layer whose multipliers are in no object.
    let relation = HIDDEN.relation();
    let multiplier = relation.columns.iter().position(|column| matches!(column.role, Role::Multiplier(_))).unwrap();
    let model = relation.objects.iter().position(|object| object.kind == ObjectKind::Model).unwrap();
    let found = gap(relation, |relation| relation.objects[model].values.retain(|(column, _)| column.0 != multiplier));
    assert_eq!(found, Some(Gap::Object { kind: ObjectKind::Model }));
    let shown = gap(relation, |relation| relation.setting.output = OutputForm::Committed);
    assert!(matches!(shown, Some(Gap::Objects { .. })), "{shown:?}");
}
