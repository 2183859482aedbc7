//! The graph's operators on abstract elements.

use std::collections::HashMap;
use std::sync::Arc;

use super::budget::{self, Budget};
use super::planes::{Builder, Kind, Plane, Planes};
use super::values::{Function, ValueSet};
use super::{Element, Influence, pools, windows};
use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::op::{Add, Concat, Conv, MaxPool, Mul, Op, Operand, Pad, Requantization, SumPool, Window};
use crate::requantize::{Channel, requantize};
use crate::shape::Shape;

/// Pairs of values for which the result of two elements is computed one by one.
const MAX_PAIRS: usize = 1 << 10;

/// What a node with hidden learned values can write: `None` stands for its clamp.
type Written<'a> = dyn Fn(NodeId) -> Option<(i16, i16)> + 'a;

/// The elements of the output of a network, whose learned values are known or hidden, told apart as far as so many bytes go.
pub(super) fn interpret(graph: &Graph, hidden: Option<&Written<'_>>, bytes: usize) -> Arc<Planes> {
    let mut interpreter = Interpreter { graph, hidden, tensors: vec![None; graph.tensors().len()], budget: Budget::new(bytes) };
    let mut last_reader = vec![None; graph.tensors().len()];
    for (index, node) in graph.nodes().iter().enumerate() {
        node.op.inputs().iter().for_each(|input| last_reader[input.0] = Some(index));
    }
    let spec = graph.spec(graph.input());
    let input = Element::new(ValueSet::all(spec.dtype), Influence { input: true, learned: false });
    interpreter.write(graph.input(), Planes::uniform(spec.shape, input));
    for (index, node) in graph.nodes().iter().enumerate() {
        interpreter.node(NodeId(index), node);
        for input in node.op.inputs() {
            if last_reader[input.0] == Some(index) && input != graph.output() {
                interpreter.tensors[input.0] = None;
            }
        }
    }
    Arc::clone(&interpreter.read(graph.output()).elements)
}

/// A tensor, and the tensor of which each of its elements is a function: itself, if nothing else is known.
#[derive(Clone)]
struct Value {
    elements: Arc<Planes>,
    root: TensorId,
    /// The elements of the root, in this tensor's shape.
    source: Arc<Planes>,
    function: Arc<Function>,
}

pub(super) struct Interpreter<'a> {
    pub(super) graph: &'a Graph,
    /// Where learned values are hidden, what their nodes can write.
    pub(super) hidden: Option<&'a Written<'a>>,
    tensors: Vec<Option<Value>>,
    budget: Budget,
}

