//! AVERAGE_POOL_2D, MAX_POOL_2D and MEAN (`kernels/pooling.cc`, `reduce.cc`).

use std::collections::BTreeSet;

use verinfer_graph::{MaxPool, Op, Shape, SumPool, Window};

use crate::error::Unsupported;
use crate::fixed_point::Multiplier;
use crate::tflite::lowering::{Activation, Context, Lowering, activation_range};
use crate::tflite::window::{WindowOptions, side};

/// Entries of the tables of all pools.
pub const MAX_TABLE_ENTRIES: usize = 1 << 24;

/// AVERAGE_POOL_2D: the mean of the existing taps, rounded half away from zero.
pub fn lower_average_pool(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let pool = Pool::read(lowering, context)?;
    let (min, max) = pool.range;
    let average = |sum: i64, count: i64| {
        let half = count / 2;
        let rounded = if sum > 0 { sum.saturating_add(half) } else { sum.saturating_sub(half) };
        clamp(rounded.checked_div(count).unwrap_or(0), min, max)
    };
    let tables = pool
        .tap_counts()?
        .into_iter()
        .map(|count| Ok((count, table(count, pool.input, |sum, count| Ok(average(sum, count)))?)))
        .collect::<Result<_, _>>()?;
    let op = Op::SumPool(SumPool { input: pool.input.id, window: pool.window, tables });
    lowering.push(context, op, pool.output.id);
    Ok(())
}

/// MAX_POOL_2D.
pub fn lower_max_pool(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let pool = Pool::read(lowering, context)?;
    let op = Op::MaxPool(MaxPool { input: pool.input.id, window: pool.window, min: pool.range.0, max: pool.range.1 });
    lowering.push(context, op, pool.output.id);
    Ok(())
}

/// MEAN over height, width or both: `reference_ops::QuantizedMeanOrSum`.
pub fn lower_mean(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(2, 2, "2")?;
    let options = context.operator.table.builtin_options_as_reducer_options().unwrap_or_default();
    let input = context.input(lowering, 0)?;
    let output = context.output_like(lowering, input)?;
    let dims = &context.tensor(0)?.dims;
    let axes = reduced_axes(&context.tensor(1)?.integers()?, dims.len())?;
    let expected: Vec<usize> = dims
        .iter()
        .enumerate()
        .filter_map(|(axis, &size)| match axes.contains(&axis) {
            false => Some(size),
            true => options.keep_dims().then_some(1),
        })
        .collect();
    context.output_tensor()?.expect_dims(&expected)?;
    // Axes of the file's shape count from the left, those of `Shape` from the right.
    let reduces = |from_end: usize| dims.len().checked_sub(from_end).is_some_and(|axis| axes.contains(&axis));
    if let Some(axis) = axes.iter().find(|&&axis| Some(axis) != dims.len().checked_sub(2) && Some(axis) != dims.len().checked_sub(3)) {
        return Err(Unsupported::Option { name: "reduction axis", value: i64::try_from(*axis).unwrap_or(i64::MAX) });
    }
    let kernel_h = if reduces(3) { input.shape.height } else { 1 };
    let kernel_w = if reduces(2) { input.shape.width } else { 1 };
    let window = Window {
        kernel_h: side("reduced height", i64::try_from(kernel_h).unwrap_or(i64::MAX))?,
        kernel_w: side("reduced width", i64::try_from(kernel_w).unwrap_or(i64::MAX))?,
        ..Window::POINT
    };
    let count = window.num_taps();
    check_entries(num_entries(count))?;
    let multiplier = mean_multiplier(input, output, count)?;
    let table = table(count, input, |sum, count| {
        let shifted = sum.saturating_sub(i64::from(input.zero_point).saturating_mul(count));
        let shifted = i32::try_from(shifted).map_err(|_| Unsupported::Overflow)?;
        let rescaled = multiplier.apply(shifted).ok_or(Unsupported::Overflow)?;
        let moved = i64::from(rescaled).saturating_add(i64::from(output.zero_point));
        Ok(clamp(moved, output.dtype.min(), output.dtype.max()))
    })?;
    let reduced =
        Shape::new(if reduces(3) { 1 } else { input.shape.height }, if reduces(2) { 1 } else { input.shape.width }, input.shape.channels);
    let op = Op::SumPool(SumPool { input: input.id, window, tables: vec![(count, table)] });
    if reduced == output.shape {
        lowering.push(context, op, output.id);
    } else {
        let mean = lowering.temporary(format!("mean of #{}", context.index), reduced, output.dtype);
        lowering.push(context, op, mean);
        lowering.push(context, Op::Reshape { input: mean }, output.id);
    }
    Ok(())
}

