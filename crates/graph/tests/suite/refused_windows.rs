//! Windows that are refused.

use verinfer_graph::{GraphError, MaxPool, Op, TensorSpec, Window};

use crate::support::{INPUT, at, i8, single, window};

fn fault(input: TensorSpec, op: Op, output: TensorSpec) -> GraphError {
    single(input, op, output).unwrap_err()
}

fn max_pool(window: Window) -> Op {
    Op::MaxPool(MaxPool { input: INPUT, window, min: -128, max: 127 })
}

#[test]
fn a_window_parameter_of_zero() {
    for (parameter, window) in [
        ("kernel height", Window { kernel_h: 0, ..Window::POINT }),
        ("kernel width", Window { kernel_w: 0, ..Window::POINT }),
        ("row stride", Window { stride_h: 0, ..Window::POINT }),
        ("column stride", Window { stride_w: 0, ..Window::POINT }),
        ("row dilation", Window { dilation_h: 0, ..Window::POINT }),
        ("column dilation", Window { dilation_w: 0, ..Window::POINT }),
    ] {
        let error = GraphError::ZeroWindow { at: at(0), parameter };
        assert_eq!(fault(i8(1, 1, 1), max_pool(window), i8(1, 1, 1)), error);
    }
}

#[test]
fn a_window_that_is_too_large() {
    let large = (1 << 16) + 1;
    let full = 1 << 16;
    for (parameter, value, limit, window) in [
        ("kernel height", large, 1 << 16, Window { kernel_h: large, ..Window::POINT }),
        ("column stride", large, 1 << 16, Window { stride_w: large, ..Window::POINT }),
        ("top padding", large, 1 << 16, Window { pad_top: large, ..Window::POINT }),
        ("left padding", usize::MAX, 1 << 16, Window { pad_left: usize::MAX, ..Window::POINT }),
        ("number of taps", 1 << 32, 1 << 28, Window { kernel_h: full, kernel_w: full, ..Window::POINT }),
        ("height", (full - 1) << 16, 1 << 28, Window { kernel_h: full, dilation_h: full, ..Window::POINT }),
        ("width", (full - 1) << 16, 1 << 28, Window { kernel_w: full, dilation_w: full, ..Window::POINT }),
    ] {
        let error = GraphError::WindowTooLarge { at: at(0), parameter, value: value as u64, limit };
        assert_eq!(fault(i8(1, 1, 1), max_pool(window), i8(1, 1, 1)), error);
    }
}

#[test]
fn an_output_pixel_without_taps() {
    let no_tap = |axis, position| GraphError::NoTap { at: at(0), tensor: 1, axis, position };
    // Beyond the input.
    let op = || max_pool(window(2, 2, 1, 0));
    assert_eq!(fault(i8(4, 4, 1), op(), i8(3, 2, 1)), no_tap("row", 2));
    assert_eq!(fault(i8(4, 4, 1), op(), i8(2, 3, 1)), no_tap("column", 2));
    // Before it.
    let op = max_pool(Window { pad_top: 1, ..Window::POINT });
    assert_eq!(fault(i8(4, 4, 1), op, i8(4, 4, 1)), no_tap("row", 0));
    // Around it: taps at rows -1 and 1 of a single row.
    let op = max_pool(Window { kernel_h: 2, dilation_h: 2, pad_top: 1, ..Window::POINT });
    assert_eq!(fault(i8(1, 1, 1), op, i8(1, 1, 1)), no_tap("row", 0));
}

#[test]
fn an_output_that_leaves_out_whole_windows() {
    let too_small = |axis, found, expected| GraphError::OutputTooSmall { at: at(0), tensor: 1, axis, found, expected };
    let op = || max_pool(window(2, 2, 1, 0));
    assert_eq!(fault(i8(6, 6, 1), op(), i8(2, 3, 1)), too_small("row", 2, 3));
    assert_eq!(fault(i8(6, 6, 1), op(), i8(3, 2, 1)), too_small("column", 2, 3));
}

#[test]
fn every_tflite_padding_is_accepted() {
    // VALID, SAME with all padding at the end, SAME on both sides, explicit.
    for (input, kernel, stride, pad, output) in
        [(7, 3, 2, 0, 3), (6, 3, 2, 0, 3), (7, 3, 1, 1, 7), (7, 3, 2, 1, 4), (5, 1, 3, 0, 2), (3, 7, 1, 3, 3)]
    {
        let op = max_pool(window(kernel, stride, 1, pad));
        assert!(single(i8(input, input, 1), op, i8(output, output, 1)).is_ok(), "{input} {kernel} {stride} {pad}");
    }
}