impl Interpreter<'_> {
    fn node(&mut self, id: NodeId, node: &Node) {
        let output = node.output;
        if !self.budget.take(self.cost(node)) {
            let hull = self.hull(id, node);
            return self.write(output, Planes::uniform(self.graph.spec(output).shape, hull));
        }
        match &node.op {
            Op::Conv2d(conv) => self.write(output, self.convolution(id, node, conv, false)),
            Op::DepthwiseConv2d(conv) => self.write(output, self.convolution(id, node, conv, true)),
            Op::Add(add) => self.addition(id, output, add),
            Op::Mul(mul) => self.product(output, mul),
            Op::SumPool(pool) => self.sum_pool(output, pool),
            Op::MaxPool(pool) => self.max_pool(output, pool),
            Op::Lookup(lookup) => {
                let first = self.graph.spec(lookup.input).dtype.min();
                self.write_function(output, lookup.input, |value| entry(&lookup.table, first, value));
            }
            Op::Pad(pad) => self.padding(output, pad),
            Op::Reshape { input } => self.reshape(output, *input),
            Op::Concat(concat) => self.concatenation(output, concat),
        }
    }

    /// What interpreting a node costs at most.
    fn cost(&self, node: &Node) -> usize {
        let shape = self.graph.spec(node.output).shape;
        // Of a function of another tensor's elements.
        let mapped = |of: TensorId| budget::map(&self.read(of).source);
        match &node.op {
            Op::Conv2d(conv) => budget::convolution(self.elements(conv.input), shape, false, self.hidden.is_none()),
            Op::DepthwiseConv2d(conv) => budget::convolution(self.elements(conv.input), shape, true, self.hidden.is_none()),
            Op::Add(add) => {
                let left = self.elements(add.left);
                let own = match &add.right {
                    Operand::Tensor { tensor, .. } => budget::pairs(left, self.elements(*tensor)),
                    Operand::Constant(_) => budget::constants(left, &add.right),
                };
                own.saturating_add(mapped(add.left))
            }
            Op::Mul(mul) => budget::pairs(self.elements(mul.left), self.elements(mul.right)).saturating_add(mapped(mul.left)),
            Op::SumPool(pool) => {
                budget::pool(self.elements(pool.input), &pool.window, shape, pool.tables.len()).saturating_add(mapped(pool.input))
            }
            Op::MaxPool(pool) => budget::pool(self.elements(pool.input), &pool.window, shape, 0).saturating_add(mapped(pool.input)),
            Op::Lookup(lookup) => mapped(lookup.input),
            Op::Pad(pad) => budget::padding(self.elements(pad.input), shape).saturating_add(mapped(pad.input)),
            Op::Reshape { input } => {
                let Value { elements, source, .. } = self.read(*input);
                budget::reshape(elements, shape).saturating_add(budget::reshape(source, shape))
            }
            Op::Concat(concat) => {
                let inputs = concat.inputs.iter().map(|&input| self.elements(input));
                let copied = concat.inputs.first().map_or(0, |&input| mapped(input));
                budget::concatenation(inputs, shape, concat.axis == 2).saturating_add(copied)
            }
        }
    }

    /// A tensor that is written before it is read, as [`Graph::new`] has checked.
    fn read(&self, tensor: TensorId) -> &Value {
        self.tensors[tensor.0].as_ref().expect("tensors are written before they are read")
    }

    pub(super) fn elements(&self, tensor: TensorId) -> &Planes {
        &self.read(tensor).elements
    }

    /// A tensor of which nothing is known but its elements.
    fn write(&mut self, tensor: TensorId, elements: Planes) {
        let elements = Arc::new(elements);
        let source = Arc::clone(&elements);
        self.tensors[tensor.0] = Some(Value { elements, root: tensor, source, function: Arc::new(Function::identity()) });
    }

    /// A tensor whose elements are a function of those of another one of its shape.
    fn write_function(&mut self, tensor: TensorId, of: TensorId, function: impl Fn(i16) -> i16) {
        let Value { root, source, function: inner, .. } = self.read(of).clone();
        let function = inner.then(function);
        self.write_image(tensor, root, source, function);
    }

    fn write_image(&mut self, tensor: TensorId, root: TensorId, source: Arc<Planes>, function: Function) {
        let elements = Arc::new(source.map(|element| Element::new(function.image(&element.values), element.influence)));
        self.tensors[tensor.0] = Some(Value { elements, root, source, function: Arc::new(function) });
    }

    /// Two tensors of one shape that are functions of the same tensor.
    fn same_root(&self, left: TensorId, right: TensorId) -> Option<(Value, Value)> {
        let (left, right) = (self.read(left), self.read(right));
        let same = left.root == right.root && left.elements.shape == right.elements.shape;
        same.then(|| (left.clone(), right.clone()))
    }

    fn convolution(&self, id: NodeId, node: &Node, conv: &Conv, depthwise: bool) -> Planes {
        let input = self.elements(conv.input);
        let shape = self.graph.spec(node.output).shape;
        let (own, written) = self.written(id, &conv.requantization);
        let values = |channel: usize| written.get(channel).or(written.first()).copied().unwrap_or(ValueSet::EMPTY);
        let mut builder = Builder::new(shape);
        let mut known: HashMap<(usize, ValueSet), u32> = HashMap::new();
        let mut under: HashMap<usize, Under> = HashMap::new();
        let channels: Vec<u32> = (0..shape.channels)
            .map(|channel| {
                let (plane, values) =
                    (if depthwise { input.index(channel / (shape.channels / input.shape.channels)) } else { 0 }, values(channel));
                *known.entry((plane, values)).or_insert_with(|| {
                    let planes = if depthwise { &input.planes()[plane..=plane] } else { input.planes() };
                    let under = under.entry(plane).or_insert_with(|| influences(input, planes, &conv.window, shape));
                    under.plane(&mut builder, |bits| Element::new(values, own.and(Influence::of_bits(bits))))
                })
            })
            .collect();
        builder.finish(channels)
    }

    /// What a layer with learned values adds to what its output depends on, and by channel, or for all, what it can write.
    pub(super) fn written(&self, id: NodeId, requantization: &Requantization) -> (Influence, Vec<ValueSet>) {
        match self.hidden {
            Some(written) => {
                let (low, high) = written(id).unwrap_or((requantization.min, requantization.max));
                (Influence::LEARNED, vec![ValueSet::interval(low, high)])
            }
            None => (Influence::NONE, self.known(id, requantization)),
        }
    }

    /// By channel what a requantization of known accumulators can give.
    fn known(&self, id: NodeId, requantization: &Requantization) -> Vec<ValueSet> {
        let ranges = self.graph.accumulator_range(id).unwrap_or_default();
        let of = |(channel, &(low, high)): (usize, &(i64, i64))| {
            // Accumulators fit 32 bits.
            let rounded = |acc: i64| requantize(acc as i32, requantization, channel);
            ValueSet::interval(rounded(low), rounded(high))
        };
        ranges.iter().enumerate().map(of).collect()
    }

    fn addition(&mut self, id: NodeId, output: TensorId, add: &Add) {
        let rounding = Channel::new(&add.requantization, 0);
        let first = |tensor: TensorId| self.graph.spec(tensor).dtype.min();
        let left_first = first(add.left);
        match &add.right {
            Operand::Tensor { tensor, table } => {
                let right_first = first(*tensor);
                let sum =
                    |left: i16, right: i16| rounding.apply(entry(&add.left_table, left_first, left) + entry(table, right_first, right));
                if let Some((left, right)) = self.same_root(add.left, *tensor) {
                    let function = left.function.with(&right.function, sum);
                    return self.write_image(output, left.root, left.source, function);
                }
                let image = |values: &ValueSet, table: &[i32], first| extremes(values.iter().map(|value| entry(table, first, value)));
                let elements = pairs(self.elements(add.left), self.elements(*tensor), |left, right| {
                    let (low, high) = image(&left.values, &add.left_table, left_first);
                    let (right_low, right_high) = image(&right.values, table, right_first);
                    let mut influence = if low == high { Influence::NONE } else { left.influence };
                    influence = influence.and(if right_low == right_high { Influence::NONE } else { right.influence });
                    let hull = || ValueSet::interval(rounding.apply(low + right_low), rounding.apply(high + right_high));
                    Element::new(each_pair(left, right, sum).unwrap_or_else(hull), influence)
                });
                self.write(output, elements);
            }
            Operand::Constant(constants) => {
                let left = self.elements(add.left);
                let elements = match self.hidden {
                    Some(written) => {
                        let (low, high) = written(id).unwrap_or((add.requantization.min, add.requantization.max));
                        left.map(|element| {
                            let (first, last) = extremes(element.values.iter().map(|value| entry(&add.left_table, left_first, value)));
                            let influence = if first == last { Influence::NONE } else { element.influence };
                            Element::new(ValueSet::interval(low, high), influence.and(Influence::LEARNED))
                        })
                    }
                    None => by_channel(left, constants, |element, &constant| {
                        let sums = element.values.iter().map(|value| rounding.apply(entry(&add.left_table, left_first, value) + constant));
                        Element::new(sums.collect(), element.influence)
                    }),
                };
                self.write(output, elements);
            }
        }
    }

    fn product(&mut self, output: TensorId, mul: &Mul) {
        let rounding = Channel::new(&mul.requantization, 0);
        let (left_zero, right_zero) = (mul.left_zero_point, mul.right_zero_point);
        let product = |left: i16, right: i16| rounding.apply((i32::from(left) - left_zero) * (i32::from(right) - right_zero));
        if let Some((left, right)) = self.same_root(mul.left, mul.right) {
            let function = left.function.with(&right.function, product);
            return self.write_image(output, left.root, left.source, function);
        }
        let is_zero = |element: &Element, zero: i32| element.values.iter().all(|value| i32::from(value) == zero);
        let elements = pairs(self.elements(mul.left), self.elements(mul.right), |left, right| {
            if is_zero(left, left_zero) || is_zero(right, right_zero) {
                return Element::constant(rounding.apply(0));
            }
            let corners = || {
                let (left, right) = (left.bounds(), right.bounds());
                let all = [(left.0, right.0), (left.0, right.1), (left.1, right.0), (left.1, right.1)];
                let (low, high) = extremes(all.into_iter().map(|(left, right)| product(left, right)));
                ValueSet::interval(low, high)
            };
            Element::new(each_pair(left, right, product).unwrap_or_else(corners), left.influence.and(right.influence))
        });
        self.write(output, elements);
    }

    fn sum_pool(&mut self, output: TensorId, pool: &SumPool) {
        let spec = self.graph.spec(pool.input);
        let shape = self.graph.spec(output).shape;
        if let ([(1, table)], true) = (pool.tables.as_slice(), is_point(&pool.window, spec.shape, shape)) {
            return self.write_function(output, pool.input, |value| entry(table, spec.dtype.min(), value));
        }
        let elements = pools::sum(self.elements(pool.input), pool, spec.dtype, shape);
        self.write(output, elements);
    }

    fn max_pool(&mut self, output: TensorId, pool: &MaxPool) {
        let shape = self.graph.spec(output).shape;
        if is_point(&pool.window, self.graph.spec(pool.input).shape, shape) {
            return self.write_function(output, pool.input, |value| value.clamp(pool.min, pool.max));
        }
        let elements = pools::maximum(self.elements(pool.input), pool, shape);
        self.write(output, elements);
    }

    fn reshape(&mut self, output: TensorId, input: TensorId) {
        let shape = self.graph.spec(output).shape;
        let Value { elements, root, source, function } = self.read(input).clone();
        let reshaped = Arc::new(elements.reshaped(shape));
        let source = if Arc::ptr_eq(&elements, &source) { Arc::clone(&reshaped) } else { Arc::new(source.reshaped(shape)) };
        self.tensors[output.0] = Some(Value { elements: reshaped, root, source, function });
    }

    fn padding(&mut self, output: TensorId, pad: &Pad) {
        let (input, shape) = (self.elements(pad.input), self.graph.spec(output).shape);
        if input.shape == shape {
            return self.write_function(output, pad.input, |value| value);
        }
        let border = Element::constant(pad.value);
        let mut builder = Builder::new(shape);
        let kinds: Vec<Kind> = input.kinds().iter().map(|kind| builder.kind(*kind)).collect();
        let number = builder.kind(border);
        let outside = builder.uniform(border);
        let planes: Vec<u32> = input
            .planes()
            .iter()
            .map(|plane| {
                let inside = |pixel: usize| {
                    let row = (pixel / shape.width).checked_sub(pad.before.height).filter(|&row| row < input.shape.height)?;
                    let column = (pixel % shape.width).checked_sub(pad.before.width).filter(|&column| column < input.shape.width)?;
                    Some(kinds[usize::from(plane.at(row * input.shape.width + column))])
                };
                if input.shape.num_pixels() == shape.num_pixels() {
                    return builder.mapped(plane, &kinds);
                }
                builder.plane((0..shape.num_pixels()).map(|pixel| inside(pixel).unwrap_or(number)).collect())
            })
            .collect();
        let elements = builder.finish((0..shape.channels).map(|channel| {
            let channel = channel.checked_sub(pad.before.channels).filter(|&channel| channel < input.shape.channels);
            channel.map_or(outside, |channel| planes[input.index(channel)])
        }));
        self.write(output, elements);
    }

    fn concatenation(&mut self, output: TensorId, concat: &Concat) {
        if let [input] = concat.inputs.as_slice() {
            return self.write_function(output, *input, |value| value);
        }
        let shape = self.graph.spec(output).shape;
        let mut builder = Builder::new(shape);
        let inputs: Vec<(&Planes, Vec<Kind>)> = concat
            .inputs
            .iter()
            .map(|&input| {
                let input = self.elements(input);
                let kinds = input.kinds().iter().map(|kind| builder.kind(*kind)).collect();
                (input, kinds)
            })
            .collect();
        let channels: Vec<u32> = if concat.axis == 2 {
            let mut channels = Vec::with_capacity(shape.channels);
            for (input, kinds) in &inputs {
                let planes: Vec<u32> = input.planes().iter().map(|plane| builder.mapped(plane, kinds)).collect();
                channels.extend((0..input.shape.channels).map(|channel| planes[input.index(channel)]));
            }
            channels
        } else {
            let mut known: HashMap<Vec<usize>, u32> = HashMap::new();
            let plane = |channel: usize| {
                let parts: Vec<usize> = inputs.iter().map(|(input, _)| input.index(channel)).collect();
                *known.entry(parts).or_insert_with_key(|parts| {
                    let parts: Vec<_> = inputs.iter().zip(parts).collect();
                    builder.plane(if concat.axis == 0 {
                        let of = |((input, kinds), part): &(&(&Planes, Vec<Kind>), &usize)| {
                            let plane = &input.planes()[**part];
                            (0..input.shape.num_pixels()).map(|pixel| kinds[usize::from(plane.at(pixel))]).collect::<Vec<_>>()
                        };
                        parts.iter().flat_map(of).collect()
                    } else {
                        let of = |row: usize, ((input, kinds), part): &(&(&Planes, Vec<Kind>), &usize)| {
                            let (plane, width) = (&input.planes()[**part], input.shape.width);
                            (row * width..(row + 1) * width).map(|pixel| kinds[usize::from(plane.at(pixel))]).collect::<Vec<_>>()
                        };
                        (0..shape.height).flat_map(|row| parts.iter().flat_map(move |part| of(row, part)).collect::<Vec<_>>()).collect()
                    })
                })
            };
            (0..shape.channels).map(plane).collect()
        };
        let elements = builder.finish(channels);
        self.write(output, elements);
    }
}

