//! Records that no network has.

use super::record::{ConvRecord, DataTypeRecord, Multiplicity, NodeRecord, OpRecord, OutputRecord, Record, RoundingRecord, TensorRecord};
use super::runs::Runs;
use super::{ArchitectureError, MAX_UNITS, encode};
use crate::graph::Graph;

const POINT: [usize; 8] = [1, 1, 1, 1, 1, 1, 0, 0];

fn record(input: [usize; 3], op: OpRecord, output: [usize; 3]) -> Record {
    let tensor = |shape| TensorRecord { shape, dtype: DataTypeRecord::I8 };
    let node = NodeRecord { op, output: 1 };
    Record { tensors: vec![tensor(input), tensor(output)], nodes: vec![node], input: 0, output: 1 }
}

fn conv(window: [usize; 8], multipliers: Multiplicity) -> OpRecord {
    let output = OutputRecord { rounding: RoundingRecord::Twice, zero_point: 0, min: -128, max: 127 };
    let shifts = Multiplicity::PerLayer;
    OpRecord::Conv2d(ConvRecord { input: 0, input_zero_point: 0, window, multipliers, shifts, output })
}

fn pool(runs: &[(i16, usize)]) -> OpRecord {
    OpRecord::SumPool { input: 0, window: POINT, tables: vec![(1, Runs::of(runs))] }
}

fn decode(record: &Record) -> Result<Graph, ArchitectureError> {
    Graph::decode_architecture(&encode(record))
}

#[test]
fn what_would_take_too_much_memory_is_refused() {
    let too_large = Err(ArchitectureError::TooLarge { limit: MAX_UNITS });
    for (inputs, outputs) in [(1 << 14, 1 << 14), (1, 1 << 26), (usize::MAX, 2), (1, usize::MAX)] {
        let record = record([1, 1, inputs], conv(POINT, Multiplicity::PerLayer), [1, 1, outputs]);
        assert_eq!(decode(&record), too_large);
    }
    for kernel in [1 << 13, 1 << 16, usize::MAX] {
        let record = record([1, 1, 1], conv([kernel, kernel, 1, 1, 1, 1, 0, 0], Multiplicity::PerLayer), [1, 1, 1]);
        assert_eq!(decode(&record), too_large);
    }
    for runs in [&[(0, (1 << 28) + 1)][..], &[(0, 1 << 28), (1, 1)], &[(0, usize::MAX), (1, 1)], &[(0, usize::MAX), (1, usize::MAX)]] {
        assert_eq!(decode(&record([1, 1, 1], pool(runs), [1, 1, 1])), too_large);
    }
}

#[test]
fn the_limit_is_for_all_nodes_together() {
    let mut twice = record([1, 1, 1 << 13], conv(POINT, Multiplicity::PerLayer), [1, 1, 1 << 13]);
    assert!(twice.nodes.iter().all(|node| node.output == 1));
    let nodes = (0..5).map(|_| NodeRecord { op: conv(POINT, Multiplicity::PerLayer), output: 1 });
    twice.nodes = nodes.collect();
    assert_eq!(decode(&twice), Err(ArchitectureError::TooLarge { limit: MAX_UNITS }));
}

#[test]
fn other_encodings_of_an_architecture_are_refused() {
    let one = |op| record([1, 1, 1], op, [1, 1, 1]);
    assert!(decode(&one(conv(POINT, Multiplicity::PerLayer))).is_ok());
    assert_eq!(decode(&one(conv(POINT, Multiplicity::PerChannel))), Err(ArchitectureError::NotCanonical));

    assert!(decode(&one(pool(&[(3, 128), (4, 128)]))).is_ok());
    for runs in [&[(3, 100), (3, 28), (4, 128)][..], &[(3, 128), (4, 128), (5, 0)]] {
        assert_eq!(decode(&one(pool(runs))), Err(ArchitectureError::NotCanonical));
    }

    // The number of tensors, 2, in two bytes.
    let mut bytes = encode(&one(conv(POINT, Multiplicity::PerLayer)));
    assert_eq!(bytes[8], 2);
    bytes.splice(8..9, [0x82, 0]);
    assert_eq!(Graph::decode_architecture(&bytes), Err(ArchitectureError::NotCanonical));
}

#[test]
fn runs_are_maximal() {
    let table = [1, 1, 2, 2, 2, 1];
    let runs = Runs::new(&table);
    assert_eq!(runs.num_entries(), Some(6));
    assert_eq!(runs.table(), table);
    assert_eq!(Runs::new(&[]).table(), []);
}
