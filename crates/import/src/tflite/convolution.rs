//! CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED (`kernels/conv.cc`, `depthwise_conv.cc`, `fully_connected.cc`, `kernel_util.cc`).

use verinfer_graph::{Conv, DataType, Op, Pad, Requantization, Rounding, Shape, Window};
use verinfer_tflite_schema::tflite::{ActivationFunctionType, FullyConnectedOptionsWeightsFormat};

use crate::error::Unsupported;
use crate::fixed_point::Multiplier;
use crate::model::ElementType;
use crate::rounding::round_once;
use crate::tflite::lowering::{Activation, Context, Lowering, activation_range};
use crate::tflite::source::Tensor;
use crate::tflite::window::WindowOptions;

/// Weights of a grouped convolution that is lowered as one over all channels.
const MAX_WIDENED_WEIGHTS: usize = 1 << 26;

/// CONV_2D: filters `[output channel, row, column, input channel]`; fewer input channels than the input has are a group of them.
pub fn lower_conv(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(2, 3, "2 or 3")?;
    let options = context.operator.table.builtin_options_as_conv_2_doptions().ok_or(Unsupported::Options)?;
    let mut layer = Layer::read(lowering, context, 4)?;
    let [channels, kernel_h, kernel_w, depth] = *layer.filter.dims.as_slice() else {
        return Err(rank(layer.filter, "4"));
    };
    let input_channels = layer.input.shape.channels;
    if !input_channels.is_multiple_of(depth) {
        return Err(Unsupported::Shape {
            tensor: layer.filter.name.clone(),
            found: layer.filter.dims.clone(),
            expected: vec![channels, kernel_h, kernel_w, input_channels],
        });
    }
    let groups = input_channels.checked_div(depth).unwrap_or(1);
    if !channels.is_multiple_of(groups) {
        return Err(Unsupported::Groups { filter: layer.filter.name.clone(), channels, groups });
    }
    let (window, (height, width)) = WindowOptions {
        padding: options.padding(),
        kernel: (kernel_h, kernel_w),
        stride: (options.stride_h(), options.stride_w()),
        dilation: (options.dilation_h_factor(), options.dilation_w_factor()),
    }
    .resolve(layer.input.shape)?;
    context.output_tensor()?.expect_dims(&[1, height, width, channels])?;
    let window = layer.border_where_no_tap_is(lowering, context, window, (height, width));
    let conv = layer.conv(window, channels, 0, options.fused_activation_function())?;
    let op = match (groups, depth) {
        (1, _) => Op::Conv2d(conv),
        (_, 1) => Op::DepthwiseConv2d(channels_last(conv, channels)),
        (_, _) => Op::Conv2d(widened(conv, channels, groups, depth)?),
    };
    lowering.push(context, op, layer.output.id);
    Ok(())
}

/// Filters of one input channel, `[output channel, tap]`, in the order of a depthwise convolution, `[tap, output channel]`.
fn channels_last(conv: Conv, channels: usize) -> Conv {
    let taps = conv.window.num_taps();
    let weights = (0..taps).flat_map(|tap| conv.weights.iter().copied().skip(tap).step_by(taps).take(channels)).collect();
    Conv { weights, ..conv }
}

/// Filters of one group of `depth` input channels as filters of all, the others weighing nothing.
fn widened(conv: Conv, channels: usize, groups: usize, depth: usize) -> Result<Conv, Unsupported> {
    let found = conv.weights.len().saturating_mul(groups);
    if found > MAX_WIDENED_WEIGHTS {
        return Err(Unsupported::GroupsTooLarge { groups, weights: found, limit: MAX_WIDENED_WEIGHTS });
    }
    // At most 255, the zero point of an 8-bit type.
    let nothing = i16::try_from(conv.weight_zero_point).map_err(|_| Unsupported::Overflow)?;
    let filter_len = conv.window.num_taps().saturating_mul(depth).max(1);
    let channels_per_group = channels.checked_div(groups).unwrap_or(1).max(1);
    let mut weights = Vec::with_capacity(found);
    for (channel, filter) in conv.weights.chunks_exact(filter_len).enumerate() {
        let group = channel.checked_div(channels_per_group).unwrap_or(0);
        let before = group.saturating_mul(depth);
        let after = groups.saturating_sub(group).saturating_sub(1).saturating_mul(depth);
        for tap in filter.chunks_exact(depth) {
            weights.extend(std::iter::repeat_n(nothing, before));
            weights.extend_from_slice(tap);
            weights.extend(std::iter::repeat_n(nothing, after));
        }
    }
    Ok(Conv { weights, ..conv })
}