/// What lies under the windows of a convolution, as bits of [`Influence`].
enum Under {
    /// The same under all.
    Same(u8),
    /// By output pixel.
    Each(Vec<u8>),
}

impl Under {
    fn plane(&self, builder: &mut Builder, element: impl Fn(u8) -> Element) -> u32 {
        match self {
            Self::Same(bits) => builder.uniform(element(*bits)),
            Self::Each(all) => {
                let mut kinds = [None; 4];
                let kind = |&bits: &u8| *kinds[usize::from(bits & 3)].get_or_insert_with(|| builder.kind(element(bits)));
                let pixels = all.iter().map(kind).collect();
                builder.plane(pixels)
            }
        }
    }
}

/// What the taps of each window depend on, in any of these planes.
fn influences(input: &Planes, planes: &[Plane], window: &Window, output: Shape) -> Under {
    let bits = |kind: Kind| input.kind(kind).influence.bits();
    let mut everywhere = 0;
    let mut mixed = Vec::new();
    for plane in planes {
        match plane {
            Plane::Uniform(kind) => everywhere |= bits(*kind),
            Plane::Pixels(pixels) => mixed.push(pixels),
        }
    }
    if mixed.is_empty() {
        return Under::Same(everywhere);
    }
    let mut present = vec![everywhere; input.shape.num_pixels()];
    for pixels in mixed {
        present.iter_mut().zip(pixels.iter()).for_each(|(present, &kind)| *present |= bits(kind));
    }
    let under = windows::under(window, input.shape, output, |pixel| present[pixel]);
    match under.first() {
        Some(&first) if under.iter().all(|&bits| bits == first) => Under::Same(first),
        _ => Under::Each(under),
    }
}

