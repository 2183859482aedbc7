//! What TFLite takes is taken: layouts of files, what nobody reads, shapes that only count elements, constants of any shape, groups.

#[path = "common/build.rs"]
mod build;

use build::{
    ADD, CONV_2D, FULLY_CONNECTED, LSTM, Layout, MUL, Model, Operator, PACK, RESHAPE, SHAPE, STRIDED_SLICE, Table, Tensor, activation,
    constant, conv_options, int, integers, ints,
};
use verinfer_import::{ImportError, Support, Unsupported, import_tflite, survey};

const ADD_OPTIONS: i8 = 11;

fn operator(code: i32, inputs: &[i32], outputs: &[i32], options: (i8, Option<Table>)) -> Operator {
    Operator { code, inputs: inputs.to_vec(), outputs: outputs.to_vec(), options }
}

fn model(tensors: Vec<Tensor>, operators: Vec<Operator>) -> Model {
    Model { tensors, operators, more_subgraphs: Vec::new() }
}

/// Distinct 8-bit numbers.
fn values(count: usize) -> Vec<i8> {
    (0..count).map(|index| (index * 37 + 11) as u8 as i8).collect()
}

fn run(model: &Model, input: &[i8]) -> Vec<i16> {
    let imported = import_tflite(&model.bytes(Layout::Aligned)).unwrap();
    let input: Vec<i16> = input.iter().copied().map(i16::from).collect();
    verinfer_graph::run(&imported.graph, &input).unwrap().tensors[imported.graph.output().0].clone()
}

/// The reason why the last operator is refused.
fn reason(model: &Model) -> Unsupported {
    let error = import_tflite(&model.bytes(Layout::Aligned)).unwrap_err();
    let ImportError::Operator { reason, .. } = error else { panic!("{error}") };
    reason
}

/// A convolution of 4x4 pixels.
fn convolution(filter: &[i32], dilation: i32) -> Model {
    let [channels, height, width, depth] = *filter else { panic!() };
    let weights = values((channels * height * width * depth) as usize);
    let bias: Vec<i32> = (0..channels).map(|channel| 100 * channel - 70).collect();
    model(
        vec![
            activation("x", &[1, 4, 4, 4]),
            constant("w", filter, &weights),
            integers("b", &[channels], &bias),
            Tensor { scale: 64.0, ..activation("y", &[1, 4, 4, channels]) },
        ],
        vec![operator(CONV_2D, &[0, 1, 2], &[3], conv_options(1, dilation))],
    )
}

fn addition(shape: &[i32], constant_shape: &[i32], code: i32) -> Model {
    let count = constant_shape.iter().product::<i32>() as usize;
    model(
        vec![activation("x", shape), constant("c", constant_shape, &values(count)), activation("y", shape)],
        vec![operator(code, &[0, 1], &[2], (0, None))],
    )
}

#[test]
fn vectors_need_no_alignment() {
    let model = convolution(&[3, 3, 3, 4], 1);
    let [aligned, packed] = [Layout::Aligned, Layout::Packed].map(|layout| model.bytes(layout));
    assert_ne!(aligned.len(), packed.len());
    assert_eq!(import_tflite(&packed).unwrap().graph, import_tflite(&aligned).unwrap().graph);
}

#[test]
fn an_option_type_may_come_without_options() {
    let without = |options| {
        import_tflite(
            &Model { operators: vec![operator(ADD, &[0, 1], &[2], options)], ..addition(&[1, 2, 2, 3], &[3], ADD) }.bytes(Layout::Aligned),
        )
    };
    let with_table = without((ADD_OPTIONS, Some(Table::default()))).unwrap();
    for options in [(ADD_OPTIONS, None), (0, None), (0, Some(Table::default()))] {
        assert_eq!(without(options).unwrap().graph, with_table.graph);
    }
}

#[test]
fn a_convolution_needs_its_options() {
    let mut model = convolution(&[3, 3, 3, 4], 1);
    model.operators[0].options = (1, None);
    assert_eq!(reason(&model), Unsupported::Options);
}

#[test]
fn names_need_not_be_utf8() {
    let mut model = convolution(&[3, 3, 3, 4], 1);
    model.tensors[0].name = b"\xffname".to_vec();
    assert_eq!(import_tflite(&model.bytes(Layout::Aligned)).unwrap().input.name, "\u{fffd}name");
}