/// DEPTHWISE_CONV_2D: filters `[1, row, column, output channel]`.
pub fn lower_depthwise(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(2, 3, "2 or 3")?;
    let options = context.operator.table.builtin_options_as_depthwise_conv_2_doptions().ok_or(Unsupported::Options)?;
    let mut layer = Layer::read(lowering, context, 4)?;
    let [1, kernel_h, kernel_w, channels] = *layer.filter.dims.as_slice() else {
        return Err(rank(layer.filter, "4, the first being 1"));
    };
    if !channels.is_multiple_of(layer.input.shape.channels) {
        return Err(Unsupported::Shape {
            tensor: layer.filter.name.clone(),
            found: layer.filter.dims.clone(),
            expected: vec![1, kernel_h, kernel_w, layer.input.shape.channels],
        });
    }
    let (window, (height, width)) = WindowOptions {
        padding: options.padding(),
        kernel: (kernel_h, kernel_w),
        stride: (options.stride_h(), options.stride_w()),
        dilation: (options.dilation_h_factor(), options.dilation_w_factor()),
    }
    .resolve(layer.input.shape)?;
    context.output_tensor()?.expect_dims(&[1, height, width, channels])?;
    let window = layer.border_where_no_tap_is(lowering, context, window, (height, width));
    let conv = layer.conv(window, channels, 3, options.fused_activation_function())?;
    lowering.push(context, Op::DepthwiseConv2d(conv), layer.output.id);
    Ok(())
}

/// FULLY_CONNECTED: filters `[output, input]`, a 1x1 convolution over rows of the flattened input.
pub fn lower_fully_connected(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(2, 3, "2 or 3")?;
    let options = context.operator.table.builtin_options_as_fully_connected_options().unwrap_or_default();
    if options.weights_format() != FullyConnectedOptionsWeightsFormat::DEFAULT {
        return Err(Unsupported::Option { name: "weights_format", value: i64::from(options.weights_format().0) });
    }
    let mut layer = Layer::read(lowering, context, 2)?;
    let [units, depth] = *layer.filter.dims.as_slice() else {
        return Err(rank(layer.filter, "2"));
    };
    let declared = context.tensor(0)?;
    let elements = declared.num_elements();
    let rows = elements.checked_div(depth).unwrap_or(0);
    if rows.saturating_mul(depth) != elements {
        return Err(Unsupported::Shape { tensor: declared.name.clone(), found: declared.dims.clone(), expected: vec![rows, depth] });
    }
    let output = context.output_tensor()?;
    if options.keep_num_dims() {
        match declared.dims.split_last() {
            Some((&last, outer)) if last == depth => {
                let mut expected = outer.to_vec();
                expected.push(units);
                output.expect_dims(&expected)?;
            }
            Some(_) | None => {
                return Err(Unsupported::Option { name: "keep_num_dims", value: 1 });
            }
        }
    } else {
        output.expect_dims(&[rows, units])?;
    }
    let shape = Shape::new(layer.output.shape.height, layer.output.shape.width, depth);
    layer.input.id = lowering.reshaped(context, layer.input, shape);
    let mut conv = layer.conv(Window::POINT, units, 0, options.fused_activation_function())?;
    conv.requantization = layer.requantization_in_double(&conv, units)?;
    silence_dead_channels(&mut conv, units, 0);
    lowering.push(context, Op::Conv2d(conv), layer.output.id);
    Ok(())
}

/// Operands of a convolution.
struct Layer<'s, 'a> {
    input: Activation,
    filter: &'s Tensor<'a>,
    bias: Option<&'s Tensor<'a>>,
    output: Activation,
}

impl<'s, 'a> Layer<'s, 'a> {
    fn read(lowering: &mut Lowering<'_, '_>, context: &Context<'s, 'a>, filter_rank: usize) -> Result<Self, Unsupported> {
        let filter = context.tensor(1)?;
        let declared = context.tensor(0)?;
        if declared.element != filter.element {
            return Err(mixed_types(declared, filter));
        }
        if filter_rank == 4 && declared.dims.len() != 4 {
            return Err(rank(declared, "4"));
        }
        let input = context.input(lowering, 0)?;
        let output = context.output_like(lowering, input)?;
        Ok(Self { input, filter, bias: context.optional_tensor(2), output })
    }