/// Two tensors element by element; each side of the right one is that of the left one, or one.
fn pairs(left: &Planes, right: &Planes, combined: impl Fn(&Element, &Element) -> Element) -> Planes {
    let shape = left.shape;
    let mut builder = Builder::new(shape);
    let mut kinds: HashMap<(Kind, Kind), Kind> = HashMap::new();
    let mut planes: HashMap<(usize, usize), u32> = HashMap::new();
    let channels: Vec<u32> = (0..shape.channels)
        .map(|channel| {
            let parts = (left.index(channel), right.index(if right.shape.channels == 1 { 0 } else { channel }));
            *planes.entry(parts).or_insert_with(|| {
                let mut kind = |left_kind: Kind, right_kind: Kind| {
                    let pair = (left_kind, right_kind);
                    *kinds.entry(pair).or_insert_with(|| builder.kind(combined(left.kind(left_kind), right.kind(right_kind))))
                };
                let (a, b) = (&left.planes()[parts.0], &right.planes()[parts.1]);
                if let (Plane::Uniform(a), Plane::Uniform(b)) = (a, b) {
                    let kind = kind(*a, *b);
                    return builder.plane(vec![kind]);
                }
                let side = |of: usize, at: usize| if of == 1 { 0 } else { at };
                let pixels = (0..shape.num_pixels()).map(|pixel| {
                    let (row, column) = (side(right.shape.height, pixel / shape.width), side(right.shape.width, pixel % shape.width));
                    kind(a.at(pixel), b.at(row * right.shape.width + column))
                });
                let pixels = pixels.collect();
                builder.plane(pixels)
            })
        })
        .collect();
    builder.finish(channels)
}

