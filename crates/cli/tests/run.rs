//! `verinfer run`.

use std::fs;

use serde_json::{Value, json};

use crate::common::{repository, verinfer, verinfer_with};

mod common;

/// Output of TFLite's reference kernels for `sample:3`, before the softmax.
const LOGITS_OF_3: [i16; 10] = [-93, -56, -62, 89, -86, -24, -57, -43, -40, -28];

#[test]
fn output_equals_the_reference_kernels() {
    let finished = verinfer(["run", "digits", "sample:3", "--json"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let report = finished.json();
    assert_eq!(report["output"], json!(LOGITS_OF_3));
    assert_eq!(report["output_tensor"]["shape"], json!([1, 1, 10]));
    assert_eq!(report["output_tensor"]["dtype"], "int8");
    assert_eq!(report["top"].as_array().unwrap().len(), 5);
    assert_eq!(report["top"][0]["class"], 3);
    assert_eq!(report["top"][0]["label"], "3");
    assert_eq!(report["score_is"], "probability");
}

#[test]
fn every_sample_is_read_as_its_digit() {
    for digit in 0..10 {
        let finished = verinfer(["run", "digits", &format!("sample:{digit}"), "--json"]);
        assert_eq!(finished.json()["top"][0]["class"], digit);
    }
    let first = verinfer(["run", "digits", "sample", "--json"]).json();
    assert_eq!(first["output"], verinfer(["run", "digits", "sample:0", "--json"]).json()["output"]);
}

#[test]
fn embedded_model_is_the_file_of_the_repository() {
    let model = repository("models/digits/digits_int8.tflite");
    let image = repository("models/digits/samples/digit-3-45.png");
    let report = verinfer(["run", &model, &image, "--json"]).json();
    assert_eq!(report["output"], json!(LOGITS_OF_3));
    assert_eq!(report["top"][0]["label"], Value::Null);
}

#[test]
fn text_shows_the_best_class_first() {
    let finished = verinfer(["run", "digits", "sample:7"]);
    assert_eq!(finished.code, Some(0));
    let table = finished.stdout.lines().skip_while(|line| !line.contains("class")).nth(1).unwrap();
    assert_eq!(table.split_whitespace().next(), Some("7"));
}

#[test]
fn labels_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.txt");
    fs::write(&labels, "0 zero\n1 one\n2 two\n3 three\n").unwrap();
    let labels = labels.display().to_string();
    let report = verinfer(["run", "digits", "sample:3", "--labels", &labels, "--json"]).json();
    assert_eq!(report["top"][0]["label"], "three");
    assert!(report["top"].as_array().unwrap().iter().any(|entry| entry["label"].is_null()));
}

#[test]
fn lists_of_too_few_names_are_errors_and_of_too_many_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.txt");
    let run = |text: &str| {
        fs::write(&labels, text).unwrap();
        verinfer(["run", "digits", "sample:3", "--labels", &labels.display().to_string(), "--json"])
    };
    let names = |count: usize| (0..count).map(|class| format!("class {class}\n")).collect::<String>();
    let right = run(&names(10));
    assert_eq!((right.json()["top"][0]["label"].as_str(), right.stderr.as_str()), (Some("class 3"), ""));
    let long = run(&names(11));
    assert_eq!(long.json()["top"][0]["label"], "class 3");
    assert!(long.stderr.contains("has 11 names for 10 classes"), "{}", long.stderr);
    let short = run(&names(9));
    assert_eq!(short.code, Some(2));
    assert!(short.stderr.contains("it has 9 names, the model 10 classes"), "{}", short.stderr);
}

