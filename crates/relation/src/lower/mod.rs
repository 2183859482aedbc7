//! From a graph to its relation.

mod limbs;
pub mod lines;
mod maximum;
mod nodes;
mod output;
mod pools;
mod requantize;
mod room;
mod steps;
mod tables;

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{Add, DataType, Graph, NodeId, Op, Operand, Requantization, Shape, TensorId, TensorSpec};

use crate::commitment::{self, Tag};
use crate::envelope::ADDEND_BOUND;
use crate::error::RelationError;
use crate::field::{F, from_signed};
use crate::grid::Grid;
use crate::layout::{ColumnId, Layout, Region};
use crate::masks::{CELLS_PER_SECRET, MaskPlan};
use crate::parameters;
use crate::relation::{
    Bytes, Coefficients, Column, Contraction, Factor, Form, FormTerm, Leaf, Location, Missing, Object, ObjectKind, Recipe, Relation, Role,
    Source, View,
};
use crate::scaling;
use crate::setting::Setting;
use crate::table::TableId;
use crate::wiring::{ChannelMap, PixelMap};
use lines::may_have_sign;
use requantize::Plan;
use room::{Room, node_cells, window_connections};
use tables::{ClampKey, Tables};

impl Relation {
    /// The relation of a graph of which everything is public, on one input. The same graph gives the same relation on every machine.
    ///
    /// # Errors
    ///
    /// As [`Relation::with_setting`].
    pub fn new(graph: &Graph) -> Result<Self, RelationError> {
        Self::with_setting(graph, 1, &Setting::default())
    }

    /// The relation of a graph on `images` inputs at once, of which the setting says what is hidden. The planes of every tensor hold the pixels of all
    /// images, the tables and what is learned are shared. If the weights are hidden, nothing learned is read. Takes time and memory that do not
    /// depend on the number of images, but for the commitments to hidden inputs.
    ///
    /// # Errors
    ///
    /// The graph cannot be brought into a relation, or `images` is 0 or more than a committed vector has room for.
    pub fn with_setting(graph: &Graph, images: usize, setting: &Setting) -> Result<Self, RelationError> {
        Self::within(1 << Layout::MAX_LOG_CELLS, graph, images, setting)
    }

    /// As [`Relation::with_setting`], for a graph or a number of images that comes from a stranger: no more than some 16 bytes for each of `max_cells`
    /// cells are allocated, besides what the graph itself takes. A column, of which an operator has a few, counts as at least 64 cells. Taps of windows
    /// times output pixels, and the elements of a public input as often as they are read, for which a verifier takes a step each, may be as many as cells.
    /// What a committed vector cannot hold is refused whatever `max_cells` is: the limit saves memory and time, and carries no soundness.
    ///
    /// # Errors
    ///
    /// As [`Relation::with_setting`], or the relation is larger than `max_cells`.
    pub fn within(max_cells: usize, graph: &Graph, images: usize, setting: &Setting) -> Result<Self, RelationError> {
        if images == 0 {
            return Err(RelationError::NoImages);
        }
        let neutral = setting.weights.is_some().then(|| graph.without_learned());
        let graph = neutral.as_ref().unwrap_or(graph);
        let mut lowering = Lowering::new(graph, images, setting, Room::new(max_cells.min(1 << Layout::MAX_LOG_CELLS), images))?;
        for (index, node) in graph.nodes().iter().enumerate() {
            let id = NodeId(index);
            lowering.check_room(node_cells(graph, node, images).saturating_add(lowering.new_rows(id)))?;
            if let Op::SumPool(pool) = &node.op {
                let num_pixels = graph.spec(node.output).shape.num_pixels();
                lowering.room.connect(window_connections(&pool.window, num_pixels, images))?;
            }
            lowering.node(id, node)?;
        }
        lowering.finish()
    }
}

/// State of a lowering.
struct Lowering<'a> {
    graph: &'a Graph,
    images: usize,
    setting: Setting,
    room: Room,
    plans: Vec<Option<Plan>>,
    limbs: Vec<Vec<usize>>,
    tables: Tables,
    columns: Vec<Column>,
    contractions: Vec<Contraction>,
    recipes: Vec<Recipe>,
    views: Vec<Option<View>>,
    copies: Vec<Option<ColumnId>>,
    /// Columns of what is learned, where it is hidden.
    parameters: Vec<ColumnId>,
    output: ColumnId,
    objects: Vec<Object>,
}

