//! `verinfer security`, `verinfer bench` and the estimates of `verinfer inspect`.

use crate::common::verinfer;

mod common;

#[test]
fn security_lists_every_term_and_their_sum() {
    let finished = verinfer(["security", "digits", "--json"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let report = finished.json();
    let terms = report["terms"].as_array().unwrap();
    let bits = |term: &serde_json::Value| term["bits"].as_f64().unwrap();
    let error: f64 = terms.iter().map(|term| (-bits(term)).exp2()).sum();
    let argument = report["argument_bits"].as_f64().unwrap();
    assert!((-error.log2() - argument).abs() < 1e-6);
    // By either theorem on lines.
    let second = report["second_theorem_bits"].as_f64().unwrap();
    assert!(second >= 128.0 && second < argument);
    let total = argument.min(report["hash_bits"].as_f64().unwrap());
    assert!((bits(&report) - total).abs() < 1e-6);
    assert!(total >= 128.0);
    let weakest = terms.iter().map(bits).fold(f64::INFINITY, f64::min);
    assert!((bits(&report["weakest"]) - weakest).abs() < 1e-9);
    assert!(!report["assumptions"].as_array().unwrap().is_empty());
    for step in ["2 ", "3 ", "4 ", "5 ", "6 ", "7 "] {
        assert!(terms.iter().any(|term| term["step"].as_str().unwrap().starts_with(step)), "{step}");
    }
}

#[test]
fn security_needs_no_weights_that_mean_anything() {
    let finished = verinfer(["security", "--synthetic", "lenet", "--security", "100"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("the level of 100 bits is reached"), "{}", finished.stdout);
}

#[test]
fn bench_proves_and_verifies_what_it_measures() {
    let finished = verinfer(["bench", "digits", "--synthetic", "lenet", "--runs", "1", "--json"]);
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    let report = finished.json();
    assert_eq!(report["accepted"], true);
    let models = report["models"].as_array().unwrap();
    assert_eq!(models.len(), 2);
    for (model, name) in models.iter().zip(["digits", "synthetic lenet, seed 0"]) {
        assert_eq!(model["model"], name);
        assert_eq!(model["verifier"]["accepted"], true);
        assert_eq!(model["prover"]["phases"].as_array().unwrap().len(), 6);
        let cells = &model["prover"]["cells"];
        let count = |name: &str| cells[name].as_u64().unwrap();
        assert_eq!(count("used") + count("masks") + count("padding"), count("committed"));
        assert_eq!(count("committed").next_power_of_two(), 1 << count("log_length"));
        // Less than a block of as many rows as hold masks, but for the smallest vectors.
        assert!(count("padding") < count("masks"));
        assert!(model["prover"]["seconds"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn bench_of_a_batch_prints_the_costs_of_an_image() {
    let finished = verinfer(["bench", "digits", "--runs", "1", "--batch", "3"]);
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    for part in ["3 images in each proof", "39,582", "accepted", "for each image"] {
        assert!(finished.stdout.contains(part), "{part}: {}", finished.stdout);
    }
}

#[test]
fn proofs_have_the_predicted_size() {
    for arguments in [&["digits"][..], &["--synthetic=lenet"], &["--synthetic=mobilenet_v2", "--resolution=32", "--classes=10"]] {
        let run = |command: &str, more: &[&str]| {
            let all = [&[command, "--json"], more, arguments].concat();
            let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_verinfer")).args(all).output().unwrap();
            serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
        };
        let estimate = run("inspect", &[])["graph"]["proof"].clone();
        let measured = run("bench", &["--runs=1"])["models"][0]["prover"].clone();
        for count in ["activations", "used", "committed", "padding", "log_length"] {
            assert_eq!(estimate["cells"][count], measured["cells"][count], "{arguments:?}");
        }
        let ratio = estimate["proof_bytes"].as_f64().unwrap() / measured["proof_bytes"].as_f64().unwrap();
        assert!((0.98..=1.02).contains(&ratio), "{arguments:?}: {ratio}");
    }
}

#[test]
fn models_that_cannot_be_read_are_errors() {
    verinfer(["bench", "missing.tflite"]).assert_error("cannot read missing.tflite");
    verinfer(["security", "missing.tflite"]).assert_error("cannot read missing.tflite");
}
