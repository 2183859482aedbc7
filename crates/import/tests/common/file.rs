//! Small TFLite files, written tensor by tensor and operator by operator.

use verinfer_tflite_schema::tflite as schema;

use build::{Field, Layout, Table, byte, bytes, int, ints};
pub use schema::{BuiltinOperator, TensorType};

#[path = "build.rs"]
pub mod build;

/// A tensor of a file: shape, type, scales and zero points, bytes of a constant.
pub struct Tensor {
    pub shape: Vec<i32>,
    pub element: TensorType,
    pub scales: Vec<f32>,
    pub zero_point: i64,
    pub data: Vec<u8>,
}

impl Tensor {
    /// An INT8 activation.
    pub fn activation(shape: &[i32], scale: f32, zero_point: i64) -> Self {
        Self { shape: shape.to_vec(), element: TensorType::INT8, scales: vec![scale], zero_point, data: Vec::new() }
    }

    /// Constant 32-bit integers.
    #[allow(dead_code)]
    pub fn integers(values: &[i32]) -> Self {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { shape: vec![values.len() as i32], element: TensorType::INT32, scales: Vec::new(), zero_point: 0, data }
    }
}

/// Options of an operator: the kind's number in the schema, and its fields.
pub type Options = (i8, Vec<(usize, Field)>);

/// An operator of a file: code, inputs, output, options.
pub struct Operator {
    pub code: BuiltinOperator,
    pub inputs: Vec<i32>,
    pub output: i32,
    pub options: Option<Options>,
}

impl Operator {
    /// An operator without options.
    pub fn plain(code: BuiltinOperator, inputs: &[i32], output: i32) -> Self {
        Self { code, inputs: inputs.to_vec(), output, options: None }
    }

    /// An operator with options.
    pub fn with(code: BuiltinOperator, inputs: &[i32], output: i32, options: Options) -> Self {
        Self { code, inputs: inputs.to_vec(), output, options: Some(options) }
    }
}

/// A number as a field.
#[allow(dead_code)]
pub fn float(value: f32) -> Field {
    Field::Scalar(value.to_le_bytes().to_vec())
}

/// A file with input tensor 0 and output tensor `output`.
pub fn write(tensors: &[Tensor], operators: &[Operator], output: i32) -> Vec<u8> {
    let mut buffers = vec![Table::default()];
    let mut written = Vec::new();
    for (index, tensor) in tensors.iter().enumerate() {
        let mut buffer = 0;
        if !tensor.data.is_empty() {
            buffer = buffers.len() as i32;
            buffers.push(Table(vec![(0, bytes(&tensor.data))]));
        }
        let name = format!("t{index}");
        let mut fields = vec![(0, ints(&tensor.shape)), (1, byte(tensor.element.0)), (2, int(buffer)), (3, bytes(name.as_bytes()))];
        let count = tensor.scales.len();
        if count > 0 {
            let scales = tensor.scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
            let zero_points = tensor.zero_point.to_le_bytes().repeat(count);
            let vectors = [(2, Field::Vector { count, bytes: scales }), (3, Field::Vector { count, bytes: zero_points })];
            fields.push((4, Field::Table(Table(vectors.to_vec()))));
        }
        written.push(Table(fields));
    }
    let code = |operator: &Operator| Table(vec![(0, byte(operator.code.0.min(127) as i8)), (3, int(operator.code.0))]);
    let steps = operators.iter().enumerate().map(|(index, operator)| {
        let mut fields = vec![(0, int(index as i32)), (1, ints(&operator.inputs)), (2, ints(&[operator.output]))];
        if let Some((kind, options)) = &operator.options {
            fields.extend([(3, byte(*kind)), (4, Field::Table(Table(options.clone())))]);
        }
        Table(fields)
    });
    let subgraph = Table(vec![(0, Field::Tables(written)), (1, ints(&[0])), (2, ints(&[output])), (3, Field::Tables(steps.collect()))]);
    let root = Table(vec![
        (0, int(3)),
        (1, Field::Tables(operators.iter().map(code).collect())),
        (2, Field::Tables(vec![subgraph])),
        (4, Field::Tables(buffers)),
    ]);
    build::file(&root, Layout::Aligned)
}