impl<'a> Lowering<'a> {
    fn new(graph: &'a Graph, images: usize, setting: &Setting, room: Room) -> Result<Self, RelationError> {
        if let Some(envelope) = &setting.weights {
            envelope.check()?;
        }
        let mut plans = Vec::new();
        for (index, node) in graph.nodes().iter().enumerate() {
            let channels = graph.spec(node.output).shape.channels;
            plans.push(match (requantization(&node.op), &setting.weights) {
                (Some(requantization), Some(envelope)) if is_linear(&node.op) => {
                    let signed = may_have_sign(requantization);
                    let (first, last) = if signed { envelope.signed_keys } else { envelope.keys };
                    Some(Plan::hidden(signed, envelope.shift(), (i64::from(first), i64::from(last))))
                }
                (Some(requantization), hidden) => {
                    let margin = hidden.as_ref().and(neutral_addend(&node.op)).map_or(0, |addend| ADDEND_BOUND + addend);
                    Some(Plan::new(graph, NodeId(index), requantization, channels, margin)?)
                }
                (None, _) => None,
            });
        }
        let tables = limbs::share_tables(graph, &mut plans)?;
        let limbs = limbs::choose(graph, &mut plans, &tables, setting.weights.as_ref())?;
        let mut lowering = Self {
            graph,
            images,
            setting: setting.clone(),
            room,
            plans,
            limbs,
            tables,
            columns: Vec::new(),
            contractions: Vec::new(),
            recipes: Vec::new(),
            views: vec![None; graph.tensors().len()],
            copies: vec![None; graph.tensors().len()],
            parameters: Vec::new(),
            output: ColumnId(0),
            objects: Vec::new(),
        };
        let input = graph.input();
        let location = if setting.hidden_input { Location::Column(lowering.hidden_input()) } else { Location::Input };
        lowering.views[input.0] = Some(View { location, stored: graph.spec(input).shape });
        Ok(lowering)
    }

    /// Refuses a relation that is too large, or will be with so many more cells. Each row of a table will have a cell.
    fn check_room(&mut self, to_come: usize) -> Result<(), RelationError> {
        self.room.check(&self.columns, to_come.saturating_add(self.tables.num_rows()))
    }

    /// Rows of the large tables that a node needs and that are not there yet.
    fn new_rows(&self, id: NodeId) -> usize {
        let node = self.graph.node(id);
        if let Op::SumPool(pool) = &node.op {
            return pool.tables.iter().map(|(_, table)| table.len()).sum();
        }
        let (Some(plan), Some(requantization)) = (&self.plans[id.0], requantization(&node.op)) else { return 0 };
        let sign = if plan.signed { self.tables.new_sign_rows(plan.table) } else { 0 };
        sign + self.tables.new_clamp_rows(clamp_key(plan, requantization))
    }

    /// The column of the hidden input.
    fn hidden_input(&mut self) -> ColumnId {
        let spec = self.graph.spec(self.graph.input());
        self.bytes(
            None,
            Role::Input,
            (spec.shape.channels, spec.shape.num_pixels().saturating_mul(self.images)),
            i64::from(spec.dtype.min()),
            8,
        )
    }

    /// A column of integers from `first` on, of `bits` bits.
    fn bytes(&mut self, node: Option<NodeId>, role: Role, (channels, pixels): (usize, usize), first: i64, bits: usize) -> ColumnId {
        let id = ColumnId(self.columns.len());
        let mut key = Form::cell(id);
        key.constant = Coefficients::Uniform(-from_signed(first));
        let leaf = Leaf::Lookup { table: self.tables.range(bits), values: vec![key] };
        self.columns.push(Column { node, role, channels, pixels, leaf });
        id
    }

