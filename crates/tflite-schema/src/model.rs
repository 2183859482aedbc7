//! The tables of a model, as far as they are read.

use std::borrow::Cow;
use std::ops::Deref;

use crate::enums::{BuiltinOperator, TensorType};
use crate::options::BuiltinOptions;
use crate::reader::{Damage, Reader, Table};

/// A model: everything but subgraphs after the first, which only operators can call.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // The schema's names.
pub struct Model<'a> {
    pub version: u32,
    pub operator_codes: Vec<OperatorCode<'a>>,
    /// The first of the subgraphs: the network.
    pub subgraph: Option<SubGraph<'a>>,
    pub buffers: Vec<Buffer<'a>>,
}

/// What operators of one kind compute.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // The schema's names.
pub struct OperatorCode<'a> {
    /// All that files from before schema 3a have.
    pub deprecated_builtin_code: i8,
    pub builtin_code: BuiltinOperator,
    pub custom_code: Option<Cow<'a, str>>,
}

/// A network.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // The schema's names.
pub struct SubGraph<'a> {
    pub tensors: Vec<Tensor<'a>>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub operators: Vec<Operator>,
}

/// A tensor.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // The schema's names.
pub struct Tensor<'a> {
    pub shape: Vec<i32>,
    pub element: TensorType,
    pub buffer: u32,
    pub name: Cow<'a, str>,
    pub quantization: Option<QuantizationParameters>,
    pub is_variable: bool,
    pub is_sparse: bool,
    pub shape_signature: Vec<i32>,
}

/// Scales and zero points.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // The schema's names.
pub struct QuantizationParameters {
    pub scale: Vec<f32>,
    pub zero_point: Vec<i64>,
    /// Whether there is another technique than scales and zero points.
    pub has_details: bool,
    pub quantized_dimension: i32,
}

/// An operator; its options by way of [`Deref`].
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // The schema's names.
pub struct Operator {
    pub opcode_index: u32,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub options: BuiltinOptions,
}

/// The bytes of constants.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // The schema's names.
pub struct Buffer<'a> {
    pub data: &'a [u8],
    /// More than one for data after the flatbuffer.
    pub offset: u64,
}

impl Deref for Operator {
    type Target = BuiltinOptions;

    fn deref(&self) -> &BuiltinOptions {
        &self.options
    }
}

impl<'a> Model<'a> {
    /// Reads a file. Its identifier is the caller's to look at.
    ///
    /// # Errors
    ///
    /// [`Damage`] where an offset leads out of the file.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Damage> {
        let reader = Reader::new(bytes);
        let table = reader.root()?;
        Ok(Self {
            version: table.field(0)?.unwrap_or(0),
            operator_codes: table.tables(1, usize::MAX, OperatorCode::read)?,
            subgraph: table.tables(2, 1, SubGraph::read)?.pop(),
            buffers: table.tables(4, usize::MAX, Buffer::read)?,
        })
    }
}

impl<'a> OperatorCode<'a> {
    fn read(table: Table<'_, 'a>) -> Result<Self, Damage> {
        Ok(Self {
            deprecated_builtin_code: table.field(0)?.unwrap_or(0),
            custom_code: table.text(1)?,
            builtin_code: table.field(3)?.unwrap_or_default(),
        })
    }
}

impl<'a> SubGraph<'a> {
    fn read(table: Table<'_, 'a>) -> Result<Self, Damage> {
        Ok(Self {
            tensors: table.tables(0, usize::MAX, Tensor::read)?,
            inputs: table.field(1)?.unwrap_or_default(),
            outputs: table.field(2)?.unwrap_or_default(),
            operators: table.tables(3, usize::MAX, Operator::read)?,
        })
    }
}

impl<'a> Tensor<'a> {
    fn read(table: Table<'_, 'a>) -> Result<Self, Damage> {
        Ok(Self {
            shape: table.field(0)?.unwrap_or_default(),
            element: table.field(1)?.unwrap_or_default(),
            buffer: table.field(2)?.unwrap_or(0),
            name: table.text(3)?.unwrap_or_default(),
            quantization: table.table(4)?.map(QuantizationParameters::read).transpose()?,
            is_variable: table.field(5)?.unwrap_or(false),
            is_sparse: table.table(6)?.is_some(),
            shape_signature: table.field(7)?.unwrap_or_default(),
        })
    }
}

impl QuantizationParameters {
    fn read(table: Table<'_, '_>) -> Result<Self, Damage> {
        Ok(Self {
            scale: table.field(2)?.unwrap_or_default(),
            zero_point: table.field(3)?.unwrap_or_default(),
            has_details: table.field(4)?.unwrap_or(0u8) != 0,
            quantized_dimension: table.field(6)?.unwrap_or(0),
        })
    }
}

impl Operator {
    fn read(table: Table<'_, '_>) -> Result<Self, Damage> {
        Ok(Self {
            opcode_index: table.field(0)?.unwrap_or(0),
            inputs: table.field(1)?.unwrap_or_default(),
            outputs: table.field(2)?.unwrap_or_default(),
            options: BuiltinOptions::read(table.field(3)?.unwrap_or(0), table.table(4)?)?,
        })
    }
}

impl<'a> Buffer<'a> {
    fn read(table: Table<'_, 'a>) -> Result<Self, Damage> {
        Ok(Self { data: table.bytes(0)?.unwrap_or_default(), offset: table.field(1)?.unwrap_or(0) })
    }
}
