//! The relation: what must hold between the cells of the committed vector, the public input and the weights.
//!
//! It is data, derived from a [`verinfer_graph::Graph`] by [`crate::lower`], and read by the plain checker, the prover and the verifier alike: a
//! list of columns, each cell of which is looked up in a table under values that are linear in cells, input and accumulators; and a list of
//! contractions that define the accumulators.

mod contraction;
mod form;
mod object;
mod recipe;
mod role;

use verinfer_graph::{Graph, NodeId, Reach, Shape};

use crate::grid::{self, Grid};
use crate::layout::{ColumnId, Layout};
use crate::masks::MaskPlan;
use crate::setting::Setting;
use crate::table::Table;

pub use contraction::{Bytes, Contraction, ContractionId, HiddenLayer};
pub use form::{ByPlace, Coefficients, Factor, Form, FormTerm, Leaf, Location, Missing, Source, View};
pub use object::{Object, ObjectKind};
pub use recipe::{MaximumStage, Recipe, RequantizeRecipe, Rescaling, Split};
pub use role::Role;

/// What a valid witness satisfies.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The columns of the committed vector.
    pub columns: Vec<Column>,
    /// The tables, shared by all columns.
    pub tables: Vec<Table>,
    /// The linear layers.
    pub contractions: Vec<Contraction>,
    /// Indices of the parts of the second contraction ([`crate::scaling::parts`]), where weights are hidden.
    pub scaling: Vec<Grid>,
    /// How each node's witness is computed, by node.
    pub recipes: Vec<Recipe>,
    /// Where the output's values lie (never the input).
    pub output: ColumnId,
    /// Which secrets mask which messages.
    pub masks: MaskPlan,
    /// Where the secrets lie.
    pub secrets: ColumnId,
    /// What is public.
    pub setting: Setting,
    /// What is committed to outside of proofs.
    pub objects: Vec<Object>,
    /// Shape of the input, for each image.
    pub input_shape: Shape,
    /// Inputs that one proof is about, at least one. Planes of tensors hold the pixels of all of them, image after image.
    pub images: usize,
    /// Addresses.
    pub layout: Layout,
}

/// A tensor of cells.
#[derive(Clone, Debug)]
pub struct Column {
    /// Node it belongs to, if to one.
    pub node: Option<NodeId>,
    /// Part it plays there.
    pub role: Role,
    /// Planes.
    pub channels: usize,
    /// Cells of a plane, of all images for what belongs to a node.
    pub pixels: usize,
    /// What holds for each cell.
    pub leaf: Leaf,
}

impl Relation {
    /// Cells in use: values of the computation and secrets, without masks of the opening and padding.
    pub fn num_cells(&self) -> usize {
        self.layout.num_cells()
    }

    /// Elements of the public input, of all images.
    pub fn input_len(&self) -> usize {
        self.images * self.input_shape.num_elements()
    }

    /// Channels of what lies at a location.
    pub fn stored_channels(&self, location: Location) -> usize {
        match location {
            Location::Input => self.input_shape.channels,
            Location::Column(column) => self.column(column).channels,
        }
    }

    /// Length of the batched contraction: all of its indices are below.
    pub fn contraction_len(&self) -> usize {
        grid::len(self.contractions.iter().map(|contraction| &contraction.grid))
    }

    /// Rounds of the batched contraction's sumcheck.
    pub fn log_contraction_len(&self) -> usize {
        grid::log_len(self.contraction_len())
    }

    /// Length of the second batched contraction, zero if there is none.
    pub fn scaling_len(&self) -> usize {
        grid::len(&self.scaling)
    }

    /// Rounds of the second batched contraction's sumcheck, `None` if there is none.
    pub fn log_scaling_len(&self) -> Option<usize> {
        Some(self.scaling_len()).filter(|&len| len > 0).map(grid::log_len)
    }

    /// What is committed to outside of proofs under this name.
    pub fn object(&self, kind: ObjectKind) -> Option<&Object> {
        self.objects.iter().find(|object| object.kind == kind)
    }

    /// What the outputs of the network can be at all, and on what they depend: where weights are hidden, with any weights that a proof can be about.
    /// The relation is one of `graph`.
    pub fn reach(&self, graph: &Graph) -> Reach {
        if self.setting.weights.is_none() {
            return Reach::of(graph);
        }
        let mut written = vec![None; graph.nodes().len()];
        for column in self.columns.iter().filter(|column| column.role == Role::Output) {
            if let (Some(node), Leaf::Lookup { table, .. }) = (column.node, &column.leaf) {
                written[node.0] = self.tables[table.0].clamp_bounds();
            }
        }
        Reach::of_architecture(graph, &|node| written.get(node.0).copied().flatten())
    }

    /// A column by its index.
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[id.0]
    }
}
