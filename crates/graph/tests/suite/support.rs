//! Small networks.

use verinfer_graph::{
    Add, Conv, DataType, Graph, GraphError, Node, NodeId, Op, Operand, Place, Requantization, Rounding, Shape, TensorId, TensorSpec,
    Window, run,
};

/// The input of [`single`] and [`pair`].
pub const INPUT: TensorId = TensorId(0);
/// The output of [`single`] and [`pair`].
pub const OUTPUT: TensorId = TensorId(1);

pub fn spec(height: usize, width: usize, channels: usize, dtype: DataType) -> TensorSpec {
    TensorSpec { name: "t".into(), shape: Shape::new(height, width, channels), dtype }
}

pub fn i8(height: usize, width: usize, channels: usize) -> TensorSpec {
    spec(height, width, channels, DataType::I8)
}

pub fn u8(height: usize, width: usize, channels: usize) -> TensorSpec {
    spec(height, width, channels, DataType::U8)
}

pub fn node(op: Op, output: TensorId) -> Node {
    Node { source: "OP #0".into(), op, output }
}

/// The place of node `index` made by [`node`].
pub fn at(index: usize) -> Place {
    Place { node: NodeId(index), operator: "OP #0".into() }
}

/// A network of one node, from tensor 0 to tensor 1.
pub fn single(input: TensorSpec, op: Op, output: TensorSpec) -> Result<Graph, GraphError> {
    Graph::new(vec![input, output], vec![node(op, OUTPUT)], INPUT, OUTPUT)
}

/// The output of [`single`].
pub fn output_of(input: TensorSpec, op: Op, output: TensorSpec, values: &[i16]) -> Vec<i16> {
    let graph = single(input, op, output).unwrap();
    run(&graph, values).unwrap().tensors.swap_remove(OUTPUT.0)
}

/// A requantization that changes nothing but the zero point, for signed outputs.
pub fn plain(zero_point: i32) -> Requantization {
    Requantization { multipliers: vec![1 << 30], shifts: vec![1], rounding: Rounding::Twice, zero_point, min: -128, max: 127 }
}

/// A 1x1 convolution of one channel with weight 1.
pub fn conv() -> Conv {
    Conv {
        input: INPUT,
        input_zero_point: 0,
        window: Window::POINT,
        weights: vec![1],
        weight_zero_point: 0,
        bias: vec![0],
        requantization: plain(0),
    }
}

/// The stored values of a signed tensor times `factor`.
pub fn scaled(factor: i32) -> Vec<i32> {
    (-128..128).map(|value| value * factor).collect()
}

/// `left + right`, signed.
pub fn add(left: TensorId, right: TensorId) -> Add {
    Add { left, left_table: scaled(1), right: Operand::Tensor { tensor: right, table: scaled(1) }, requantization: plain(0) }
}

pub fn window(kernel: usize, stride: usize, dilation: usize, pad: usize) -> Window {
    Window {
        kernel_h: kernel,
        kernel_w: kernel,
        stride_h: stride,
        stride_w: stride,
        dilation_h: dilation,
        dilation_w: dilation,
        pad_top: pad,
        pad_left: pad,
    }
}
