//! What the public architecture of a hidden model shows of its file: neither numbers nor scales of constants.

#[path = "common/build.rs"]
mod build;

use std::sync::Arc;

use build::{ADD, CONV_2D, Layout, MUL, Model, Operator, SUB, Tensor, activation, constant, conv_options, integers};
use verinfer_graph::{Graph, Op};
use verinfer_import::import_tflite;

/// Scales of constants, from far below to far above those of the input and output, which are 0.5.
const SCALES: [f32; 9] = [1e-6, 0.0007, 0.01, 0.13, 0.25, 0.5, 0.77, 1.9, 3.0];

fn graph(tensors: Vec<Tensor>, operator: Operator) -> Arc<Graph> {
    let model = Model { tensors, operators: vec![operator], more_subgraphs: Vec::new() };
    import_tflite(&model.bytes(Layout::Aligned)).unwrap().graph
}

/// ADD, SUB or MUL of a constant for each of three channels.
fn with_constant(code: i32, scale: f32, values: &[i8]) -> Arc<Graph> {
    let operand = Tensor { scale, ..constant("c", &[3], values) };
    let operator = Operator { code, inputs: vec![0, 1], outputs: vec![2], options: (0, None) };
    graph(vec![activation("x", &[1, 2, 2, 3]), operand, activation("y", &[1, 2, 2, 3])], operator)
}

fn convolution(scale: f32, bias: i32) -> Arc<Graph> {
    let weights = [3, -7, 100, 55, -128, 9].map(|value: i8| value.wrapping_mul(bias as i8 | 1));
    let tensors = vec![
        activation("x", &[1, 2, 2, 3]),
        Tensor { scale, ..constant("w", &[2, 1, 1, 3], &weights) },
        integers("b", &[2], &[bias, -bias]),
        Tensor { scale: 64.0, ..activation("y", &[1, 2, 2, 2]) },
    ];
    graph(tensors, Operator { code: CONV_2D, inputs: vec![0, 1, 2], outputs: vec![3], options: conv_options(1, 1) })
}

fn may_be_hidden(graph: &Graph) -> bool {
    graph.nodes().iter().all(|node| !matches!(&node.op, Op::Add(add) if !add.shows_no_scale()))
}

#[test]
fn the_scale_of_a_constant_in_a_file_leaves_the_public_architecture_as_it_is() {
    for code in [ADD, SUB, MUL] {
        let expected = with_constant(code, 0.25, &[1, 2, 3]).encode_architecture();
        let mut hidden = 0;
        for (index, scale) in SCALES.into_iter().enumerate() {
            for values in [[1, 2, 3], [-128, 127, 0], [5, -5, 77]] {
                let graph = with_constant(code, scale, &values.map(|value: i8| value.wrapping_add(index as i8)));
                // Where no other addend gives TFLite's outputs, hiding is refused.
                if may_be_hidden(&graph) {
                    assert_eq!(graph.encode_architecture(), expected, "operator {code}, scale {scale}, {values:?}");
                    hidden += 1;
                }
            }
        }
        assert!(hidden >= 24, "operator {code}: {hidden} of 27 can be hidden");
    }
}

#[test]
fn weights_biases_and_their_scales_in_a_file_leave_the_public_architecture_as_it_is() {
    let expected = convolution(0.25, 100).encode_architecture();
    for (scale, bias) in SCALES.into_iter().zip([0, 1, -70, 1000, 12_345, 7, -1, 99, 4]) {
        assert_eq!(convolution(scale, bias).encode_architecture(), expected, "scale {scale}, bias {bias}");
    }
}