#[test]
fn tensors_that_nobody_reads_may_have_any_shape() {
    let mut model = convolution(&[3, 3, 3, 4], 1);
    let expected = import_tflite(&model.bytes(Layout::Aligned)).unwrap().graph;
    for shape in [vec![0], vec![1, 0, 3], vec![-1, 2], vec![1 << 20, 1 << 20]] {
        model.tensors.push(activation("unread", &shape));
    }
    assert_eq!(import_tflite(&model.bytes(Layout::Aligned)).unwrap().graph, expected);
    model.tensors[0].shape = vec![1, 0, 4, 4];
    let expected = Unsupported::Dimension { tensor: "x".to_string(), dimension: 0 };
    assert_eq!(import_tflite(&model.bytes(Layout::Aligned)).unwrap_err(), ImportError::Input(expected));
}

#[test]
fn an_unsupported_operator_is_the_reason_and_not_the_shape_of_its_tensors() {
    let mut model = convolution(&[3, 3, 3, 4], 1);
    model.tensors.push(activation("state", &[0]));
    model.tensors.push(activation("z", &[1, 4, 4, 3]));
    model.operators.push(operator(LSTM, &[3, 4], &[5], (0, None)));
    assert_eq!(reason(&model), Unsupported::Operator);
}

#[test]
fn subgraphs_that_nobody_calls_are_not_read() {
    let mut model = convolution(&[3, 3, 3, 4], 1);
    let expected = import_tflite(&model.bytes(Layout::Aligned)).unwrap().graph;
    model.more_subgraphs = vec![Table(vec![(1, ints(&[7])), (2, ints(&[9]))])];
    assert_eq!(import_tflite(&model.bytes(Layout::Aligned)).unwrap().graph, expected);
}

#[test]
fn a_bias_has_as_many_elements_as_channels_in_any_shape() {
    let mut model = convolution(&[3, 3, 3, 4], 1);
    let expected = import_tflite(&model.bytes(Layout::Aligned)).unwrap().graph;
    for shape in [vec![1, 1, 1, 3], vec![1, 3], vec![3, 1]] {
        model.tensors[2].shape = shape;
        assert_eq!(import_tflite(&model.bytes(Layout::Aligned)).unwrap().graph, expected);
    }
    model.tensors[2] = integers("b", &[1, 2], &[1, 2]);
    assert!(matches!(reason(&model), Unsupported::Shape { .. }));
}

/// The output of a convolution of 4x4 pixels by its definition, before rescaling by 0.5 * 0.25 / 64 = 2^-9.
fn expected_convolution(filter: &[i32], dilation: i32, input: &[i8]) -> Vec<i16> {
    let [channels, height, width, depth] = [0, 1, 2, 3].map(|side| filter[side] as usize);
    let weights = values(channels * height * width * depth);
    let per_group = channels / (4 / depth);
    let mut outputs = Vec::new();
    for (y, x, channel) in (0..16).flat_map(|pixel| (0..channels).map(move |channel| (pixel / 4, pixel % 4, channel))) {
        let mut sum = 100 * channel as i64 - 70;
        for (row, column, from) in (0..height * width * depth).map(|tap| (tap / depth / width, tap / depth % width, tap % depth)) {
            let pad = |kernel: usize| ((kernel as i64 - 1) * i64::from(dilation)) / 2;
            let (y, x) =
                (y as i64 + row as i64 * i64::from(dilation) - pad(height), x as i64 + column as i64 * i64::from(dilation) - pad(width));
            if (0..4).contains(&y) && (0..4).contains(&x) {
                let value = input[((y * 4 + x) * 4) as usize + channel / per_group * depth + from];
                let weight = weights[((channel * height + row) * width + column) * depth + from];
                sum += (i64::from(value) - 3) * i64::from(weight);
            }
        }
        // To nearest, ties away from zero.
        let rounded = (sum.abs() + (1 << 8)) >> 9;
        outputs.push((rounded * sum.signum() + 3).clamp(-128, 127) as i16);
    }
    outputs
}

#[test]
fn groups_of_channels_are_convolved_apart() {
    let input = values(64);
    for filter in [[6, 3, 3, 2], [4, 1, 1, 1], [8, 3, 3, 1], [3, 3, 3, 4]] {
        assert_eq!(run(&convolution(&filter, 1), &input), expected_convolution(&filter, 1, &input), "{filter:?}");
    }
}

