//! Real models of many repositories: `run` gives TFLite's outputs, and each model that `inspect` accepts is proved and verified in all four settings.
//!
//! The gate takes the small ones; `VERINFER_ZOO=all cargo test -p verinfer-cli --test zoo -- --nocapture` takes all.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use sha2::{Digest, Sha256};
use verinfer_graph::DataType;
use verinfer_import::{Closing, Model, import_tflite};

#[path = "../common/mod.rs"]
mod common;
mod softmax;

use common::verinfer_with;

/// Cells of a public proof, up to which a model is proved in the gate.
const FEW_CELLS: u64 = 250_000;

/// What became of a model.
struct Row {
    name: String,
    cells: u64,
    equal: usize,
    proved: usize,
}

#[test]
fn every_accepted_model_runs_as_tflite_and_is_proved_in_all_four_settings() {
    let Some(root) = common::data() else { return };
    let zoo = root.join("zoo");
    let index: Value = serde_json::from_slice(&std::fs::read(zoo.join("zoo.json")).unwrap()).unwrap();
    let all = std::env::var_os("VERINFER_ZOO").is_some_and(|wanted| wanted == "all");
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for entry in index.as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let path = zoo.join("models").join(name);
        let inspected = verinfer_with(&["inspect", path.to_str().unwrap(), "--json"]);
        let report: Value = serde_json::from_str(&inspected.stdout).unwrap_or(Value::Null);
        if report["supported"] != true {
            if report["graph"].is_object() {
                faults.push(format!("{name}: imported, but {}", report["problems"]));
            }
            continue;
        }
        let cells = report["graph"]["proof"]["cells"]["used"].as_u64().unwrap();
        let mut row = Row { name: name.to_string(), cells, equal: 0, proved: 0 };
        let folder = tempfile::tempdir().unwrap();
        let model = import_tflite(&std::fs::read(&path).unwrap()).unwrap();
        for run in 0..entry["runs"].as_array().unwrap().len() {
            let input = folder.path().join(format!("input-{run}.npy"));
            std::fs::write(&input, npy(&entry["inputs"][0], run as u64)).unwrap();
            match compare(&model, &path, &input, &entry["runs"][run][0]) {
                Ok(()) => row.equal += 1,
                Err(fault) => faults.push(format!("{name}, run {run}: {fault}")),
            }
        }
        if all || cells <= FEW_CELLS {
            let start = Instant::now();
            let input = folder.path().join("input-0.npy");
            for hide in ["none", "weights", "input", "weights,input"] {
                match prove_and_verify(&path, &input, hide, folder.path()) {
                    Ok(()) => row.proved += 1,
                    Err(fault) => faults.push(format!("{name}, {hide} hidden: {fault}")),
                }
            }
            println!("{name}: {:.1} s", start.elapsed().as_secs_f64());
        }
        rows.push(row);
    }
    for Row { name, cells, equal, proved } in &rows {
        println!("{name:<70} {cells:>10} cells, {equal} runs equal, {proved} settings proved");
    }
    let (runs, proofs): (usize, usize) = (rows.iter().map(|row| row.equal).sum(), rows.iter().map(|row| row.proved).sum());
    println!("{} of {} models accepted, {runs} runs equal, {proofs} proofs verified", rows.len(), index.as_array().unwrap().len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows.len() >= 20 && proofs >= 4 * 8, "hardly a model was tried");
}

/// Element `i` of the input of a run, as the zoo's README says.
fn npy(input: &Value, run: u64) -> Vec<u8> {
    let shape: Vec<u64> = input["shape"].as_array().unwrap().iter().map(|side| side.as_u64().unwrap()).collect();
    let bytes = (1..=shape.iter().product::<u64>()).map(|i| ((i * 2_654_435_761 * (2 * run + 1)) as u32 >> 24) as u8);
    let (descr, data): (&str, Vec<u8>) = match input["dtype"].as_str().unwrap() {
        "uint8" => ("|u1", bytes.collect()),
        "int8" => ("|i1", bytes.map(|byte| byte.wrapping_sub(128)).collect()),
        "float32" => ("<f4", bytes.flat_map(|byte| (f32::from(byte) / 255.0).to_le_bytes()).collect()),
        other => panic!("inputs of type {other} are not accepted"),
    };
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}");
    header.extend(std::iter::repeat_n(' ', 63 - (10 + header.len()) % 64));
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0".as_slice(), &length, header.as_bytes(), &data].concat()
}

