use proptest::prelude::*;

use super::*;
use crate::wiring::PixelMap;

fn window(kernel: usize, stride: usize, pad: usize) -> Window {
    Window { kernel_h: kernel, kernel_w: kernel, stride_h: stride, stride_w: stride, pad_top: pad, pad_left: pad, ..Window::POINT }
}

fn square(side: usize, channels: usize) -> Shape {
    Shape::new(side, side, channels)
}

/// Cells and columns of stages.
fn size(stages: &[Stage]) -> (usize, usize) {
    let cells = stages.iter().map(|stage| stage.num_columns() * stage.target.num_elements()).sum();
    (cells, stages.iter().map(Stage::num_columns).sum())
}

/// Cells and columns of a square window, and those of a chain over all of its taps.
fn costs(window: &Window, source: Shape, side: usize) -> ((usize, usize), (usize, usize)) {
    let target = square(side, source.channels);
    (size(&stages(window, source, target)), size(&[Stage { window: *window, source, target }]))
}

/// By output pixel, the input pixels that the stages take the maximum over.
fn covered(stages: &[Stage]) -> Vec<Vec<usize>> {
    let source = stages[0].source;
    let mut read: Vec<Vec<usize>> = (0..source.num_pixels()).map(|pixel| vec![pixel]).collect();
    for stage in stages {
        assert_eq!(stage.source.num_pixels(), read.len());
        let mut next = vec![Vec::new(); stage.target.num_pixels()];
        let map = PixelMap::Window { window: stage.window, source: stage.source, target: stage.target, tap: None };
        map.for_each(0..next.len(), |to, from| next[to].extend_from_slice(&read[from]));
        next.iter_mut().for_each(|pixels| {
            pixels.sort_unstable();
            pixels.dedup();
        });
        read = next;
    }
    read
}

fn covers_the_window(window: &Window, source: Shape, target: Shape) {
    let whole = covered(&[Stage { window: *window, source, target }]);
    let found = stages(window, source, target);
    assert_eq!(found.last().unwrap().target, target);
    assert_eq!(covered(&found), whole, "{window:?} from {source} to {target}: {found:?}");
}

#[test]
fn a_maximum_of_four_pixels_costs_what_it_did_or_less() {
    assert_eq!(costs(&window(2, 2, 0), square(32, 16), 16), ((3 * 16 * 256, 2), (3 * 16 * 256, 3)));
    for side in 2..40usize {
        for (stride, output) in [(1, side - 1), (2, side / 2), (2, side.div_ceil(2)), (3, (side - 2) / 3 + 1)] {
            let (found, chain) = costs(&window(2, stride, 0), square(side, 16), output);
            // What a column counts as besides its cells may pay for a few cells more.
            assert!(found.0 <= chain.0 + 64 && found.1 <= chain.1, "{side} {stride}: {found:?} {chain:?}");
        }
    }
}

#[test]
fn wider_windows_cost_few_columns() {
    let columns = |window: Window, side, output| costs(&window, square(side, 64), output);
    let (found, chain) = columns(window(3, 2, 0), 113, 56);
    assert_eq!((found.1, chain.1), (4, 8));
    assert!(found.0 * 4 < chain.0 * 3 + chain.0 / 20, "{found:?} {chain:?}");
    let (found, chain) = columns(window(5, 1, 2), 13, 13);
    assert_eq!((found, chain), ((68_224, 6), (24 * 64 * 169, 24)));
    let (found, chain) = columns(window(13, 1, 6), 13, 13);
    assert_eq!((found.1, chain.1), (8, 168));
    assert!(found.0 < chain.0 / 17, "{found:?} {chain:?}");
}

#[test]
fn a_maximum_over_everything_costs_about_as_many_cells_as_there_are() {
    for side in [33, 1000, 2998, 4096] {
        let (found, chain) = costs(&window(side, 1, 0), square(side, 1), 1);
        assert!(found.0 < side * side + 8 * side && found.1 <= 24, "{found:?}");
        assert_eq!(chain.1, side * side - 1);
    }
}

#[test]
fn the_largest_windows_are_cut_at_once() {
    for (kernel, stride, pad) in [(65_536, 1, 0), (65_536, 1, 65_535), (65_535, 65_535, 0), (50_001, 12_345, 777)] {
        let source = Shape::new(1 << 17, 1, 1);
        let long = Window { kernel_w: 1, stride_w: 1, pad_left: 0, ..window(kernel, stride, pad) };
        let len = ((1 << 17) + pad - kernel) / stride + 1;
        let (cells, columns) = size(&stages(&long, source, Shape::new(len, 1, 1)));
        assert!(columns < 1000 && cells < 40 * (1 << 18), "{kernel} {stride} {pad}: {cells} cells, {columns} columns");
    }
}

#[test]
fn a_window_of_one_tap_is_one_stage_without_columns() {
    let found = stages(&window(1, 3, 0), square(10, 2), square(4, 2));
    assert_eq!((found.len(), size(&found)), (1, (0, 0)));
    covers_the_window(&window(1, 3, 0), square(10, 2), square(4, 2));
}

/// Kernel, stride, dilation, padding, side and number of outputs, each of which has a tap.
fn axis() -> impl Strategy<Value = (usize, usize, usize, usize, usize, usize)> {
    let sizes = (1usize..=20, 1usize..=7, 1usize..=3, 0usize..=9, 1usize..=30, 1usize..=30);
    sizes.prop_map(|(kernel, stride, dilation, pad, side, most)| {
        let exists = |y: usize| (0..kernel).any(|tap| (y * stride + tap * dilation).checked_sub(pad).is_some_and(|row| row < side));
        let len = (0..most).take_while(|&y| exists(y)).count();
        (kernel, stride, dilation, if len == 0 { 0 } else { pad }, side, len.max(1))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tap_of_every_output_is_covered_and_nothing_else(rows in axis(), columns in axis(), channels in 1usize..300) {
        let window = Window {
            kernel_h: rows.0,
            kernel_w: columns.0,
            stride_h: rows.1,
            stride_w: columns.1,
            dilation_h: rows.2,
            dilation_w: columns.2,
            pad_top: rows.3,
            pad_left: columns.3,
        };
        let (source, target) = (Shape::new(rows.4, columns.4, channels), Shape::new(rows.5, columns.5, channels));
        covers_the_window(&window, source, target);
        let (found, chain) = (cost(&stages(&window, source, target)), cost(&[Stage { window, source, target }]));
        prop_assert!(found <= chain);
    }
}
