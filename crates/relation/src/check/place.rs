use std::fmt;

use verinfer_graph::{Graph, Shape};

use crate::layout::ColumnId;
use crate::relation::{Column, Form, Leaf, Relation, Role, Source};
use crate::wiring::PixelMap;

/// Where a cell is, in the network's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the node; `None` for what belongs to no node.
    pub node: Option<usize>,
    /// What the source model calls the node ([`verinfer_graph::Node::source`]).
    pub operator: String,
    /// Which image of a batch; `None` if there is only one, and for what belongs to no node.
    pub image: Option<usize>,
    /// Part the column plays there.
    pub role: Role,
    /// Channel.
    pub channel: usize,
    /// Row.
    pub y: usize,
    /// Column.
    pub x: usize,
}

impl Place {
    /// The place of a cell of a column.
    pub(super) fn new(graph: &Graph, relation: &Relation, id: ColumnId, channel: usize, pixel: usize) -> Self {
        let column = relation.column(id);
        let operator = column.node.map_or_else(String::new, |node| graph.node(node).source.clone());
        let num_pixels = pixels_of_image(relation, id);
        let image = (has_images(column) && relation.images > 1).then_some(pixel / num_pixels);
        let (pixel, width) = (pixel % num_pixels, width(graph, relation, id));
        Self { node: column.node.map(|node| node.0), operator, image, role: column.role, channel, y: pixel / width, x: pixel % width }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operator, role, channel, y, x, .. } = self;
        if let Some(image) = self.image {
            write!(f, "image {image}, ")?;
        }
        match self.node {
            Some(node) => write!(f, "node {node} ({operator}), {role:?}, channel {channel}, pixel ({y}, {x})"),
            None => write!(f, "{role:?}, {x}"),
        }
    }
}

/// Whether a column has cells of each image: what belongs to a node and is not learned.
fn has_images(column: &Column) -> bool {
    let learned = matches!(
        column.role,
        Role::Weights | Role::WeightZeroPoint | Role::Multiplier(_) | Role::Constant(_) | Role::SignFactor(_) | Role::Addends(_)
    );
    column.node.is_some() && !learned
}

/// Pixels that a column has for each image; all of them if it has none of its own.
fn pixels_of_image(relation: &Relation, id: ColumnId) -> usize {
    let column = relation.column(id);
    if has_images(column) { column.pixels / relation.images } else { column.pixels }
}

/// Width of a column's planes: that of the tensor it holds, or else that of the tensor its tuples read.
fn width(graph: &Graph, relation: &Relation, id: ColumnId) -> usize {
    let column = relation.column(id);
    let held = match column.role {
        Role::Copy(tensor) => Some(graph.spec(tensor).shape),
        Role::Output | Role::Limb(_) | Role::Sign | Role::Addend(_) | Role::Square(_) => {
            column.node.map(|node| graph.spec(graph.node(node).output).shape)
        }
        Role::Running(_) => column.leaf.tuple().into_iter().flat_map(|(_, values)| values).find_map(window_target),
        Role::Input => Some(graph.spec(graph.input()).shape),
        Role::Weights
        | Role::WeightZeroPoint
        | Role::Multiplier(_)
        | Role::Constant(_)
        | Role::SignFactor(_)
        | Role::Addends(_)
        | Role::CommittedInput
        | Role::CommittedOutput
        | Role::Label(_)
        | Role::Reads
        | Role::LabelScore
        | Role::Before
        | Role::Ahead
        | Role::Correct
        | Role::Count
        | Role::Digests(_)
        | Role::Salt(_)
        | Role::Multiplicity(_)
        | Role::Secrets
        | Role::Spare => None,
    };
    let read = match &column.leaf {
        Leaf::Lookup { values, .. } | Leaf::Row { values, .. } => {
            values.iter().flat_map(|form| &form.terms).find_map(|term| tensor_shape(&term.source))
        }
        Leaf::Free | Leaf::Spare | Leaf::Multiplicity(_) => None,
    };
    let num_pixels = pixels_of_image(relation, id);
    let fits = |shape: &Shape| (shape.channels, shape.num_pixels()) == (column.channels, num_pixels);
    [held, read].into_iter().flatten().find(fits).map_or(num_pixels, |shape| shape.width)
}

/// Shape of what a window that is read has as many positions as.
fn window_target(form: &Form) -> Option<Shape> {
    form.terms.iter().find_map(|term| {
        let Source::Tensor { pixels: PixelMap::Window { target, .. }, .. } = term.source else { return None };
        Some(target)
    })
}

fn tensor_shape(source: &Source) -> Option<Shape> {
    match source {
        Source::Tensor { shape, .. } => Some(*shape),
        Source::Cell(_)
        | Source::Reordered { .. }
        | Source::Integers(_)
        | Source::Accumulator(_)
        | Source::ScaledAccumulator(_)
        | Source::ScaledSign(_) => None,
    }
}
