//! The observer, refused inputs, accessors.

use verinfer_graph::{Conv, DataType, Graph, GraphError, NodeId, Observer, Op, TensorId, run, run_observed};

use crate::support::{INPUT, OUTPUT, add, conv, i8, node, single};

#[test]
fn the_observer_sees_accumulators_and_outputs_of_every_node() {
    let graph = Graph::new(
        vec![i8(1, 1, 1), i8(1, 1, 1), i8(1, 1, 1)],
        vec![node(Op::Conv2d(Conv { weights: vec![100], ..conv() }), TensorId(1)), node(Op::Reshape { input: TensorId(1) }, TensorId(2))],
        INPUT,
        TensorId(2),
    );
    let mut seen = Vec::new();
    let observer: &mut Observer<'_> =
        &mut |node, accumulators, output| seen.push((node, accumulators.map(<[i32]>::to_vec), output.to_vec()));
    let trace = run_observed(&graph.unwrap(), &[3], observer).unwrap();
    assert_eq!(seen, [(NodeId(0), Some(vec![300]), vec![127]), (NodeId(1), None, vec![127])]);
    assert_eq!(trace.tensors, [[3], [127], [127]]);
}

#[test]
fn inputs_of_the_wrong_length_are_refused() {
    let graph = single(i8(1, 1, 2), Op::Reshape { input: INPUT }, i8(1, 2, 1)).unwrap();
    assert_eq!(run(&graph, &[1]), Err(GraphError::InputLength { found: 1, expected: 2 }));
}

#[test]
fn inputs_outside_their_type_are_refused() {
    let graph = single(i8(1, 1, 2), Op::Reshape { input: INPUT }, i8(1, 2, 1)).unwrap();
    assert_eq!(run(&graph, &[0, 128]), Err(GraphError::InputValue { index: 1, value: 128, dtype: DataType::I8 }));
}

#[test]
fn accessors_describe_the_wiring() {
    let graph = Graph::new(
        vec![i8(1, 1, 1), i8(1, 1, 1), i8(1, 1, 1)],
        vec![node(Op::Conv2d(conv()), OUTPUT), node(Op::Add(add(OUTPUT, INPUT)), TensorId(2))],
        INPUT,
        TensorId(2),
    );
    let graph = graph.unwrap();
    assert_eq!((graph.input(), graph.output()), (INPUT, TensorId(2)));
    assert_eq!([INPUT, OUTPUT, TensorId(2)].map(|tensor| graph.producer(tensor)), [None, Some(NodeId(0)), Some(NodeId(1))]);
    assert_eq!(graph.consumers(INPUT), [NodeId(0), NodeId(1)]);
    assert!(graph.consumers(TensorId(2)).is_empty());
    assert_eq!(graph.node(NodeId(1)).op.inputs(), [OUTPUT, INPUT]);
    assert_eq!(graph.spec(OUTPUT), &graph.tensors()[1]);
    assert_eq!(graph.nodes().len(), 2);
}
