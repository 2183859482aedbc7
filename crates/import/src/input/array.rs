//! NumPy arrays as inputs.

use verinfer_graph::{DataType, Shape};

use super::error::{Range, Sides};
use super::npy::Array;
use super::quantize::{are_mostly_clamped, quantize};
use super::{Input, InputError, Reading};
use crate::model::InputSpec;

/// What the elements of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    U8,
    I8,
    F16,
    F32,
    F64,
}

/// The values of an array file.
pub fn load(bytes: &[u8], input: &InputSpec) -> Result<Input, InputError> {
    let array = Array::parse(bytes)?;
    let (element, big_endian) = element(array.descr)?;
    compare_shapes(&array.shape, input.shape)?;
    let mut reading = Reading::default();
    let elements = Elements { array: &array, num: input.shape.num_elements(), big_endian };
    let values = match element {
        Element::U8 => integers("uint8", DataType::U8, elements.read(u8::from_le_bytes)?.map(i16::from), input, &mut reading)?,
        Element::I8 => integers("int8", DataType::I8, elements.read(i8::from_le_bytes)?.map(i16::from), input, &mut reading)?,
        Element::F16 => floats("float16", elements.read(u16::from_le_bytes)?.map(half), input, &mut reading)?,
        Element::F32 => floats("float32", elements.read(f32::from_le_bytes)?, input, &mut reading)?,
        Element::F64 => floats("float64", elements.read(f64::from_le_bytes)?.map(|value| value as f32), input, &mut reading)?,
    };
    Ok(Input { values: if array.fortran_order { in_c_order(&values, &array.shape) } else { values }, reading })
}

/// The kind of an element by NumPy's names of it, and whether its first byte is the highest.
fn element(descr: Option<&str>) -> Result<(Element, bool), InputError> {
    let descr = descr.ok_or(InputError::ArrayRecords)?;
    let code = descr.strip_prefix(['<', '>', '|', '=']).unwrap_or(descr);
    let big_endian = descr.starts_with('>') || (cfg!(target_endian = "big") && !descr.starts_with('<'));
    let element = match code {
        "u1" | "B" | "uint8" | "ubyte" => Element::U8,
        "i1" | "b" | "int8" | "byte" => Element::I8,
        "f2" | "e" | "float16" | "half" => Element::F16,
        "f4" | "f" | "float32" | "single" => Element::F32,
        "f8" | "d" | "float64" | "double" | "float" => Element::F64,
        "O" | "O8" | "O4" | "object" => return Err(InputError::ArrayObjects),
        other => return Err(InputError::ArrayType { found: type_name(other).unwrap_or_else(|| descr.to_owned()) }),
    };
    Ok((element, big_endian))
}

/// NumPy's name of a type of another kind, by its code.
fn type_name(code: &str) -> Option<String> {
    let mut letters = code.chars();
    let (kind, size) = (letters.next()?, letters.as_str());
    let bits = size.parse::<u32>().ok().and_then(|bytes| bytes.checked_mul(8));
    Some(match (kind, bits) {
        ('b' | '?', _) => "bool".to_owned(),
        ('i', Some(bits)) => format!("int{bits}"),
        ('u', Some(bits)) => format!("uint{bits}"),
        ('f', Some(bits)) => format!("float{bits}"),
        ('c', Some(bits)) => format!("complex{bits}"),
        ('U' | 'S' | 'a', _) => "text".to_owned(),
        ('V', _) => "void".to_owned(),
        ('M', _) => "datetime64".to_owned(),
        ('m', _) => "timedelta64".to_owned(),
        (_, _) => return None,
    })
}

/// Shapes agree if they are the same up to sides of 1, or if the array is flat.
fn compare_shapes(found: &[u64], expected: Shape) -> Result<(), InputError> {
    let num_elements = found.iter().copied().fold(1, u64::saturating_mul);
    let num_expected = expected.num_elements() as u64;
    let without_ones = |sides: &[u64]| sides.iter().copied().filter(|&side| side != 1).collect::<Vec<_>>();
    let [height, width, channels] = [expected.height, expected.width, expected.channels].map(|side| side as u64);
    let sides = without_ones(found);
    if sides == without_ones(&[height, width, channels]) || sides == without_ones(&[num_expected]) {
        return Ok(());
    }
    let found = Sides(found.to_vec());
    if let Some((&inputs, rest)) = sides.split_first()
        && (rest == without_ones(&[height, width, channels]) || rest == without_ones(&[num_expected]))
    {
        return Err(InputError::ArrayBatch { found, expected, inputs });
    }
    if num_elements != num_expected {
        return Err(InputError::ArrayLength { found: num_elements, expected: expected.num_elements() });
    }
    if sides == without_ones(&[channels, height, width]) {
        return Err(InputError::ChannelsFirst { found, expected });
    }
    Err(InputError::ArrayShape { found, expected })
}

