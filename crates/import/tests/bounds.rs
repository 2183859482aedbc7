//! What a small file may ask for is counted before it is there, and of all operators together.

use common::{BuiltinOperator, Operator, Options, Tensor, TensorType, build, write};
use verinfer_import::{ImportError, Unsupported, import_tflite, survey};

#[path = "common/file.rs"]
mod common;

/// Most entries of tables, and most weights.
const LIMITS: (usize, usize) = (1 << 24, 1 << 28);

/// Options of a pool of stride 1, padded such that the output has the size of the input.
fn padded(kernel: i32) -> Options {
    (5, vec![(0, build::byte(0)), (1, build::int(1)), (2, build::int(1)), (3, build::int(kernel)), (4, build::int(kernel))])
}

/// Averages over windows of one size, one after the other.
fn averages(side: i32, kernel: i32, count: i32) -> Vec<u8> {
    let tensors: Vec<_> = (0..=count).map(|_| Tensor::activation(&[1, side, side, 1], 0.1, 0)).collect();
    let operators: Vec<_> =
        (0..count).map(|index| Operator::with(BuiltinOperator::AVERAGE_POOL_2D, &[index], index + 1, padded(kernel))).collect();
    write(&tensors, &operators, count)
}

fn reason(bytes: &[u8]) -> (usize, Unsupported) {
    let error = import_tflite(bytes).unwrap_err();
    let ImportError::Operator { index, reason, .. } = error else { panic!("{error}") };
    (index, reason)
}

#[test]
fn the_tables_of_all_averages_are_counted_together() {
    // 20 x 20 taps, of 10 to 20 a side where they are at a border: 66 products at most.
    assert!(import_tflite(&averages(60, 20, 1)).is_ok());
    let (index, reason) = reason(&averages(60, 20, 12));
    let Unsupported::TablesTooLarge { entries, limit } = reason else { panic!("{reason}") };
    assert!(index > 1 && entries > limit && limit == LIMITS.0, "{index} {entries}");
}

#[test]
fn tables_of_all_windows_at_borders_are_not_listed_to_find_that_they_are_too_large() {
    // Millions of different numbers of taps in each of sixty windows.
    let survey = survey(&averages(3000, 2999, 60)).unwrap();
    for operator in &survey.operators {
        let verinfer_import::Support::Unsupported(Unsupported::TablesTooLarge { entries, .. }) = operator.support else { panic!() };
        // That of the least number of taps.
        assert_eq!(entries, 255 * 1500 * 1500 + 1);
    }
}

#[test]
fn weights_that_operators_share_are_counted_for_each() {
    let (side, count) = (4096, 17);
    let weights = Tensor {
        shape: vec![side, side],
        element: TensorType::INT8,
        scales: vec![0.01],
        zero_point: 0,
        data: vec![1; (side * side) as usize],
    };
    let activation = || Tensor::activation(&[1, side], 0.1, 0);
    let tensors: Vec<_> = [activation(), weights].into_iter().chain((0..count).map(|_| activation())).collect();
    let input = |index| if index == 0 { 0 } else { index + 1 };
    let operators: Vec<_> =
        (0..count).map(|index| Operator::plain(BuiltinOperator::FULLY_CONNECTED, &[input(index), 1, -1], index + 2)).collect();
    let (index, reason) = reason(&write(&tensors, &operators, count + 1));
    let Unsupported::TooManyConstants { constants, limit } = reason else { panic!("{reason}") };
    assert_eq!((index, constants, limit), (16, LIMITS.1 + (1 << 24), LIMITS.1));
}
