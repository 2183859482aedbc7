//! One function for each operator.

use p3_field::{Field, PrimeCharacteristicRing};
use verinfer_graph::{Add, Conv, Lookup, Mul, Node, NodeId, Op, Operand, Requantization, Shape, TensorId, Window};

use super::requantize::Plan;
use super::{Lowering, clamp_key, key_offset};
use crate::envelope::{ADDEND_BOUND, CONSTANT_BITS, multiplier_bits};
use crate::error::RelationError;
use crate::field::{F, from_signed};
use crate::grid::Grid;
use crate::layout::ColumnId;
use crate::relation::{
    Coefficients, Contraction, ContractionId, Factor, Form, FormTerm, HiddenLayer, Leaf, Location, Recipe, RequantizeRecipe, Role, Source,
    View,
};
use crate::wiring::{ChannelMap, PixelMap};

/// Accumulator of a requantization: terms and a constant for each channel.
struct Accumulator {
    terms: Vec<(Source, F)>,
    constants: Vec<i64>,
    operands: Vec<(ColumnId, TensorId)>,
}

/// The accumulator's side of a requantization, over `2^shift`.
struct Side {
    terms: Vec<FormTerm>,
    /// By channel.
    constants: Vec<F>,
    sign: SignTerm,
    operands: Vec<(ColumnId, TensorId)>,
}

/// What a sign adds to a key.
enum SignTerm {
    /// The sign's cell with this factor.
    Cell(Factor),
    /// The sign's cell times a hidden factor.
    Scaled(ContractionId),
}

