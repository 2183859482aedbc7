//! `verinfer sample-size` as a user sees it.

use std::fs;

use assert_cmd::Command;
use serde_json::Value;

fn verinfer(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("verinfer").unwrap();
    command.arg("sample-size").args(arguments);
    command
}

fn text(arguments: &[&str]) -> String {
    let output = verinfer(arguments).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&text(&[arguments, &["--json"]].concat())).unwrap()
}

fn failure(arguments: &[&str]) -> String {
    let output = verinfer(arguments).assert().code(2).get_output().stderr.clone();
    String::from_utf8(output).unwrap()
}

#[test]
fn tables_of_the_paper_are_reproduced_and_explained() {
    let report = json(&[]);
    let samples = |table: &str, field: &str| report[table].as_array().unwrap().iter().map(|row| row[field].clone()).collect::<Vec<_>>();
    assert_eq!(samples("tampering", "samples"), [59, 119, 299]);
    assert_eq!(samples("tampering", "two_sided"), [72, 146, 368]);
    assert_eq!(samples("accuracy", "exact_one_sided"), [291, 1122, 6864]);
    assert_eq!(samples("accuracy", "hoeffding_one_sided"), [600, 2397, 14979]);
    let paper = |table: &str| report[table].as_array().unwrap().iter().map(|row| row["paper"]["samples"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (paper("tampering"), paper("accuracy")),
        (vec![72.into(), 183.into(), 366.into()], vec![600.into(), 2396.into(), 14979.into()])
    );
    let text = text(&[]);
    for explanation in ["two-sided, for 2 %", "twice 183", "one sample too few", "is 1.0133, 1.0052, 1.0026: more than 1"] {
        assert!(text.contains(explanation), "{explanation} is not in\n{text}");
    }
}

#[test]
fn a_corpus_and_other_demands_have_their_own_rows() {
    let report = json(&["--fraction", "10%,0.5", "--corpus", "100", "--delta", "0.01"]);
    assert_eq!(report["tampering"].as_array().unwrap().len(), 2);
    assert_eq!(report["tampering"][0]["samples"], 44);
    assert_eq!(report["tampering"][0]["of_corpus"], 36);
    assert_eq!(report["tampering"][0]["paper"], Value::Null);
    assert_eq!(report["accuracy"], Value::Array(Vec::new()));
}

#[test]
fn costs_are_those_of_the_stated_or_measured_proof() {
    let stated = json(&["--fraction", "5%", "--seconds-per-proof", "30", "--cores", "2", "--price-per-core-hour", "0.6"]);
    // 59 samples of 60 core-seconds.
    assert!((stated["tampering"][0]["cost"].as_f64().unwrap() - 0.59).abs() < 1e-9);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.json");
    let side = |seconds: f64| serde_json::json!({ "seconds": seconds });
    let model = serde_json::json!({ "model": "m.tflite", "hidden": ["weights"], "prover": side(59.0), "verifier": side(2.0) });
    fs::write(&file, serde_json::json!({ "batch": 2, "threads": 2, "models": [model] }).to_string()).unwrap();
    let measured = json(&["--fraction", "5%", "--measured", file.to_str().unwrap(), "--price-per-core-hour", "0.6"]);
    assert_eq!(measured["price"]["core_seconds"], 60.0);
    assert_eq!(measured["tampering"][0]["cost"], stated["tampering"][0]["cost"]);
    fs::write(&file, serde_json::json!({ "batch": 2, "threads": 2, "models": [] }).to_string()).unwrap();
    assert!(failure(&["--measured", file.to_str().unwrap(), "--price-per-core-hour", "1"]).contains("it has 0 measurements"));
}

#[test]
fn real_measurements_are_read() {
    let bench =
        Command::cargo_bin("verinfer").unwrap().args(["bench", "--runs", "1", "--json"]).assert().success().get_output().stdout.clone();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.json");
    fs::write(&file, bench).unwrap();
    let report = json(&["--measured", file.to_str().unwrap(), "--price-per-core-hour", "0.05"]);
    assert!(report["price"]["core_seconds"].as_f64().unwrap() > 0.0);
    assert!(report["accuracy"][2]["cost"].as_f64().unwrap() > 0.0);
}

#[test]
fn samples_show_bounds() {
    let report = json(&["--samples", "59", "--corpus", "1000"]);
    assert_eq!(report["shows"]["of_corpus_at_most"], 48);
    assert!(report["shows"]["fraction_below"].as_f64().unwrap() < 0.05);
    assert!(text(&["--samples", "600", "--correct", "355"]).contains("at least 55.75 % (Hoeffding: 54.17 %)"));
}

#[test]
fn what_has_no_answer_is_refused_with_the_reason() {
    for (arguments, reason) in [
        (&["--delta", "0"][..], "0 is not between 0 and 1"),
        (&["--fraction", "many"], "neither a fraction like 0.05 nor a percentage"),
        (&["--samples", "0"], "a sample of 0 shows nothing"),
        (&["--samples", "5", "--correct", "6"], "6 of 5 samples"),
        (&["--samples", "5", "--corpus", "4"], "5 different samples cannot be drawn from a corpus of 4"),
        (&["--price-per-core-hour", "1"], "a price needs a time"),
        (&["--seconds-per-proof", "1"], "--price-per-core-hour"),
        (&["--seconds-per-proof=-1", "--price-per-core-hour", "1"], "the time of a proof is -1"),
    ] {
        let message = failure(arguments);
        assert!(message.contains(reason), "{arguments:?}: {message}");
    }
}
