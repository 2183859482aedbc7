//! Architectures: their digest, their neutral networks, their encoding.

use std::collections::HashSet;

use proptest::prelude::*;
use verinfer_graph::{
    Add, ArchitectureError, Conv, Graph, GraphError, LearnedLen, Node, Op, Operand, Requantization, TensorId, TensorSpec, Window,
};

use crate::architectures::{different, same};
use crate::support::{INPUT, OUTPUT, conv, i8, plain, scaled, single};

fn all() -> Vec<Graph> {
    different().into_iter().chain(same().into_iter().flatten()).collect()
}

/// Checks everything that holds of any network; returns the one without learned values.
fn check(graph: &Graph) -> Graph {
    let neutral = graph.without_learned();
    let again = Graph::new(neutral.tensors().to_vec(), neutral.nodes().to_vec(), neutral.input(), neutral.output());
    assert_eq!(again.as_ref(), Ok(&neutral));
    assert_eq!(neutral.without_learned(), neutral);
    assert_eq!(neutral.architecture_digest(), graph.architecture_digest());
    assert_eq!(neutral.learned_len(), graph.learned_len());
    for tensor in (0..graph.tensors().len()).map(TensorId) {
        assert_eq!(neutral.value_range(tensor), graph.value_range(tensor));
    }
    let bytes = graph.encode_architecture();
    assert_eq!(neutral.encode_architecture(), bytes);
    assert_eq!(Graph::decode_architecture(&bytes).as_ref(), Ok(&neutral));
    neutral
}

#[test]
fn every_part_of_an_architecture_counts() {
    let graphs = different();
    let digests: HashSet<_> = graphs.iter().map(Graph::architecture_digest).collect();
    assert_eq!(digests.len(), graphs.len());
    let encodings: HashSet<_> = graphs.iter().map(Graph::encode_architecture).collect();
    assert_eq!(encodings.len(), graphs.len());
    println!("{} architectures", graphs.len());
}

#[test]
fn nothing_learned_counts() {
    for graphs in same() {
        let digests: HashSet<_> = graphs.iter().map(Graph::digest).collect();
        assert_eq!(digests.len(), graphs.len());
        for graph in &graphs[1..] {
            assert_eq!(graph.architecture_digest(), graphs[0].architecture_digest());
            assert_eq!(graph.encode_architecture(), graphs[0].encode_architecture());
            assert_eq!(graph.without_learned(), graphs[0].without_learned());
        }
    }
}

#[test]
fn neutral_networks_are_valid_and_decode() {
    for graph in all() {
        check(&graph);
    }
}

#[test]
fn neutral_values_are_zeros() {
    let requantization = Requantization { multipliers: vec![5, 6], shifts: vec![-3], ..plain(4) };
    let conv = Conv { weights: vec![7, 9], weight_zero_point: -3, bias: vec![1, 2], requantization, ..conv() };
    let neutral = check(&single(i8(1, 1, 1), Op::Conv2d(conv.clone()), i8(1, 1, 2)).unwrap());
    let requantization = Requantization { multipliers: vec![1 << 30; 2], shifts: vec![0], ..plain(4) };
    let expected = Conv { weights: vec![0, 0], weight_zero_point: 0, bias: vec![0, 0], requantization, ..conv };
    assert_eq!(neutral.nodes()[0].op, Op::Conv2d(expected));
    assert_eq!(neutral.learned_len(), LearnedLen { weights: 2, biases: 2, multipliers: 2, shifts: 1, constants: 0 });
    assert_eq!(neutral.learned_len().total(), 7);
}

/// The neutral constant of a sum.
fn neutral_constant(left_table: Vec<i32>, constants: Vec<i32>, requantization: Requantization) -> i32 {
    let shape = i8(1, 1, constants.len());
    let add = Add { left: INPUT, left_table, right: Operand::Constant(constants), requantization };
    let neutral = check(&single(shape.clone(), Op::Add(add), shape).unwrap());
    assert_eq!(neutral.learned_len().constants, neutral.spec(INPUT).shape.channels);
    let Op::Add(Add { right: Operand::Constant(constants), .. }) = &neutral.nodes()[0].op else { panic!("{neutral:?}") };
    assert!(constants.iter().all(|constant| *constant == constants[0]));
    constants[0]
}

