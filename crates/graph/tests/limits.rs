//! What interpreting a stranger's architecture takes, under a cap on memory.

use std::alloc::System;

use cap::Cap;
use verinfer_graph::{
    Conv, DataType, Graph, Influence, Node, Op, Pad, Reach, Requantization, Rounding, Shape, TensorId, TensorSpec, Window,
};

/// Counts what is allocated; beyond its limit allocations fail, which aborts the process.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// What telling elements apart may take, and as much again for a node that is being interpreted and what all tensors have.
const MAX_BYTES: usize = 2 << 26;

/// So many times a border after one pixel, which a convolution leaves out again all but a few pixels.
fn padded(count: usize, width: usize) -> Graph {
    let stride = 1 << 16;
    let spec = |width| TensorSpec { name: String::new(), shape: Shape::new(1, width, 1), dtype: DataType::I8 };
    let conv = |input: usize, stride_w| {
        let requantization =
            Requantization { multipliers: vec![1 << 30], shifts: vec![0], rounding: Rounding::Once, zero_point: 0, min: -128, max: 127 };
        let window = Window { stride_w, ..Window::POINT };
        let (weights, bias, input) = (vec![1], vec![0], TensorId(input));
        Op::Conv2d(Conv { input, input_zero_point: 0, window, weights, weight_zero_point: 0, bias, requantization })
    };
    let (mut tensors, mut ops) = (vec![spec(1), spec(1)], vec![conv(0, 1)]);
    for _ in 0..count {
        ops.push(Op::Pad(Pad { input: TensorId(ops.len()), before: Shape::new(0, 0, 0), value: 0 }));
        tensors.push(spec(width));
        ops.push(conv(ops.len(), stride));
        tensors.push(spec((width - 1) / stride + 1));
    }
    let nodes = ops.into_iter().enumerate().map(|(i, op)| Node { source: String::new(), op, output: TensorId(i + 1) });
    let output = TensorId(tensors.len() - 1);
    Graph::new(tensors, nodes.collect(), TensorId(0), output).unwrap()
}

#[test]
fn borders_of_millions_of_pixels_take_bounded_memory() {
    for (count, width) in [(64, 1 << 20), (15, 1 << 26), (1000, 1 << 19), (3, 1 << 28)] {
        let graph = padded(count, width);
        ALLOCATOR.set_limit(ALLOCATOR.allocated() + MAX_BYTES).unwrap();
        let reach = Reach::of_architecture(&graph, &|_| None);
        ALLOCATOR.set_limit(usize::MAX).unwrap();
        assert_eq!(reach.influence(), Influence { input: true, learned: true }, "{count} of {width}");
        assert_eq!(reach.channel(0).bounds(), (-128, 127));
    }
}
