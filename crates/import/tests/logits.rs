//! The logits of TFLite's reference kernels on every recorded picture.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use verinfer_graph::{DataType, run};
use verinfer_import::{InputFormat, InputOptions, Pixels, import_tflite, load_input};

mod common;

/// Pictures compared where the code is not optimised.
const DEBUG_SAMPLE: usize = 5;

macro_rules! logits_tests {
    ($($test:ident: $model:literal on $images:literal;)*) => {
        $(#[test]
        fn $test() {
            if let Some(root) = common::data() {
                compare(&root, $model, $images);
            }
        })*
    };
}

logits_tests! {
    mobilenet_v1_025_128_is_equal: "mobilenet_v1_0_25_128_quant" on "imagenet200_torch_128";
    mobilenet_v2_035_96_is_equal: "mobilenet_v2_0.35_96_keras224weights_int8" on "imagenet1000_torch_96";
    mobilenet_v2_05_96_is_equal: "mobilenet_v2_0_5_96_quant" on "imagenet1000_torch_96";
    mobilenet_v2_05_224_is_equal: "mobilenet_v2_0_5_224_quant" on "imagenet200_torch_224";
    mobilenet_v2_075_192_is_equal: "mobilenet_v2_0_75_192_quant" on "imagenet200_torch_192";
    mobilenet_v2_1_224_is_equal: "mobilenet_v2_1.0_224_quant" on "imagenet200_torch_224";
    mobilenet_v2_035_224_is_equal: "mobilenet_v2_35_quantized_int8" on "imagenet200_torch_224";
}

fn compare(root: &Path, name: &str, images: &str) {
    let model = import_tflite(&common::model_bytes(root, name)).unwrap();
    let expected = std::fs::read(root.join("golden").join(name).join("logits.bin")).unwrap();
    let expected = common::values(&expected, model.output.dtype == DataType::I8);
    let mut files: Vec<PathBuf> = std::fs::read_dir(root.join("images").join(images)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let num_classes = model.output.shape.num_elements();
    assert_eq!(files.len() * num_classes, expected.len(), "{name}");
    // The recorded inputs are bytes, also where the quantization is not that of bytes.
    let options = InputOptions { pixels: Some(Pixels::Raw), ..InputOptions::default() };
    let sample = if cfg!(debug_assertions) { DEBUG_SAMPLE } else { files.len() };
    let num_different: usize = files[..sample]
        .par_iter()
        .zip(expected.par_chunks(num_classes))
        .map(|(file, expected)| {
            let input = load_input(&std::fs::read(file).unwrap(), InputFormat::Image, &model, &options).unwrap();
            let trace = run(&model.graph, &input.values).unwrap();
            trace.tensors[model.graph.output().0].iter().zip(expected).filter(|(a, b)| a != b).count()
        })
        .sum();
    println!("{name}: {sample} pictures");
    assert_eq!(num_different, 0, "{name}: of {} logits", sample * num_classes);
}
