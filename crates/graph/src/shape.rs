/// Height, width and channels of an activation tensor; the batch dimension is always one.
///
/// Elements are stored in NHWC order: index `(y * width + x) * channels + c`. Lower ranks are padded with ones on the left
/// (`[1, C]` becomes `1 x 1 x C`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels, the innermost dimension.
    pub channels: usize,
}

impl Shape {
    /// A shape from its three sides.
    pub const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Pixels of one channel plane.
    pub const fn num_pixels(&self) -> usize {
        self.height * self.width
    }

    /// Elements in total.
    pub const fn num_elements(&self) -> usize {
        self.height * self.width * self.channels
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// The 8-bit type of an activation tensor. Interpreter and prover hold the integer itself in an `i16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Unsigned, 0 to 255.
    U8,
    /// Signed, -128 to 127.
    I8,
}

impl DataType {
    /// Smallest value.
    pub const fn min(self) -> i16 {
        match self {
            Self::U8 => 0,
            Self::I8 => -128,
        }
    }

    /// Largest value.
    pub const fn max(self) -> i16 {
        match self {
            Self::U8 => 255,
            Self::I8 => 127,
        }
    }

    /// Whether `value` is a value of this type.
    pub const fn contains(self, value: i16) -> bool {
        self.min() <= value && value <= self.max()
    }
}
