//! What a `.tflite` file says, with every index and size checked, before any operator is understood.

use std::borrow::Cow;

use verinfer_graph::{DataType, Shape};
use verinfer_tflite_schema::tflite as schema;

use crate::error::{ImportError, Unsupported};
use crate::format::Format;
use crate::model::ElementType;

/// Flatbuffers offsets are 32 bits, signed where they are signed.
const MAX_BYTES: usize = i32::MAX as usize;
/// Tensors and operators together; the largest mobile networks have a few thousand.
const MAX_ITEMS: usize = 100_000;
/// Elements of a tensor, as many as a graph allows.
const MAX_ELEMENTS: usize = 1 << 28;

/// The first subgraph of a file, which is what TFLite runs.
pub struct Source<'a> {
    pub tensors: Vec<Tensor<'a>>,
    pub operators: Vec<Operator<'a>>,
    /// Index of the input tensor.
    pub input: usize,
    /// Index of the output tensor.
    pub output: usize,
}

/// A tensor as declared.
pub struct Tensor<'a> {
    pub name: String,
    pub element: ElementType,
    /// Each at least 1, with at most [`MAX_ELEMENTS`] elements together; empty where [`Tensor::check_dims`] fails.
    pub dims: Vec<usize>,
    pub quantization: Option<Quantization>,
    /// Bytes of a constant.
    pub data: Option<Cow<'a, [u8]>>,
    flags: Flags,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    sparse: bool,
    variable: bool,
    dynamic: bool,
    external: bool,
    /// The dimension that is not positive, or makes the tensor too large.
    dimension: Option<i32>,
}

/// Scales and zero points, one or one for each index of `dimension`.
pub struct Quantization {
    pub scales: Vec<f32>,
    pub zero_points: Vec<i64>,
    pub dimension: i32,
}

/// An operator as declared.
pub struct Operator<'a> {
    pub code: schema::BuiltinOperator,
    pub custom_code: Option<Cow<'a, str>>,
    /// Tensor indices; `None` for an optional input left out.
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<usize>,
    pub table: schema::Operator,
}

impl Operator<'_> {
    /// The builtin name, `CONV_2D`.
    pub fn name(&self) -> String {
        self.code.variant_name().map_or_else(|| format!("BUILTIN_{}", self.code.0), str::to_owned)
    }
}

impl<'a> Source<'a> {
    /// Reads the flatbuffer and its first subgraph.
    ///
    /// # Errors
    ///
    /// Damaged files, indices out of range, and anything but one input and one output.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let model = read_model(bytes)?;
        let subgraph = model.subgraph.ok_or(ImportError::NoSubgraph)?;
        let num_tensors = subgraph.tensors.len();
        let num_items = num_tensors.saturating_add(subgraph.operators.len());
        if num_items > MAX_ITEMS {
            return Err(ImportError::ModelTooLarge { found: num_items, limit: MAX_ITEMS });
        }
        let tensors = subgraph.tensors.into_iter().enumerate();
        let tensors = tensors.map(|(index, tensor)| Tensor::parse(index, tensor, &model.buffers)).collect::<Result<Vec<_>, _>>()?;
        let operators = subgraph.operators.into_iter().enumerate();
        let operators = operators
            .map(|(index, operator)| parse_operator(index, operator, &model.operator_codes, num_tensors))
            .collect::<Result<Vec<_>, _>>()?;
        let input =
            only_tensor(&subgraph.inputs, "the model's input list", num_tensors)?.map_err(|found| ImportError::InputCount { found })?;
        let output =
            only_tensor(&subgraph.outputs, "the model's output list", num_tensors)?.map_err(|found| ImportError::OutputCount { found })?;
        Ok(Self { tensors, operators, input, output })
    }
}

/// Whether bytes begin as a TFLite file does: root offset and identifier.
pub fn is_tflite(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(schema::MODEL_IDENTIFIER.as_slice())
}

fn read_model(bytes: &[u8]) -> Result<schema::Model<'_>, ImportError> {
    if bytes.len() > MAX_BYTES {
        return Err(ImportError::FileTooLarge { bytes: bytes.len(), limit: MAX_BYTES });
    }
    if !is_tflite(bytes) {
        return Err(ImportError::NotTflite { found: Format::of(bytes) });
    }
    let model = schema::Model::read(bytes)?;
    if model.version != 3 {
        return Err(ImportError::SchemaVersion { found: model.version });
    }
    Ok(model)
}

/// The only entry of an index list, or its length if it has another one.
fn only_tensor(indices: &[i32], reader: &str, num_tensors: usize) -> Result<Result<usize, usize>, ImportError> {
    match indices {
        [index] => tensor_index(*index, reader, num_tensors).map(Ok),
        other => Ok(Err(other.len())),
    }
}

