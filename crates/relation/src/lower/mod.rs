//! From a graph to its relation.

mod limbs;
mod nodes;
mod requantize;
mod tables;

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{Graph, NodeId, Op, Requantization, Shape, TensorId};

use crate::error::RelationError;
use crate::field::F;
use crate::layout::{ColumnId, Layout};
use crate::masks::{CELLS_PER_SECRET, MaskPlan};
use crate::parameters;
use crate::relation::{Coefficients, Column, Contraction, Factor, Form, FormTerm, Leaf, Location, Recipe, Relation, Role, Source, View};
use crate::table::TableId;
use crate::wiring::{ChannelMap, PixelMap};
use requantize::Plan;
use tables::{ClampKey, Tables};

impl Relation {
    /// The relation of a graph. The same graph gives the same relation on every machine.
    pub fn new(graph: &Graph) -> Result<Self, RelationError> {
        let mut lowering = Lowering::new(graph)?;
        for (index, node) in graph.nodes().iter().enumerate() {
            lowering.node(NodeId(index), node)?;
        }
        lowering.finish()
    }
}

/// State of a lowering.
struct Lowering<'a> {
    graph: &'a Graph,
    plans: Vec<Option<Plan>>,
    limbs: Vec<Vec<usize>>,
    tables: Tables,
    columns: Vec<Column>,
    contractions: Vec<Contraction>,
    recipes: Vec<Recipe>,
    views: Vec<Option<View>>,
    copies: Vec<Option<ColumnId>>,
}

impl<'a> Lowering<'a> {
    fn new(graph: &'a Graph) -> Result<Self, RelationError> {
        let mut plans = Vec::new();
        for (index, node) in graph.nodes().iter().enumerate() {
            let channels = graph.spec(node.output).shape.channels;
            plans.push(match requantization(&node.op) {
                Some(requantization) => Some(Plan::new(graph, NodeId(index), requantization, channels)?),
                None => None,
            });
        }
        let mut tables = Tables::default();
        for (plan, node) in plans.iter().zip(graph.nodes()) {
            if let (Some(plan), Some(requantization)) = (plan, requantization(&node.op)) {
                tables.announce_clamp(clamp_key(plan, requantization), plan.key_range(requantization.zero_point));
            }
        }
        let limbs = limbs::choose(graph, &mut plans, &tables)?;
        let mut views = vec![None; graph.tensors().len()];
        let input = graph.input();
        views[input.0] = Some(View { location: Location::Input, stored: graph.spec(input).shape });
        let copies = vec![None; graph.tensors().len()];
        Ok(Self { graph, plans, limbs, tables, columns: Vec::new(), contractions: Vec::new(), recipes: Vec::new(), views, copies })
    }

    fn finish(mut self) -> Result<Relation, RelationError> {
        let output = match self.plain(self.graph.output()) {
            Location::Column(column) => column,
            Location::Input => self.copy(self.graph.output()),
        };
        let Self { graph, tables, mut columns, mut contractions, recipes, .. } = self;
        let tables = tables.finish();
        for (index, table) in tables.iter().enumerate() {
            let id = TableId(index);
            columns.push(Column { node: None, role: Role::Multiplicity(id), channels: 1, pixels: table.len, leaf: Leaf::Multiplicity(id) });
        }
        let num_chunks = |contraction: &Contraction| columns[contraction.output.0].pixels.count_ones() as usize;
        let contraction_len: usize = contractions.iter().map(|contraction| contraction.block_len() * num_chunks(contraction)).sum();
        let (num_stored, masks) = size(&columns, contraction_len)?;
        let mut random = |role: Role, pixels: usize, leaf: Leaf| {
            columns.push(Column { node: None, role, channels: 1, pixels, leaf });
            ColumnId(columns.len() - 1)
        };
        let secrets = random(Role::Secrets, CELLS_PER_SECRET * masks.num_secrets(), Leaf::Free);
        random(Role::Spare, CELLS_PER_SECRET, Leaf::Spare);
        let shapes: Vec<_> = columns.iter().map(|column| (column.channels, column.pixels)).collect();
        let layout = Layout::new(num_stored, &shapes);
        let mut next = 0;
        for contraction in &mut contractions {
            let chunks = layout.placement(contraction.output).chunks.len();
            contraction.blocks = (0..chunks).map(|chunk| next + chunk * contraction.block_len()).collect();
            next += chunks * contraction.block_len();
        }
        let input_shape = graph.spec(graph.input()).shape;
        Ok(Relation {
            runs: tables.iter().map(crate::table::Table::runs).collect(),
            columns,
            tables,
            contractions,
            recipes,
            output,
            masks,
            secrets,
            input_shape,
            layout,
        })
    }

    /// Adds a column.
    fn column(&mut self, node: NodeId, role: Role, (channels, pixels): (usize, usize), leaf: Leaf) -> ColumnId {
        self.columns.push(Column { node: Some(node), role, channels, pixels, leaf });
        ColumnId(self.columns.len() - 1)
    }

    /// Adds a column whose cells are the last value of the tuple they look up.
    fn looked_up(&mut self, node: NodeId, role: Role, shape: Shape, table: TableId, key: Form) -> ColumnId {
        let id = ColumnId(self.columns.len());
        let leaf = Leaf::Lookup { table, values: vec![key, Form::cell(id)] };
        self.column(node, role, (shape.channels, shape.num_pixels()), leaf)
    }