#[test]
fn where_zero_is_no_legal_constant_the_closest_is_taken() {
    let shifted = |shift| Requantization { multipliers: vec![1 << 20], shifts: vec![shift], ..plain(0) };
    assert_eq!(neutral_constant(scaled(1), vec![7, -7], shifted(5)), 0);
    // Sums must be in -2^21 .. 2^21: all of the table is above, below, or part of it is.
    let table = |offset: i32| scaled(1).into_iter().map(|entry| entry + offset).collect::<Vec<_>>();
    let limit = 1 << 21;
    assert_eq!(neutral_constant(table(1 << 29), vec![-(1 << 29), 5 - (1 << 29)], shifted(10)), limit - 1 - 127 - (1 << 29));
    assert_eq!(neutral_constant(table(-(1 << 29)), vec![1 << 29], shifted(10)), (1 << 29) + 128 - limit);
    assert_eq!(neutral_constant(table(limit), vec![-128], shifted(10)), -128);
    assert_eq!(neutral_constant(table(-limit), vec![1000], shifted(10)), 128);
    assert_eq!(neutral_constant(table(-limit), vec![1000], shifted(9)), 0);
    // The zero point counts: 2^22 - 1 shifted left by 9, times nearly one, plus 127, is too much.
    let full = Requantization { multipliers: vec![i32::MAX], shifts: vec![9], ..plain(127) };
    let largest = (1 << 22) - 1;
    assert_eq!(neutral_constant(table(largest - 127), vec![-5000], full.clone()), 0);
    let full = Requantization { shifts: vec![0], ..full };
    assert_eq!(neutral_constant(table(1 << 29), vec![0], full), 0);
}

/// An addition of a constant anywhere near what validation allows.
fn wide_addition() -> impl Strategy<Value = (Vec<i32>, Vec<i32>, Requantization)> {
    let requantization = (prop_oneof![0..=i32::MAX, Just(i32::MAX)], 0..=30_i32, -128..=127_i32);
    (requantization, any::<(i32, i32, i32)>(), 0..30_u32).prop_map(
        |((multiplier, shift, zero_point), (offset, slope, constant), spread)| {
            let limit = (1 << 30) - 1;
            let (offset, slope) = (i64::from(offset >> 1), i64::from(slope >> (spread + 2)) / 64);
            let table: Vec<i32> = (-128..128_i64).map(|value| (offset + value * slope).clamp(-limit, limit) as i32).collect();
            // Mostly about the middle of the table, such that the sum is small.
            let near = (-offset).clamp(-limit, limit) + i64::from(constant >> (shift + 1).min(31));
            let requantization = Requantization { multipliers: vec![multiplier], shifts: vec![shift], ..plain(zero_point) };
            (table, vec![near.clamp(-limit, limit) as i32], requantization)
        },
    )
}

#[test]
fn any_valid_addition_has_a_neutral_constant() {
    let (mut num_valid, mut num_moved) = (0, 0);
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() });
    let counts = (&mut num_valid, &mut num_moved);
    let counts = std::cell::RefCell::new(counts);
    runner
        .run(&wide_addition(), |(left_table, constants, requantization)| {
            let add = Add { left: INPUT, left_table: left_table.clone(), right: Operand::Constant(constants.clone()), requantization };
            let requantization = add.requantization.clone();
            if single(i8(1, 1, 1), Op::Add(add), i8(1, 1, 1)).is_ok() {
                let constant = neutral_constant(left_table, constants, requantization);
                let mut counts = counts.borrow_mut();
                *counts.0 += 1;
                *counts.1 += i32::from(constant != 0);
            }
            Ok(())
        })
        .unwrap();
    println!("{num_valid} valid additions, {num_moved} for which 0 is no legal constant");
    assert!(num_valid > 500 && num_moved > 100, "{num_valid} {num_moved}");
}

fn renamed(graph: &Graph, name: &str) -> Graph {
    let tensors = graph.tensors().iter().map(|spec| TensorSpec { name: name.into(), ..spec.clone() }).collect();
    let nodes = graph.nodes().iter().map(|node| Node { source: name.into(), ..node.clone() }).collect();
    Graph::new(tensors, nodes, graph.input(), graph.output()).unwrap()
}

#[test]
fn names_are_left_out() {
    let graph = &different()[0];
    let bytes = graph.encode_architecture();
    for name in ["", "a", "€", &"b".repeat(1000)] {
        assert_eq!(renamed(graph, name).encode_architecture(), bytes);
        assert_eq!(renamed(graph, name).without_learned(), graph.without_learned());
    }
    let decoded = Graph::decode_architecture(&bytes).unwrap();
    assert_eq!((decoded.nodes()[1].source.as_str(), decoded.tensors()[2].name.as_str()), ("FUNCTION #1", "tensor 2"));
}

/// Decodes bytes that may be anything.
fn decode_any(bytes: &[u8]) -> Option<Graph> {
    let graph = Graph::decode_architecture(bytes).ok()?;
    assert_eq!(graph.encode_architecture(), bytes);
    assert_eq!(graph.without_learned(), graph);
    Some(graph)
}

