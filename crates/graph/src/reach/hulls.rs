//! The operators on hulls: one element that stands for all of a tensor, where telling them apart would cost too much.

use super::interpret::{Interpreter, entry, extremes};
use super::{Element, Influence, pools};
use crate::graph::{Node, NodeId};
use crate::op::{Add, Conv, Mul, Op, Operand};
use crate::requantize::Channel;

use super::values::ValueSet;

impl Interpreter<'_> {
    /// An element that contains all of what a node writes.
    pub(super) fn hull(&self, id: NodeId, node: &Node) -> Element {
        match &node.op {
            Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => self.hull_of_convolution(id, conv),
            Op::Add(add) => self.hull_of_sum(id, add),
            Op::Mul(mul) => self.hull_of_product(mul),
            Op::SumPool(pool) => {
                let (input, dtype) = (self.elements(pool.input).hull(), self.graph.spec(pool.input).dtype);
                let images = pool.tables.iter().map(|(count, table)| pools::hull(table, *count, &input.values, dtype));
                Element::new(images.fold(ValueSet::EMPTY, |all, image| all.union(&image)), input.influence)
            }
            Op::MaxPool(pool) => {
                let input = self.elements(pool.input).hull();
                Element::new(input.values.iter().map(|value| value.clamp(pool.min, pool.max)).collect(), input.influence)
            }
            Op::Lookup(lookup) => {
                let (input, first) = (self.elements(lookup.input).hull(), self.graph.spec(lookup.input).dtype.min());
                Element::new(input.values.iter().map(|value| entry(&lookup.table, first, value)).collect(), input.influence)
            }
            Op::Pad(pad) => self.elements(pad.input).hull().joined(&Element::constant(pad.value)),
            Op::Reshape { input } => *self.elements(*input).hull(),
            Op::Concat(concat) => {
                let hulls = concat.inputs.iter().map(|&input| *self.elements(input).hull());
                hulls.reduce(|all, hull| all.joined(&hull)).unwrap_or(Element::new(ValueSet::EMPTY, Influence::NONE))
            }
        }
    }

    fn hull_of_convolution(&self, id: NodeId, conv: &Conv) -> Element {
        let (own, values) = self.written(id, &conv.requantization);
        let values = values.iter().fold(ValueSet::EMPTY, |all, values| all.union(values));
        Element::new(values, own.and(self.elements(conv.input).hull().influence))
    }

    fn hull_of_sum(&self, id: NodeId, add: &Add) -> Element {
        let rounding = Channel::new(&add.requantization, 0);
        let image = |element: &Element, table: &[i32], first| extremes(element.values.iter().map(|value| entry(table, first, value)));
        let left = self.elements(add.left).hull();
        let (low, high) = image(left, &add.left_table, self.graph.spec(add.left).dtype.min());
        let between =
            |(right_low, right_high): (i32, i32)| ValueSet::interval(rounding.apply(low + right_low), rounding.apply(high + right_high));
        match &add.right {
            Operand::Tensor { tensor, table } => {
                let right = self.elements(*tensor).hull();
                let values = between(image(right, table, self.graph.spec(*tensor).dtype.min()));
                Element::new(values, left.influence.and(right.influence))
            }
            Operand::Constant(constants) => match self.hidden {
                Some(written) => {
                    let (low, high) = written(id).unwrap_or((add.requantization.min, add.requantization.max));
                    Element::new(ValueSet::interval(low, high), left.influence.and(Influence::LEARNED))
                }
                None => Element::new(between(extremes(constants.iter().copied())), left.influence),
            },
        }
    }

    fn hull_of_product(&self, mul: &Mul) -> Element {
        let rounding = Channel::new(&mul.requantization, 0);
        let (left, right) = (self.elements(mul.left).hull(), self.elements(mul.right).hull());
        let factors = |element: &Element, zero: i32| <[i16; 2]>::from(element.bounds()).map(|value| i32::from(value) - zero);
        let (left_factors, right_factors) = (factors(left, mul.left_zero_point), factors(right, mul.right_zero_point));
        let corners = left_factors.iter().flat_map(|left| right_factors.map(|right| rounding.apply(left * right)));
        let (low, high) = extremes(corners);
        Element::new(ValueSet::interval(low, high), left.influence.and(right.influence))
    }
}
