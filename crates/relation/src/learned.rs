//! What a network has learned, as the bytes that hidden columns hold.

use verinfer_graph::{Add, Graph, NodeId, Op, Operand};

use crate::envelope::{ADDEND_BOUND, weight_range};
use crate::error::RelationError;
use crate::layout::ColumnId;
use crate::lower::lines::Lines;
use crate::relation::{Bytes, Contraction, HiddenLayer, Recipe, Relation, Rescaling, Role};

/// The contents of the hidden columns of a relation.
#[derive(Clone, Debug)]
pub struct Learned {
    /// Each column with its values, plane by plane.
    pub columns: Vec<(ColumnId, Vec<i16>)>,
    /// Constants of the requantizations, by node, without biases.
    pub rescalings: Vec<Option<Rescaling>>,
}

impl Learned {
    /// Brings what `graph` has learned into the columns of the relation of its architecture.
    ///
    /// # Errors
    ///
    /// [`RelationError::NotHideable`] where a value does not fit.
    pub fn new(graph: &Graph, relation: &Relation) -> Result<Self, RelationError> {
        let mut learned = Self { columns: Vec::new(), rescalings: vec![None; graph.nodes().len()] };
        for contraction in &relation.contractions {
            if let Some(hidden) = &contraction.hidden {
                learned.layer(graph, relation, contraction, hidden)?;
            }
        }
        learned.addends(graph, relation)?;
        Ok(learned)
    }

    fn layer(&mut self, graph: &Graph, relation: &Relation, contraction: &Contraction, hidden: &HiddenLayer) -> Result<(), RelationError> {
        let id = contraction.node;
        let (Some(conv), Recipe::Requantize(recipe)) = (contraction.conv(graph), &relation.recipes[id.0]) else { return Ok(()) };
        let num_channels = contraction.output_shape.channels;
        let (first, last) = weight_range(graph, contraction);
        let fits = |channel, part, value, range| fits(graph, id, channel, part, value, range);
        for (index, &weight) in conv.weights.iter().enumerate() {
            let channel = if contraction.depthwise { index % num_channels } else { index / contraction.row_len() };
            fits(channel, "the weight", i64::from(weight), (first, last))?;
        }
        let zero_point = i64::from(conv.weight_zero_point);
        fits(0, "the zero point of weights", zero_point, (first, last))?;
        self.columns.push((hidden.weights, conv.weights.iter().map(|&weight| (i64::from(weight) - first) as i16).collect()));
        self.columns.push((hidden.zero_point, vec![(zero_point - first) as i16]));
        let lines = Lines::hidden(graph, id, &conv.requantization, num_channels)?;
        let values = lines.rescaling(recipe.shift).ok_or_else(|| RelationError::TooWide {
            node: id.0,
            op: graph.node(id).source.clone(),
            bits: lines.bits,
            room: recipe.shift,
        })?;
        let mut constants = Vec::new();
        let (multiplier_range, constant_range) = (hidden.multiplier.range(), hidden.constant.range());
        for (channel, (&multiplier, &constant)) in values.multipliers.iter().zip(&values.constants).enumerate() {
            fits(channel, "the scaled multiplier", multiplier, multiplier_range)?;
            let wide = i128::from(multiplier) * i128::from(conv.bias[channel]) + i128::from(constant);
            let constant = i64::try_from(wide).unwrap_or(i64::MAX);
            fits(channel, "the scaled bias", constant, constant_range)?;
            constants.push(constant);
        }
        self.bytes(&hidden.multiplier, &values.multipliers);
        self.bytes(&hidden.constant, &constants);
        if let Some((_, bytes)) = &hidden.sign {
            let range = bytes.range();
            for (channel, &factor) in values.sign_factors.iter().enumerate() {
                fits(channel, "the sign factor", factor, range)?;
            }
            self.bytes(bytes, &values.sign_factors);
        }
        self.rescalings[id.0] = Some(values);
        Ok(())
    }

    fn addends(&mut self, graph: &Graph, relation: &Relation) -> Result<(), RelationError> {
        for (index, column) in relation.columns.iter().enumerate() {
            let (Role::Addends(first), Some(node)) = (column.role, column.node) else { continue };
            let Op::Add(Add { right: Operand::Constant(values), .. }) = &graph.node(node).op else { continue };
            for (channel, &value) in values.iter().enumerate() {
                fits(graph, node, channel, "the addend", i64::from(value), (-ADDEND_BOUND, ADDEND_BOUND - 1))?;
            }
            let values: Vec<i64> = values.iter().map(|&value| i64::from(value) + ADDEND_BOUND).collect();
            self.columns.push((ColumnId(index), planes(&values, first, column.channels)));
        }
        Ok(())
    }

    /// The bytes of one integer for each channel.
    fn bytes(&mut self, bytes: &Bytes, values: &[i64]) {
        let values: Vec<i64> = values.iter().map(|&value| value + bytes.offset).collect();
        let mut first = 0;
        for &(column, num_planes) in &bytes.columns {
            self.columns.push((column, planes(&values, first, num_planes)));
            first += num_planes;
        }
    }
}

/// Byte `first` of all values, then the next one, and so on.
fn planes(values: &[i64], first: usize, num_planes: usize) -> Vec<i16> {
    (first..first + num_planes).flat_map(|byte| values.iter().map(move |&value| (value >> (8 * byte) & 0xff) as i16)).collect()
}

/// Demands that a value be in the range of its bytes.
fn fits(graph: &Graph, id: NodeId, channel: usize, part: &'static str, value: i64, (first, last): (i64, i64)) -> Result<(), RelationError> {
    if (first..=last).contains(&value) {
        return Ok(());
    }
    let op = graph.node(id).source.clone();
    Err(RelationError::NotHideable { node: id.0, op, channel, part, value, first, last })
}
