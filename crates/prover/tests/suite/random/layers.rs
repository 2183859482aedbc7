use verinfer_graph::{Add, Concat, Conv, DataType, Lookup, MaxPool, Mul, Op, Operand, Pad, Shape, SumPool, TensorId, Window};

use super::{Builder, Rng, random_requantization};

/// Operators of random networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Conv,
    Depthwise,
    /// A convolution of one tap and stride one, by itself or of each channel alone.
    Pointwise,
    Add,
    AddConstant,
    Mul,
    SumPool,
    MaxPool,
    Lookup,
    Pad,
    /// Padding with the zero point, then a convolution.
    PaddedConv,
    Reshape,
    /// All elements as channels, then a pointwise convolution.
    Dense,
    Concat,
}

impl Layer {
    pub const ALL: [Self; 14] = [
        Self::Conv,
        Self::Depthwise,
        Self::Pointwise,
        Self::Add,
        Self::AddConstant,
        Self::Mul,
        Self::SumPool,
        Self::MaxPool,
        Self::Lookup,
        Self::Pad,
        Self::PaddedConv,
        Self::Reshape,
        Self::Dense,
        Self::Concat,
    ];

    /// Adds the layer, reading the last tensor.
    pub fn push(self, builder: &mut Builder, rng: &mut Rng, attempt: u32) {
        let input = builder.last();
        match self {
            Self::Conv => {
                convolution(builder, rng, attempt, ConvChoice { depthwise: false, point: false, zero_point: None, channels: None })
            }
            Self::Depthwise => {
                convolution(builder, rng, attempt, ConvChoice { depthwise: true, point: false, zero_point: None, channels: None })
            }
            Self::Pointwise => {
                let depthwise = rng.one_in(2);
                convolution(builder, rng, attempt, ConvChoice { depthwise, point: true, zero_point: None, channels: None });
            }
            Self::Add => addition(builder, rng, attempt),
            Self::AddConstant => add_constant(builder, rng, attempt),
            Self::Mul => product(builder, rng, attempt),
            Self::SumPool => sum_pool(builder, rng, input),
            Self::MaxPool => max_pool(builder, rng, input),
            Self::Lookup => lookup(builder, rng, input),
            Self::Pad => {
                let value = byte(rng, builder.dtype(input));
                let channels = rng.one_in(3);
                pad(builder, rng, value, channels);
            }
            Self::PaddedConv => {
                let value = byte(rng, builder.dtype(input));
                pad(builder, rng, value, false);
                let (depthwise, point) = (rng.one_in(2), rng.one_in(3));
                convolution(builder, rng, attempt, ConvChoice { depthwise, point, zero_point: Some(i32::from(value)), channels: None });
            }
            Self::Reshape => {
                let shape = reordered(builder.shape(input), rng);
                let dtype = builder.dtype(input);
                builder.push(Op::Reshape { input }, shape, dtype);
            }
            Self::Dense => {
                let (elements, dtype) = (builder.shape(input).num_elements(), builder.dtype(input));
                builder.push(Op::Reshape { input }, Shape::new(1, 1, elements), dtype);
                let depthwise = rng.one_in(4);
                convolution(builder, rng, attempt, ConvChoice { depthwise, point: true, zero_point: None, channels: None });
            }
            Self::Concat => concat(builder, rng),
        }
    }
}

struct ConvChoice {
    depthwise: bool,
    point: bool,
    zero_point: Option<i32>,
    /// Output channels of a layer that is not depthwise.
    channels: Option<usize>,
}

fn convolution(builder: &mut Builder, rng: &mut Rng, attempt: u32, choice: ConvChoice) {
    let input = builder.last();
    let shape = builder.shape(input);
    let (window, height, width) = if choice.point { (Window::POINT, shape.height, shape.width) } else { window(shape, rng) };
    let drawn = 1 + rng.below(6);
    let channels = if choice.depthwise { shape.channels * (1 + drawn % 3) } else { choice.channels.unwrap_or(drawn) };
    let inner = if choice.depthwise { 1 } else { shape.channels };
    let fan_in = window.num_taps() * inner;
    let weight_zero_point = *rng.pick(&[0, 0, 128, 37, -5]);
    let range = (-128.max(weight_zero_point - 128), 255.min(weight_zero_point + 127));
    let weights = (0..fan_in * channels).map(|_| rng.between(range.0.into(), range.1.into()) as i16).collect();
    let size = (128.0 * 73.0 * (fan_in as f64).sqrt()) as i64;
    let bias_size = *rng.pick(&[0, 1, size, 4 * size]);
    let bias = (0..channels).map(|_| rng.between(-bias_size, bias_size) as i32).collect();
    let dtype = random_type(rng);
    let input_zero_point = choice.zero_point.unwrap_or_else(|| i32::from(byte(rng, builder.dtype(input))));
    let requantization = random_requantization(rng, dtype, channels, size, attempt);
    let conv = Conv { input, input_zero_point, window, weights, weight_zero_point, bias, requantization };
    let op = if choice.depthwise { Op::DepthwiseConv2d(conv) } else { Op::Conv2d(conv) };
    builder.push(op, Shape::new(height, width, channels), dtype);
}

