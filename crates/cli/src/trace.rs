//! Reference traces: `trace.json` with one entry for the input and for each operator's output, `trace.bin` with their elements.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use verinfer_graph::DataType;
use verinfer_import::write_npy;

use crate::files;

/// What a reference implementation computed for one input.
#[derive(Debug)]
pub struct ReferenceTrace {
    /// Name of the model file.
    pub model: String,
    /// Name of the input.
    pub input: String,
    /// The input and each operator's outputs in execution order.
    pub tensors: Vec<ReferenceTensor>,
}

/// One tensor of a reference trace.
#[derive(Debug)]
pub struct ReferenceTensor {
    /// Index of the operator in the model file, `None` for the network's input.
    pub operator: Option<usize>,
    /// `CONV_2D`, ..., or `INPUT`.
    pub name: String,
    /// Index of the tensor in the model file.
    pub tensor: usize,
    /// Its elements.
    pub elements: Elements,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// The elements of a reference tensor.
#[derive(Debug)]
pub enum Elements {
    /// 8-bit integers in NHWC order.
    Quantized {
        /// Which.
        dtype: DataType,
        /// Each in the type's range.
        values: Vec<i16>,
    },
    /// A type that no tensor of a graph has, by its name (`float32`, ...).
    Other(String),
}

impl ReferenceTrace {
    /// Reads `trace.json` and `trace.bin` of `folder`.
    ///
    /// # Errors
    ///
    /// A file cannot be read, is not a trace, or `trace.bin` is shorter than `trace.json` says.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let description = folder.join("trace.json");
        let header: Header = serde_json::from_str(&files::read_text(&description)?)
            .with_context(|| format!("{} is not a reference trace", description.display()))?;
        // Tensors may share bytes of the file, but not what becomes of them.
        let bytes = header.tensors.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.bytes as u64));
        if bytes > files::MODEL_LIMIT {
            bail!("{} has tensors of {bytes} bytes together, more than {}", description.display(), files::MODEL_LIMIT);
        }
        let data = files::read(&folder.join("trace.bin"), files::MODEL_LIMIT)?;
        let tensors = header
            .tensors
            .into_iter()
            .map(|entry| entry.read(&data))
            .collect::<anyhow::Result<_>>()
            .with_context(|| format!("{} and trace.bin do not agree", description.display()))?;
        Ok(Self { model: header.model, input: header.input, tensors })
    }

    /// The network's input as a `.npy` file.
    ///
    /// # Errors
    ///
    /// The trace has no input, or one of a type that no supported model has.
    pub fn input_npy(&self) -> anyhow::Result<Vec<u8>> {
        let Some(input) = self.tensors.iter().find(|tensor| tensor.operator.is_none()) else {
            bail!("the trace has no input");
        };
        let descr = match &input.elements {
            Elements::Quantized { dtype: DataType::U8, .. } => "|u1",
            Elements::Quantized { dtype: DataType::I8, .. } => "|i1",
            Elements::Other(dtype) if dtype == "float32" => "<f4",
            Elements::Other(dtype) => bail!("the trace's input is {dtype}"),
        };
        Ok(write_npy(descr, &input.shape, &input.bytes))
    }
}

#[derive(Deserialize)]
struct Header {
    model: String,
    input: String,
    tensors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    op: Option<usize>,
    name: String,
    tensor: usize,
    shape: Vec<usize>,
    dtype: String,
    offset: usize,
    bytes: usize,
}

impl Entry {
    fn read(self, data: &[u8]) -> anyhow::Result<ReferenceTensor> {
        let bytes = self
            .offset
            .checked_add(self.bytes)
            .and_then(|end| data.get(self.offset..end))
            .ok_or_else(|| anyhow!("tensor {} lies outside trace.bin", self.tensor))?;
        let elements = match self.dtype.as_str() {
            "uint8" => Elements::Quantized { dtype: DataType::U8, values: bytes.iter().map(|&byte| i16::from(byte)).collect() },
            "int8" => {
                Elements::Quantized { dtype: DataType::I8, values: bytes.iter().map(|&byte| i16::from(byte.cast_signed())).collect() }
            }
            _ => Elements::Other(self.dtype),
        };
        Ok(ReferenceTensor { operator: self.op, name: self.name, tensor: self.tensor, elements, shape: self.shape, bytes: bytes.to_vec() })
    }
}
