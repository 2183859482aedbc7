//! The limit on what strangers' architectures and batches may cost: it is kept before the memory is spent.

use std::alloc::System;

use cap::Cap;
use verinfer_graph::{DataType, Graph, Lookup, MaxPool, Node, Op, Pad, Shape, TensorId, TensorSpec, Window};
use verinfer_relation::commitment::Commitment;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::{Relation, RelationError};
use verinfer_verifier::{DEFAULT_MAX_CELLS, Verifier, VerifyError};

/// Counts what is allocated; beyond its limit allocations fail, which aborts the process.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The limit of these tests in cells, and what they may allocate.
const MAX_CELLS: usize = 1 << 20;
const MAX_BYTES: usize = 40 * MAX_CELLS;

/// What is public of hidden multipliers.
const ENVELOPE: Envelope = Envelope { num_limbs: 2, limb_bits: 20, keys: (-512, 512), signed_keys: (-512, 512) };

fn graph(input: Shape, op: Op, output: Shape) -> Graph {
    let spec = |shape| TensorSpec { name: String::new(), shape, dtype: DataType::I8 };
    let node = Node { source: String::new(), op, output: TensorId(1) };
    Graph::new(vec![spec(input), spec(output)], vec![node], TensorId(0), TensorId(1)).unwrap()
}

/// A maximum over windows of `kernel` times `kernel` pixels with as many rows and columns of output as `outputs`.
fn pool(kernel: usize, outputs: usize) -> Graph {
    let window = Window { kernel_h: kernel, kernel_w: kernel, ..Window::POINT };
    let side = kernel + outputs - 1;
    let op = Op::MaxPool(MaxPool { input: TensorId(0), window, min: -128, max: 127 });
    graph(Shape::new(side, side, 1), op, Shape::new(outputs, outputs, 1))
}

fn identity(shape: Shape) -> Graph {
    graph(shape, Op::Lookup(Lookup { input: TensorId(0), table: (-128..128).collect() }), shape)
}

/// What a verifier with a limit says to a network, under the limit on memory.
fn verdict<'a>(verifier: impl FnOnce() -> Result<Verifier<'a>, VerifyError>) -> Result<(), VerifyError> {
    ALLOCATOR.set_limit(ALLOCATOR.allocated() + MAX_BYTES).unwrap();
    let verdict = verifier().map(|_| ());
    ALLOCATOR.set_limit(usize::MAX).unwrap();
    verdict
}

fn too_large(result: &Result<(), VerifyError>) -> bool {
    matches!(result, Err(VerifyError::Relation(RelationError::TooLarge { cells, max_cells: MAX_CELLS })) if *cells > MAX_CELLS)
}

/// One test, as the allocator counts for all threads.
#[test]
fn a_relation_beyond_the_limit_is_refused_before_it_takes_memory() {
    let encoded = pool(1 << 12, 1).encode_architecture();
    assert!(encoded.len() < 64, "{}", encoded.len());
    let hidden_input = Setting { hidden_input: true, ..Setting::default() };
    let committed = Setting { output: OutputForm::Committed, ..hidden_input.clone() };
    let images = 1 << 16;
    let ranks = Setting { output: OutputForm::Rank { labels: vec![0; images], k: 1 }, ..Setting::default() };
    let shown = Setting::default();
    let shape = Shape::new(1 << 12, 1 << 12, 1);
    let padded = graph(shape, Op::Pad(Pad { input: TensorId(0), before: Shape::new(0, 0, 0), value: 0 }), shape);
    // Many columns of one cell, few columns of many cells, and both.
    let cases = [
        (Graph::decode_architecture(&encoded).unwrap(), 1, &shown),
        (pool(3, 1 << 12), 1, &shown),
        (pool(1 << 8, 1 << 5), 1, &shown),
        (identity(shape), 1, &shown),
        (padded, 1, &shown),
        (identity(Shape::new(1, 1, 1)), MAX_CELLS, &hidden_input),
        (identity(Shape::new(1, 1, 1)), usize::MAX, &hidden_input),
        (identity(Shape::new(1, 1, 1)), images, &committed),
        (identity(Shape::new(1, 1, 100)), images, &ranks),
    ];
    let commitment = Commitment::from_bytes(&[0; 1024]).unwrap();
    for (index, (graph, images, setting)) in cases.iter().enumerate() {
        let result = verdict(|| Verifier::with_setting_within(MAX_CELLS, graph, *images, setting));
        assert!(too_large(&result), "case {index}: {result:?}");
        if index < 5 {
            let result = verdict(|| Verifier::hidden_within(MAX_CELLS, graph, ENVELOPE, commitment, *images, setting));
            assert!(too_large(&result), "case {index}, hidden: {result:?}");
        }
    }

    // What is within the limit is derived, within the same memory and whatever the limit.
    for (graph, images) in [(pool(90, 1), 1), (pool(3, 330), 1), (identity(Shape::new(1, 1, 1)), 1 << 19)] {
        verdict(|| Verifier::with_setting_within(MAX_CELLS, &graph, images, &shown)).unwrap();
    }
    let graph = pool(3, 330);
    let cells = |max| Relation::within(max, &graph, 1, &shown).map(|relation| relation.num_cells());
    assert_eq!(cells(MAX_CELLS), cells(DEFAULT_MAX_CELLS));
}