    /// A dilated window can lie around the input without a tap in it. A border of the input's zero point, which adds nothing, makes such taps exist.
    fn border_where_no_tap_is(
        &mut self,
        lowering: &mut Lowering<'_, '_>,
        context: &Context<'_, '_>,
        window: Window,
        (height, width): (usize, usize),
    ) -> Window {
        let input = self.input.shape;
        let lacks_tap = (0..height).any(|y| window.row_taps(input.height, y).is_empty())
            || (0..width).any(|x| window.column_taps(input.width, x).is_empty());
        let Ok(value) = i16::try_from(self.input.zero_point) else { return window };
        if !lacks_tap {
            return window;
        }
        let side = |input: usize, pad: usize, output: usize, stride: usize, kernel: usize, dilation: usize| {
            let extent = kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
            output.saturating_sub(1).saturating_mul(stride).saturating_add(extent).max(input.saturating_add(pad))
        };
        let shape = Shape::new(
            side(input.height, window.pad_top, height, window.stride_h, window.kernel_h, window.dilation_h),
            side(input.width, window.pad_left, width, window.stride_w, window.kernel_w, window.dilation_w),
            input.channels,
        );
        let bordered = lowering.temporary(format!("border for #{}", context.index), shape, self.input.dtype);
        let before = Shape::new(window.pad_top, window.pad_left, 0);
        lowering.push(context, Op::Pad(Pad { input: self.input.id, before, value }), bordered);
        self.input = Activation { id: bordered, shape, ..self.input };
        Window { pad_top: 0, pad_left: 0, ..window }
    }

    fn conv(
        &self,
        window: Window,
        channels: usize,
        channel_dimension: i32,
        activation: ActivationFunctionType,
    ) -> Result<Conv, Unsupported> {
        let mut conv = Conv {
            input: self.input.id,
            input_zero_point: self.input.zero_point,
            window,
            weights: self.filter.bytes_as_values()?,
            weight_zero_point: self.weight_zero_point(channels, channel_dimension)?,
            bias: self.bias_values(channels)?,
            requantization: self.requantization(channels, channel_dimension, activation)?,
        };
        // Of a matrix, whose multipliers are not known yet, later.
        if self.filter.dims.len() == 4 {
            silence_dead_channels(&mut conv, channels, channel_dimension);
        }
        self.negate_channels(&mut conv, channels, channel_dimension)?;
        Ok(conv)
    }