fn tensor_index(index: i32, reader: &str, num_tensors: usize) -> Result<usize, ImportError> {
    usize::try_from(index).ok().filter(|&index| index < num_tensors).ok_or_else(|| ImportError::TensorOutOfRange {
        reader: reader.to_owned(),
        tensor: index,
        num_tensors,
    })
}

fn parse_operator<'a>(
    index: usize,
    table: schema::Operator,
    codes: &[schema::OperatorCode<'a>],
    num_tensors: usize,
) -> Result<Operator<'a>, ImportError> {
    let code = usize::try_from(table.opcode_index).ok().and_then(|code| codes.get(code)).ok_or(ImportError::CodeOutOfRange {
        operator: index,
        code: table.opcode_index,
        num_codes: codes.len(),
    })?;
    // Files from before schema 3a have only the narrow code.
    let builtin = code.builtin_code.max(schema::BuiltinOperator(i32::from(code.deprecated_builtin_code)));
    let reader = format!("operator {index}");
    let inputs = table
        .inputs
        .iter()
        .map(|&input| match input {
            -1 => Ok(None),
            _ => tensor_index(input, &reader, num_tensors).map(Some),
        })
        .collect::<Result<_, _>>()?;
    let outputs = table.outputs.iter().map(|&output| tensor_index(output, &reader, num_tensors)).collect::<Result<_, _>>()?;
    Ok(Operator { code: builtin, custom_code: code.custom_code.clone(), inputs, outputs, table })
}

