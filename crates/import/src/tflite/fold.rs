//! Shapes that the file computes from itself: SHAPE, STRIDED_SLICE and PACK over 32-bit integers, as Keras writes them in front of RESHAPE for a batch of any size.
//!
//! Every shape is fixed, so that these operators have constant results; they are evaluated here and are no part of the graph.

use std::borrow::Cow;

use verinfer_tflite_schema::tflite::BuiltinOperator;

use crate::model::ElementType;
use crate::tflite::source::{Operator, Source, Tensor};

/// Longest shape computed; TFLite's shapes have a few sides.
const MAX_ELEMENTS: usize = 64;

/// Evaluates what is constant, in execution order; the results become the data of the tensors written.
///
/// Returns the operators that are done.
pub fn fold(source: &mut Source<'_>) -> Vec<usize> {
    let mut folded = Vec::new();
    for (index, operator) in source.operators.iter().enumerate() {
        let Some((output, values)) = evaluate(&source.tensors, operator) else { continue };
        if let Some(tensor) = source.tensors.get_mut(output) {
            tensor.data = Some(Cow::Owned(values.into_iter().flat_map(i32::to_le_bytes).collect()));
            folded.push(index);
        }
    }
    folded
}

/// The tensor written and its elements; `None` if they are not constant, or not what the file declares.
fn evaluate(tensors: &[Tensor<'_>], operator: &Operator<'_>) -> Option<(usize, Vec<i32>)> {
    let [output] = *operator.outputs.as_slice() else { return None };
    let declared = tensors.get(output)?;
    if declared.element != ElementType::I32 || declared.data.is_some() || declared.check_plain().is_err() {
        return None;
    }
    let inputs: Vec<_> = operator.inputs.iter().map(|input| tensors.get((*input)?)).collect::<Option<_>>()?;
    let (dims, values) = match (operator.code, inputs.as_slice()) {
        (BuiltinOperator::SHAPE, [input]) => shape(input)?,
        (BuiltinOperator::STRIDED_SLICE, [input, begin, end, strides]) => strided_slice(operator, input, [begin, end, strides])?,
        (BuiltinOperator::PACK, inputs) => pack(operator, inputs)?,
        (_, _) => return None,
    };
    (declared.dims == dims).then_some((output, values))
}

fn shape(input: &Tensor<'_>) -> Option<(Vec<usize>, Vec<i32>)> {
    input.check_plain().ok()?;
    let values = input.dims.iter().map(|&side| i32::try_from(side).ok()).collect::<Option<Vec<_>>>()?;
    Some((vec![values.len()], values))
}

/// `kernels/strided_slice.cc` along one axis.
fn strided_slice(operator: &Operator<'_>, input: &Tensor<'_>, [begin, end, strides]: [&Tensor<'_>; 3]) -> Option<(Vec<usize>, Vec<i32>)> {
    let options = operator.table.builtin_options_as_strided_slice_options().unwrap_or_default();
    if options.ellipsis_mask() != 0 || options.new_axis_mask() != 0 || options.offset() || input.dims.len() != 1 {
        return None;
    }
    let values = elements(input)?;
    let [begin, end, stride] = [only(begin)?, only(end)?, only(strides)?];
    let length = i64::try_from(values.len()).ok()?;
    // Negative positions count from the end; then everything is clamped to where the stride can begin and end.
    let (first, past) = if stride > 0 { (0, length) } else { (-1, length.checked_sub(1)?) };
    let position = |value: i32| {
        let value = i64::from(value);
        if value < 0 { value.saturating_add(length) } else { value }
    };
    let is_set = |mask: i32| mask & 1 != 0;
    let from = match (is_set(options.begin_mask()), stride > 0) {
        (true, true) => first,
        (true, false) => past,
        (false, _) => position(begin).clamp(first, past),
    };
    if is_set(options.shrink_axis_mask()) {
        let value = usize::try_from(from).ok().and_then(|position| values.get(position))?;
        return (stride == 1).then(|| (Vec::new(), vec![*value]));
    }
    let to = match (is_set(options.end_mask()), stride > 0) {
        (true, true) => past,
        (true, false) => first,
        (false, _) => position(end).clamp(first, past),
    };
    let step = i64::from(stride);
    let mut picked = Vec::new();
    let mut at = from;
    while step != 0 && (if step > 0 { at < to } else { at > to }) {
        picked.push(*usize::try_from(at).ok().and_then(|at| values.get(at))?);
        at = at.checked_add(step)?;
    }
    Some((vec![picked.len()], picked))
}

/// `kernels/pack.cc` along the first axis.
fn pack(operator: &Operator<'_>, inputs: &[&Tensor<'_>]) -> Option<(Vec<usize>, Vec<i32>)> {
    let options = operator.table.builtin_options_as_pack_options().unwrap_or_default();
    let (first, _) = inputs.split_first()?;
    let is_first_axis = options.axis() == 0 || (options.axis() == -1 && first.dims.is_empty());
    if !is_first_axis
        || usize::try_from(options.values_count()).ok()? != inputs.len()
        || inputs.iter().any(|input| input.dims != first.dims)
    {
        return None;
    }
    let values = inputs.iter().map(|input| elements(input)).collect::<Option<Vec<_>>>()?.concat();
    let dims = std::iter::once(inputs.len()).chain(first.dims.iter().copied()).collect();
    (values.len() <= MAX_ELEMENTS).then_some((dims, values))
}

/// The element of a constant that has one.
fn only(tensor: &Tensor<'_>) -> Option<i32> {
    match *elements(tensor)?.as_slice() {
        [value] => Some(value),
        _ => None,
    }
}

/// The elements of a short constant.
fn elements(tensor: &Tensor<'_>) -> Option<Vec<i32>> {
    if tensor.element != ElementType::I32 || tensor.num_elements() > MAX_ELEMENTS {
        return None;
    }
    tensor.integers().ok()?.into_iter().map(|value| i32::try_from(value).ok()).collect()
}