#[test]
fn how_a_picture_is_read_is_said_and_can_be_chosen() {
    let run = |more: &[&str]| verinfer_with(&[&["run", "digits", "sample:3", "--json"], more].concat());
    let report = run(&[]).json();
    assert_eq!(report["reading"], "pixels raw by default: each byte less 128");
    assert!(verinfer(["run", "digits", "sample:3"]).stdout.contains("\nread    pixels raw by default: each byte less 128\n"));
    let unit = run(&["--pixels", "0..1"]).json();
    assert_eq!(unit["reading"], "pixels 0..1: quantized with scale 0.003921569 and zero point -128");
    assert_eq!(unit["output"], report["output"]);
    let refused = |pixels: &str, reason: &str| verinfer(["run", "digits", "sample:3", "--pixels", pixels]).assert_error(reason);
    refused("-1..1", "cannot use sample:3: pixels mapped by -1..1 lie outside what the network's input holds, 0 to 1, in 44 of 64 values");
    refused("bytes", "invalid value 'bytes' for '--pixels <MAPPING>': expected raw, 0..1, -1..1");
}

#[test]
fn pictures_for_networks_of_another_normalization_need_a_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = fs::read(repository("models/digits/digits_int8.tflite")).unwrap();
    let scale = 0.003_921_569_f32.to_le_bytes();
    let places: Vec<usize> = (0..model.len() - 4).filter(|&at| model[at..at + 4] == scale).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|&at| model[at..at + 4].copy_from_slice(&0.0187_f32.to_le_bytes()));
    let path = folder.path().join("model.tflite").display().to_string();
    fs::write(&path, model).unwrap();
    let image = repository("models/digits/samples/digit-3-45.png");
    verinfer(["run", &path, &image]).assert_error("the network's input stands for 0 to 4.76");
    assert_eq!(verinfer(["run", &path, &image, "--pixels", "raw"]).code, Some(0));
    let mapped = verinfer(["run", &path, &image, "--pixels", "0..1", "--json"]).json();
    assert_eq!(mapped["reading"], "pixels 0..1: quantized with scale 0.0187 and zero point -128");
}

#[test]
fn arrays_that_look_wrong_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let array = folder.path().join("x.npy");
    let mut bytes = b"\x93NUMPY\x01\x00\x3c\x00{'descr': '<f4', 'fortran_order': False, 'shape': (8, 8), }\n".to_vec();
    bytes.extend((0..64).flat_map(|at| if at == 7 { 2.0_f32 } else { 0.5 }.to_le_bytes()));
    fs::write(&array, bytes).unwrap();
    let finished = verinfer(["run", "digits", &array.display().to_string(), "--json"]);
    assert_eq!(finished.json()["reading"], "an array of float32, quantized with scale 0.003921569 and zero point -128");
    assert!(finished.stderr.contains("x.npy: 1 of 64 floats (0.5 to 2) lie outside"), "{}", finished.stderr);
}

#[test]
fn dump_holds_every_tensor_and_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("new/dump");
    let finished = verinfer(["run", "digits", "sample:3", "--dump", &dump.display().to_string()]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    let index: Value = serde_json::from_slice(&fs::read(dump.join("index.json")).unwrap()).unwrap();
    let tensors = index["tensors"].as_array().unwrap();
    for tensor in tensors {
        let bytes = fs::read(dump.join(tensor["file"].as_str().unwrap())).unwrap();
        let sides = tensor["shape"].as_array().unwrap();
        let elements: u64 = sides.iter().map(|side| side.as_u64().unwrap()).product();
        assert!(bytes.starts_with(b"\x93NUMPY"));
        assert_eq!((bytes.len() as u64 - elements) % 64, 0);
    }
    // Nothing else, in particular no temporary files.
    assert_eq!(fs::read_dir(&dump).unwrap().count(), tensors.len() + 1);

    let output = &tensors[index["output"].as_u64().unwrap() as usize];
    let bytes = fs::read(dump.join(output["file"].as_str().unwrap())).unwrap();
    let logits: Vec<i16> = bytes[bytes.len() - 10..].iter().map(|&byte| i16::from(byte.cast_signed())).collect();
    assert_eq!(logits, LOGITS_OF_3);
}

