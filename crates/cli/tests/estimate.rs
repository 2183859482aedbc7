//! `verinfer estimate` and `verinfer prove --max-memory`.

use std::fs;
use std::path::Path;

use crate::common::{Finished, verinfer, verinfer_cached};

mod common;

fn calibrations(cache: &Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(cache.join("verinfer")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn the_machine_is_measured_once_and_again_if_the_calibration_is_damaged() {
    let cache = tempfile::tempdir().unwrap();
    let estimate = || verinfer_cached(&["estimate", "digits", "--hide=weights,input", "--batch=2", "--json"], cache.path());
    let first = estimate();
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let model = first.json()["models"][0].clone();
    assert_eq!(model["hidden"], serde_json::json!(["weights", "input"]));
    for figure in ["seconds", "prover_memory", "proof_bytes"] {
        assert!(model[figure].as_f64().unwrap() > 0.0, "{model}");
    }
    let [path] = calibrations(cache.path()).try_into().unwrap();
    let kept = fs::read(&path).unwrap();
    assert_eq!(estimate().json()["models"][0], model);
    assert_eq!(fs::read(&path).unwrap(), kept);

    fs::write(&path, &kept[..kept.len() / 2]).unwrap();
    let again = estimate();
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stderr.contains("is damaged"), "{}", again.stderr);
    assert!(serde_json::from_slice::<serde_json::Value>(&fs::read(&path).unwrap()).is_ok());
}

#[test]
fn larger_proofs_cost_more() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let synthetic = ["estimate", "--synthetic=mobilenet_v2", "--compare-hidden", "--json"];
    let report = verinfer_cached(&[&synthetic[..], &["--resolution=224"]].concat(), cache).json();
    let [public, weights, input, both] = [0, 1, 2, 3].map(|index| report["models"][index].clone());
    let small = verinfer_cached(&[&synthetic[..], &["--resolution=96"]].concat(), cache).json()["models"][0].clone();
    for figure in ["seconds", "prover_memory"] {
        let of = |model: &serde_json::Value| model[figure].as_f64().unwrap();
        assert!(of(&small) < of(&public) && of(&public) < of(&input) && of(&weights) < of(&both), "{figure}");
    }
}

#[test]
fn predictions_are_compared_with_proofs() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let finished = verinfer_cached(&["estimate", "digits", "--check", "--json"], cache);
    let check = finished.json()["models"][0]["check"].clone();
    // Time is not asserted: the verdict may be either.
    assert_eq!(finished.code, Some(if check["within_tolerance"] == true { 0 } else { 1 }), "{}", finished.stderr);
    assert!(check["proof_bytes_off"].as_f64().unwrap().abs() < 0.05, "{check}");
    assert!(check["measured"]["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn proofs_beyond_the_memory_allowed_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proof.vinf").display().to_string();
    let prove = |size: &str| -> Finished { verinfer(["prove", "digits", "sample", "--out", &path, "--max-memory", size]) };
    prove("5MB").assert_error("of memory, more than the 5.0 MB allowed");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    prove("plenty").assert_error("--max-memory");
    assert_eq!(prove("500MB").code, Some(0));
}
