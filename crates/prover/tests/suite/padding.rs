//! Padding that a convolution takes into its window.

use verinfer_graph::{Conv, DataType, Graph, Lookup, Node, Op, Pad, Requantization, Rounding, Shape, TensorId, TensorSpec, Window, run};
use verinfer_prover::Prover;
use verinfer_relation::relation::Source;
use verinfer_relation::wiring::PixelMap;
use verinfer_verifier::{Expectations, Verifier};

/// A border below and to the right only, then a 1x1 convolution: its window is a point, but its planes are not those of the padded tensor.
fn network(side: usize, padded: usize, depthwise: bool) -> Graph {
    let spec = |side| TensorSpec { name: String::new(), shape: Shape::new(side, side, 1), dtype: DataType::I8 };
    let node = |op, output| Node { source: "test".into(), op, output: TensorId(output) };
    let requantization =
        Requantization { multipliers: vec![1 << 30], shifts: vec![-3], rounding: Rounding::Twice, zero_point: 3, min: -128, max: 127 };
    let conv = Conv {
        input: TensorId(2),
        input_zero_point: -5,
        window: Window::POINT,
        weights: vec![20],
        weight_zero_point: 0,
        bias: vec![7],
        requantization,
    };
    let nodes = vec![
        node(Op::Lookup(Lookup { input: TensorId(0), table: (-128..128).collect() }), 1),
        node(Op::Pad(Pad { input: TensorId(1), before: Shape::new(0, 0, 0), value: -5 }), 2),
        node(if depthwise { Op::DepthwiseConv2d(conv) } else { Op::Conv2d(conv) }, 3),
    ];
    Graph::new(vec![spec(side), spec(side), spec(padded), spec(padded)], nodes, TensorId(0), TensorId(3)).unwrap()
}

#[test]
fn a_border_below_a_point_convolution_is_proved_as_it_is_computed() {
    for (side, padded) in [(2, 4), (2, 3), (3, 4)] {
        for depthwise in [false, true] {
            let graph = network(side, padded, depthwise);
            let input: Vec<i16> = (0..side * side).map(|i| i as i16 * 20 - 70).collect();
            let proved = Prover::new(graph.clone()).unwrap().prove(&input, b"", 128, &|_| ()).unwrap();
            let accepted = Verifier::new(graph.clone()).unwrap().verify(&proved.proof.encode(), &Expectations::default()).unwrap();
            assert_eq!(accepted.statement.output.shown().unwrap().values, run(&graph, &input).unwrap().tensors[3]);
        }
    }
}

#[test]
fn the_same_wiring_is_only_used_between_equal_planes() {
    let graph = network(2, 4, false);
    let prover = Prover::new(graph.clone()).unwrap();
    let contraction = &prover.relation().contractions[0];
    assert!(matches!(contraction.tap(0), PixelMap::Window { .. }));
    for column in &prover.relation().columns {
        let verinfer_relation::relation::Leaf::Lookup { values, .. } = &column.leaf else { continue };
        for term in values.iter().flat_map(|form| &form.terms) {
            if let Source::Tensor { shape, pixels: PixelMap::Same, .. } = &term.source {
                assert_eq!(shape.num_pixels(), column.pixels);
            }
        }
    }
}