#[test]
fn dumped_input_gives_the_same_output() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().display().to_string();
    verinfer(["run", "digits", "sample:3", "--dump", &dump]);
    let index: Value = serde_json::from_slice(&fs::read(folder.path().join("index.json")).unwrap()).unwrap();
    let input = &index["tensors"][index["input"].as_u64().unwrap() as usize];
    let array = folder.path().join(input["file"].as_str().unwrap()).display().to_string();
    assert_eq!(verinfer(["run", "digits", &array, "--json"]).json()["output"], json!(LOGITS_OF_3));
}

#[test]
fn missing_files_are_errors_that_name_them() {
    verinfer(["run", "missing.tflite", "sample"]).assert_error("cannot read missing.tflite");
    verinfer(["run", "digits", "missing.png"]).assert_error("cannot read missing.png");
    verinfer(["run", "digits", "sample", "--labels", "missing.txt"]).assert_error("cannot read missing.txt");
}

#[test]
fn folders_in_place_of_files_are_errors() {
    let folder = repository("models");
    verinfer(["run", &folder, "sample"]).assert_error("cannot read");
    verinfer(["run", "digits", &folder]).assert_error("cannot read");
}

#[test]
fn samples_that_do_not_exist_are_errors() {
    verinfer(["run", "digits", "sample:10"]).assert_error("digits has the samples 0 to 9, not 10");
    verinfer(["run", "digits", "sample:x"]).assert_error("\"x\" is not the number of a sample");
}

#[test]
fn files_that_are_no_model_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.tflite");
    let name = path.display().to_string();
    for bytes in [&b""[..], b"hello, world, this is no model", &[0xff; 4096]] {
        fs::write(&path, bytes).unwrap();
        verinfer(["run", &name, "sample"]).assert_error(&format!("cannot import {name}: "));
    }
}

#[test]
fn cut_models_are_errors() {
    let model = fs::read(repository("models/digits/digits_int8.tflite")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.tflite");
    for length in [8, 100, 1000, model.len() / 2, model.len() - 1] {
        fs::write(&path, &model[..length]).unwrap();
        let name = path.display().to_string();
        verinfer(["run", &name, "sample"]).assert_error(&format!("cannot import {name}: "));
    }
}

#[test]
fn files_that_are_no_image_are_errors() {
    let labels = repository("models/digits/labels.txt");
    verinfer(["run", "digits", &labels]).assert_error(&format!("cannot use {labels}: "));
}

#[test]
fn unsupported_models_are_errors_that_say_why() {
    let model = repository("crates/cli/tests/data/float_cumsum.tflite");
    verinfer(["run", &model, "sample"]).assert_error("FLOAT32");
}

#[test]
fn images_of_another_size_are_fitted_only_when_asked_for() {
    let image = repository("crates/cli/tests/data/five_20x16.png");
    verinfer(["run", "digits", &image]).assert_error("the picture is 20 x 16, the network's input 8 x 8");
    for how in ["stretch", "center-crop"] {
        let finished = verinfer(["run", "digits", &image, "--resize", how, "--json"]);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(finished.json()["top"][0]["class"], 5, "{how}");
    }
    verinfer(["run", "digits", &image, "--resize", "guess"]).assert_error("invalid value 'guess'");
}

#[test]
fn arrays_of_another_length_are_errors() {
    let array = repository("crates/cli/tests/data/int8_10.npy");
    verinfer(["run", "digits", &array]).assert_error("the array has 10 elements, expected 64");
}

#[test]
fn cut_images_are_errors() {
    let image = fs::read(repository("crates/cli/tests/data/five_20x16.png")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.png");
    for length in [0, 7, 20, image.len() / 2] {
        fs::write(&path, &image[..length]).unwrap();
        let name = path.display().to_string();
        verinfer(["run", "digits", &name, "--resize", "stretch"]).assert_error(&format!("cannot use {name}: "));
    }
}
