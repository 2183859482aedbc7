use super::pool;
use crate::graph::Graph;
use crate::op::Op;

impl Graph {
    /// Steps of one execution, up to a small factor: multiply-accumulates, elements read by pools and elements written.
    pub fn work(&self) -> u64 {
        self.nodes().iter().fold(0, |sum, node| {
            let output = self.spec(node.output).shape;
            let elements = output.num_elements() as u64;
            let steps = match &node.op {
                // Each weight is used once for each output pixel.
                Op::Conv2d(conv) => (output.num_pixels() as u64).saturating_mul(conv.weights.len() as u64),
                Op::DepthwiseConv2d(conv) => elements.saturating_mul(conv.window.num_taps() as u64),
                Op::SumPool(pool) => pool::work(&pool.window, self.spec(pool.input).shape, output),
                Op::MaxPool(pool) => pool::work(&pool.window, self.spec(pool.input).shape, output),
                Op::Add(_) | Op::Mul(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => 0,
            };
            sum.saturating_add(steps).saturating_add(elements)
        })
    }
}
