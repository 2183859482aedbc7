//! TFLite files: parse ([`source`]), evaluate the constant part ([`fold`]), find the integer part ([`edges`]), lower each operator ([`lowering`] and one file for each group).

use std::sync::Arc;

use verinfer_graph::Graph;

use crate::error::ImportError;
use crate::model::{Model, OperatorReport, Support, Survey};
use crate::tflite::edges::{Edges, live_operators};
use crate::tflite::lowering::{Lowering, lower_operator};
use crate::tflite::source::Source;

pub use source::is_tflite;

mod activation;
mod arithmetic;
mod constant_addend;
mod convolution;
mod edges;
mod fold;
mod hard_swish;
mod layout;
mod lowering;
mod pooling;
mod source;
pub mod window;

/// Imports a quantized model.
///
/// The result computes exactly what TFLite's reference kernels compute. SOFTMAX, LOG_SOFTMAX and DEQUANTIZE at the end (with a QUANTIZE or RESHAPE of
/// what they give) and QUANTIZE of a float input at the beginning are left out and recorded in [`Model::output`] and [`Model::input`].
///
/// # Errors
///
/// The first reason why the file cannot be imported; [`survey`] finds all.
pub fn import_tflite(bytes: &[u8]) -> Result<Model, ImportError> {
    let mut source = Source::parse(bytes)?;
    let folded = fold::fold(&mut source);
    let edges = Edges::find(&source);
    let live = live_operators(&source, &edges, &folded);
    let input = edges.input(&source).map_err(ImportError::Input)?;
    let output = edges.output(&source).map_err(ImportError::Output)?;
    let mut lowering = Lowering::new(&source);
    let mut operators = Vec::with_capacity(source.operators.len());
    for (index, operator) in source.operators.iter().enumerate() {
        let support = if edges.is_edge(index) {
            Support::Edge
        } else if folded.contains(&index) {
            Support::Constant
        } else if !live.contains(&index) {
            Support::Unused
        } else {
            lower_operator(&mut lowering, index, operator).map_err(|reason| ImportError::Operator {
                operator: operator.name(),
                index,
                reason,
            })?;
            Support::Lowered
        };
        operators.push(OperatorReport { index, name: operator.name(), support });
    }
    let input_id = lowering.activation(edges.graph_input).map_err(ImportError::Input)?.id;
    let output_id = lowering.activation(edges.graph_output).map_err(ImportError::Output)?.id;
    let tensor_of = lowering.tensor_of();
    let (tensors, nodes) = lowering.finish();
    let graph = Arc::new(Graph::new(tensors, nodes, input_id, output_id)?);
    Ok(Model { graph, input, output, operators, tensor_of })
}

/// Lists every operator of a model with whether it is supported, and why not.
///
/// # Errors
///
/// Only what keeps the file from being read at all.
pub fn survey(bytes: &[u8]) -> Result<Survey, ImportError> {
    let mut source = Source::parse(bytes)?;
    let folded = fold::fold(&mut source);
    let edges = Edges::find(&source);
    let live = live_operators(&source, &edges, &folded);
    let mut lowering = Lowering::new(&source);
    let operators: Vec<_> = source
        .operators
        .iter()
        .enumerate()
        .map(|(index, operator)| OperatorReport {
            index,
            name: operator.name(),
            support: if edges.is_edge(index) {
                Support::Edge
            } else if folded.contains(&index) {
                Support::Constant
            } else if !live.contains(&index) {
                Support::Unused
            } else {
                match lower_operator(&mut lowering, index, operator) {
                    Ok(()) => Support::Lowered,
                    Err(reason) => Support::Unsupported(reason),
                }
            },
        })
        .collect();
    let mut survey = Survey { operators, input: edges.input(&source).err(), output: edges.output(&source).err(), graph: None };
    if survey.is_supported() {
        let imported = import_tflite(bytes);
        if let Err(ImportError::Graph(fault)) = imported {
            survey.graph = Some(fault);
        }
    }
    Ok(survey)
}