#[test]
fn groups_that_do_not_divide_the_outputs_are_refused_as_such() {
    let expected = Unsupported::Groups { filter: "w".to_string(), channels: 3, groups: 2 };
    assert_eq!(reason(&convolution(&[3, 3, 3, 2], 1)), expected);
    assert!(expected.to_string().contains("groups"));
}

#[test]
fn a_dilated_window_may_have_no_tap() {
    let input = values(64);
    for (filter, dilation) in [([3, 2, 2, 4], 9), ([2, 3, 3, 4], 3), ([2, 2, 1, 4], 8)] {
        assert_eq!(run(&convolution(&filter, dilation), &input), expected_convolution(&filter, dilation, &input), "{filter:?}");
    }
}

#[test]
fn constants_of_any_shape_are_added_and_multiplied() {
    let input = values(12);
    for code in [ADD, MUL] {
        for shape in [vec![1, 2, 3, 2], vec![2, 3, 2], vec![1, 2, 1, 2], vec![1, 1, 3, 2], vec![1, 2, 3, 1], vec![3, 1], vec![2, 1, 1]] {
            // The same elements one after the other, each with a channel of its own.
            let sides = [1, 2, 3, 2];
            let padded: Vec<i32> = std::iter::repeat_n(1, 4 - shape.len()).chain(shape.iter().copied()).collect();
            let stored = values(shape.iter().product::<i32>() as usize);
            let repeated: Vec<i8> = (0..12)
                .map(|index| {
                    let position = [0, index / 6, index / 2 % 3, index % 2];
                    let at = (0..4).fold(0, |at, side| at * padded[side] + if padded[side] == sides[side] { position[side] } else { 0 });
                    stored[at as usize]
                })
                .collect();
            let mut flat = addition(&[1, 1, 1, 12], &[12], code);
            flat.tensors[1] = constant("c", &[12], &repeated);
            assert_eq!(run(&addition(&[1, 2, 3, 2], &shape, code), &input), run(&flat, &input), "{shape:?}");
        }
    }
}

#[test]
fn an_operand_that_has_to_be_repeated_beside_a_constant_is_refused_as_such() {
    let mut model = addition(&[1, 2, 3, 2], &[1, 2, 3, 2], ADD);
    model.tensors[0].shape = vec![1, 1, 1, 2];
    let reason = reason(&model);
    assert!(matches!(reason, Unsupported::RepeatedBesideConstant { .. }) && reason.to_string().contains("constant"));
}

#[test]
fn a_shape_computed_from_shapes_is_constant() {
    let tensors = vec![
        activation("x", &[1, 2, 2, 3]),
        Tensor { data: None, ..integers("shape", &[4], &[]) },
        integers("begin", &[1], &[0]),
        integers("end", &[1], &[1]),
        integers("stride", &[1], &[1]),
        Tensor { data: None, ..integers("batch", &[], &[]) },
        integers("rest", &[], &[-1]),
        Tensor { data: None, ..integers("new shape", &[2], &[]) },
        activation("flat", &[1, 12]),
        constant("w", &[2, 12], &values(24)),
        activation("y", &[1, 2]),
    ];
    let operators = vec![
        operator(SHAPE, &[0], &[1], (0, None)),
        operator(STRIDED_SLICE, &[1, 2, 3, 4], &[5], (32, Some(Table(vec![(4, int(1))])))),
        operator(PACK, &[5, 6], &[7], (59, Some(Table(vec![(0, int(2)), (1, int(0))])))),
        operator(RESHAPE, &[0, 7], &[8], (0, None)),
        operator(FULLY_CONNECTED, &[8, 9, -1], &[10], (0, None)),
    ];
    let bytes = model(tensors, operators).bytes(Layout::Aligned);
    let imported = import_tflite(&bytes).unwrap();
    let support: Vec<_> = imported.operators.iter().map(|operator| operator.support.clone()).collect();
    let (constant, lowered) = (Support::Constant, Support::Lowered);
    assert_eq!(support, [constant.clone(), constant.clone(), constant, lowered.clone(), lowered]);
    assert!(survey(&bytes).unwrap().is_supported());
}