fn addition(builder: &mut Builder, rng: &mut Rng, attempt: u32) {
    let left = builder.last();
    let right = operand(builder, rng, left, attempt);
    let (left_table, size) = rescaling(rng, attempt);
    let (table, _) = if rng.one_in(3) { (left_table.clone(), size) } else { rescaling(rng, attempt) };
    let (shape, dtype) = (builder.shape(left), random_type(rng));
    let requantization = random_requantization(rng, dtype, 1, size, attempt);
    let right = Operand::Tensor { tensor: right, table };
    builder.push(Op::Add(Add { left, left_table, right, requantization }), shape, dtype);
}

fn add_constant(builder: &mut Builder, rng: &mut Rng, attempt: u32) {
    let left = builder.last();
    let (left_table, size) = rescaling(rng, attempt);
    let (shape, dtype) = (builder.shape(left), random_type(rng));
    let constants = (0..shape.channels).map(|_| rng.between(-size, size) as i32).collect();
    let requantization = random_requantization(rng, dtype, 1, size, attempt);
    builder.push(Op::Add(Add { left, left_table, right: Operand::Constant(constants), requantization }), shape, dtype);
}

/// A table of rescaled values and the size of its entries: a line of either sign, or anything.
fn rescaling(rng: &mut Rng, attempt: u32) -> (Vec<i32>, i64) {
    let log_size = if attempt >= 3 { rng.between(8, 20) } else { rng.between(3, 29) };
    let size = 1i64 << log_size;
    let sign = if rng.one_in(2) { -1 } else { 1 };
    let zero = rng.between(0, 255);
    let any = rng.one_in(4);
    let entry = |i: i64, rng: &mut Rng| if any { rng.between(-size, size) } else { sign * (i - zero) * size / 256 };
    ((0..256).map(|i| entry(i, rng) as i32).collect(), size)
}

fn product(builder: &mut Builder, rng: &mut Rng, attempt: u32) {
    let left = builder.last();
    let right = operand(builder, rng, left, attempt);
    let (shape, dtype) = (builder.shape(left), random_type(rng));
    let left_zero_point = i32::from(byte(rng, builder.dtype(left)));
    let right_zero_point = i32::from(byte(rng, builder.dtype(right)));
    let requantization = random_requantization(rng, dtype, 1, 1 << 14, attempt);
    builder.push(Op::Mul(Mul { left, left_zero_point, right, right_zero_point, requantization }), shape, dtype);
}

/// A tensor that can be repeated to the shape of `left`: an earlier one, `left` itself, or one made from it.
fn operand(builder: &mut Builder, rng: &mut Rng, left: TensorId, attempt: u32) -> TensorId {
    let target = builder.shape(left);
    let fits = |side: usize, of: usize| side == of || side == 1;
    let candidates = builder.matching(|spec| {
        let Shape { height, width, channels } = spec.shape;
        fits(height, target.height) && fits(width, target.width) && fits(channels, target.channels)
    });
    if rng.one_in(2) {
        return *rng.pick(&candidates);
    }
    if rng.one_in(2) {
        convolution(builder, rng, attempt, ConvChoice { depthwise: false, point: true, zero_point: None, channels: Some(1) });
        return builder.last();
    }
    // A tensor of fewer rows and columns; the sum over a whole axis is a window without border.
    let (kernel_h, kernel_w) = *rng.pick(&[(target.height, target.width), (1, target.width), (target.height, 1)]);
    let window = Window { kernel_h, kernel_w, ..Window::POINT };
    let shape = Shape::new(target.height + 1 - kernel_h, target.width + 1 - kernel_w, target.channels);
    let dtype = random_type(rng);
    let table = pool_table(rng, kernel_h * kernel_w, dtype);
    builder.push(Op::SumPool(SumPool { input: left, window, tables: vec![(kernel_h * kernel_w, table)] }), shape, dtype)
}

fn sum_pool(builder: &mut Builder, rng: &mut Rng, input: TensorId) {
    let shape = builder.shape(input);
    let (window, height, width) = window(shape, rng);
    let taps = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    let counts: std::collections::BTreeSet<usize> = taps.map(|(y, x)| window.num_existing_taps(shape, y, x)).collect();
    let dtype = random_type(rng);
    let tables = counts.into_iter().map(|count| (count, pool_table(rng, count, dtype))).collect();
    builder.push(Op::SumPool(SumPool { input, window, tables }), Shape::new(height, width, shape.channels), dtype);
}

/// A mean, or anything.
fn pool_table(rng: &mut Rng, count: usize, dtype: DataType) -> Vec<i16> {
    let any = rng.one_in(3);
    let entry = |sum: usize, rng: &mut Rng| if any { byte(rng, dtype) } else { (sum / count) as i16 + dtype.min() };
    (0..=255 * count).map(|sum| entry(sum, rng)).collect()
}