    /// Whether the filter has one scale for each channel, as `PopulateConvolutionQuantizationParams` decides.
    fn scales(&self, channels: usize, channel_dimension: i32) -> Result<&'s [f32], Unsupported> {
        let quantization =
            self.filter.quantization.as_ref().ok_or_else(|| Unsupported::NotQuantized { tensor: self.filter.name.clone() })?;
        let found = quantization.scales.len();
        if found > 1 {
            if self.filter.data_type()? == DataType::U8 || found != channels {
                return Err(Unsupported::ScaleCount {
                    tensor: self.filter.name.clone(),
                    found,
                    expected: "1 (UINT8) or one for each output channel (INT8)",
                });
            }
            if quantization.dimension != channel_dimension {
                return Err(Unsupported::QuantizedDimension {
                    tensor: self.filter.name.clone(),
                    found: quantization.dimension,
                    expected: channel_dimension,
                });
            }
        }
        // Training frees filter scales to become negative or zero, and TFLite takes them.
        if let Some(&scale) = quantization.scales.iter().find(|scale| !scale.is_finite()) {
            return Err(Unsupported::Scale { tensor: self.filter.name.clone(), scale });
        }
        Ok(&quantization.scales)
    }

    /// The int8 kernels of CONV_2D and DEPTHWISE_CONV_2D and per-channel FULLY_CONNECTED take it to be zero.
    fn weight_zero_point(&self, channels: usize, channel_dimension: i32) -> Result<i32, Unsupported> {
        let per_channel = self.scales(channels, channel_dimension)?.len() > 1;
        let is_matrix = self.filter.dims.len() == 2;
        if self.filter.data_type()? == DataType::U8 || (is_matrix && !per_channel) {
            // Positive, as `GetQuantizedConvolutionMultipler` demands.
            return Ok(self.filter.per_tensor()?.1);
        }
        let zero_points = self.filter.quantization.iter().flat_map(|quantization| &quantization.zero_points);
        match zero_points.copied().find(|&zero_point| zero_point != 0) {
            Some(zero_point) => Err(Unsupported::ZeroPointMismatch { tensor: self.filter.name.clone(), zero_point, expected: 0 }),
            None => Ok(0),
        }
    }

    /// Moves the sign of negative filter scales to weights and biases: `acc * -m` and `-acc * m` are rounded alike.
    fn negate_channels(&self, conv: &mut Conv, channels: usize, channel_dimension: i32) -> Result<(), Unsupported> {
        let scales = self.scales(channels, channel_dimension)?;
        let is_negative = |channel: usize| scales.get(channel).or(scales.first()).is_some_and(|&scale| scale < 0.0);
        let channel_of = channel_of_weight(conv, channels, channel_dimension);
        for (index, weight) in conv.weights.iter_mut().enumerate() {
            if channel_of(index).is_some_and(is_negative) {
                // Weights are zero in the middle; -128 has no negative.
                *weight = weight.checked_neg().filter(|&weight| weight <= 127).ok_or(Unsupported::Overflow)?;
            }
        }
        for (channel, bias) in conv.bias.iter_mut().enumerate() {
            if is_negative(channel) {
                *bias = bias.checked_neg().ok_or(Unsupported::Overflow)?;
            }
        }
        Ok(())
    }

    /// Stored as they are: the kernels do not look at the scale of a bias.
    fn bias_values(&self, channels: usize) -> Result<Vec<i32>, Unsupported> {
        let Some(bias) = self.bias else {
            return Ok(vec![0; channels]);
        };
        if bias.element != ElementType::I32 {
            return Err(Unsupported::Type { tensor: bias.name.clone(), found: bias.element, expected: "INT32" });
        }
        let zero_points = bias.quantization.iter().flat_map(|quantization| &quantization.zero_points);
        if let Some(zero_point) = zero_points.copied().find(|&zero_point| zero_point != 0) {
            return Err(Unsupported::ZeroPointMismatch { tensor: bias.name.clone(), zero_point, expected: 0 });
        }
        // TFLite counts elements, whatever the shape.
        if bias.num_elements() != channels {
            return Err(Unsupported::Shape { tensor: bias.name.clone(), found: bias.dims.clone(), expected: vec![channels] });
        }
        bias.integers()?.into_iter().map(|value| i32::try_from(value).map_err(|_| Unsupported::Overflow)).collect()
    }

    fn requantization(
        &self,
        channels: usize,
        channel_dimension: i32,
        activation: ActivationFunctionType,
    ) -> Result<Requantization, Unsupported> {
        let scales = self.scales(channels, channel_dimension)?;
        let is_matrix = self.filter.dims.len() == 2;
        let real_multipliers: Vec<f64> = match scales {
            &[scale] if is_matrix || self.input.dtype == DataType::U8 => vec![self.product_multiplier(scale)?],
            _ => scales.iter().map(|&scale| f64::from(self.input.scale) * f64::from(scale.abs()) / f64::from(self.output.scale)).collect(),
        };
        let multipliers = real_multipliers.into_iter().map(Multiplier::quantize).collect::<Result<Vec<_>, _>>()?;
        let (min, max) = activation_range(activation, self.output)?;
        Ok(Requantization {
            multipliers: multipliers.iter().map(|multiplier| multiplier.multiplier).collect(),
            shifts: multipliers.iter().map(|multiplier| multiplier.shift).collect(),
            rounding: Rounding::Twice,
            zero_point: self.output.zero_point,
            min,
            max,
        })
    }

    /// The reference kernel of FULLY_CONNECTED takes no multiplier: `round(acc * (input scale * filter scale / output scale))` in double.
    fn requantization_in_double(&self, conv: &Conv, units: usize) -> Result<Requantization, Unsupported> {
        let scales = self.scales(units, 0)?;
        let twice = &conv.requantization;
        let zero_point = i64::from(twice.zero_point);
        let outputs = (i64::from(twice.min).saturating_sub(zero_point), i64::from(twice.max).saturating_sub(zero_point));
        let ranges = self.accumulator_ranges(conv, units);
        let all = ranges.iter().fold((0, 0), |(low, high), range| (range.0.min(low), range.1.max(high)));
        let factor = |scale: f32| f64::from(self.input.scale) * f64::from(scale.abs()) / f64::from(self.output.scale);
        let exact = |scale: f32, range| match Multiplier::quantize(factor(scale))? {
            // Below 2^-32: no accumulator of 32 bits rounds to anything but zero.
            dead if dead.multiplier == 0 => Ok(dead),
            _ => round_once(factor(scale), outputs, range),
        };
        let multipliers = match scales {
            &[scale] => vec![exact(scale, all)?],
            _ => scales.iter().zip(ranges).map(|(&scale, range)| exact(scale, range)).collect::<Result<_, _>>()?,
        };
        Ok(Requantization {
            multipliers: multipliers.iter().map(|multiplier| multiplier.multiplier).collect(),
            shifts: multipliers.iter().map(|multiplier| multiplier.shift).collect(),
            rounding: Rounding::Once,
            ..twice.clone()
        })
    }

    /// Smallest and largest accumulator of each row of a matrix, over all inputs of the type.
    fn accumulator_ranges(&self, conv: &Conv, units: usize) -> Vec<(i64, i64)> {
        let centred = |value: i16| i64::from(value).saturating_sub(i64::from(conv.input_zero_point));
        let (least, most) = (centred(self.input.dtype.min()), centred(self.input.dtype.max()));
        let depth = conv.weights.len().checked_div(units).unwrap_or(0);
        let rows = conv.weights.chunks(depth.max(1));
        rows.zip(&conv.bias)
            .map(|(row, &bias)| {
                row.iter().fold((i64::from(bias), i64::from(bias)), |(low, high), &weight| {
                    let weight = i64::from(weight).saturating_sub(i64::from(conv.weight_zero_point));
                    let products = (weight.saturating_mul(least), weight.saturating_mul(most));
                    (low.saturating_add(products.0.min(products.1)), high.saturating_add(products.0.max(products.1)))
                })
            })
            .collect()
    }

    /// `GetQuantizedConvolutionMultipler`, which multiplies the scales in single precision and checks the scale of the bias.
    fn product_multiplier(&self, filter_scale: f32) -> Result<f64, Unsupported> {
        let output_scale = f64::from(self.output.scale);
        if let Some(bias) = self.bias {
            let bias_scale = bias.quantization.as_ref().and_then(|quantization| quantization.scales.first()).copied().unwrap_or(0.0);
            let product = f64::from(self.input.scale) * f64::from(filter_scale);
            // Written so that a scale that is not a number is refused.
            let close = (product - f64::from(bias_scale)).abs() / output_scale <= 0.02;
            if !close {
                return Err(Unsupported::BiasScale { bias: bias.name.clone(), bias_scale, expected: product });
            }
        }
        Ok(f64::from(self.input.scale * filter_scale) / output_scale)
    }
}