    /// Columns of hidden integers from `-offset` on, of `bits` bits, one for each channel.
    fn hidden(&mut self, node: NodeId, role: fn(usize) -> Role, channels: usize, bits: usize, offset: i64) -> Bytes {
        let mut columns = Vec::new();
        let (whole, rest) = (bits / 8, bits % 8);
        for (first, planes, bits) in [(0, whole, 8), (whole, 1, rest)] {
            if planes > 0 && bits > 0 {
                columns.push((self.bytes(Some(node), role(first), (planes, channels), 0, bits), planes));
            }
        }
        self.parameters.extend(columns.iter().map(|&(column, _)| column));
        Bytes { columns, bits, offset }
    }

    fn finish(mut self) -> Result<Relation, RelationError> {
        self.output = match self.plain(self.graph.output()) {
            Location::Column(column) => column,
            Location::Input => self.copy(self.graph.output()),
        };
        // What follows takes memory for each image.
        self.check_room(0)?;
        self.hidden_objects()?;
        self.output_form()?;
        let Self { graph, images, setting, mut room, tables, mut columns, mut contractions, recipes, output, objects, .. } = self;
        let tables = tables.finish();
        for (index, table) in tables.iter().enumerate() {
            let id = TableId(index);
            columns.push(Column { node: None, role: Role::Multiplicity(id), channels: 1, pixels: table.len, leaf: Leaf::Multiplicity(id) });
        }
        let num_chunks = |contraction: &Contraction| columns[contraction.output.0].pixels.count_ones() as usize;
        let shape = |contraction: &Contraction| (num_chunks(contraction) * contraction.window.num_taps(), contraction.inner_channels());
        let grids = Grid::place(&contractions.iter().map(shape).collect::<Vec<_>>())?;
        contractions.iter_mut().zip(grids).for_each(|(contraction, grid)| contraction.grid = grid);
        let mut random = |role: Role, pixels: usize, leaf: Leaf| {
            columns.push(Column { node: None, role, channels: 1, pixels, leaf });
            ColumnId(columns.len() - 1)
        };
        let secrets = random(Role::Secrets, 0, Leaf::Free);
        random(Role::Spare, CELLS_PER_SECRET, Leaf::Spare);
        let mut relation = Relation {
            columns,
            tables,
            scaling: scaling::place(&contractions)?,
            contractions,
            recipes,
            output,
            masks: MaskPlan::default(),
            secrets,
            objects,
            setting,
            input_shape: graph.spec(graph.input()).shape,
            images,
            layout: Layout::default(),
        };
        room.check(&relation.columns, 0)?;
        relation.place()?;
        relation.check_total()?;
        Ok(relation)
    }

    /// The commitments to hidden weights and inputs.
    fn hidden_objects(&mut self) -> Result<(), RelationError> {
        if self.setting.weights.is_some() {
            let columns = std::mem::take(&mut self.parameters);
            let values = columns.into_iter().map(|column| (column, 0..self.columns[column.0].pixels)).collect();
            let object = self.object(ObjectKind::Model, values)?;
            self.objects.push(object);
        }
        if let Some(View { location: Location::Column(column), .. }) =
            self.views[self.graph.input().0].filter(|_| self.setting.hidden_input)
        {
            self.committed(Role::CommittedInput, column, self.graph.input(), ObjectKind::Input)?;
        }
        Ok(())
    }

    /// What a commitment to `len` bytes is bound to besides them.
    fn tag(&self, kind: ObjectKind, len: usize) -> Tag {
        let mut hasher = blake3::Hasher::new_derive_key("verinfer committed object v1: kind, length, and what gives its bytes a meaning");
        let mut tensor = |number: u8, tensor: TensorId| {
            let TensorSpec { shape, dtype, .. } = self.graph.spec(tensor);
            hasher.update(&[number, u8::from(*dtype == DataType::I8)]);
            for side in [shape.height, shape.width, shape.channels] {
                hasher.update(&(side as u64).to_le_bytes());
            }
        };
        match kind {
            ObjectKind::Model => {
                let envelope = self.setting.weights.map(|envelope| envelope.to_bytes()).unwrap_or_default();
                hasher.update(&[0]).update(&self.graph.architecture_digest()).update(&envelope);
            }
            ObjectKind::Input(_) => tensor(1, self.graph.input()),
            ObjectKind::Output(_) => tensor(2, self.graph.output()),
            ObjectKind::Label(_) => {
                hasher.update(&[3]);
            }
        }
        *hasher.update(&(len as u64).to_le_bytes()).finalize().as_bytes()
    }

