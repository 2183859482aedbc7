//! Operators at the edges of what TFLite's kernels compute, on small files of their own; outputs are those of LiteRT 2.3.0, `BUILTIN_REF`.

use verinfer_graph::run;
use verinfer_import::{Closing, ImportError, Model, Support, Unsupported, import_tflite};
#[path = "common/file.rs"]
mod file;

use file::build::{byte, int, ints};
use file::{BuiltinOperator as Code, Operator, Tensor, TensorType, float, write};

fn outputs(model: &Model, input: &[i16]) -> Vec<i16> {
    run(&model.graph, input).unwrap().tensors.swap_remove(model.graph.output().0)
}

#[test]
fn a_leaky_relu_with_a_negative_slope_is_the_kernels() {
    let tensors = [Tensor::activation(&[1, 1, 1, 12], 0.1, 3), Tensor::activation(&[1, 1, 1, 12], 0.07, -20)];
    let operator = Operator::with(Code::LEAKY_RELU, &[0], 1, (75, vec![(0, float(-0.3))]));
    let model = import_tflite(&write(&tensors, &[operator], 1)).unwrap();
    let found = outputs(&model, &[-128, -100, -33, -4, -1, 0, 1, 2, 5, 40, 90, 127]);
    assert_eq!(found, [36, 24, -4, -17, -18, -18, -19, -19, -17, 33, 104, 127]);
}

#[test]
fn an_expand_dims_between_scales_is_refused_and_a_reshape_is_not() {
    let tensors = |scale, zero_point| {
        [Tensor::activation(&[1, 4], 0.1, 3), Tensor::integers(&[1]), Tensor::activation(&[1, 1, 4], scale, zero_point)]
    };
    let expand =
        |scale, zero_point| import_tflite(&write(&tensors(scale, zero_point), &[Operator::plain(Code::EXPAND_DIMS, &[0, 1], 2)], 2));
    assert!(expand(0.1, 3).is_ok());
    let Err(ImportError::Operator { reason: Unsupported::ScaleMismatch { .. }, .. }) = expand(0.2, 3) else { panic!() };
    let Err(ImportError::Operator { reason: Unsupported::ZeroPointMismatch { .. }, .. }) = expand(0.1, 4) else { panic!() };
    let squeezed = [Tensor::activation(&[1, 1, 4], 0.1, 3), Tensor::activation(&[1, 4], 0.2, 5)];
    let squeeze = Operator::with(Code::SQUEEZE, &[0], 1, (30, vec![(0, ints(&[1]))]));
    let model = import_tflite(&write(&squeezed, &[squeeze], 1)).unwrap();
    assert_eq!(outputs(&model, &[1, -2, 3, 127]), [1, -2, 3, 127]);
}

/// Training leaves such biases in channels it has switched off: their accumulator leaves 32 bits, but no multiplier looks at it.
#[test]
fn a_channel_with_multiplier_zero_gives_its_zero_point_whatever_its_bias() {
    let constant = |shape: &[i32], element, scales: &[f32], data| Tensor {
        shape: shape.to_vec(),
        element,
        scales: scales.to_vec(),
        zero_point: 0,
        data,
    };
    let weights = [100i8, -50, 127, 127].map(|weight| weight as u8).to_vec();
    let biases = [1000i32, -2_147_483_647].iter().flat_map(|bias| bias.to_le_bytes()).collect();
    let tensors = [
        Tensor::activation(&[1, 1, 1, 2], 0.1, 3),
        constant(&[2, 1, 1, 2], TensorType::INT8, &[0.01, 1e-16], weights),
        constant(&[2], TensorType::INT32, &[0.001, 1e-17], biases),
        Tensor::activation(&[1, 1, 1, 2], 0.1, -7),
    ];
    let valid = vec![(0, byte(1)), (1, int(1)), (2, int(1))];
    let operator = Operator::with(Code::CONV_2D, &[0, 1, 2], 3, (1, valid));
    let model = import_tflite(&write(&tensors, &[operator], 3)).unwrap();
    for (input, expected) in [([-128, 127], [-128, -7]), ([127, -128], [127, -7]), ([50, 60], [22, -7])] {
        assert_eq!(outputs(&model, &input), expected);
    }
}

fn softmax(input: i32, output: i32) -> Operator {
    Operator::with(Code::SOFTMAX, &[input], output, (9, vec![(0, float(1.0))]))
}

#[test]
fn a_closing_softmax_is_over_the_last_axis() {
    let tensors = [
        Tensor::activation(&[1, 1, 2, 3], 0.5, 0),
        Tensor::activation(&[1, 1, 2, 3], 0.5, 0),
        Tensor::activation(&[1, 1, 2, 3], 1.0 / 256.0, -128),
    ];
    let model = import_tflite(&write(&tensors, &[Operator::plain(Code::RELU, &[0], 1), softmax(1, 2)], 2)).unwrap();
    assert_eq!(model.output.closing, [Closing::Softmax { beta: 1.0, classes: 3 }]);
    let shown = model.output.display_values(&[0, 0, 0, 2, 4, 2]);
    let e = 1f32.exp();
    let expected = [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / (2.0 + e), e / (2.0 + e), 1.0 / (2.0 + e)];
    assert!(shown.iter().zip(expected).all(|(shown, expected)| (shown - expected).abs() < 1e-6), "{shown:?}");
}

#[test]
fn what_follows_a_closing_softmax_is_left_out_and_a_quantize_without_one_is_not() {
    let shape = [1, 1, 1, 4];
    let flat = |scale, zero_point| Tensor { shape: vec![1, 4], ..Tensor::activation(&shape, scale, zero_point) };
    let tensors = || {
        let unsigned = Tensor { element: TensorType::UINT8, ..flat(1.0 / 256.0, 0) };
        let (logits, probabilities) = (Tensor::activation(&shape, 0.5, 0), Tensor::activation(&shape, 1.0 / 256.0, -128));
        vec![Tensor::activation(&shape, 0.5, 0), logits, probabilities, flat(1.0 / 256.0, -128), unsigned, Tensor::integers(&[1, 4])]
    };
    let reshape = |input, output| Operator::plain(Code::RESHAPE, &[input, 5], output);
    let quantize = |input, output| Operator::plain(Code::QUANTIZE, &[input], output);
    let relu = || Operator::plain(Code::RELU, &[0], 1);
    let model = import_tflite(&write(&tensors(), &[relu(), softmax(1, 2), reshape(2, 3), quantize(3, 4)], 4)).unwrap();
    assert_eq!(model.output.closing, [Closing::Softmax { beta: 1.0, classes: 4 }, Closing::Reshape, Closing::Quantize]);
    assert_eq!(model.graph.nodes().len(), 1);
    let supports: Vec<bool> = model.operators.iter().map(|operator| operator.support == Support::Edge).collect();
    assert_eq!(supports, [false, true, true, true]);

    let model = import_tflite(&write(&tensors(), &[relu(), reshape(1, 3), quantize(3, 4)], 4)).unwrap();
    assert!(model.output.closing.is_empty());
    assert_eq!(model.graph.nodes().len(), 3);
}
