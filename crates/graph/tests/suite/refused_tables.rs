//! Operators whose tables or addends are refused.

use verinfer_graph::{Add, DataType, GraphError, Lookup, Op, Operand, SumPool, Window};

use crate::support::{INPUT, add, at, i8, scaled, single};

fn fault(op: Op) -> GraphError {
    single(i8(1, 2, 2), op, i8(1, 2, 2)).unwrap_err()
}

#[test]
fn a_table_of_the_wrong_length() {
    let error = |expected| GraphError::TableLength { at: at(0), found: 255, expected };
    assert_eq!(fault(Op::Lookup(Lookup { input: INPUT, table: vec![0; 255] })), error(256));
    assert_eq!(fault(Op::Add(Add { left_table: vec![0; 255], ..add(INPUT, INPUT) })), error(256));
    let right = Operand::Tensor { tensor: INPUT, table: vec![0; 255] };
    assert_eq!(fault(Op::Add(Add { right, ..add(INPUT, INPUT) })), error(256));
    assert_eq!(fault(pool(vec![(1, vec![0; 256]), (2, vec![0; 255])])), error(511));
}

#[test]
fn a_table_entry_outside_the_type() {
    let mut table = vec![0; 256];
    table[7] = -129;
    let error = GraphError::TableEntryOutOfRange { at: at(0), index: 7, entry: -129, dtype: DataType::I8 };
    assert_eq!(fault(Op::Lookup(Lookup { input: INPUT, table: table.clone() })), error);
    table.resize(511, 0);
    assert_eq!(fault(pool(vec![(1, vec![0; 256]), (2, table)])), error);
}

#[test]
fn constants_of_the_wrong_number() {
    let op = Op::Add(Add { right: Operand::Constant(vec![1]), ..add(INPUT, INPUT) });
    assert_eq!(fault(op), GraphError::ConstantCount { at: at(0), found: 1, expected: 2 });
}

#[test]
fn an_addend_out_of_range() {
    let error = |index, addend| GraphError::AddendOutOfRange { at: at(0), index, addend };
    let mut table = scaled(1);
    table[9] = i32::MIN;
    assert_eq!(fault(Op::Add(Add { left_table: table.clone(), ..add(INPUT, INPUT) })), error(9, i32::MIN));
    let right = Operand::Tensor { tensor: INPUT, table };
    assert_eq!(fault(Op::Add(Add { right, ..add(INPUT, INPUT) })), error(9, i32::MIN));
    let right = Operand::Constant(vec![0, 1 << 30]);
    assert_eq!(fault(Op::Add(Add { right, ..add(INPUT, INPUT) })), error(1, 1 << 30));
}

/// Sums of a column and the next: two taps at the first of two columns, one at the second.
fn pool(tables: Vec<(usize, Vec<i16>)>) -> Op {
    Op::SumPool(SumPool { input: INPUT, window: Window { kernel_w: 2, ..Window::POINT }, tables })
}

#[test]
fn pool_tables_out_of_order() {
    let table = |count: usize| (count, vec![0; 255 * count + 1]);
    for tables in [vec![table(2), table(1)], vec![table(1), table(1)]] {
        assert_eq!(fault(pool(tables)), GraphError::PoolTableOrder { at: at(0), index: 1 });
    }
}

#[test]
fn a_missing_pool_table() {
    let tables = vec![(2, vec![0; 511])];
    assert_eq!(fault(pool(tables)), GraphError::MissingPoolTable { at: at(0), count: 1 });
}

#[test]
fn an_unused_pool_table() {
    let tables = vec![(1, vec![0; 256]), (2, vec![0; 511]), (4, vec![0; 1021])];
    assert_eq!(fault(pool(tables)), GraphError::UnusedPoolTable { at: at(0), count: 4 });
}