impl<'a> Tensor<'a> {
    fn parse(index: usize, tensor: schema::Tensor<'a>, buffers: &[schema::Buffer<'a>]) -> Result<Self, ImportError> {
        let buffer = usize::try_from(tensor.buffer).ok().and_then(|buffer| buffers.get(buffer)).ok_or(ImportError::BufferOutOfRange {
            tensor: index,
            buffer: tensor.buffer,
            num_buffers: buffers.len(),
        })?;
        // Tensors that nothing reads may have any shape.
        let (dims, dimension) = match parse_dims(&tensor.shape) {
            Ok(dims) => (dims, None),
            Err(dimension) => (Vec::new(), Some(dimension)),
        };
        // A free batch size is fixed to the one that `shape` gives; anything else is not known before execution.
        let dynamic = tensor.shape_signature.iter().skip(1).any(|&dimension| dimension < 0);
        let flags = Flags { sparse: tensor.is_sparse, variable: tensor.is_variable, dynamic, external: buffer.offset > 1, dimension };
        Ok(Self {
            name: tensor.name.into_owned(),
            element: element_type(tensor.element),
            dims,
            quantization: tensor.quantization.and_then(quantization),
            data: (!buffer.data.is_empty()).then_some(Cow::Borrowed(buffer.data)),
            flags,
        })
    }

    /// Refuses tensors that are neither plain constants nor plain activations.
    pub fn check_plain(&self) -> Result<(), Unsupported> {
        self.check_dims()?;
        let tensor = || self.name.clone();
        if self.flags.sparse {
            Err(Unsupported::Sparse { tensor: tensor() })
        } else if self.flags.variable {
            Err(Unsupported::Variable { tensor: tensor() })
        } else if self.flags.dynamic {
            Err(Unsupported::DynamicShape { tensor: tensor() })
        } else if self.flags.external {
            Err(Unsupported::ExternalData { tensor: tensor() })
        } else {
            Ok(())
        }
    }

    /// Refuses tensors without a side, and those that are too large.
    pub fn check_dims(&self) -> Result<(), Unsupported> {
        match self.flags.dimension {
            Some(dimension) => Err(Unsupported::Dimension { tensor: self.name.clone(), dimension }),
            None => Ok(()),
        }
    }

    /// Elements in total, at most [`MAX_ELEMENTS`].
    pub fn num_elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// The 8-bit type of an activation or a constant.
    pub fn data_type(&self) -> Result<DataType, Unsupported> {
        match self.element {
            ElementType::U8 => Ok(DataType::U8),
            ElementType::I8 => Ok(DataType::I8),
            ElementType::F32 | ElementType::I32 | ElementType::I64 | ElementType::Other(_) => {
                Err(Unsupported::Type { tensor: self.name.clone(), found: self.element, expected: "UINT8 or INT8" })
            }
        }
    }

    /// Dimensions as height, width and channels, batch one; missing ones are ones on the left.
    pub fn shape(&self) -> Result<Shape, Unsupported> {
        match *self.dims.as_slice() {
            [] => Ok(Shape::new(1, 1, 1)),
            [channels] => Ok(Shape::new(1, 1, channels)),
            [width, channels] => Ok(Shape::new(1, width, channels)),
            [height, width, channels] | [1, height, width, channels] => Ok(Shape::new(height, width, channels)),
            [batch, _, _, _] => Err(Unsupported::Batch { tensor: self.name.clone(), batch }),
            _ => Err(Unsupported::Rank { tensor: self.name.clone(), found: self.dims.len(), expected: "at most 4" }),
        }
    }

    /// Exactly these dimensions.
    pub fn expect_dims(&self, expected: &[usize]) -> Result<(), Unsupported> {
        if self.dims == expected {
            return Ok(());
        }
        Err(Unsupported::Shape { tensor: self.name.clone(), found: self.dims.clone(), expected: expected.to_vec() })
    }

    /// The only scale and zero point of an 8-bit tensor.
    pub fn per_tensor(&self) -> Result<(f32, i32), Unsupported> {
        let dtype = self.data_type()?;
        let quantization = self.quantization.as_ref().ok_or_else(|| Unsupported::NotQuantized { tensor: self.name.clone() })?;
        let [scale] = *quantization.scales.as_slice() else {
            return Err(Unsupported::ScaleCount { tensor: self.name.clone(), found: quantization.scales.len(), expected: "1" });
        };
        let zero_point = quantization.zero_points.first().copied().unwrap_or(0);
        let valid = i64::from(dtype.min()) <= zero_point && zero_point <= i64::from(dtype.max());
        match i32::try_from(zero_point) {
            Ok(zero_point) if valid => Ok((self.check_scale(scale)?, zero_point)),
            Ok(_) | Err(_) => Err(Unsupported::ZeroPoint { tensor: self.name.clone(), zero_point }),
        }
    }

    /// `scale`, if it is a positive number.
    pub fn check_scale(&self, scale: f32) -> Result<f32, Unsupported> {
        if scale > 0.0 && scale.is_finite() { Ok(scale) } else { Err(Unsupported::Scale { tensor: self.name.clone(), scale }) }
    }

    /// Stored bytes of an 8-bit constant as values of its type.
    pub fn bytes_as_values(&self) -> Result<Vec<i16>, Unsupported> {
        let data = self.constant_data(1)?;
        Ok(match self.data_type()? {
            DataType::U8 => data.iter().map(|&byte| i16::from(byte)).collect(),
            DataType::I8 => data.iter().map(|&byte| i16::from(byte as i8)).collect(),
        })
    }

    /// Values of an INT32 or INT64 constant.
    pub fn integers(&self) -> Result<Vec<i64>, Unsupported> {
        match self.element {
            ElementType::I32 => Ok(self
                .constant_data(4)?
                .chunks_exact(4)
                .filter_map(|chunk| chunk.try_into().ok())
                .map(|chunk| i64::from(i32::from_le_bytes(chunk)))
                .collect()),
            ElementType::I64 => {
                Ok(self.constant_data(8)?.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok()).map(i64::from_le_bytes).collect())
            }
            ElementType::F32 | ElementType::U8 | ElementType::I8 | ElementType::Other(_) => {
                Err(Unsupported::Type { tensor: self.name.clone(), found: self.element, expected: "INT32 or INT64" })
            }
        }
    }

    fn constant_data(&self, bytes_per_element: usize) -> Result<&[u8], Unsupported> {
        self.check_plain()?;
        let data = self.data.as_deref().ok_or_else(|| Unsupported::NotConstant { tensor: self.name.clone() })?;
        let expected = self.num_elements().saturating_mul(bytes_per_element);
        if data.len() == expected {
            Ok(data)
        } else {
            Err(Unsupported::DataLength { tensor: self.name.clone(), found: data.len(), expected })
        }
    }
}

/// The sides of a tensor, or the dimension that is not positive or makes it too large.
fn parse_dims(shape: &[i32]) -> Result<Vec<usize>, i32> {
    let mut elements = 1usize;
    shape
        .iter()
        .map(|&dimension| {
            let size = usize::try_from(dimension).ok().filter(|&size| size > 0).ok_or(dimension)?;
            elements = elements.checked_mul(size).filter(|&n| n <= MAX_ELEMENTS).ok_or(dimension)?;
            Ok(size)
        })
        .collect()
}

fn quantization(table: schema::QuantizationParameters) -> Option<Quantization> {
    // Other techniques than scales and zero points are as good as none here.
    if table.scale.is_empty() || table.has_details {
        return None;
    }
    Some(Quantization { scales: table.scale, zero_points: table.zero_point, dimension: table.quantized_dimension })
}

fn element_type(element: schema::TensorType) -> ElementType {
    match element {
        schema::TensorType::FLOAT32 => ElementType::F32,
        schema::TensorType::UINT8 => ElementType::U8,
        schema::TensorType::INT8 => ElementType::I8,
        schema::TensorType::INT32 => ElementType::I32,
        schema::TensorType::INT64 => ElementType::I64,
        schema::TensorType(number) => ElementType::Other(number),
    }
}