impl Lowering<'_> {
    pub(super) fn node(&mut self, id: NodeId, node: &Node) -> Result<(), RelationError> {
        let recipe = match &node.op {
            Op::Conv2d(conv) => self.convolution(id, node, conv, false)?,
            Op::DepthwiseConv2d(conv) => self.convolution(id, node, conv, true)?,
            Op::Add(add) => self.addition(id, node, add)?,
            Op::Mul(mul) => self.product(id, node, mul)?,
            Op::SumPool(pool) => self.sum_pool(id, node, pool),
            Op::MaxPool(pool) => self.max_pool(id, node, pool)?,
            Op::Lookup(lookup) => self.lookup(id, node, lookup),
            Op::Reshape { input } => {
                self.views[node.output.0] = Some(self.view(*input));
                Recipe::None
            }
            Op::Pad(_) | Op::Concat(_) => Recipe::None,
        };
        self.recipes.push(recipe);
        Ok(())
    }

    fn convolution(&mut self, id: NodeId, node: &Node, conv: &Conv, depthwise: bool) -> Result<Recipe, RelationError> {
        let (tensor, input, input_shape, window) = self.convolution_input(conv, depthwise);
        let contraction = ContractionId(self.contractions.len());
        let output_shape = self.graph.spec(node.output).shape;
        self.contractions.push(Contraction {
            node: id,
            depthwise,
            tensor,
            input,
            input_shape,
            input_zero_point: i64::from(conv.input_zero_point),
            output_shape,
            window,
            output: ColumnId(0),
            grid: Grid::default(),
            hidden: None,
        });
        self.room.layer(&self.contractions[contraction.0])?;
        let side = if self.setting.weights.is_some() {
            self.hidden_layer(contraction)?
        } else {
            let terms = vec![(Source::Accumulator(contraction), F::ONE)];
            let constants = conv.bias.iter().map(|&bias| i64::from(bias)).collect();
            self.rescaled(id, Accumulator { terms, constants, operands: Vec::new() })?
        };
        let recipe = self.requantize(id, node, &conv.requantization, side)?;
        let contraction = &mut self.contractions[contraction.0];
        contraction.output = recipe.output;
        if let (Some(hidden), Some(column)) = (&mut contraction.hidden, recipe.sign)
            && let Some((sign, _)) = &mut hidden.sign
        {
            *sign = column;
        }
        Ok(Recipe::Requantize(recipe))
    }

    /// The columns of what a linear layer has learned, and its side of the requantization.
    fn hidden_layer(&mut self, id: ContractionId) -> Result<Side, RelationError> {
        let contraction = self.contractions[id.0].clone();
        let node = contraction.node;
        let plan = self.plans[node.0].clone().ok_or(RelationError::NoAccumulator { node: node.0 })?;
        let channels = contraction.output_shape.channels;
        let source = || self.graph.node(node).source.clone();
        let bits = multiplier_bits(self.graph, &contraction).ok_or_else(|| RelationError::TooWide {
            node: node.0,
            op: source(),
            bits: plan.shift,
            room: 0,
        })?;
        let shape = if contraction.depthwise { (contraction.window.num_taps(), channels) } else { (channels, contraction.row_len()) };
        let weights = self.bytes(Some(node), Role::Weights, shape, 0, 8);
        let zero_point = self.bytes(Some(node), Role::WeightZeroPoint, (1, 1), 0, 8);
        self.parameters.extend([weights, zero_point]);
        let multiplier = self.hidden(node, Role::Multiplier, channels, bits, 0);
        let constant = self.hidden(node, Role::Constant, channels, CONSTANT_BITS, 1 << (CONSTANT_BITS - 1));
        let sign = plan.signed.then(|| (ColumnId(0), self.hidden(node, Role::SignFactor, channels, plan.shift, -1)));
        let inverse = inverse_power(plan.shift);
        let factor = || Factor::Uniform(inverse);
        let terms = vec![
            FormTerm { source: Source::ScaledAccumulator(id), factor: factor() },
            FormTerm { source: Source::Integers(constant.clone()), factor: factor() },
        ];
        self.contractions[id.0].hidden = Some(HiddenLayer { weights, zero_point, multiplier, constant, sign });
        Ok(Side { terms, constants: vec![F::ZERO; channels], sign: SignTerm::Scaled(id), operands: Vec::new() })
    }

    /// Input of a convolution: explicit padding with the zero point becomes part of the window, and a flattened tensor under a fully connected
    /// layer becomes a window over the whole tensor.
    fn convolution_input(&mut self, conv: &Conv, depthwise: bool) -> (TensorId, Location, Shape, Window) {
        let shape = self.graph.spec(conv.input).shape;
        let producer = self.graph.producer(conv.input).map(|id| &self.graph.node(id).op);
        if let Some(Op::Pad(pad)) = producer {
            let inner = self.graph.spec(pad.input).shape;
            if i32::from(pad.value) == conv.input_zero_point && inner.channels == shape.channels {
                let mut window = conv.window;
                window.pad_top += pad.before.height;
                window.pad_left += pad.before.width;
                return (pad.input, self.plain(pad.input), inner, window);
            }
        }
        let view = self.view(conv.input);
        let flattened = !depthwise && shape.num_pixels() == 1 && conv.window == Window::POINT;
        if flattened && view.stored.num_pixels() > 1 && view.location != Location::Input {
            let View { location, stored } = view;
            let window = Window { kernel_h: stored.height, kernel_w: stored.width, ..Window::POINT };
            return (conv.input, location, stored, window);
        }
        (conv.input, self.plain(conv.input), shape, conv.window)
    }

    fn addition(&mut self, id: NodeId, node: &Node, add: &Add) -> Result<Recipe, RelationError> {
        let shape = self.graph.spec(node.output).shape;
        let left = self.addend(id, 0, add.left, &add.left_table);
        let mut operands = vec![(left, add.left)];
        let mut terms = vec![(Source::Cell(left), F::ONE)];
        let constants = match &add.right {
            Operand::Constant(_) if self.setting.weights.is_some() => {
                let addends = self.hidden(id, Role::Addends, shape.channels, ADDEND_BOUND.ilog2() as usize + 1, ADDEND_BOUND);
                terms.push((Source::Integers(addends), F::ONE));
                vec![0; shape.channels]
            }
            Operand::Constant(values) => values.iter().map(|&value| i64::from(value)).collect(),
            Operand::Tensor { tensor, table } => {
                let right = self.addend(id, 1, *tensor, table);
                operands.push((right, *tensor));
                terms.push((self.broadcast(Location::Column(right), self.graph.spec(*tensor).shape, shape), F::ONE));
                vec![0; shape.channels]
            }
        };
        let side = self.rescaled(id, Accumulator { terms, constants, operands })?;
        Ok(Recipe::Requantize(self.requantize(id, node, &add.requantization, side)?))
    }

    fn addend(&mut self, id: NodeId, index: usize, tensor: TensorId, table: &[i32]) -> ColumnId {
        let spec = self.graph.spec(tensor);
        let outputs = table.iter().map(|&value| i64::from(value));
        let table = self.tables.function("rescale", i64::from(spec.dtype.min()), outputs);
        let mut key = Form::constant(F::ZERO);
        key.push(same(self.plain(tensor), spec.shape), F::ONE);
        self.looked_up(id, Role::Addend(index), spec.shape, table, key)
    }

    fn product(&mut self, id: NodeId, node: &Node, mul: &Mul) -> Result<Recipe, RelationError> {
        let shape = self.graph.spec(node.output).shape;
        let left = same(self.plain(mul.left), shape);
        let right_location = self.plain(mul.right);
        let right = self.broadcast(right_location, self.graph.spec(mul.right).shape, shape);
        let squares = self.tables.function("square", -510, (-510..=510i64).map(|value| value * value));
        let quarter = F::from_u64(4).inverse();
        let (left_zero, right_zero) = (i64::from(mul.left_zero_point), i64::from(mul.right_zero_point));
        let mut terms = Vec::new();
        for (index, sign) in [F::ONE, -F::ONE].into_iter().enumerate() {
            let zero = if index == 0 { left_zero + right_zero } else { left_zero - right_zero };
            let mut key = Form::constant(-from_signed(zero));
            key.push(left.clone(), F::ONE);
            key.push(right.clone(), sign);
            let column = self.looked_up(id, Role::Square(index), shape, squares, key);
            terms.push((Source::Cell(column), sign * quarter));
        }
        let side = self.rescaled(id, Accumulator { terms, constants: vec![0; shape.channels], operands: Vec::new() })?;
        Ok(Recipe::Requantize(self.requantize(id, node, &mul.requantization, side)?))
    }

    /// The accumulator's side of a requantization with public constants, `(multiplier * acc + constant) / 2^shift`.
    fn rescaled(&self, id: NodeId, accumulator: Accumulator) -> Result<Side, RelationError> {
        let plan = self.plans[id.0].as_ref().ok_or(RelationError::NoAccumulator { node: id.0 })?;
        let values = plan.values.as_ref().ok_or(RelationError::NoAccumulator { node: id.0 })?;
        let inverse = inverse_power(plan.shift);
        let constants = values.multipliers.iter().zip(&values.constants).zip(&accumulator.constants);
        let constants = constants.map(|((&m, &constant), &acc)| (from_signed(m) * from_signed(acc) + from_signed(constant)) * inverse);
        let terms = accumulator.terms.into_iter().map(|(source, factor)| {
            let factors = values.multipliers.iter().map(|&m| from_signed(m) * factor * inverse).collect();
            FormTerm { source, factor: Factor::Channel(factors) }
        });
        let sign = Factor::Channel(values.sign_factors.iter().map(|&s| -from_signed(s) * inverse).collect());
        Ok(Side { terms: terms.collect(), constants: constants.collect(), sign: SignTerm::Cell(sign), operands: accumulator.operands })
    }

    /// Limbs, sign and output of a requantization.
    fn requantize(
        &mut self,
        id: NodeId,
        node: &Node,
        requantization: &Requantization,
        side: Side,
    ) -> Result<RequantizeRecipe, RelationError> {
        let plan = self.plans[id.0].clone().ok_or(RelationError::NoAccumulator { node: id.0 })?;
        let shape = self.graph.spec(node.output).shape;
        let size = (shape.channels, shape.num_pixels());
        let mut key = Form { constant: Coefficients::Channel(side.constants), terms: side.terms };
        let mut limbs = Vec::new();
        let limb_bits = self.limbs[id.0].clone();
        let mut weight = inverse_power(plan.shift);
        for (index, &bits) in limb_bits.iter().enumerate() {
            let table = self.tables.range(bits);
            let column = ColumnId(self.columns.len());
            let leaf = Leaf::Lookup { table, values: vec![Form::cell(column)] };
            limbs.push(self.column(id, Role::Limb(index), size, leaf));
            key.push(Source::Cell(column), -weight);
            weight *= F::from_u64(1 << bits);
        }
        let sign = plan.signed.then(|| {
            let column = ColumnId(self.columns.len());
            key.terms.push(match side.sign {
                SignTerm::Cell(factor) => FormTerm { source: Source::Cell(column), factor },
                SignTerm::Scaled(id) => FormTerm { source: Source::ScaledSign(id), factor: Factor::Uniform(-inverse_power(plan.shift)) },
            });
            let table = self.tables.sign(plan.table);
            self.column(id, Role::Sign, size, Leaf::Lookup { table, values: vec![key.clone(), Form::cell(column)] })
        });
        let key_offset = key_offset(&plan, requantization);
        if let Coefficients::Channel(constants) = &mut key.constant {
            constants.iter_mut().for_each(|constant| *constant += from_signed(key_offset));
        }
        let table = self.tables.clamp(clamp_key(&plan, requantization));
        let output = self.looked_up(id, Role::Output, shape, table, key);
        self.written(node.output, output);
        let Plan { values: rescaling, shift, .. } = plan;
        Ok(RequantizeRecipe { output, limbs, limb_bits, sign, rescaling, shift, key_offset, operands: side.operands })
    }

    fn lookup(&mut self, id: NodeId, node: &Node, lookup: &Lookup) -> Recipe {
        let view = self.view(lookup.input);
        let first = i64::from(self.graph.spec(lookup.input).dtype.min());
        let table = self.tables.function("function", first, lookup.table.iter().map(|&value| i64::from(value)));
        let mut key = Form::constant(F::ZERO);
        key.push(same(view.location, view.stored), F::ONE);
        let output = self.looked_up(id, Role::Output, view.stored, table, key);
        self.views[node.output.0] = Some(View { location: Location::Column(output), stored: view.stored });
        Recipe::Lookup { output }
    }

    fn broadcast(&self, location: Location, source: Shape, target: Shape) -> Source {
        let pixels = match (source.height == target.height, source.width == target.width) {
            (true, true) => PixelMap::Same,
            _ => PixelMap::Broadcast { source, target },
        };
        let channels = if source.channels == target.channels { ChannelMap::Same } else { ChannelMap::Broadcast };
        Source::Tensor { location, shape: source, pixels, channels }
    }
}

fn inverse_power(bits: usize) -> F {
    F::TWO.exp_u64(bits as u64).inverse()
}

fn same(location: Location, shape: Shape) -> Source {
    Source::Tensor { location, shape, pixels: PixelMap::Same, channels: ChannelMap::Same }
}
