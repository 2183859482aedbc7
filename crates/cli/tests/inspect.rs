//! `verinfer inspect`.

use serde_json::{Value, json};

use crate::common::{repository, verinfer};

mod common;

#[test]
fn counts_of_the_embedded_model_are_those_of_its_architecture() {
    let finished = verinfer(["inspect", "digits", "--json"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let report = finished.json();
    assert_eq!(report["supported"], true);
    assert_eq!(report["problems"].as_array().unwrap().len(), 0);
    let names: Vec<_> = report["operators"].as_array().unwrap().iter().map(|operator| operator["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 15);
    for name in ["CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MAX_POOL_2D", "AVERAGE_POOL_2D", "FULLY_CONNECTED"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert_eq!(report["operators"][14]["name"], "SOFTMAX");
    assert_eq!(report["operators"][14]["status"], "edge");

    let graph = &report["graph"];
    assert_eq!(graph["input"]["shape"], json!([8, 8, 1]));
    assert_eq!(graph["input"]["zero_point"], -128);
    assert_eq!(graph["output"]["shape"], json!([1, 1, 10]));
    assert_eq!(graph["parameters"], 13_002);
    assert_eq!(graph["macs"], 284_928);
    assert_eq!(graph["activations"], 13_194);
    assert_eq!(graph["digest"].as_str().unwrap().len(), 64);
    assert_eq!(graph["proof"]["cells"]["activations"], 13_194);
    assert_eq!(graph["unprovable"], Value::Null);
    let nodes = graph["nodes"].as_array().unwrap();
    let sum: u64 = nodes.iter().map(|node| node["macs"].as_u64().unwrap()).sum();
    assert_eq!(sum, 284_928);
}

#[test]
fn text_lists_the_operators_and_what_is_left_out() {
    let finished = verinfer(["inspect", "digits"]);
    assert_eq!(finished.code, Some(0));
    assert!(finished.stdout.contains("left out      SOFTMAX #14 (edge)\n"), "{}", finished.stdout);
    assert!(finished.stdout.contains("DEPTHWISE_CONV_2D #2"), "{}", finished.stdout);
}

#[test]
fn the_same_model_has_the_same_digest() {
    let path = repository("models/digits/digits_int8.tflite");
    let embedded = verinfer(["inspect", "digits", "--json"]).json();
    assert_eq!(embedded["graph"]["digest"], verinfer(["inspect", &path, "--json"]).json()["graph"]["digest"]);
}

#[test]
fn synthetic_mobilenet_has_the_counts_of_the_architecture() {
    let finished = verinfer(["inspect", "--synthetic", "mobilenet_v2", "--width", "0.35", "--resolution", "96", "--json"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let report = finished.json();
    assert_eq!(report["graph"]["input"]["shape"], json!([96, 96, 3]));
    assert_eq!(report["graph"]["activations"], 543_216);
    assert_eq!(report["graph"]["parameters"], 1_670_088);
}

#[test]
fn synthetic_networks_of_one_architecture_differ_only_in_what_is_learned() {
    let inspect = |seed| verinfer(["inspect", "--synthetic", "lenet", "--seed", seed, "--json"]).json()["graph"].clone();
    let [first, second] = ["1", "2"].map(inspect);
    assert_eq!(first["parameters"], 8_790);
    assert_ne!(first["digest"], second["digest"]);
    assert_eq!(inspect("1")["digest"], first["digest"]);
}

#[test]
fn model_and_synthetic_network_exclude_each_other() {
    verinfer(["inspect", "digits", "--synthetic", "lenet"]).assert_error("cannot be used with");
    verinfer(["inspect", "--synthetic", "resnet"]).assert_error("invalid value 'resnet'");
}

#[test]
fn sizes_that_no_network_can_have_are_errors() {
    for [option, value] in [["--width", "0"], ["--width", "NaN"], ["--resolution", "0"], ["--classes", "0"]] {
        verinfer(["inspect", "--synthetic", "mobilenet_v2", option, value]).assert_error(value);
    }
}

#[test]
fn unsupported_models_are_rejected_with_every_reason_and_its_place() {
    let path = repository("crates/cli/tests/data/float_cumsum.tflite");
    let finished = verinfer(["inspect", &path, "--json"]);
    assert_eq!(finished.code, Some(1), "{}{}", finished.stdout, finished.stderr);
    let report = finished.json();
    assert_eq!(report["supported"], false);
    assert_eq!(report["graph"], Value::Null);
    let statuses: Vec<_> = report["operators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|operator| (operator["name"].as_str().unwrap(), operator["status"].as_str().unwrap()))
        .collect();
    assert_eq!(statuses, [("RELU", "unsupported"), ("CUMSUM", "unsupported")]);
    for place in ["RELU #0: ", "CUMSUM #1: "] {
        let problems = report["problems"].as_array().unwrap();
        assert!(problems.iter().any(|problem| problem.as_str().unwrap().starts_with(place)), "{problems:?}");
    }

    let text = verinfer(["inspect", &path]);
    assert_eq!(text.code, Some(1));
    assert!(text.stdout.contains("NOT SUPPORTED"), "{}", text.stdout);
}

#[test]
fn files_that_are_no_model_are_errors() {
    let labels = repository("models/digits/labels.txt");
    verinfer(["inspect", &labels]).assert_error(&format!("cannot read {labels}: "));
    verinfer(["inspect", "missing.tflite"]).assert_error("cannot read missing.tflite");
}
