//! What digests depend on.

use verinfer_graph::{
    Add, Conv, DataType, Graph, Lookup, MaxPool, Node, Op, Operand, Requantization, SumPool, TensorId, TensorSpec, Window,
};

use crate::support::{INPUT, add, conv, i8, node, plain, scaled};

/// A network with every kind of constant that a digest covers or leaves out.
fn parts() -> (Vec<TensorSpec>, Vec<Node>) {
    let ops = [
        Op::Conv2d(conv()),
        Op::Add(add(TensorId(1), INPUT)),
        Op::Lookup(Lookup { input: TensorId(2), table: vec![1; 256] }),
        Op::SumPool(SumPool { input: TensorId(3), window: Window::POINT, tables: vec![(1, vec![2; 256])] }),
        Op::MaxPool(MaxPool { input: TensorId(4), window: Window::POINT, min: -5, max: 5 }),
    ];
    let nodes = (1..).map(TensorId).zip(ops).map(|(output, op)| node(op, output)).collect();
    (vec![i8(2, 2, 1); 6], nodes)
}

fn digests(tensors: Vec<TensorSpec>, nodes: Vec<Node>) -> ([u8; 32], [u8; 32]) {
    let graph = Graph::new(tensors, nodes, INPUT, TensorId(5)).unwrap();
    (graph.digest(), graph.architecture_digest())
}

/// Whether the digest and the architecture digest differ once `change` is made.
fn changed(change: impl FnOnce(&mut Vec<TensorSpec>, &mut Vec<Node>)) -> (bool, bool) {
    let (mut tensors, mut nodes) = parts();
    let before = digests(tensors.clone(), nodes.clone());
    change(&mut tensors, &mut nodes);
    let after = digests(tensors, nodes);
    (before.0 != after.0, before.1 != after.1)
}

fn changed_op(index: usize, op: Op) -> (bool, bool) {
    changed(|_, nodes| nodes[index].op = op)
}

#[test]
fn names_do_not_count() {
    assert_eq!(changed(|tensors, _| tensors[1].name = "other".into()), (false, false));
    assert_eq!(changed(|_, nodes| nodes[0].source = "other".into()), (false, false));
}

#[test]
fn learned_constants_count_only_in_the_full_digest() {
    for conv in [
        Conv { weights: vec![2], ..conv() },
        Conv { weight_zero_point: 1, ..conv() },
        Conv { bias: vec![3], ..conv() },
        Conv { requantization: Requantization { multipliers: vec![7], ..plain(0) }, ..conv() },
        Conv { requantization: Requantization { shifts: vec![-1], ..plain(0) }, ..conv() },
    ] {
        assert_eq!(changed_op(0, Op::Conv2d(conv)), (true, false));
    }
}

#[test]
fn everything_else_counts_in_both() {
    for conv in [
        Conv { input_zero_point: 1, ..conv() },
        Conv { window: Window { dilation_h: 2, ..Window::POINT }, ..conv() },
        Conv { requantization: plain(1), ..conv() },
        Conv { requantization: Requantization { min: 0, ..plain(0) }, ..conv() },
        Conv { requantization: Requantization { max: 0, ..plain(0) }, ..conv() },
    ] {
        assert_eq!(changed_op(0, Op::Conv2d(conv)), (true, true));
    }
    assert_eq!(changed_op(0, Op::DepthwiseConv2d(conv())), (true, true));
    assert_eq!(changed_op(1, Op::Add(add(INPUT, TensorId(1)))), (true, true));
    let base = add(TensorId(1), INPUT);
    let right = Operand::Tensor { tensor: INPUT, table: scaled(2) };
    for add in [
        Add { left_table: scaled(2), ..base.clone() },
        Add { right, ..base.clone() },
        Add { requantization: Requantization { multipliers: vec![7], ..plain(0) }, ..base.clone() },
        Add { requantization: Requantization { shifts: vec![-1], ..plain(0) }, ..base },
    ] {
        assert_eq!(changed_op(1, Op::Add(add)), (true, true));
    }
    let table = vec![0; 256];
    assert_eq!(changed_op(2, Op::Lookup(Lookup { input: TensorId(2), table: table.clone() })), (true, true));
    let pool = SumPool { input: TensorId(3), window: Window::POINT, tables: vec![(1, table)] };
    assert_eq!(changed_op(3, Op::SumPool(pool)), (true, true));
    let pool = MaxPool { input: TensorId(4), window: Window::POINT, min: -5, max: 6 };
    assert_eq!(changed_op(4, Op::MaxPool(pool)), (true, true));
    let unsigned = |tensors: &mut Vec<TensorSpec>, _: &mut Vec<Node>| tensors[0].dtype = DataType::U8;
    assert_eq!(changed(unsigned), (true, true));
    let wider = |tensors: &mut Vec<TensorSpec>, _: &mut Vec<Node>| tensors.fill(i8(2, 3, 1));
    assert_eq!(changed(wider), (true, true));
}

#[test]
fn the_two_digests_of_a_network_differ() {
    let (tensors, nodes) = parts();
    let (digest, architecture) = digests(tensors, nodes);
    assert_ne!(digest, architecture);
}

#[test]
fn digests_do_not_move() {
    let (tensors, nodes) = parts();
    let (digest, architecture) = digests(tensors, nodes);
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        [hex(digest), hex(architecture)],
        [
            "03e2fca832f596473bbb13ca041cb3f09c43b39252b197a0e75f77b734a7b586",
            "2eca2dd0022da394a64cb39ce9c74f05fc2e6f796ec9dfa25125201b2cdfa88c"
        ]
    );
}
