//! Every tensor of every recorded execution of TFLite's reference kernels.

use std::path::Path;

use serde_json::Value;
use verinfer_graph::run;
use verinfer_import::{Model, import_tflite};

mod common;

const MODELS: [&str; 16] = [
    "ad01_int8",
    "emnist_byclass_st_mnist_v1_28_tfs_int8",
    "hello_world_int8",
    "kws_ref_model",
    "mcunet-320kb-1mb_imagenet",
    "mobilenet_v1_0_25_128_quant",
    "mobilenet_v2_0.35_96_keras224weights_int8",
    "mobilenet_v2_0_5_224_quant",
    "mobilenet_v2_0_5_96_quant",
    "mobilenet_v2_0_75_192_quant",
    "mobilenet_v2_1.0_224_quant",
    "mobilenet_v2_35_quantized_int8",
    "model_mobilenetv2_160_035",
    "pretrainedResnet_quant",
    "ptq_mnist_lenet-300-100",
    "vww_96_int8",
];

#[test]
fn every_tensor_of_every_trace_is_equal() {
    let Some(root) = common::data() else { return };
    let faults: Vec<String> = MODELS.iter().flat_map(|name| compare(&root, name)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The operators whose recorded output differs.
fn compare(root: &Path, name: &str) -> Vec<String> {
    let model = import_tflite(&common::model_bytes(root, name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let folder = root.join("golden").join(name);
    let head: Value = serde_json::from_slice(&std::fs::read(folder.join("trace.json")).unwrap()).unwrap();
    let bytes = std::fs::read(folder.join("trace.bin")).unwrap();
    let recorded: Vec<Recorded> = head["tensors"].as_array().unwrap().iter().map(|row| Recorded::read(row, &bytes)).collect();
    let input = graph_tensor(&model, &recorded, model.graph.input().0);
    let trace = run(&model.graph, &input.values).unwrap();
    let mut faults = Vec::new();
    let mut num_compared = 0;
    for (tensor, id) in &model.tensor_of {
        let Some(expected) = recorded.iter().find(|row| row.tensor == *tensor) else {
            panic!("{name}: tensor {tensor} is not in the trace");
        };
        num_compared += 1;
        let found = &trace.tensors[id.0];
        assert_eq!(found.len(), expected.values.len(), "{name}: {}", expected.operator);
        let num_different = found.iter().zip(&expected.values).filter(|(a, b)| a != b).count();
        if num_different > 0 {
            faults.push(format!("{name}: {num_different} of {} values of {}", found.len(), expected.operator));
        }
    }
    let num_edges = model.operators.len() + 1 - num_compared;
    assert_eq!(num_edges, model.operators.iter().filter(|o| o.support != verinfer_import::Support::Lowered).count());
    println!("{name}: {num_compared} tensors compared");
    faults
}

/// One tensor of a trace.
struct Recorded {
    operator: String,
    tensor: usize,
    values: Vec<i16>,
}

impl Recorded {
    fn read(row: &Value, bytes: &[u8]) -> Self {
        let offset = row["offset"].as_u64().unwrap() as usize;
        let length = row["bytes"].as_u64().unwrap() as usize;
        Self {
            operator: format!("{} #{}", row["name"].as_str().unwrap(), row["op"]),
            tensor: row["tensor"].as_u64().unwrap() as usize,
            values: common::values(&bytes[offset..][..length], row["dtype"] == "int8"),
        }
    }
}

fn graph_tensor<'r>(model: &Model, recorded: &'r [Recorded], id: usize) -> &'r Recorded {
    let (tensor, _) = model.tensor_of.iter().find(|(_, tensor)| tensor.0 == id).unwrap();
    recorded.iter().find(|row| row.tensor == *tensor).unwrap()
}
