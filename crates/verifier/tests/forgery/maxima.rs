//! A prover that lies about the maximum over a window: about any of the pairwise maxima that it is made of, with all that follows from them.

use std::sync::LazyLock;

use verinfer_graph::{DataType, Graph, MaxPool, Node, Op, Shape, TensorId, TensorSpec, Window};
use verinfer_prover::Witness;
use verinfer_relation::field::from_signed;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{MaximumStage, Recipe};
use verinfer_relation::statement::Statement;
use verinfer_relation::wiring::PixelMap;

use crate::forger::{Forger, output_mut};
use crate::unmasked::Broken;

const CHANNELS: usize = 3;
const SIDE: usize = 9;

/// A maximum over 5x5 pixels at every pixel, in stages of which those along an axis overlap.
static POOL: LazyLock<Forger> = LazyLock::new(|| {
    let window = Window { kernel_h: 5, kernel_w: 5, pad_top: 2, pad_left: 2, ..Window::POINT };
    let op = Op::MaxPool(MaxPool { input: TensorId(0), window, min: -128, max: 127 });
    let spec = TensorSpec { name: "t".into(), shape: Shape::new(SIDE, SIDE, CHANNELS), dtype: DataType::I8 };
    let node = Node { source: "MAX_POOL_2D #0".into(), op, output: TensorId(1) };
    Forger::batch(Graph::new(vec![spec.clone(), spec], vec![node], TensorId(0), TensorId(1)).unwrap(), 1, &input())
});

fn input() -> Vec<i16> {
    (0..SIDE * SIDE * CHANNELS).map(|i| (i * 7919 % 251) as i16 - 125).collect()
}

fn stages() -> &'static [MaximumStage] {
    let Recipe::MaxPool { stages, .. } = &POOL.relation().recipes[0] else { panic!("a maximum") };
    stages
}

/// A pairwise maximum: stage, index of its column, channel and pixel.
type Place = (usize, usize, usize, usize);

/// The witness and the statement of a prover that computes pairwise maxima by `compute(place, maximum so far, tap)`.
fn computed(compute: impl Fn(Place, i64, i64) -> i64) -> (Statement, Witness) {
    let (mut statement, mut witness) = (POOL.statement.clone(), POOL.witness.clone());
    let mut read: Vec<i64> = input().into_iter().map(i64::from).collect();
    for (index, stage) in stages().iter().enumerate() {
        let MaximumStage { window, source, target, columns } = stage;
        let tap = |tap: usize| {
            let mut values = vec![-128; target.num_elements()];
            let map = PixelMap::Window { window: *window, source: *source, target: *target, tap: Some(tap) };
            map.for_each(0..target.num_pixels(), |to, from| {
                for channel in 0..CHANNELS {
                    values[to * CHANNELS + channel] = read[from * CHANNELS + channel];
                }
            });
            values
        };
        let mut maximum = tap(0);
        for (number, &column) in columns.iter().enumerate() {
            for (at, (maximum, value)) in maximum.iter_mut().zip(tap(number + 1)).enumerate() {
                let (channel, pixel) = (at % CHANNELS, at / CHANNELS);
                *maximum = compute((index, number, channel, pixel), *maximum, value);
                witness.cells[POOL.cell(column, channel, pixel)] = from_signed(*maximum);
            }
        }
        read = maximum;
    }
    output_mut(&mut statement).values = read.iter().map(|&value| value as i16).collect();
    (statement, witness)
}

/// Both provers are rejected: the one whose leaves are the true ones, and the one whose leaves follow the cells. Returns how many outputs were wrong.
fn rejected(compute: impl Fn(Place, i64, i64) -> i64) -> usize {
    let (statement, witness) = computed(compute);
    assert!(!POOL.holds(&statement, &witness));
    assert_ne!(POOL.broken(statement.clone(), witness.clone()), []);
    assert_eq!(POOL.following(&statement, witness), (vec!["positive part"], vec![Broken::sum(&POOL)]));
    let wrong = |(found, expected): &(&i16, &i16)| found != expected;
    let outputs = |statement: &Statement| statement.output.shown().unwrap().values.clone();
    outputs(&statement).iter().zip(&outputs(&POOL.statement)).filter(wrong).count()
}

/// Every column with its stage and number.
fn columns() -> impl Iterator<Item = (usize, usize, ColumnId)> {
    let of_stage = |(index, stage): (usize, &'static MaximumStage)| {
        stage.columns.iter().enumerate().map(move |(number, &column)| (index, number, column))
    };
    stages().iter().enumerate().flat_map(of_stage)
}

#[test]
fn the_window_has_overlapping_stages_along_both_axes() {
    let kernels: Vec<(usize, usize)> = stages().iter().map(|stage| (stage.window.kernel_h, stage.window.kernel_w)).collect();
    assert_eq!(columns().count(), 6);
    assert!(kernels.iter().filter(|kernel| kernel.0 > 1).count() >= 2 && kernels.iter().filter(|kernel| kernel.1 > 1).count() >= 2);
    let (statement, witness) = computed(|_, maximum, tap| maximum.max(tap));
    assert_eq!((&statement, &witness.cells), (&POOL.statement, &POOL.witness.cells));
}

#[test]
fn a_maximum_that_is_attained_nowhere_is_rejected() {
    for (stage, number, column) in columns() {
        let middle = POOL.relation().column(column).pixels / 2;
        let wrong = rejected(|place, maximum, tap| {
            let true_one = maximum.max(tap);
            if place == (stage, number, 1, middle) { true_one.max(126) + 1 } else { true_one }
        });
        assert!(wrong > 0);
    }
}

#[test]
fn a_maximum_that_is_too_low_is_rejected() {
    for (stage, number, column) in columns() {
        let middle = POOL.relation().column(column).pixels / 2;
        rejected(|place, maximum, tap| if place == (stage, number, 0, middle) { maximum.max(tap) - 1 } else { maximum.max(tap) });
        rejected(|place, maximum, tap| if place == (stage, number, 0, middle) { -128 } else { maximum.max(tap) });
    }
}

#[test]
fn a_skipped_tap_is_rejected() {
    // The smaller of two is one of both, and in the range of values.
    for (stage, number, _) in columns() {
        for skipped in [true, false] {
            let wrong = rejected(|place, maximum, tap| match ((place.0, place.1) == (stage, number), skipped) {
                (false, _) => maximum.max(tap),
                (true, true) => maximum,
                (true, false) => tap,
            });
            assert!(wrong > 0, "stage {stage}");
        }
    }
}

#[test]
fn maxima_of_two_places_cannot_be_exchanged() {
    for (_, _, column) in columns() {
        let pixels = POOL.relation().column(column).pixels;
        let at = |pixel: usize| POOL.get(column, 2, pixel);
        let (a, b) = (0, (1..pixels).find(|&pixel| at(pixel) != at(0)).unwrap());
        let change = at(b) - at(a);
        let witness = POOL.edited(&[(column, 2, a, change), (column, 2, b, -change)]);
        assert_ne!(POOL.broken(POOL.statement.clone(), witness.clone()), []);
        assert_ne!(POOL.following(&POOL.statement, witness).1, []);
    }
}
