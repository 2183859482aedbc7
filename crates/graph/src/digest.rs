//! The digest of a graph: BLAKE3 of one canonical encoding. (That of its architecture is in `architecture`.)
//!
//! Integers are 8 bytes, little-endian; a list is its length and then its entries, at the width of their type; a variant starts with its tag.
//! Everything is written in the order in which it is declared, so an encoding determines the graph up to its names.

use crate::graph::{Graph, Node, TensorId};
use crate::op::{Add, Concat, Conv, Lookup, MaxPool, Mul, Op, Operand, Pad, Requantization, Rounding, SumPool, Window};
use crate::shape::{DataType, Shape};

const GRAPH_CONTEXT: &str = "verinfer graph v1: everything but names";

impl Graph {
    /// Commits to everything that determines what the network computes: all but [`crate::TensorSpec::name`] and [`Node::source`].
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(GRAPH_CONTEXT);
        let sink = |bytes: &[u8]| {
            hasher.update(bytes);
        };
        Encoder { sink }.graph(self);
        *hasher.finalize().as_bytes()
    }

    /// The encoding that [`Graph::digest`] hashes (docs/protocol.md, 7.3).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Encoder { sink: |bytes: &[u8]| out.extend_from_slice(bytes) }.graph(self);
        out
    }
}

struct Encoder<S: FnMut(&[u8])> {
    sink: S,
}

impl<S: FnMut(&[u8])> Encoder<S> {
    fn graph(&mut self, graph: &Graph) {
        self.len(graph.tensors().len());
        for spec in graph.tensors() {
            self.shape(spec.shape);
            self.integer(match spec.dtype {
                DataType::U8 => 0,
                DataType::I8 => 1,
            });
        }
        self.len(graph.nodes().len());
        for node in graph.nodes() {
            self.node(node);
        }
        self.tensor(graph.input());
        self.tensor(graph.output());
    }

    fn node(&mut self, node: &Node) {
        match &node.op {
            Op::Conv2d(conv) => self.conv(0, conv),
            Op::DepthwiseConv2d(conv) => self.conv(1, conv),
            Op::Add(add) => self.add(2, add),
            Op::Mul(mul) => self.mul(3, mul),
            Op::SumPool(pool) => self.sum_pool(4, pool),
            Op::MaxPool(pool) => self.max_pool(5, pool),
            Op::Lookup(lookup) => self.lookup(6, lookup),
            Op::Pad(pad) => self.pad(7, pad),
            Op::Reshape { input } => {
                self.integer(8);
                self.tensor(*input);
            }
            Op::Concat(concat) => self.concat(9, concat),
        }
        self.tensor(node.output);
    }

    fn conv(&mut self, tag: i64, conv: &Conv) {
        let Conv { input, input_zero_point, window, weights, weight_zero_point, bias, requantization } = conv;
        self.integer(tag);
        self.tensor(*input);
        self.integer(i64::from(*input_zero_point));
        self.window(window);
        self.list(weights, |weight| weight.to_le_bytes());
        self.integer(i64::from(*weight_zero_point));
        self.list(bias, |bias| bias.to_le_bytes());
        self.requantization(requantization);
    }

    fn add(&mut self, tag: i64, add: &Add) {
        let Add { left, left_table, right, requantization } = add;
        self.integer(tag);
        self.tensor(*left);
        self.list(left_table, |addend| addend.to_le_bytes());
        match right {
            Operand::Tensor { tensor, table } => {
                self.integer(0);
                self.tensor(*tensor);
                self.list(table, |addend| addend.to_le_bytes());
            }
            Operand::Constant(constants) => {
                self.integer(1);
                self.list(constants, |addend| addend.to_le_bytes());
            }
        }
        self.requantization(requantization);
    }

    fn mul(&mut self, tag: i64, mul: &Mul) {
        let Mul { left, left_zero_point, right, right_zero_point, requantization } = mul;
        self.integer(tag);
        self.tensor(*left);
        self.integer(i64::from(*left_zero_point));
        self.tensor(*right);
        self.integer(i64::from(*right_zero_point));
        self.requantization(requantization);
    }

    fn sum_pool(&mut self, tag: i64, pool: &SumPool) {
        let SumPool { input, window, tables } = pool;
        self.integer(tag);
        self.tensor(*input);
        self.window(window);
        self.len(tables.len());
        for (count, table) in tables {
            self.len(*count);
            self.table(table);
        }
    }

    fn max_pool(&mut self, tag: i64, pool: &MaxPool) {
        let MaxPool { input, window, min, max } = pool;
        self.integer(tag);
        self.tensor(*input);
        self.window(window);
        self.integer(i64::from(*min));
        self.integer(i64::from(*max));
    }

    fn lookup(&mut self, tag: i64, lookup: &Lookup) {
        let Lookup { input, table } = lookup;
        self.integer(tag);
        self.tensor(*input);
        self.table(table);
    }

    fn pad(&mut self, tag: i64, pad: &Pad) {
        let Pad { input, before, value } = pad;
        self.integer(tag);
        self.tensor(*input);
        self.shape(*before);
        self.integer(i64::from(*value));
    }

    fn concat(&mut self, tag: i64, concat: &Concat) {
        let Concat { inputs, axis } = concat;
        self.integer(tag);
        self.len(inputs.len());
        for input in inputs {
            self.tensor(*input);
        }
        self.len(*axis);
    }

    fn requantization(&mut self, requantization: &Requantization) {
        let Requantization { multipliers, shifts, rounding, zero_point, min, max } = requantization;
        self.list(multipliers, |multiplier| multiplier.to_le_bytes());
        self.list(shifts, |shift| shift.to_le_bytes());
        self.integer(match rounding {
            Rounding::Twice => 2,
            Rounding::Once => 1,
        });
        self.integer(i64::from(*zero_point));
        self.integer(i64::from(*min));
        self.integer(i64::from(*max));
    }

    fn window(&mut self, window: &Window) {
        let Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left } = *window;
        for parameter in [kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left] {
            self.len(parameter);
        }
    }

    fn shape(&mut self, shape: Shape) {
        for side in [shape.height, shape.width, shape.channels] {
            self.len(side);
        }
    }

    fn tensor(&mut self, tensor: TensorId) {
        self.len(tensor.0);
    }

    fn table(&mut self, table: &[i16]) {
        self.list(table, |entry| entry.to_le_bytes());
    }

    fn list<T: Copy, const N: usize>(&mut self, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
        self.len(values.len());
        let encoded: Vec<u8> = values.iter().flat_map(|&value| bytes(value)).collect();
        (self.sink)(&encoded);
    }

    fn len(&mut self, length: usize) {
        (self.sink)(&(length as u64).to_le_bytes());
    }

    fn integer(&mut self, value: i64) {
        (self.sink)(&value.to_le_bytes());
    }
}
