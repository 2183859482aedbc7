//! Networks whose cells are just below and just above a power of two.

use verinfer_graph::{DataType, Graph, Lookup, Node, Op, Shape, TensorId, TensorSpec, run};
use verinfer_prover::Prover;
use verinfer_relation::Relation;
use verinfer_relation::parameters::mask_cells;
use verinfer_verifier::{Expectations, Verifier};

/// One table, looked up by every element of a tensor of 64 x 1 x `channels`.
fn network(channels: usize) -> Graph {
    let spec = || TensorSpec { name: String::new(), shape: Shape::new(64, 1, channels), dtype: DataType::I8 };
    let op = Op::Lookup(Lookup { input: TensorId(0), table: (-128..128).rev().collect() });
    let node = Node { source: "test".into(), op, output: TensorId(1) };
    Graph::new(vec![spec(), spec()], vec![node], TensorId(0), TensorId(1)).unwrap()
}

/// The least number of channels for which more than `2^log_cells` cells are stored.
fn first_above(log_cells: usize) -> usize {
    let stored = |channels: usize| Relation::new(&network(channels)).unwrap().layout.num_stored();
    let (mut below, mut above) = (1usize, 1 << (log_cells - 6));
    while above - below > 1 {
        let middle = below.midpoint(above);
        if stored(middle) > 1 << log_cells { above = middle } else { below = middle }
    }
    above
}

#[test]
fn sizes_around_a_power_of_two_are_proved() {
    for log_cells in [13, 16] {
        let above = first_above(log_cells);
        for (channels, variables) in [(above - 1, log_cells), (above, log_cells + 1)] {
            let graph = network(channels);
            let prover = Prover::new(graph.clone()).unwrap();
            let layout = &prover.relation().layout;
            let masks = mask_cells(variables);
            assert_eq!((layout.log_cells(), layout.num_stored() % masks), (variables, 0));
            assert!(layout.num_stored() - layout.num_cells() < 2 * masks, "{} of {}", layout.num_cells(), layout.num_stored());
            assert_eq!(layout.num_stored() == 1 << log_cells, variables == log_cells);
            let input: Vec<i16> = (0..64 * channels).map(|i| (i % 251) as i16 - 125).collect();
            let proved = prover.prove(&input, b"", 128, &|_| ()).unwrap();
            let accepted = Verifier::new(graph.clone()).unwrap().verify(&proved.proof.encode(), &Expectations::default()).unwrap();
            assert_eq!(accepted.statement.output.shown().unwrap().values, run(&graph, &input).unwrap().tensors[1]);
        }
    }
}
