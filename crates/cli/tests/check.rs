//! `verinfer check`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{repository, verinfer};

mod common;

/// What TFLite's reference kernels compute for `digits` on `sample:3`.
fn golden() -> String {
    repository("crates/cli/tests/data/digits_sample_3")
}

#[test]
fn every_constraint_of_an_execution_holds() {
    let finished = verinfer(["check", "digits", "sample:3", "--json"]);
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    let report = finished.json();
    assert_eq!(report["holds"], true);
    assert_eq!(report["error"], Value::Null);
    assert_eq!(report["constraints"]["outputs"], 10);
    assert!(report["constraints"]["lookups"].as_array().unwrap().iter().all(|table| table["lookups"].as_u64().unwrap() > 0));
    let text = verinfer(["check", "digits", "sample:3"]);
    assert!(text.stdout.contains("every constraint holds"), "{}", text.stdout);
}

#[test]
fn every_changed_cell_is_found() {
    let cells = verinfer(["check", "digits", "sample:3", "--json"]).json()["cells"].as_u64().unwrap();
    let mut kinds = Vec::new();
    for step in 0..25 {
        let cell = ((cells - 1) * step / 24).to_string();
        let finished = verinfer(["check", "digits", "sample:3", "--spoil", &cell, "--json"]);
        let error = finished.json()["error"].clone();
        if finished.code == Some(2) {
            assert!(error["message"].as_str().unwrap().contains("no constraint binds it"), "{error}");
            continue;
        }
        assert_eq!(finished.code, Some(1), "cell {cell}: {}{}", finished.stdout, finished.stderr);
        if let Some(place) = error["at"].as_str() {
            assert!(place.starts_with("node "), "{place}");
            assert!(error["message"].as_str().unwrap().starts_with(place), "{error}");
        }
        kinds.push(error["kind"].as_str().unwrap().to_string());
    }
    assert!(kinds.len() > 10, "{kinds:?}");
    for kind in ["multiplicity", "not_in_table"] {
        assert!(kinds.iter().any(|found| found == kind), "{kinds:?}");
    }
    verinfer(["check", "digits", "sample", "--spoil", &cells.to_string()]).assert_error("there is no cell");
}

#[test]
fn every_tensor_equals_the_reference() {
    let finished = verinfer(["check", "digits", "sample:3", "--golden", &golden(), "--json"]);
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    let report = finished.json();
    assert_eq!(report["equal"], true);
    assert_eq!(report["different_elements"], 0);
    // The input and 14 operators; the closing SOFTMAX is not part of the graph.
    assert_eq!(report["compared_tensors"], 15);
    assert_eq!(report["tensors"].as_array().unwrap().len(), 16);
    assert_eq!(report["tensors"][15]["name"], "SOFTMAX");
    assert_eq!(report["tensors"][15]["difference"], Value::Null);
}

#[test]
fn input_is_taken_from_the_trace_where_none_is_named() {
    let finished = verinfer(["check", "digits", "--golden", &golden()]);
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    assert!(finished.stdout.lines().last().unwrap().starts_with("equal: 0 of "));
}

#[test]
fn another_input_is_rejected() {
    let finished = verinfer(["check", "digits", "sample:4", "--golden", &golden(), "--json"]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let report = finished.json();
    assert_eq!(report["equal"], false);
    assert!(report["tensors"][0]["difference"]["different"].as_u64().unwrap() > 0);
}

#[test]
fn one_changed_byte_is_found_where_it_is() {
    let folder = copy_of_golden();
    let description: Value = serde_json::from_slice(&fs::read(folder.path().join("trace.json")).unwrap()).unwrap();
    let add = description["tensors"].as_array().unwrap().iter().position(|tensor| tensor["op"] == 4).unwrap();
    let offset = description["tensors"][add]["offset"].as_u64().unwrap() as usize;
    let path = folder.path().join("trace.bin");
    let mut bytes = fs::read(&path).unwrap();
    let ours = i16::from(bytes[offset + 7].cast_signed());
    bytes[offset + 7] ^= 1;
    let reference = i16::from(bytes[offset + 7].cast_signed());
    fs::write(&path, bytes).unwrap();

    let finished = verinfer(["check", "digits", "--golden", &name(folder.path()), "--json"]);
    assert_eq!(finished.code, Some(1));
    let report = finished.json();
    assert_eq!(report["different_elements"], 1);
    let difference = &report["tensors"][add]["difference"];
    assert_eq!(difference["different"], 1);
    assert_eq!(difference["largest"], 1);
    assert_eq!(difference["first"], json!([7, reference, ours]));
}

#[test]
fn damaged_traces_are_errors() {
    let folder = copy_of_golden();
    let check = || verinfer(["check", "digits", "--golden", &name(folder.path())]);

    let bin = folder.path().join("trace.bin");
    let bytes = fs::read(&bin).unwrap();
    fs::write(&bin, &bytes[..bytes.len() - 1]).unwrap();
    check().assert_error("trace.bin do not agree");

    fs::remove_file(&bin).unwrap();
    check().assert_error("cannot read");

    fs::write(folder.path().join("trace.json"), "{}").unwrap();
    check().assert_error("trace.json is not a reference trace");
}

#[test]
fn traces_of_other_models_are_errors() {
    let folder = copy_of_golden();
    let path = folder.path().join("trace.json");
    let mut description: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();

    description["tensors"][1]["bytes"] = json!(17);
    fs::write(&path, description.to_string()).unwrap();
    verinfer(["check", "digits", "--golden", &name(folder.path())]).assert_error("is not a trace of digits: tensor");

    for (index, tensor) in description["tensors"].as_array_mut().unwrap().iter_mut().enumerate() {
        tensor["tensor"] = json!(1000 + index);
    }
    fs::write(&path, description.to_string()).unwrap();
    verinfer(["check", "digits", "--golden", &name(folder.path())]).assert_error("have no tensor in common");
}

fn copy_of_golden() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["trace.json", "trace.bin"] {
        fs::copy(Path::new(&golden()).join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