#[test]
fn every_bit_counts() {
    let (mut num_flips, mut num_decoded) = (0, 0);
    for graph in different() {
        let mut bytes = graph.encode_architecture();
        let length = bytes.len();
        // Long tables are alike: some of their entries will do.
        for position in (0..length).filter(|position| position % 37 == 0 || *position < 100 || position + 40 > length) {
            for bit in 0..8 {
                bytes[position] ^= 1 << bit;
                num_flips += 1;
                if let Some(other) = decode_any(&bytes) {
                    num_decoded += 1;
                    assert_ne!(other, graph.without_learned());
                }
                bytes[position] ^= 1 << bit;
            }
        }
    }
    println!("{num_flips} flipped bits, {num_decoded} other architectures");
}

#[test]
fn truncated_and_continued_encodings_are_refused() {
    for graph in different() {
        let mut bytes = graph.encode_architecture();
        for length in 0..bytes.len() {
            assert!(Graph::decode_architecture(&bytes[..length]).is_err());
        }
        bytes.push(0);
        assert_eq!(Graph::decode_architecture(&bytes), Err(ArchitectureError::TrailingBytes { count: 1 }));
    }
}

#[test]
fn changed_bytes_never_panic() {
    let encodings: Vec<Vec<u8>> = all().iter().map(Graph::encode_architecture).collect();
    let changes = prop::collection::vec((any::<usize>(), any::<u8>()), 1..6);
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 8192, failure_persistence: None, ..Default::default() });
    runner
        .run(&(0..encodings.len(), changes), |(encoding, changes)| {
            let mut bytes = encodings[encoding].clone();
            for (raw, value) in changes {
                // After prefix and version, half of them near the beginning.
                let length = if raw % 2 == 0 { bytes.len() - 8 } else { 60.min(bytes.len() - 8) };
                bytes[8 + raw / 2 % length] = value;
            }
            decode_any(&bytes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_no_architecture_is_refused_by_its_head() {
    let bytes = different()[0].encode_architecture();
    assert_eq!(&bytes[..8], b"VERARCH\x02");
    for other in [&b""[..], b"VERARCH", b"VERINFER\x01", &bytes[1..]] {
        assert_eq!(Graph::decode_architecture(other), Err(ArchitectureError::Prefix));
    }
    let mut other = bytes.clone();
    other[7] = 1;
    assert_eq!(Graph::decode_architecture(&other), Err(ArchitectureError::Version { found: 1, expected: 2 }));
    let mut long = bytes;
    long.resize((1 << 22) + 1, 0);
    assert_eq!(Graph::decode_architecture(&long), Err(ArchitectureError::TooLong { found: (1 << 22) + 1, limit: 1 << 22 }));
}

#[test]
fn encodings_do_not_move() {
    let window = Window { kernel_w: 2, ..Window::POINT };
    let conv = Conv { window, input_zero_point: -1, weights: vec![1, 2, 3, 4], bias: vec![0; 2], ..conv() };
    let requantization = Requantization { multipliers: vec![1, 2], ..plain(-128) };
    let graph = single(i8(1, 2, 1), Op::Conv2d(Conv { requantization, ..conv }), i8(1, 1, 2)).unwrap();
    let mut expected = b"VERARCH\x02".to_vec();
    // Two tensors with their shapes, I8.
    expected.extend([2, 1, 2, 1, 1, 1, 1, 2, 1]);
    // One node; CONV_2D of tensor 0, zero point -1.
    expected.extend([1, 0, 0, 1]);
    // Window, multipliers for each channel, one shift.
    expected.extend([1, 2, 1, 1, 1, 1, 0, 0, 1, 0]);
    // Rounding twice, zero point -128, clamp to -128 and 127, written to tensor 1; input and output.
    expected.extend([0, 0xff, 1, 0xff, 1, 0xfe, 1, 1, 0, 1]);
    assert_eq!(graph.encode_architecture(), expected);
}

#[test]
fn networks_without_validity_are_refused_with_their_fault() {
    // The output of the reshape becomes tensor 7.
    let graph = single(i8(1, 1, 1), Op::Reshape { input: INPUT }, i8(1, 1, 1)).unwrap();
    let mut bytes = graph.encode_architecture();
    let last = bytes.len() - 1;
    assert_eq!(bytes[last], OUTPUT.0 as u8);
    bytes[last] = 7;
    let fault = GraphError::OutputOutOfRange { tensor: 7, num_tensors: 2 };
    assert_eq!(Graph::decode_architecture(&bytes), Err(ArchitectureError::Graph(fault)));
}