/// Integers of the network's type, as they are.
fn integers(
    found: &'static str,
    dtype: DataType,
    values: impl Iterator<Item = i16>,
    input: &InputSpec,
    reading: &mut Reading,
) -> Result<Vec<i16>, InputError> {
    if dtype != input.dtype {
        return Err(InputError::ArrayTypeMismatch { found, expected: input.dtype });
    }
    reading.step(format!("an array of {found}, as it is"));
    Ok(values.collect())
}

/// Floats, quantized; refused if most of them lie outside what can be stored.
fn floats(
    found: &'static str,
    values: impl Iterator<Item = f32>,
    input: &InputSpec,
    reading: &mut Reading,
) -> Result<Vec<i16>, InputError> {
    let (mut stored, mut clamped) = (Vec::new(), 0_usize);
    let (mut smallest, mut largest) = (f32::INFINITY, f32::NEG_INFINITY);
    for (index, value) in values.enumerate() {
        let one = quantize(index, value, input)?;
        stored.push(one.value);
        clamped = clamped.saturating_add(usize::from(one.clamped));
        (smallest, largest) = (smallest.min(value), largest.max(value));
    }
    let total = stored.len();
    let (low, high) = input.range();
    let range = Range(low, high);
    if are_mostly_clamped(clamped, total) {
        return Err(InputError::FloatsClamped { smallest, largest, clamped, total, range });
    }
    reading.step(format!("an array of {found}, quantized with scale {} and zero point {}", input.scale, input.zero_point));
    if clamped > 0 {
        reading.warn(format!(
            "{clamped} of {total} floats ({smallest} to {largest}) lie outside what the network's input holds, {range}, and were clamped"
        ));
    }
    if smallest < largest && (f64::from(largest) - f64::from(smallest)) < f64::from(input.scale) {
        reading.warn(format!(
            "the floats ({smallest} to {largest}) differ by less than one step of the network's input, which holds {range}: are they normalized as it was trained?"
        ));
    }
    Ok(stored)
}

/// A 16-bit float.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent.saturating_sub(15)),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// The elements of an array whose shape is right.
struct Elements<'a> {
    array: &'a Array<'a>,
    num: usize,
    big_endian: bool,
}

impl<'a> Elements<'a> {
    /// In the order of the file, `SIZE` bytes each.
    fn read<T: 'a, const SIZE: usize>(
        &self,
        number: fn([u8; SIZE]) -> T,
    ) -> Result<impl Iterator<Item = T> + use<'a, T, SIZE>, InputError> {
        let expected = self.num.saturating_mul(SIZE);
        if self.array.data.len() != expected {
            return Err(InputError::ArrayData { found: self.array.data.len(), expected });
        }
        let big_endian = self.big_endian;
        let chunks = self.array.data.chunks_exact(SIZE).filter_map(|chunk| <[u8; SIZE]>::try_from(chunk).ok());
        Ok(chunks.map(move |mut bytes| {
            if big_endian {
                bytes.reverse();
            }
            number(bytes)
        }))
    }
}

/// Values in the order in which the last index varies fastest, of those in which the first one does.
fn in_c_order(values: &[i16], shape: &[u64]) -> Vec<i16> {
    // With the fewest elements of all, a side of 1 changes nothing.
    let sides: Vec<usize> = shape.iter().filter_map(|&side| usize::try_from(side).ok()).collect();
    let mut index = vec![0_usize; sides.len()];
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        let place = sides.iter().zip(&index).rev().fold(0_usize, |place, (side, index)| place.saturating_mul(*side).saturating_add(*index));
        ordered.extend(values.get(place));
        for (index, side) in index.iter_mut().zip(&sides).rev() {
            *index = index.saturating_add(1);
            if *index < *side {
                break;
            }
            *index = 0;
        }
    }
    ordered
}
