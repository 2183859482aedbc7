//! Sums and maxima over windows.

use std::collections::HashMap;

use super::planes::{Builder, Kind, Plane, Planes};
use super::values::ValueSet;
use super::{Element, Influence, windows};
use crate::op::{MaxPool, SumPool, Window};
use crate::shape::{DataType, Shape};

/// Kinds of elements that are told apart under the windows of one plane.
const MAX_LOCAL: usize = 64;

/// Taps of a window up to which all sums of a set with gaps are followed one by one.
pub(super) const MAX_EXACT_TAPS: usize = 16;

/// A table applied to the sum over each window.
pub(super) fn sum(input: &Planes, pool: &SumPool, dtype: DataType, output: Shape) -> Planes {
    let rows: Vec<usize> = (0..output.height).map(|y| pool.window.row_taps(input.shape.height, y).len()).collect();
    let columns: Vec<usize> = (0..output.width).map(|x| pool.window.column_taps(input.shape.width, x).len()).collect();
    let count = |pixel: usize| rows[pixel / output.width] * columns[pixel % output.width];
    let table = |count: usize| pool.tables.iter().find(|(known, _)| *known == count).map_or(&[][..], |(_, table)| table);
    over_windows(input, &pool.window, output, pool.tables.len() > 1, count, |count, elements| {
        let all = elements.iter().fold(ValueSet::EMPTY, |all, element| all.union(&element.values));
        let influence = elements.iter().fold(Influence::NONE, |sum, element| sum.and(element.influence));
        Element::new(image(table(count), count, &all, dtype), influence)
    })
}

/// The maximum over each window, clamped.
pub(super) fn maximum(input: &Planes, pool: &MaxPool, output: Shape) -> Planes {
    over_windows(
        input,
        &pool.window,
        output,
        false,
        |_| 0,
        |_, elements| {
            // No maximum is below the largest of the smallest values.
            let least = elements.iter().map(|element| element.bounds().0).max().unwrap_or(pool.min);
            let above = elements.iter().filter(|element| element.bounds().1 >= least);
            let values = above.clone().flat_map(|element| element.values.iter()).filter(|&value| value >= least);
            let deciding = above.filter(|element| element.bounds().1 > least);
            let influence = deciding.fold(Influence::NONE, |sum, element| sum.and(element.influence));
            Element::new(values.map(|value| value.clamp(pool.min, pool.max)).collect(), influence)
        },
    )
}

/// What each window gives for the kinds of elements under it and, where it matters, for its number of taps.
fn over_windows(
    input: &Planes,
    window: &Window,
    output: Shape,
    counts_differ: bool,
    count: impl Fn(usize) -> usize,
    result: impl Fn(usize, &[&Element]) -> Element,
) -> Planes {
    let mut builder = Builder::new(output);
    let mut planes = Vec::with_capacity(input.planes().len());
    for plane in input.planes() {
        let (numbers, local) = local_kinds(input, plane);
        let masks = match plane {
            Plane::Uniform(_) => vec![1u64; if counts_differ { output.num_pixels() } else { 1 }],
            Plane::Pixels(pixels) => windows::under(window, input.shape, output, |pixel| 1u64 << numbers[&pixels[pixel]]),
        };
        let mut known: HashMap<(usize, u64), Kind> = HashMap::new();
        let kinds = masks.iter().enumerate().map(|(pixel, &mask)| {
            let count = count(pixel);
            *known.entry((count, mask)).or_insert_with(|| {
                let present = local.iter().enumerate().filter(|(number, _)| mask >> number & 1 == 1);
                let present: Vec<&Element> = present.map(|(_, element)| element).collect();
                builder.kind(result(count, &present))
            })
        });
        let kinds = kinds.collect();
        planes.push(builder.plane(kinds));
    }
    builder.finish((0..output.channels).map(|channel| planes[input.index(channel)]))
}

/// Numbers for the kinds of elements in a plane, and what they are; the last number stands for all that are left.
fn local_kinds(input: &Planes, plane: &Plane) -> (HashMap<Kind, usize>, Vec<Element>) {
    let (mut numbers, mut local) = (HashMap::new(), Vec::<Element>::new());
    let mut add = |kind: Kind| {
        numbers.entry(kind).or_insert_with(|| {
            let element = input.kind(kind);
            match local.get_mut(MAX_LOCAL - 1) {
                Some(last) => {
                    *last = last.joined(element);
                    MAX_LOCAL - 1
                }
                None => {
                    local.push(*element);
                    local.len() - 1
                }
            }
        });
    };
    match plane {
        Plane::Uniform(kind) => add(*kind),
        Plane::Pixels(pixels) => pixels.iter().for_each(|&kind| add(kind)),
    }
    (numbers, local)
}

/// All entries of a table between the least and the largest sum that so many values of a set can have.
pub(super) fn hull(table: &[i16], count: usize, values: &ValueSet, dtype: DataType) -> ValueSet {
    let (low, high) = values.bounds();
    image(table, count, &ValueSet::interval(low, high), dtype)
}

/// The entries of a table under the sums that so many values of a set can have.
fn image(table: &[i16], count: usize, values: &ValueSet, dtype: DataType) -> ValueSet {
    let (low, high) = values.bounds();
    let distance = |value: i16| usize::from(value.saturating_sub(dtype.min()).unsigned_abs());
    let (first, last) = (count * distance(low), count * distance(high));
    let between = table.get(first..=last).unwrap_or(table);
    if values.is_interval() {
        return between.iter().copied().collect();
    }
    if count <= MAX_EXACT_TAPS {
        let mut sums = vec![false; last + 1];
        sums[0] = true;
        for taken in 0..count {
            let mut next = vec![false; last + 1];
            let reached = (0..=taken * distance(high)).filter(|&sum| sums[sum]);
            reached.for_each(|sum| values.iter().for_each(|value| next[sum + distance(value)] = true));
            sums = next;
        }
        return table.iter().zip(sums).filter(|(_, reached)| *reached).map(|(&entry, _)| entry).collect();
    }
    // Sums differ by multiples of what all values differ by.
    let step = values.iter().fold(0, |step, value| gcd(step, usize::from(value.abs_diff(low))));
    between.iter().step_by(step.max(1)).copied().collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