fn max_pool(builder: &mut Builder, rng: &mut Rng, input: TensorId) {
    let (shape, dtype) = (builder.shape(input), builder.dtype(input));
    let most_taps = *rng.pick(&[4, 9]);
    let (window, height, width) = window_of(most_taps, shape, rng);
    let (mut min, mut max) = (dtype.min(), dtype.max());
    if rng.one_in(2) {
        let (a, b) = (byte(rng, dtype), byte(rng, dtype));
        (min, max) = (a.min(b), a.max(b));
    }
    builder.push(Op::MaxPool(MaxPool { input, window, min, max }), Shape::new(height, width, shape.channels), dtype);
}

fn lookup(builder: &mut Builder, rng: &mut Rng, input: TensorId) {
    let (shape, dtype) = (builder.shape(input), random_type(rng));
    let table = (0..256).map(|_| byte(rng, dtype)).collect();
    builder.push(Op::Lookup(Lookup { input, table }), shape, dtype);
}

fn pad(builder: &mut Builder, rng: &mut Rng, value: i16, channels: bool) {
    let input = builder.last();
    let (shape, dtype) = (builder.shape(input), builder.dtype(input));
    let in_channels = if channels { 2 } else { 0 };
    let in_plane = if channels && rng.one_in(2) { 0 } else { 2 };
    let mut border = |most: usize| (rng.below(most + 1), rng.below(most + 1));
    let (top, left, before) = (border(in_plane), border(in_plane), border(in_channels));
    let padded = Shape::new(shape.height + top.0 + top.1, shape.width + left.0 + left.1, shape.channels + before.0 + before.1);
    builder.push(Op::Pad(Pad { input, before: Shape::new(top.0, left.0, before.0), value }), padded, dtype);
}

fn concat(builder: &mut Builder, rng: &mut Rng) {
    let last = builder.last();
    let (shape, dtype) = (builder.shape(last), builder.dtype(last));
    let axis = rng.below(3);
    let side = |shape: Shape| [shape.height, shape.width, shape.channels];
    let others = builder.matching(|spec| {
        let same = (0..3).all(|a| a == axis || side(spec.shape)[a] == side(shape)[a]);
        same && spec.dtype == dtype && side(spec.shape)[axis] <= 8
    });
    if others.is_empty() {
        return;
    }
    let mut inputs = vec![last];
    for _ in 0..1 + rng.below(2) {
        let other = *rng.pick(&others);
        inputs.insert(rng.below(inputs.len() + 1), other);
    }
    let mut sides = side(shape);
    sides[axis] = inputs.iter().map(|&input| side(builder.shape(input))[axis]).sum();
    builder.push(Op::Concat(Concat { inputs, axis }), Shape::new(sides[0], sides[1], sides[2]), dtype);
}

/// Geometry with its output's height and width.
fn window(shape: Shape, rng: &mut Rng) -> (Window, usize, usize) {
    window_of(4, shape, rng)
}

/// As [`window`], with at most so many taps in each direction.
fn window_of(most_taps: usize, shape: Shape, rng: &mut Rng) -> (Window, usize, usize) {
    let (kernel_h, stride_h, dilation_h, pad_top, height) = axis(most_taps, shape.height, rng);
    let (kernel_w, stride_w, dilation_w, pad_left, width) = axis(most_taps, shape.width, rng);
    (Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left }, height, width)
}

/// Kernel, stride, dilation, padding and output side; every output has a tap.
fn axis(most_taps: usize, side: usize, rng: &mut Rng) -> (usize, usize, usize, usize, usize) {
    loop {
        let (kernel, stride, dilation, pad) = (1 + rng.below(most_taps), 1 + rng.below(3), 1 + rng.below(2), rng.below(most_taps));
        let exists = |y: usize| (0..kernel).any(|tap| (y * stride + tap * dilation).checked_sub(pad).is_some_and(|row| row < side));
        let most = (0..).take_while(|&y| exists(y)).count();
        let whole = (side + pad).checked_sub((kernel - 1) * dilation + 1).map_or(0, |room| room / stride + 1).max(1);
        if whole <= most {
            return (kernel, stride, dilation, pad, rng.between(whole as i64, most as i64) as usize);
        }
    }
}

/// The same number of elements in other sides.
fn reordered(shape: Shape, rng: &mut Rng) -> Shape {
    let elements = shape.num_elements();
    let divisor = |of: usize, rng: &mut Rng| {
        let divisors: Vec<usize> = (1..=of).filter(|d| of.is_multiple_of(*d)).collect();
        *rng.pick(&divisors)
    };
    let height = divisor(elements, rng);
    let width = divisor(elements / height, rng);
    Shape::new(height, width, elements / height / width)
}

fn random_type(rng: &mut Rng) -> DataType {
    *rng.pick(&[DataType::U8, DataType::I8])
}

/// A value of a type, often an extreme one.
fn byte(rng: &mut Rng, dtype: DataType) -> i16 {
    let (min, max) = (i64::from(dtype.min()), i64::from(dtype.max()));
    let any = rng.between(min, max);
    *rng.pick(&[min, max, any, any]) as i16
}