/// Removes the weights and biases of channels whose multiplier is zero. Their output is the zero point whatever the accumulator is, which TFLite
/// lets wrap: biases of -2147483647 are common where training has switched a channel off.
fn silence_dead_channels(conv: &mut Conv, channels: usize, channel_dimension: i32) {
    let multipliers = &conv.requantization.multipliers;
    let dead: Vec<bool> = (0..channels).map(|channel| multipliers.get(channel).or(multipliers.first()) == Some(&0)).collect();
    if !dead.contains(&true) {
        return;
    }
    let is_dead = |channel: usize| dead.get(channel) == Some(&true);
    // A zero point is a value of the weights' type.
    let silent = i16::try_from(conv.weight_zero_point).unwrap_or(0);
    let channel_of = channel_of_weight(conv, channels, channel_dimension);
    for (index, weight) in conv.weights.iter_mut().enumerate() {
        if channel_of(index).is_some_and(is_dead) {
            *weight = silent;
        }
    }
    for (channel, bias) in conv.bias.iter_mut().enumerate() {
        if is_dead(channel) {
            *bias = 0;
        }
    }
}

/// The output channel that the weight of an index belongs to.
fn channel_of_weight(conv: &Conv, channels: usize, channel_dimension: i32) -> impl Fn(usize) -> Option<usize> + use<> {
    let weights_per_channel = conv.weights.len().checked_div(channels).unwrap_or(0);
    move |index| match channel_dimension {
        0 => index.checked_div(weights_per_channel),
        _ => index.checked_rem(channels),
    }
}

fn mixed_types(input: &Tensor<'_>, filter: &Tensor<'_>) -> Unsupported {
    let is_quantized = |element| matches!(element, ElementType::U8 | ElementType::I8);
    if input.element == ElementType::F32 && is_quantized(filter.element) {
        return Unsupported::Hybrid {
            weights: filter.name.clone(),
            weights_type: filter.element,
            input: input.name.clone(),
            input_type: input.element,
        };
    }
    if is_quantized(input.element) {
        Unsupported::Type { tensor: filter.name.clone(), found: filter.element, expected: "8 bits like the activations" }
    } else {
        Unsupported::Type { tensor: input.name.clone(), found: input.element, expected: "UINT8 or INT8" }
    }
}

fn rank(tensor: &Tensor<'_>, expected: &'static str) -> Unsupported {
    Unsupported::Rank { tensor: tensor.name.clone(), found: tensor.dims.len(), expected }
}
