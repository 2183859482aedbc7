//! Random valid networks over all operators.
//!
//! A network is drawn as a list of layers, each with a seed; every layer reads the tensor before it (and sometimes earlier ones), so that any
//! sublist is a network too and a failing one shrinks.

mod layers;
mod requantization;
mod rng;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use verinfer_graph::{DataType, Graph, Node, Op, Shape, TensorId, TensorSpec};
use verinfer_relation::Relation;

pub use layers::Layer;
pub use requantization::random_requantization;
pub use rng::Rng;

/// The generator of pads and masks where the same ones at each run will do.
pub fn generator() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// Most cells of a network's relation.
const MAX_CELLS: usize = 1 << 17;

/// How often a layer is drawn again where its constants make no valid graph or relation; each time the constants get tamer.
const MAX_ATTEMPTS: u32 = 6;

/// A network as it is drawn.
#[derive(Clone, Debug)]
pub struct Description {
    /// Input type.
    pub signed: bool,
    /// Input shape.
    pub shape: (usize, usize, usize),
    /// Operators, and what their constants are drawn from.
    pub layers: Vec<(Layer, u64)>,
}

/// Networks of at most `max_layers` layers.
pub fn descriptions(max_layers: usize) -> impl Strategy<Value = Description> {
    let layer = (proptest::sample::select(Layer::ALL.to_vec()), any::<u64>());
    let shape = (1usize..=7, 1usize..=7, 1usize..=5);
    (any::<bool>(), shape, proptest::collection::vec(layer, 1..=max_layers)).prop_map(|(signed, shape, layers)| Description {
        signed,
        shape,
        layers,
    })
}

impl Description {
    /// The network; layers that fit nowhere are left out. `None` if nothing is left.
    pub fn graph(&self) -> Option<Graph> {
        let dtype = if self.signed { DataType::I8 } else { DataType::U8 };
        let shape = Shape::new(self.shape.0, self.shape.1, self.shape.2);
        let mut builder = Builder { tensors: vec![spec(shape, dtype)], nodes: Vec::new() };
        let mut graph = None;
        for &(layer, seed) in &self.layers {
            for attempt in 0..MAX_ATTEMPTS {
                let mut candidate = builder.clone();
                layer.push(&mut candidate, &mut Rng::new(seed.wrapping_add(u64::from(attempt))), attempt);
                let Ok(found) = Graph::new(candidate.tensors.clone(), candidate.nodes.clone(), TensorId(0), candidate.last()) else {
                    continue;
                };
                if Relation::new(&found).is_ok_and(|relation| relation.num_cells() <= MAX_CELLS) {
                    (builder, graph) = (candidate, Some(found));
                    break;
                }
            }
        }
        graph
    }
}

/// Values of a network's input, many of them extreme.
pub fn random_input(graph: &Graph, rng: &mut Rng) -> Vec<i16> {
    let spec = graph.spec(graph.input());
    let (min, max) = (spec.dtype.min(), spec.dtype.max());
    let style = rng.below(4);
    let value = |rng: &mut Rng| match style {
        0 => *rng.pick(&[min, max]),
        1 => *rng.pick(&[min, max, 0, 1, max / 2]),
        _ => rng.between(i64::from(min), i64::from(max)) as i16,
    };
    (0..spec.shape.num_elements()).map(|_| value(rng)).collect()
}

/// A network under construction.
#[derive(Clone)]
pub struct Builder {
    tensors: Vec<TensorSpec>,
    nodes: Vec<Node>,
}

impl Builder {
    /// The tensor written last.
    pub fn last(&self) -> TensorId {
        TensorId(self.tensors.len() - 1)
    }

    /// Shape of a tensor.
    pub fn shape(&self, tensor: TensorId) -> Shape {
        self.tensors[tensor.0].shape
    }

    /// Type of a tensor.
    pub fn dtype(&self, tensor: TensorId) -> DataType {
        self.tensors[tensor.0].dtype
    }

    /// Tensors for which `fits` holds.
    pub fn matching(&self, fits: impl Fn(&TensorSpec) -> bool) -> Vec<TensorId> {
        (0..self.tensors.len()).filter(|&index| fits(&self.tensors[index])).map(TensorId).collect()
    }

    /// Adds a node.
    pub fn push(&mut self, op: Op, shape: Shape, dtype: DataType) -> TensorId {
        let source = format!("{} #{}", name(&op), self.nodes.len());
        self.tensors.push(spec(shape, dtype));
        self.nodes.push(Node { source, op, output: self.last() });
        self.last()
    }
}

fn spec(shape: Shape, dtype: DataType) -> TensorSpec {
    TensorSpec { name: "t".into(), shape, dtype }
}

fn name(op: &Op) -> &'static str {
    match op {
        Op::Conv2d(_) => "CONV_2D",
        Op::DepthwiseConv2d(_) => "DEPTHWISE_CONV_2D",
        Op::Add(_) => "ADD",
        Op::Mul(_) => "MUL",
        Op::SumPool(_) => "AVERAGE_POOL_2D",
        Op::MaxPool(_) => "MAX_POOL_2D",
        Op::Lookup(_) => "LOGISTIC",
        Op::Pad(_) => "PAD",
        Op::Reshape { .. } => "RESHAPE",
        Op::Concat(_) => "CONCATENATION",
    }
}
