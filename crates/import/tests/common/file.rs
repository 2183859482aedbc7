//! Small TFLite files, written tensor by tensor and operator by operator.

use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};
use verinfer_tflite_schema::tflite as schema;

pub use schema::{BuiltinOperator, BuiltinOptions, TensorType};

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
    pub fn integers(values: &[i32]) -> Self {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { shape: vec![values.len() as i32], element: TensorType::INT32, scales: Vec::new(), zero_point: 0, data }
    }
}

type Options = Box<dyn Fn(&mut FlatBufferBuilder<'_>) -> WIPOffset<UnionWIPOffset>>;

/// An operator of a file: code, inputs, output, options.
pub struct Operator {
    pub code: BuiltinOperator,
    pub inputs: Vec<i32>,
    pub output: i32,
    pub options: Option<(BuiltinOptions, Options)>,
}

impl Operator {
    /// An operator without options.
    pub fn plain(code: BuiltinOperator, inputs: &[i32], output: i32) -> Self {
        Self { code, inputs: inputs.to_vec(), output, options: None }
    }

    /// An operator with options.
    pub fn with(
        code: BuiltinOperator,
        inputs: &[i32],
        output: i32,
        kind: BuiltinOptions,
        options: impl Fn(&mut FlatBufferBuilder<'_>) -> WIPOffset<UnionWIPOffset> + 'static,
    ) -> Self {
        Self { code, inputs: inputs.to_vec(), output, options: Some((kind, Box::new(options))) }
    }
}

/// A file with input tensor 0 and output tensor `output`.
pub fn write(tensors: &[Tensor], operators: &[Operator], output: i32) -> Vec<u8> {
    let mut b = FlatBufferBuilder::new();
    let mut buffers = vec![schema::Buffer::create(&mut b, &schema::BufferArgs::default())];
    let mut written = Vec::new();
    for (index, tensor) in tensors.iter().enumerate() {
        let mut buffer = 0;
        if !tensor.data.is_empty() {
            buffer = buffers.len() as u32;
            let data = Some(b.create_vector(&tensor.data));
            buffers.push(schema::Buffer::create(&mut b, &schema::BufferArgs { data, ..Default::default() }));
        }
        let quantization = (!tensor.scales.is_empty()).then(|| {
            let scale = Some(b.create_vector(&tensor.scales));
            let zero_point = Some(b.create_vector(&vec![tensor.zero_point; tensor.scales.len()]));
            schema::QuantizationParameters::create(&mut b, &schema::QuantizationParametersArgs { scale, zero_point, ..Default::default() })
        });
        let (shape, name) = (Some(b.create_vector(&tensor.shape)), Some(b.create_string(&format!("t{index}"))));
        let arguments = schema::TensorArgs { shape, type_: tensor.element, buffer, name, quantization, ..Default::default() };
        written.push(schema::Tensor::create(&mut b, &arguments));
    }
    let mut codes = Vec::new();
    let mut steps = Vec::new();
    for (index, operator) in operators.iter().enumerate() {
        let arguments = schema::OperatorCodeArgs {
            deprecated_builtin_code: operator.code.0.min(127) as i8,
            builtin_code: operator.code,
            version: 1,
            ..Default::default()
        };
        codes.push(schema::OperatorCode::create(&mut b, &arguments));
        let options = operator.options.as_ref().map(|(kind, options)| (*kind, options(&mut b)));
        let (inputs, outputs) = (Some(b.create_vector(&operator.inputs)), Some(b.create_vector(&[operator.output])));
        let arguments = schema::OperatorArgs {
            opcode_index: index as u32,
            inputs,
            outputs,
            builtin_options_type: options.map_or(BuiltinOptions::NONE, |(kind, _)| kind),
            builtin_options: options.map(|(_, options)| options),
            ..Default::default()
        };
        steps.push(schema::Operator::create(&mut b, &arguments));
    }
    let (tensors, operators) = (Some(b.create_vector(&written)), Some(b.create_vector(&steps)));
    let (inputs, outputs) = (Some(b.create_vector(&[0])), Some(b.create_vector(&[output])));
    let arguments = schema::SubGraphArgs { tensors, inputs, outputs, operators, ..Default::default() };
    let subgraph = schema::SubGraph::create(&mut b, &arguments);
    let (subgraphs, operator_codes) = (Some(b.create_vector(&[subgraph])), Some(b.create_vector(&codes)));
    let buffers = Some(b.create_vector(&buffers));
    let model = schema::Model::create(&mut b, &schema::ModelArgs { version: 3, operator_codes, subgraphs, buffers, ..Default::default() });
    b.finish(model, Some(schema::MODEL_IDENTIFIER));
    b.finished_data().to_vec()
}
