//! What the public file of a model shows: its architecture, whatever was learned.

use verinfer_commitments::{CommitError, Committed, Public, commit_model, draw_salt};
use verinfer_graph::{
    Add, Conv, DataType, Graph, Lookup, Node, Op, Operand, Requantization, Rounding, Shape, SumPool, TensorId, TensorSpec, Window,
};
use verinfer_relation::RelationError;
use verinfer_relation::commitment::CommitmentError;

/// Numbers that look random, another sequence for each seed.
struct Numbers(u64);

impl Numbers {
    fn between(&mut self, first: i64, last: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        first + (self.0 >> 33) as i64 % (last - first + 1)
    }

    fn requantization(&mut self, channels: usize, min: i16) -> Requantization {
        let multipliers = (0..channels).map(|_| self.between(1 << 30, i64::from(i32::MAX)) as i32).collect();
        let shifts = (0..channels).map(|_| self.between(-11, -8) as i32).collect();
        Requantization { multipliers, shifts, rounding: Rounding::Twice, zero_point: -5, min, max: 127 }
    }

    fn conv(&mut self, input: usize, window: Window, fan_in: usize, channels: usize, requantization: Requantization) -> Conv {
        Conv {
            input: TensorId(input),
            input_zero_point: 3,
            window,
            weights: (0..fan_in * channels).map(|_| self.between(-100, 100) as i16).collect(),
            weight_zero_point: self.between(-20, 20) as i32,
            bias: (0..channels).map(|_| self.between(-900, 900) as i32).collect(),
            requantization,
        }
    }
}

/// A network of one architecture in which everything learned, and every scale of it, follows from the seed. Names do too.
fn network(seed: u64) -> Graph {
    let numbers = &mut Numbers(seed);
    let three = Window { kernel_h: 3, kernel_w: 3, pad_top: 1, pad_left: 1, ..Window::POINT };
    let per_channel = numbers.requantization(4, -128);
    let per_layer = numbers.requantization(1, -5);
    let once = Requantization { rounding: Rounding::Once, ..numbers.requantization(3, -128) };
    let unit = Requantization { multipliers: vec![1_500_000_000], shifts: vec![-18], ..numbers.requantization(1, -128) };
    let constants = (0..4).map(|_| numbers.between(-20_000_000, 20_000_000) as i32).collect();
    let nodes = [
        (Op::Conv2d(numbers.conv(0, three, 9 * 2, 4, per_channel)), Shape::new(4, 4, 4)),
        (Op::DepthwiseConv2d(numbers.conv(1, three, 9, 4, per_layer)), Shape::new(4, 4, 4)),
        (
            Op::Add(Add {
                left: TensorId(2),
                left_table: (-128..128).map(|value| (value - 7) << 18).collect(),
                right: Operand::Constant(constants),
                requantization: unit,
            }),
            Shape::new(4, 4, 4),
        ),
        (Op::Lookup(Lookup { input: TensorId(3), table: (0..256).map(|i| i * 7 % 256 - 128).collect() }), Shape::new(4, 4, 4)),
        (
            Op::SumPool(SumPool {
                input: TensorId(4),
                window: Window { kernel_h: 4, kernel_w: 4, ..Window::POINT },
                tables: vec![(16, (0..=255 * 16).map(|sum| (sum / 16) as i16 - 128).collect())],
            }),
            Shape::new(1, 1, 4),
        ),
        (Op::Conv2d(numbers.conv(5, Window::POINT, 4, 3, once)), Shape::new(1, 1, 3)),
    ];
    let shapes = std::iter::once(Shape::new(4, 4, 2)).chain(nodes.iter().map(|(_, shape)| *shape));
    let tensors = shapes.map(|shape| TensorSpec { name: format!("layer {seed}"), shape, dtype: DataType::I8 }).collect();
    let nodes = nodes.into_iter().enumerate();
    let nodes = nodes.map(|(index, (op, _))| Node { source: format!("{seed} #{index}"), op, output: TensorId(index + 1) }).collect();
    Graph::new(tensors, nodes, TensorId(0), TensorId(6)).unwrap()
}

#[test]
fn every_learned_number_and_scale_leaves_the_public_file_as_it_is_but_for_the_envelope() {
    let file = |seed: u64| {
        let public = commit_model(&network(seed), &draw_salt().unwrap()).unwrap();
        let bytes = public.encode();
        // Envelope and commitment are the end.
        let (rest, _) = bytes.split_at(bytes.len() - 18 - 1024);
        (rest.to_vec(), public)
    };
    let (expected, first) = file(0);
    for seed in 1..20 {
        let (rest, public) = file(seed);
        assert_eq!(rest, expected, "{seed}");
        assert_ne!(public.commitment, first.commitment);
        let [Committed::Model { architecture, .. }, Committed::Model { architecture: other, .. }] = [&public.committed, &first.committed]
        else {
            panic!("models are committed to")
        };
        assert!(architecture == other);
        assert_eq!(Public::decode(&public.encode()).unwrap(), public);
    }
}

#[test]
fn a_table_that_shows_a_constant_s_scale_is_not_committed_to() {
    let graph = network(0);
    let mut nodes = graph.nodes().to_vec();
    for unit in [(1 << 17), 3 << 16, 100_000] {
        let Op::Add(add) = &mut nodes[2].op else { panic!("node 2 is an addition") };
        add.left_table = (-128..128).map(|value| (value - 7) * unit).collect();
        let shows = Graph::new(graph.tensors().to_vec(), nodes.clone(), TensorId(0), TensorId(6)).unwrap();
        let error = commit_model(&shows, &draw_salt().unwrap()).unwrap_err();
        assert!(error.to_string().contains("would show the scale of its constants"), "{error}");
    }
}

#[test]
fn nothing_learned_is_nothing_to_commit_to() {
    let spec = |name: &str| TensorSpec { name: name.into(), shape: Shape::new(2, 2, 1), dtype: DataType::I8 };
    let lookup = Op::Lookup(Lookup { input: TensorId(0), table: (-128..128).map(|value: i16| value.max(0)).collect() });
    let node = Node { source: "RELU #0".into(), op: lookup, output: TensorId(1) };
    let graph = Graph::new(vec![spec("x"), spec("y")], vec![node], TensorId(0), TensorId(1)).unwrap();
    let error = commit_model(&graph, &draw_salt().unwrap()).unwrap_err();
    assert!(matches!(error, CommitError::Relation(RelationError::Commitment(CommitmentError::Nothing))), "{error}");
}