/// Demands that `run`, and what the file's closing operators make of its output, equal the reference output.
fn compare(model: &Model, path: &Path, input: &Path, expected: &Value) -> Result<(), String> {
    let finished = verinfer_with(&["run", path.to_str().unwrap(), input.to_str().unwrap(), "--json"]);
    if finished.code != Some(0) {
        return Err(finished.stderr);
    }
    let output: Vec<i32> = serde_json::from_value(finished.json()["output"].clone()).unwrap();
    let bytes = closed(model, output, expected)?;
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if expected["sha256"] == digest.as_str() { Ok(()) } else { Err("another output than the reference's".to_string()) }
}

/// The bytes of the file's output.
fn closed(model: &Model, mut values: Vec<i32>, expected: &Value) -> Result<Vec<u8>, String> {
    let output = &model.output;
    let least = |dtype: DataType| i32::from(dtype.min());
    let (mut scale, mut zero_point, mut dtype) = (output.scale, output.zero_point, output.dtype);
    let mut floats = None;
    for closing in &output.closing {
        match *closing {
            Closing::Softmax { beta, classes } if floats.is_none() => {
                let stored: Vec<i32> = values.iter().map(|value| value - least(dtype)).collect();
                values = softmax::softmax(&stored, classes, beta, scale).iter().map(|p| p + least(dtype)).collect();
                (scale, zero_point) = (1.0 / 256.0, least(dtype));
            }
            Closing::Dequantize => {
                floats = Some(values.iter().map(|value| scale * (value - zero_point) as f32).collect::<Vec<f32>>());
            }
            Closing::Quantize if expected["scale"][0] == 1.0 / 256.0 => {
                let to = if expected["dtype"] == "uint8" { DataType::U8 } else { DataType::I8 };
                values.iter_mut().for_each(|value| *value += least(to) - least(dtype));
                (dtype, zero_point) = (to, least(to));
            }
            Closing::Reshape => {}
            Closing::Softmax { .. } | Closing::LogSoftmax { .. } | Closing::Quantize => {
                return Err(format!("{closing:?} is not compared"));
            }
        }
    }
    Ok(match floats {
        Some(floats) => floats.iter().flat_map(|value| value.to_le_bytes()).collect(),
        None => values.iter().map(|&value| value as u8).collect(),
    })
}

/// Commits to what is hidden, proves and verifies.
fn prove_and_verify(model: &Path, input: &Path, hide: &str, folder: &Path) -> Result<(), String> {
    let text = |path: &Path| path.to_str().unwrap().to_string();
    let (model, input) = (text(model), text(input));
    let file = |name: &str| text(&folder.join(format!("{}-{name}", hide.replace(',', "-"))));
    let run = |arguments: &[&str]| {
        let finished = verinfer_with(arguments);
        if finished.code == Some(0) { Ok(()) } else { Err(format!("{}: {}{}", arguments[0], finished.stdout, finished.stderr)) }
    };
    let (model_public, model_secret, input_public, input_secret) = (file("m.vcm"), file("m.vsk"), file("i.vcm"), file("i.vsk"));
    let proof = file("proof.vinf");
    let mut prove = vec!["prove", &model, &input, "--hide", hide, "--out", &proof, "--json"];
    let mut verify = vec!["verify", &proof, "--json"];
    if hide.contains("weights") {
        run(&["commit", &model, "--public", &model_public, "--secret", &model_secret, "--json"])?;
        prove.extend(["--secret", &model_secret]);
        verify.extend(["--commitment", &model_public]);
    } else {
        verify.extend(["--model", &model]);
    }
    if hide.contains("input") {
        run(&["commit", &model, "--input", &input, "--public", &input_public, "--secret", &input_secret, "--json"])?;
        prove.extend(["--input-secret", &input_secret]);
        verify.extend(["--input-commitment", &input_public]);
    } else if !hide.contains("weights") {
        // Of a hidden model, how floats become its input is not public.
        verify.extend(["--input", &input]);
    }
    run(&prove)?;
    run(&verify)
}
