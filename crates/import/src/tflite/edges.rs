//! Where the integer part of a model begins and ends.

use std::collections::HashSet;

use verinfer_tflite_schema::tflite::BuiltinOperator;

use crate::error::Unsupported;
use crate::model::{Closing, ElementType, InputSpec, OutputSpec};
use crate::tflite::source::{Operator, Source, Tensor};

/// The graph's first and last tensor, and the operators outside it.
pub struct Edges {
    /// Tensor index of the graph's input.
    pub graph_input: usize,
    /// Tensor index of the graph's output.
    pub graph_output: usize,
    opening: Option<usize>,
    /// Operator index and meaning, in execution order.
    closing: Vec<(usize, Closing)>,
}

impl Edges {
    /// Skips QUANTIZE of a float input, and SOFTMAX, LOG_SOFTMAX and DEQUANTIZE at the end with the QUANTIZE and RESHAPE of what they gave.
    pub fn find(source: &Source<'_>) -> Self {
        let (opening, graph_input) = match float_quantize(source) {
            Some((operator, tensor)) => (Some(operator), tensor),
            None => (None, source.input),
        };
        let mut end = source.output;
        let (mut graph_output, mut steps, mut kept) = (end, Vec::new(), 0);
        // Each step names another operator, so that a cycle ends.
        while steps.len() < source.operators.len() {
            let Some((index, operator)) = producer(source, end) else {
                break;
            };
            let (Some(step), Some(&Some(input))) = (closing_step(source, operator), operator.inputs.first()) else {
                break;
            };
            steps.push((index, step));
            end = input;
            match step {
                Closing::Softmax { .. } | Closing::LogSoftmax { .. } => (graph_output, kept) = (end, steps.len()),
                Closing::Dequantize if !steps.iter().skip(kept).any(|&(_, step)| step == Closing::Quantize) => {
                    (graph_output, kept) = (end, steps.len());
                }
                // Part of the graph, unless a SOFTMAX comes before it.
                Closing::Dequantize | Closing::Quantize | Closing::Reshape => {}
            }
        }
        steps.truncate(kept);
        let mut closing = steps;
        closing.reverse();
        Self { graph_input, graph_output, opening, closing }
    }

    /// Whether the operator is outside the graph.
    pub fn is_edge(&self, operator: usize) -> bool {
        self.opening == Some(operator) || self.closing.iter().any(|&(index, _)| index == operator)
    }

    /// How numbers become the graph's input.
    pub fn input(&self, source: &Source<'_>) -> Result<InputSpec, Unsupported> {
        let declared = tensor(source, source.input)?;
        let tensor = tensor(source, self.graph_input)?;
        let (scale, zero_point) = tensor.per_tensor()?;
        Ok(InputSpec {
            name: declared.name.clone(),
            element: declared.element,
            dtype: tensor.data_type()?,
            shape: tensor.shape()?,
            scale,
            zero_point,
        })
    }

    /// How the graph's output becomes numbers.
    pub fn output(&self, source: &Source<'_>) -> Result<OutputSpec, Unsupported> {
        let tensor = tensor(source, self.graph_output)?;
        let (scale, zero_point) = tensor.per_tensor()?;
        Ok(OutputSpec {
            name: tensor.name.clone(),
            dtype: tensor.data_type()?,
            shape: tensor.shape()?,
            scale,
            zero_point,
            closing: self.closing.iter().map(|&(_, step)| step).collect(),
        })
    }
}

/// Operators on whose outputs the graph's output depends.
///
/// What is folded to constants depends on nothing.
pub fn live_operators(source: &Source<'_>, edges: &Edges, folded: &[usize]) -> HashSet<usize> {
    let mut live_tensors = HashSet::from([edges.graph_output]);
    let mut live = HashSet::new();
    for (index, operator) in source.operators.iter().enumerate().rev() {
        if !edges.is_edge(index) && !folded.contains(&index) && operator.outputs.iter().any(|output| live_tensors.contains(output)) {
            live.insert(index);
            live_tensors.extend(operator.inputs.iter().flatten());
        }
    }
    live
}

/// The only reader of a float input, if it quantizes, and its output.
fn float_quantize(source: &Source<'_>) -> Option<(usize, usize)> {
    if source.tensors.get(source.input)?.element != ElementType::F32 {
        return None;
    }
    let mut readers = source.operators.iter().enumerate().filter(|(_, operator)| operator.inputs.contains(&Some(source.input)));
    let (index, reader) = readers.next()?;
    match reader.outputs.as_slice() {
        [output] if reader.code == BuiltinOperator::QUANTIZE && readers.next().is_none() => Some((index, *output)),
        _ => None,
    }
}

fn producer<'s, 'a>(source: &'s Source<'a>, tensor: usize) -> Option<(usize, &'s Operator<'a>)> {
    source.operators.iter().enumerate().rev().find(|(_, operator)| operator.outputs.contains(&tensor))
}

fn closing_step(source: &Source<'_>, operator: &Operator<'_>) -> Option<Closing> {
    let classes = || {
        let input = operator.inputs.first().copied().flatten()?;
        source.tensors.get(input)?.dims.last().copied()
    };
    match (operator.code, operator.inputs.len()) {
        (BuiltinOperator::DEQUANTIZE, 1) => Some(Closing::Dequantize),
        (BuiltinOperator::SOFTMAX, 1) => {
            let beta = operator.table.builtin_options_as_softmax_options().unwrap_or_default().beta();
            Some(Closing::Softmax { beta, classes: classes()? })
        }
        (BuiltinOperator::LOG_SOFTMAX, 1) => Some(Closing::LogSoftmax { classes: classes()? }),
        (BuiltinOperator::QUANTIZE, 1) => Some(Closing::Quantize),
        (BuiltinOperator::RESHAPE, 1 | 2) | (BuiltinOperator::SQUEEZE, 1) | (BuiltinOperator::EXPAND_DIMS, 2) => Some(Closing::Reshape),
        _ => None,
    }
}

/// A tensor at the edge of the graph, which must be computed or supplied.
fn tensor<'s, 'a>(source: &'s Source<'a>, index: usize) -> Result<&'s Tensor<'a>, Unsupported> {
    let tensor = source.tensors.get(index).ok_or(Unsupported::OperandCount { found: 0, expected: "1" })?;
    tensor.check_plain()?;
    match &tensor.data {
        Some(_) => Err(Unsupported::Constant { tensor: tensor.name.clone() }),
        None => Ok(tensor),
    }
}
