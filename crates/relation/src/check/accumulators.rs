use p3_field::PrimeCharacteristicRing;
use verinfer_graph::Graph;

use super::Values;
use crate::field::{F, from_signed};
use crate::layout::ColumnId;
use crate::relation::Contraction;

/// The accumulators of a linear layer without bias, in NHWC order of its output, image after image.
pub(super) fn of(contraction: &Contraction, graph: &Graph, images: usize, values: &Values) -> Vec<F> {
    let Some(conv) = contraction.conv(graph) else { return Vec::new() };
    let (input, output) = (contraction.input_shape, contraction.output_shape);
    let (num_taps, inner) = (contraction.window.num_taps(), contraction.inner_channels());
    let zero = from_signed(contraction.input_zero_point);
    let weights: Vec<F> = match &contraction.hidden {
        None => conv.weights.iter().map(|&w| from_signed(i64::from(w) - i64::from(conv.weight_zero_point))).collect(),
        Some(hidden) => hidden_weights(contraction, hidden.weights, values, values.cell(hidden.zero_point, 0, 0)),
    };
    let mut sums = vec![F::ZERO; images * output.num_elements()];
    let mut activations = vec![F::ZERO; inner];
    for tap in 0..num_taps {
        contraction.tap(tap).for_each(0..images * output.num_pixels(), |to, from| {
            for (i, activation) in activations.iter_mut().enumerate() {
                *activation = values.at(contraction.input, input.channels, contraction.input_channel(i), from) - zero;
            }
            for (channel, sum) in sums[to * output.channels..][..output.channels].iter_mut().enumerate() {
                if contraction.depthwise {
                    *sum += activations[channel] * weights[tap * inner + channel];
                } else {
                    let row = &weights[(channel * num_taps + tap) * inner..][..inner];
                    *sum += activations.iter().zip(row).map(|(&activation, &weight)| activation * weight).sum::<F>();
                }
            }
        });
    }
    sums
}

/// The weights of a hidden column less their zero point, in the order of [`verinfer_graph::Conv::weights`].
fn hidden_weights(contraction: &Contraction, column: ColumnId, values: &Values, zero: F) -> Vec<F> {
    let channels = contraction.output_shape.channels;
    if contraction.depthwise {
        let taps = 0..contraction.window.num_taps();
        taps.flat_map(|tap| (0..channels).map(move |channel| values.cell(column, tap, channel) - zero)).collect()
    } else {
        (0..channels).flat_map(|channel| (0..contraction.row_len()).map(move |i| values.cell(column, channel, i) - zero)).collect()
    }
}
