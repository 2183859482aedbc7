//! Sliding windows: `ComputePaddingHeightWidth` of `kernels/padding.h`.

use verinfer_graph::{Shape, Window};
use verinfer_tflite_schema::tflite::Padding;

use crate::error::Unsupported;

/// Strides, dilations and window sides; far beyond anything useful, far below overflow.
const MAX_SIDE: i64 = 1 << 15;

/// Window options of an operator as declared.
#[derive(Clone, Copy)]
pub struct WindowOptions {
    pub padding: Padding,
    pub kernel: (usize, usize),
    pub stride: (i32, i32),
    pub dilation: (i32, i32),
}

impl WindowOptions {
    /// The window over an input, and the height and width of its output.
    pub fn resolve(self, input: Shape) -> Result<(Window, (usize, usize)), Unsupported> {
        let stride_h = side("stride_h", i64::from(self.stride.0))?;
        let stride_w = side("stride_w", i64::from(self.stride.1))?;
        let dilation_h = side("dilation_h", i64::from(self.dilation.0))?;
        let dilation_w = side("dilation_w", i64::from(self.dilation.1))?;
        let kernel_h = side("window height", i64::try_from(self.kernel.0).unwrap_or(i64::MAX))?;
        let kernel_w = side("window width", i64::try_from(self.kernel.1).unwrap_or(i64::MAX))?;
        let (height, pad_top) = axis(self.padding, "height", input.height, kernel_h, stride_h, dilation_h)?;
        let (width, pad_left) = axis(self.padding, "width", input.width, kernel_w, stride_w, dilation_w)?;
        let window = Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left };
        Ok((window, (height, width)))
    }
}

/// A positive side of a window.
pub fn side(name: &'static str, value: i64) -> Result<usize, Unsupported> {
    usize::try_from(value).ok().filter(|_| (1..=MAX_SIDE).contains(&value)).ok_or(Unsupported::Option { name, value })
}

/// Output size and padding before the input along one axis.
fn axis(
    padding: Padding,
    axis: &'static str,
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
) -> Result<(usize, usize), Unsupported> {
    // Each at most 2^15, the input at most 2^28: no sum or product below can overflow.
    let extent = kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
    let output = match padding {
        Padding::SAME => input.div_ceil(stride),
        Padding::VALID => input.saturating_add(stride).saturating_sub(extent).checked_div(stride).unwrap_or(0),
        other => {
            return Err(Unsupported::Option { name: "padding", value: i64::from(other.0) });
        }
    };
    if output == 0 {
        return Err(Unsupported::WindowTooLarge { axis, found: input, window: extent });
    }
    let needed = output.saturating_sub(1).saturating_mul(stride).saturating_add(extent);
    Ok((output, needed.saturating_sub(input) / 2))
}