/// Input scale over output scale, with division by `count` folded into the multiplier.
fn mean_multiplier(input: Activation, output: Activation, count: usize) -> Result<Multiplier, Unsupported> {
    let Multiplier { multiplier, shift } = Multiplier::quantize(f64::from(input.scale) / f64::from(output.scale))?;
    let count = i64::try_from(count).map_err(|_| Unsupported::Overflow)?;
    // 63 - CountLeadingZeros, at most 32, and such that the shift stays at least -31.
    let fold = i32::try_from(count.ilog2()).unwrap_or(32).min(32).min(shift.saturating_add(31));
    let folded = (i64::from(multiplier) << fold.max(0).unsigned_abs())
        .checked_div(count)
        .and_then(|folded| i32::try_from(folded).ok())
        .ok_or(Unsupported::Overflow)?;
    Ok(Multiplier { multiplier: folded, shift: shift.saturating_sub(fold) })
}

/// Axes of a rank, each once; negative ones count from the end.
fn reduced_axes(axes: &[i64], rank: usize) -> Result<BTreeSet<usize>, Unsupported> {
    let rank = i64::try_from(rank).unwrap_or(i64::MAX);
    let resolved = axes
        .iter()
        .map(|&axis| {
            let from_start = if axis < 0 { axis.saturating_add(rank) } else { axis };
            usize::try_from(from_start)
                .ok()
                .filter(|_| from_start < rank)
                .ok_or(Unsupported::Option { name: "reduction axis", value: axis })
        })
        .collect::<Result<BTreeSet<_>, _>>()?;
    if resolved.is_empty() {
        return Err(Unsupported::Option { name: "number of reduction axes", value: 0 });
    }
    Ok(resolved)
}

/// Operands and window of a pool.
struct Pool {
    input: Activation,
    output: Activation,
    window: Window,
    range: (i16, i16),
}

impl Pool {
    fn read(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<Self, Unsupported> {
        context.expect_operands(1, 1, "1")?;
        let options = context.operator.table.builtin_options_as_pool_2_doptions().ok_or(Unsupported::Options)?;
        let declared = context.tensor(0)?;
        if declared.dims.len() != 4 {
            return Err(Unsupported::Rank { tensor: declared.name.clone(), found: declared.dims.len(), expected: "4" });
        }
        let input = context.input(lowering, 0)?;
        side("input height", i64::try_from(input.shape.height).unwrap_or(i64::MAX))?;
        side("input width", i64::try_from(input.shape.width).unwrap_or(i64::MAX))?;
        let output = context.output_like(lowering, input)?;
        let kernel = (side("filter_height", i64::from(options.filter_height()))?, side("filter_width", i64::from(options.filter_width()))?);
        let (window, (height, width)) =
            WindowOptions { padding: options.padding(), kernel, stride: (options.stride_h(), options.stride_w()), dilation: (1, 1) }
                .resolve(input.shape)?;
        context.output_tensor()?.expect_dims(&[1, height, width, input.shape.channels])?;
        Ok(Self { input, output, window, range: activation_range(options.fused_activation_function(), output)? })
    }

    /// Numbers of existing taps that occur, in increasing order; it stops when their tables are too large.
    fn tap_counts(&self) -> Result<BTreeSet<usize>, Unsupported> {
        let window = self.window;
        let rows = axis_counts(self.input.shape.height, self.output.shape.height, window.kernel_h, window.stride_h, window.pad_top);
        let columns = axis_counts(self.input.shape.width, self.output.shape.width, window.kernel_w, window.stride_w, window.pad_left);
        let (mut counts, mut entries) = (BTreeSet::new(), 0usize);
        for count in rows.iter().flat_map(|rows| columns.iter().map(move |columns| rows.saturating_mul(*columns))) {
            if counts.insert(count) {
                entries = entries.saturating_add(num_entries(count));
                check_entries(entries)?;
            }
        }
        Ok(counts)
    }
}

/// Numbers of taps inside the input along one axis, over all output positions.
fn axis_counts(input: usize, output: usize, kernel: usize, stride: usize, pad: usize) -> BTreeSet<usize> {
    (0..output)
        .map(|position| {
            let start = position.saturating_mul(stride);
            let end = start.saturating_add(kernel).min(input.saturating_add(pad));
            end.saturating_sub(start.max(pad))
        })
        .collect()
}

/// `entry(sum, count)` for every sum of `count` values of the input's type, in increasing order.
fn table(count: usize, input: Activation, entry: impl Fn(i64, i64) -> Result<i16, Unsupported>) -> Result<Vec<i16>, Unsupported> {
    let entries = num_entries(count);
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let least = i64::from(input.dtype.min()).saturating_mul(count);
    (0..entries).map(|offset| entry(least.saturating_add(i64::try_from(offset).unwrap_or(i64::MAX)), count)).collect()
}

const fn num_entries(count: usize) -> usize {
    count.saturating_mul(255).saturating_add(1)
}

const fn check_entries(entries: usize) -> Result<(), Unsupported> {
    if entries > MAX_TABLE_ENTRIES {
        return Err(Unsupported::TablesTooLarge { entries, limit: MAX_TABLE_ENTRIES });
    }
    Ok(())
}

fn clamp(value: i64, min: i16, max: i16) -> i16 {
    i16::try_from(value.clamp(i64::from(min), i64::from(max))).unwrap_or(min)
}