/// A tensor element by element with what its channel has.
fn by_channel<T>(input: &Planes, constants: &[T], changed: impl Fn(&Element, &T) -> Element) -> Planes {
    let mut builder = Builder::new(input.shape);
    let channels: Vec<u32> = (0..input.shape.channels)
        .zip(constants)
        .map(|(channel, constant)| {
            let mut kinds: HashMap<Kind, Kind> = HashMap::new();
            let mut kind = |kind: Kind| *kinds.entry(kind).or_insert_with(|| builder.kind(changed(input.kind(kind), constant)));
            let pixels = match input.plane(channel) {
                Plane::Uniform(same) => vec![kind(*same)],
                Plane::Pixels(pixels) => pixels.iter().map(|&pixel| kind(pixel)).collect(),
            };
            builder.plane(pixels)
        })
        .collect();
    builder.finish(channels)
}

/// What two elements give together, if there are few pairs of their values.
fn each_pair(left: &Element, right: &Element, combined: impl Fn(i16, i16) -> i16) -> Option<ValueSet> {
    let few = left.values.len() * right.values.len() <= MAX_PAIRS;
    few.then(|| {
        left.values.iter().flat_map(|left| right.values.iter().map(move |right| (left, right))).map(|(a, b)| combined(a, b)).collect()
    })
}

/// Smallest and largest of some values, of which there is at least one.
pub(super) fn extremes<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> (T, T) {
    let extremes = values.map(|value| (value, value)).reduce(|(low, high), (value, _)| (low.min(value), high.max(value)));
    extremes.unwrap_or_default()
}

/// The entry of a table that begins at a type's smallest value; outside of the table, which holds all of the type, any.
pub(super) fn entry<T: Copy + Default>(table: &[T], first: i16, value: i16) -> T {
    usize::try_from(i32::from(value) - i32::from(first)).ok().and_then(|index| table.get(index)).copied().unwrap_or_default()
}

/// Whether each output is read from the input at its own place.
fn is_point(window: &Window, input: Shape, output: Shape) -> bool {
    input == output && window.num_taps() == 1 && (window.stride_h, window.stride_w, window.pad_top, window.pad_left) == (1, 1, 0, 0)
}