    /// Records that a node's output is a column in the output's own shape.
    fn written(&mut self, tensor: TensorId, column: ColumnId) {
        self.views[tensor.0] = Some(View { location: Location::Column(column), stored: self.graph.spec(tensor).shape });
    }

    /// Where the tensor lies, in whatever shape.
    fn view(&mut self, tensor: TensorId) -> View {
        match self.views[tensor.0] {
            Some(view) => view,
            None => {
                let location = Location::Column(self.copy(tensor));
                View { location, stored: self.graph.spec(tensor).shape }
            }
        }
    }

    /// Where the tensor lies plane by plane; a copy is made if it lies in another order.
    fn plain(&mut self, tensor: TensorId) -> Location {
        let shape = self.graph.spec(tensor).shape;
        let view = self.view(tensor);
        if view.stored.channels == shape.channels || view.location == Location::Input {
            view.location
        } else {
            Location::Column(self.copy(tensor))
        }
    }

    /// A column that holds the tensor in its own shape, bound to where its elements come from.
    fn copy(&mut self, tensor: TensorId) -> ColumnId {
        if let Some(column) = self.copies[tensor.0] {
            return column;
        }
        let graph = self.graph;
        let shape = graph.spec(tensor).shape;
        let producer = graph.producer(tensor);
        let mut difference = Form::constant(F::ZERO);
        match producer.map(|id| &graph.node(id).op) {
            Some(Op::Pad(pad)) => {
                let location = self.plain(pad.input);
                let source = graph.spec(pad.input).shape;
                let (top, left) = (pad.before.height, pad.before.width);
                let pixels = PixelMap::Inset { source, target: shape, top, left };
                let channels = ChannelMap::Inset { first: pad.before.channels };
                difference.push(Source::Tensor { location, shape: source, pixels, channels }, F::ONE);
                difference.constant = padding(pad, source, shape);
            }
            Some(Op::Concat(concat)) => {
                let mut start = 0;
                for &input in &concat.inputs {
                    let location = self.plain(input);
                    let source = graph.spec(input).shape;
                    let at = |axis: usize| if concat.axis == axis { start } else { 0 };
                    let pixels = PixelMap::Inset { source, target: shape, top: at(0), left: at(1) };
                    let channels = ChannelMap::Inset { first: at(2) };
                    difference.push(Source::Tensor { location, shape: source, pixels, channels }, F::ONE);
                    start += [source.height, source.width, source.channels][concat.axis];
                }
            }
            _ => {
                let location = self.view(tensor).location;
                difference.push(Source::Reordered { location }, F::ONE);
            }
        }
        let table = self.tables.zero();
        let id = ColumnId(self.columns.len());
        difference.push(Source::Cell(id), -F::ONE);
        let node = producer.unwrap_or(NodeId(0));
        let leaf = Leaf::Lookup { table, values: vec![difference] };
        self.column(node, Role::Copy(tensor), (shape.channels, shape.num_pixels()), leaf);
        self.copies[tensor.0] = Some(id);
        id
    }
}

impl Form {
    fn constant(value: F) -> Self {
        Self { constant: Coefficients::Uniform(value), terms: Vec::new() }
    }

    fn cell(id: ColumnId) -> Self {
        let mut form = Self::constant(F::ZERO);
        form.push(Source::Cell(id), F::ONE);
        form
    }

    fn push(&mut self, source: Source, factor: F) {
        self.terms.push(FormTerm { source, factor: Factor::Uniform(factor) });
    }
}

/// Length of the smallest committed vector that has room for the columns, the secrets and the opening's masks, and its secrets.
fn size(columns: &[Column], contraction_len: usize) -> Result<(usize, MaskPlan), RelationError> {
    let cells: usize = columns.iter().map(|column| column.channels * column.pixels).sum();
    let log_contraction_len = contraction_len.next_power_of_two().trailing_zeros() as usize;
    for log_cells in parameters::MIN_LOG_CELLS..=Layout::MAX_LOG_CELLS {
        let masks = MaskPlan::new(log_cells, log_contraction_len);
        let num_stored = parameters::stored_cells(log_cells, cells + CELLS_PER_SECRET * (masks.num_secrets() + 1));
        if num_stored <= 1 << log_cells {
            return Ok((num_stored, masks));
        }
    }
    Err(RelationError::TooLarge { cells, max_log: Layout::MAX_LOG_CELLS })
}

fn requantization(op: &Op) -> Option<&Requantization> {
    match op {
        Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => Some(&conv.requantization),
        Op::Add(add) => Some(&add.requantization),
        Op::Mul(mul) => Some(&mul.requantization),
        Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => None,
    }
}

fn clamp_key(plan: &Plan, requantization: &Requantization) -> ClampKey {
    ClampKey {
        min: requantization.min,
        max: requantization.max,
        signed_zero_point: plan.signed.then_some(requantization.zero_point),
        long_remainder: plan.long_remainder,
    }
}

/// The border of a padded tensor.
fn padding(pad: &verinfer_graph::Pad, source: Shape, target: Shape) -> Coefficients {
    let before = pad.before;
    let pixels = (0..target.num_pixels()).map(|pixel| {
        let row = (before.height..before.height + source.height).contains(&(pixel / target.width));
        let column = (before.width..before.width + source.width).contains(&(pixel % target.width));
        F::from_bool(row && column)
    });
    let channels = before.channels..before.channels + source.channels;
    Coefficients::Outside { value: crate::field::from_signed(i64::from(pad.value)), channels, pixels: pixels.collect() }
}
