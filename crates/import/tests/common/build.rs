//! A writer of `.tflite` files, aligned as TensorFlow's or as packed as bytes go.

#![allow(dead_code)] // Not every test file needs it all.

/// A field of a table.
#[derive(Clone)]
pub enum Field {
    Scalar(Vec<u8>),
    Vector { count: usize, bytes: Vec<u8> },
    Table(Table),
    Tables(Vec<Table>),
}

/// Slots and their fields.
#[derive(Clone, Default)]
pub struct Table(pub Vec<(usize, Field)>);

pub fn byte(value: i8) -> Field {
    Field::Scalar(value.to_le_bytes().to_vec())
}

pub fn int(value: i32) -> Field {
    Field::Scalar(value.to_le_bytes().to_vec())
}

pub fn ints(values: &[i32]) -> Field {
    Field::Vector { count: values.len(), bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect() }
}

pub fn bytes(values: &[u8]) -> Field {
    Field::Vector { count: values.len(), bytes: values.to_vec() }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Layout {
    Aligned,
    Packed,
}

/// The file whose root is `root`.
pub fn file(root: &Table, layout: Layout) -> Vec<u8> {
    let mut out = b"\0\0\0\0TFL3".to_vec();
    if layout == Layout::Packed {
        out.push(0);
    }
    let position = write_table(&mut out, root, layout);
    patch(&mut out, 0, position);
    out
}

fn patch(out: &mut [u8], at: usize, target: usize) {
    out[at..at + 4].copy_from_slice(&u32::try_from(target - at).unwrap().to_le_bytes());
}

/// Zeros until `ahead` more bytes end at a multiple of `unit`.
fn align(out: &mut Vec<u8>, ahead: usize, unit: usize, layout: Layout) {
    while layout == Layout::Aligned && !(out.len() + ahead).is_multiple_of(unit) {
        out.push(0);
    }
}

fn write_table(out: &mut Vec<u8>, table: &Table, layout: Layout) -> usize {
    let num_slots = table.0.iter().map(|(slot, _)| slot + 1).max().unwrap_or(0);
    align(out, 4 + 2 * num_slots, 8, layout);
    let vtable = out.len();
    out.resize(vtable + 4 + 2 * num_slots, 0);
    let position = out.len();
    out.extend(i32::try_from(position - vtable).unwrap().to_le_bytes());
    let mut children = Vec::new();
    for (slot, field) in &table.0 {
        let inline = match field {
            Field::Scalar(value) => value.clone(),
            Field::Vector { .. } | Field::Table(_) | Field::Tables(_) => vec![0; 4],
        };
        align(out, 0, inline.len(), layout);
        let entry = vtable + 4 + 2 * slot;
        let offset = u16::try_from(out.len() - position).unwrap();
        out[entry..entry + 2].copy_from_slice(&offset.to_le_bytes());
        children.push((out.len(), field));
        out.extend(inline);
    }
    let sizes = [4 + 2 * num_slots, out.len() - position].map(|size| u16::try_from(size).unwrap().to_le_bytes());
    out[vtable..vtable + 4].copy_from_slice(sizes.as_flattened());
    for (at, field) in children {
        let target = match field {
            Field::Scalar(_) => continue,
            Field::Vector { count, bytes } => write_vector(out, *count, bytes, layout),
            Field::Table(table) => write_table(out, table, layout),
            Field::Tables(tables) => {
                let vector = write_vector(out, tables.len(), &vec![0; 4 * tables.len()], layout);
                for (index, table) in tables.iter().enumerate() {
                    let target = write_table(out, table, layout);
                    patch(out, vector + 4 + 4 * index, target);
                }
                vector
            }
        };
        patch(out, at, target);
    }
    position
}

fn write_vector(out: &mut Vec<u8>, count: usize, bytes: &[u8], layout: Layout) -> usize {
    align(out, 4, 8, layout);
    let position = out.len();
    out.extend(u32::try_from(count).unwrap().to_le_bytes());
    out.extend(bytes);
    position
}

/// Numbers of types and operators in the schema.
pub const INT8: i8 = 9;
pub const INT32: i8 = 2;
pub const ADD: i32 = 0;
pub const CONV_2D: i32 = 3;
pub const FULLY_CONNECTED: i32 = 9;
pub const LSTM: i32 = 16;
pub const MUL: i32 = 18;
pub const SUB: i32 = 41;
pub const RESHAPE: i32 = 22;
pub const STRIDED_SLICE: i32 = 45;
pub const SHAPE: i32 = 77;
pub const PACK: i32 = 83;

/// A tensor; 8-bit ones have scale 0.5 or the given and zero point 3, constants zero point 0.
#[derive(Clone)]
pub struct Tensor {
    pub name: Vec<u8>,
    pub shape: Vec<i32>,
    pub element: i8,
    pub data: Option<Vec<u8>>,
    pub scale: f32,
}

pub fn activation(name: &str, shape: &[i32]) -> Tensor {
    Tensor { name: name.into(), shape: shape.to_vec(), element: INT8, data: None, scale: 0.5 }
}

pub fn constant(name: &str, shape: &[i32], values: &[i8]) -> Tensor {
    let data = values.iter().map(|value| value.to_le_bytes()[0]).collect();
    Tensor { data: Some(data), scale: 0.25, ..activation(name, shape) }
}

pub fn integers(name: &str, shape: &[i32], values: &[i32]) -> Tensor {
    let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor { element: INT32, data: Some(data), ..activation(name, shape) }
}

#[derive(Clone)]
pub struct Operator {
    pub code: i32,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    /// Kind, and the table unless it is missing.
    pub options: (i8, Option<Table>),
}

/// A model whose first tensor is the input and whose last operator writes the output.
#[derive(Clone, Default)]
pub struct Model {
    pub tensors: Vec<Tensor>,
    pub operators: Vec<Operator>,
    pub more_subgraphs: Vec<Table>,
}

impl Model {
    pub fn bytes(&self, layout: Layout) -> Vec<u8> {
        let mut buffers = vec![Table::default()];
        let mut tensors = Vec::new();
        for tensor in &self.tensors {
            let mut buffer = 0;
            if let Some(data) = &tensor.data {
                buffer = i32::try_from(buffers.len()).unwrap();
                buffers.push(Table(vec![(0, bytes(data))]));
            }
            let mut fields = vec![(0, ints(&tensor.shape)), (1, byte(tensor.element)), (2, int(buffer)), (3, bytes(&tensor.name))];
            if tensor.element == INT8 {
                let zero_point = if tensor.data.is_some() { 0_i64 } else { 3 };
                let scale = Field::Vector { count: 1, bytes: tensor.scale.to_le_bytes().to_vec() };
                let zero_point = Field::Vector { count: 1, bytes: zero_point.to_le_bytes().to_vec() };
                fields.push((4, Field::Table(Table(vec![(2, scale), (3, zero_point)]))));
            }
            tensors.push(Table(fields));
        }
        let codes = self.operators.iter().map(|operator| {
            let narrow = i8::try_from(operator.code.min(127)).unwrap();
            Table(vec![(0, byte(narrow)), (3, int(operator.code))])
        });
        let operators = self.operators.iter().enumerate().map(|(index, operator)| {
            let mut fields = vec![(0, int(i32::try_from(index).unwrap())), (1, ints(&operator.inputs)), (2, ints(&operator.outputs))];
            fields.push((3, byte(operator.options.0)));
            fields.extend(operator.options.1.clone().map(|options| (4, Field::Table(options))));
            Table(fields)
        });
        let output = self.operators.last().map_or(0, |operator| operator.outputs[0]);
        let subgraph =
            Table(vec![(0, Field::Tables(tensors)), (1, ints(&[0])), (2, ints(&[output])), (3, Field::Tables(operators.collect()))]);
        let subgraphs = std::iter::once(subgraph).chain(self.more_subgraphs.clone()).collect();
        let root =
            Table(vec![(0, int(3)), (1, Field::Tables(codes.collect())), (2, Field::Tables(subgraphs)), (4, Field::Tables(buffers))]);
        file(&root, layout)
    }
}

/// Options of CONV_2D: SAME, strides and dilation.
pub fn conv_options(stride: i32, dilation: i32) -> (i8, Option<Table>) {
    (1, Some(Table(vec![(0, byte(0)), (1, int(stride)), (2, int(stride)), (4, int(dilation)), (5, int(dilation))])))
}