    /// Adds the columns of digests and salt of something that is committed to.
    fn object(&mut self, kind: ObjectKind, values: Region) -> Result<Object, RelationError> {
        let len = values.iter().map(|(column, pixels)| self.columns[column.0].channels * pixels.len()).sum();
        let plan = commitment::Plan::new(len)?;
        self.check_room(plan.digest_cells() + plan.salt_cells())?;
        let tag = self.tag(kind, len);
        let digests = Some(plan.digest_cells()).filter(|&cells| cells > 0);
        let digests = digests.map(|cells| self.bytes(None, Role::Digests(kind), (1, cells), 0, 8));
        let salt = self.bytes(None, Role::Salt(kind), (1, plan.salt_cells()), 0, 8);
        Ok(Object { kind, tag, values, plan, digests, salt })
    }

    /// Adds a column of `channels` planes of `pixels` for each image.
    fn column(&mut self, node: NodeId, role: Role, (channels, pixels): (usize, usize), leaf: Leaf) -> ColumnId {
        // If this saturates, [`Room::check`] and [`Layout::new`] refuse it.
        let pixels = pixels.saturating_mul(self.images);
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
                let (value, first) = (from_signed(i64::from(pad.value)), pad.before.channels);
                let border = Missing { value, channels: first..first + source.channels, pixels };
                difference.constant = Coefficients::Missing(vec![border]);
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

impl Relation {
    /// Chooses the smallest committed vector that has room for the columns, the secrets and the opening's masks.
    fn place(&mut self) -> Result<(), RelationError> {
        let regions: Vec<Region> = self.objects.iter().flat_map(|object| self.regions(object)).collect();
        let mut cells = 0;
        for log_cells in parameters::MIN_LOG_CELLS..=Layout::MAX_LOG_CELLS {
            self.masks = MaskPlan::new(log_cells, self.log_contraction_len(), self.log_scaling_len());
            self.columns[self.secrets.0].pixels = CELLS_PER_SECRET * self.masks.num_secrets();
            let shapes: Vec<_> = self.columns.iter().map(|column| (column.channels, column.pixels)).collect();
            self.layout = Layout::new(&shapes, &regions, |cells| parameters::stored_cells(log_cells, cells))?;
            cells = self.layout.num_cells();
            if self.layout.num_stored() <= 1 << log_cells {
                return Ok(());
            }
        }
        Err(RelationError::TooLarge { cells, max_cells: 1 << Layout::MAX_LOG_CELLS })
    }

    /// The runs of consecutive addresses of an object: its values, digests and salt.
    fn regions(&self, object: &Object) -> Vec<Region> {
        let whole = |column: ColumnId| vec![(column, 0..self.column(column).pixels)];
        let mut regions = vec![object.values.clone()];
        regions.extend(object.digests.map(whole));
        regions.push(whole(object.salt));
        regions
    }
}

fn requantization(op: &Op) -> Option<&Requantization> {
    match op {
        Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => Some(&conv.requantization),
        Op::Add(add) => Some(&add.requantization),
        Op::Mul(mul) => Some(&mul.requantization),
        Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => None,
    }
}

/// The largest addend, in absolute value, that a network without learned values has in the place of hidden ones.
fn neutral_addend(op: &Op) -> Option<i64> {
    let Op::Add(Add { right: Operand::Constant(values), .. }) = op else { return None };
    values.iter().map(|&value| i64::from(value).abs()).max()
}

fn is_linear(op: &Op) -> bool {
    matches!(op, Op::Conv2d(_) | Op::DepthwiseConv2d(_))
}

fn clamp_key(plan: &Plan, requantization: &Requantization) -> ClampKey {
    ClampKey { min: requantization.min, max: requantization.max, halved: plan.signed, table: plan.table }
}

/// What is added to a key before its clamp is looked up: the zero point, twice if the key has one more bit.
fn key_offset(plan: &Plan, requantization: &Requantization) -> i64 {
    i64::from(requantization.zero_point) << u32::from(plan.signed)
}
