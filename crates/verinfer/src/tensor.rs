use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use verinfer_graph::{DataType, Shape, TensorSpec};
use verinfer_import::write_npy;

use crate::{Error, Result};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ElementType {
    /// 0 to 255.
    Uint8,
    /// -128 to 127.
    Int8,
}

impl ElementType {
    /// `uint8` or `int8`, as NumPy has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uint8 => "uint8",
            Self::Int8 => "int8",
        }
    }

    /// The values that elements can have.
    pub const fn range(self) -> RangeInclusive<i64> {
        match self {
            Self::Uint8 => 0..=255,
            Self::Int8 => -128..=127,
        }
    }

    pub(crate) const fn of(dtype: DataType) -> Self {
        match dtype {
            DataType::U8 => Self::Uint8,
            DataType::I8 => Self::Int8,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stored integers stand for: `scale * (stored - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Quantization {
    /// Step, positive.
    pub scale: f64,
    /// Stored value of zero.
    pub zero_point: i64,
}

impl Quantization {
    /// The real number that a stored integer stands for.
    pub fn real(&self, stored: i64) -> f64 {
        self.scale * (stored.saturating_sub(self.zero_point)) as f64
    }

    pub(crate) fn of(scale: f32, zero_point: i32) -> Option<Self> {
        (scale.is_finite() && scale > 0.0).then(|| Self { scale: f64::from(scale), zero_point: i64::from(zero_point) })
    }
}

/// An input or an output of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Name in the model's file; of a public architecture a name of its own.
    pub name: String,
    /// Sides, of one example: a batch is no side. Of pictures height, width, channels.
    pub shape: Vec<usize>,
    /// Type of the elements.
    pub element: ElementType,
    /// What they stand for, where the file says it.
    pub quantization: Option<Quantization>,
}

impl TensorInfo {
    pub(crate) fn new(name: &str, spec: &TensorSpec, quantization: Option<Quantization>) -> Self {
        Self { name: name.to_string(), shape: sides(spec.shape), element: ElementType::of(spec.dtype), quantization }
    }

    /// Number of elements, of one example.
    pub fn num_elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl fmt::Display for TensorInfo {
    /// `8x8x1 int8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(f, &self.shape, self.element)
    }
}

/// Integers in C order: the last index varies fastest.
///
/// # Examples
///
/// ```
/// use verinfer::{ElementType, Tensor};
///
/// let tensor = Tensor::new(&[2, 2], ElementType::Int8, [1, -2, 3, -4])?;
/// assert_eq!(tensor.values().max(), Some(3));
/// assert_eq!(tensor.to_string(), "2x2 int8");
/// assert_eq!(Tensor::new(&[1], ElementType::Uint8, [-1]).unwrap_err().kind(), "tensor_value");
/// # Ok::<(), verinfer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    shape: Vec<usize>,
    element: ElementType,
    values: Vec<i16>,
}

impl Tensor {
    /// Of integers in C order.
    ///
    /// # Errors
    ///
    /// There are more or fewer of them than the shape has elements, or one is none of the type.
    pub fn new(shape: &[usize], element: ElementType, values: impl IntoIterator<Item = i64>) -> Result<Self> {
        let range = element.range();
        let stored = values.into_iter().enumerate().map(|(index, value)| {
            let stored = range.contains(&value).then(|| i16::try_from(value).ok()).flatten();
            stored.ok_or(Error::TensorValue { index, value, element })
        });
        Self::of(shape.to_vec(), element, stored.collect::<Result<_>>()?)
    }

    /// Of the bytes of the elements in C order, as NumPy's `tobytes` gives them.
    ///
    /// # Errors
    ///
    /// There are more or fewer of them than the shape has elements.
    pub fn from_bytes(shape: &[usize], element: ElementType, bytes: &[u8]) -> Result<Self> {
        let value = |&byte: &u8| match element {
            ElementType::Uint8 => i16::from(byte),
            ElementType::Int8 => i16::from(byte.cast_signed()),
        };
        Self::of(shape.to_vec(), element, bytes.iter().map(value).collect())
    }

    pub(crate) fn of(shape: Vec<usize>, element: ElementType, values: Vec<i16>) -> Result<Self> {
        let expected = shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side)).unwrap_or(usize::MAX);
        let found = values.len();
        if found == expected { Ok(Self { shape, element, values }) } else { Err(Error::TensorLength { found, expected }) }
    }

    /// Sides.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Type of the elements.
    pub const fn element(&self) -> ElementType {
        self.element
    }

    /// Number of elements.
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has no elements.
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The elements in C order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = i64> + DoubleEndedIterator + '_ {
        self.values.iter().map(|&value| i64::from(value))
    }

    /// The bytes of the elements in C order.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Both types keep the low byte of the two's complement.
        self.values.iter().map(|value| value.to_le_bytes()[0]).collect()
    }

    /// A NumPy array file.
    pub fn to_npy(&self) -> Vec<u8> {
        let descr = match self.element {
            ElementType::Uint8 => "|u1",
            ElementType::Int8 => "|i1",
        };
        write_npy(descr, &self.shape, &self.to_bytes())
    }

    /// The place of the largest element, of equal ones the first: of a classifier's scores the class.
    pub fn argmax(&self) -> Option<usize> {
        (0..self.values.len()).rev().max_by_key(|&index| self.values.get(index))
    }

    pub(crate) fn stored(&self) -> &[i16] {
        &self.values
    }
}

impl fmt::Display for Tensor {
    /// Shape and type, `8x8x1 int8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(f, &self.shape, self.element)
    }
}

fn write_type(f: &mut fmt::Formatter<'_>, shape: &[usize], element: ElementType) -> fmt::Result {
    let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
    write!(f, "{} {element}", sides.join("x"))
}

/// The sides of a shape of today's graphs.
pub(crate) fn sides(shape: Shape) -> Vec<usize> {
    vec![shape.height, shape.width, shape.channels]
}
