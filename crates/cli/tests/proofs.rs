//! `verinfer prove` and `verinfer verify`.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Finished, repository, verinfer, verinfer_with};

mod common;

/// Output of TFLite's reference kernels for `sample:3`, before the softmax.
const LOGITS_OF_3: [i16; 10] = [-93, -56, -62, 89, -86, -24, -57, -43, -40, -28];

/// Where the number of images is: after magic string, version, level and context.
const IMAGES: usize = 16 + CONTEXT.len();

/// Where the input's tensor begins: after the network's and the input's form.
const INPUT: usize = IMAGES + 4 + 33 + 1;

/// Where the body starts: after the two tensors (13 bytes and their elements), the output's form and the length.
const BODY: usize = INPUT + (13 + 64) + 1 + (13 + 10) + 4;

const CONTEXT: &str = "for tests";

/// A proof about `sample:3` for [`CONTEXT`].
fn proof() -> &'static [u8] {
    static PROOF: OnceLock<Vec<u8>> = OnceLock::new();
    PROOF.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = text(&folder.path().join("proof.vinf"));
        let proved = verinfer(["prove", "digits", "sample:3", "--out", &path, "--context", CONTEXT]);
        assert_eq!(proved.code, Some(0), "{}", proved.stderr);
        fs::read(path).unwrap()
    })
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A file of these bytes, in a folder that must be kept.
fn file(bytes: &[u8]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proof.vinf");
    fs::write(&path, bytes).unwrap();
    (folder, text(&path))
}

/// Verifies these bytes for the model and context they were made for.
fn verify(bytes: &[u8]) -> Finished {
    let (_folder, path) = file(bytes);
    verinfer(["verify", &path, "--model", "digits", "--context", CONTEXT, "--json"])
}

fn assert_rejected(finished: &Finished, kind: &str) {
    assert_eq!(finished.code, Some(1), "{}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.stderr, "");
    let report = finished.json();
    assert_eq!(report["accepted"], false);
    assert_eq!(report["error"]["kind"], kind, "{report}");
    assert_ne!(report["error"]["message"], "");
    assert_eq!(report["statement"], Value::Null);
}

fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = proof().to_vec();
    change(&mut bytes);
    bytes
}

#[test]
fn how_images_became_inputs_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| text(&folder.path().join(name));
    let proved = verinfer(["prove", "digits", "sample:3", "--out", &path("proof.vinf"), "--pixels", "0..1", "--json"]).json();
    let unit = "pixels 0..1: quantized with scale 0.003921569 and zero point -128";
    assert_eq!(proved["readings"], json!([unit]));
    let verify = ["verify", &path("proof.vinf"), "--model", "digits", "--input", "sample:3"];
    let raw = "pixels raw by default: each byte less 128";
    assert!(verinfer(verify).stdout.contains(&format!("(the one given)\n  read      {raw}\n")));
    let report = verinfer_with(&[&verify[..], &["--pixels", "0..1", "--json"]].concat()).json();
    assert_eq!(report["statement"]["readings"], json!([unit]));
    let (public, secret) = (path("x.vcm"), path("x.vsk"));
    let commit = ["commit", "digits", "--input", "sample:3", "--public", &public, "--secret", &secret, "--json"];
    assert_eq!(verinfer(commit).json()["reading"], raw);
}

#[test]
fn what_is_proved_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = text(&folder.path().join("proof.vinf"));
    let proved = verinfer(["prove", "digits", "sample:3", "--out", &path, "--json"]);
    assert_eq!(proved.code, Some(0), "{}", proved.stderr);
    let report = proved.json();
    assert_eq!(report["output"], json!(LOGITS_OF_3));
    assert_eq!(report["top"][0]["label"], "3");
    assert_eq!(report["top"].as_array().unwrap().len(), 5);
    assert_eq!(report["proof_bytes"], fs::metadata(&path).unwrap().len());
    let phases: Vec<_> = report["phases"].as_array().unwrap().iter().map(|phase| phase["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["witness", "commit", "lookups", "linear layers", "combine", "open"]);
    // Nothing but the proof, in particular no temporary files.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let verified = verinfer(["verify", &path, "--model", "digits", "--input", "sample:3", "--json"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    let report = verified.json();
    assert_eq!(report["accepted"], true);
    assert_eq!(report["error"], Value::Null);
    let statement = &report["statement"];
    assert_eq!(statement["output"], json!(LOGITS_OF_3));
    assert_eq!(statement["input"]["shape"], json!([8, 8, 1]));
    assert_eq!(statement["input_compared"], true);
    assert_eq!(statement["context"], "");
    assert_eq!(statement["security_level"], 128);
    assert!(statement["security_bits"].as_f64().unwrap() >= 128.0);
    let inspected = verinfer(["inspect", "digits", "--json"]).json();
    assert_eq!(statement["network_digest"], inspected["graph"]["digest"]);
}

#[test]
fn several_images_are_proved_and_verified_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = text(&folder.path().join("proof.vinf"));
    let proved = verinfer(["prove", "digits", "sample:5", "sample:3", "sample", "--out", &path, "--json"]);
    assert_eq!(proved.code, Some(0), "{}", proved.stderr);
    let images = |report: &Value| -> Vec<Value> { report["images"].as_array().unwrap().clone() };
    let labels: Vec<_> = images(&proved.json()).iter().map(|image| image["top"][0]["label"].as_str().unwrap().to_string()).collect();
    assert_eq!(labels, ["5", "3", "0"]);
    assert_eq!(images(&proved.json())[1]["image"], "sample:3");
    assert_eq!(images(&proved.json())[1]["output"], json!(LOGITS_OF_3));

    let verify = |inputs: &[&str]| {
        let arguments = [&["verify", &path, "--model", "digits", "--json"], inputs].concat();
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_verinfer")).args(arguments).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = verify(&["--input", "sample:5", "sample:3", "sample"]);
    assert_eq!(report["accepted"], true, "{report}");
    assert_eq!(report["statement"]["input"]["shape"], json!([8, 8, 1]));
    assert_eq!(report["statement"]["input_compared"], true);
    assert_eq!(images(&report["statement"]), images(&proved.json()));
    // Without the images the statement says how many there are.
    assert_eq!(images(&verify(&[])["statement"]).len(), 3);
    for (inputs, kind) in [
        (&["--input", "sample:3", "sample:5", "sample"][..], "wrong_input"),
        (&["--input", "sample:5", "sample:3"], "input_length"),
        (&["--input", "sample:5"], "input_length"),
    ] {
        assert_eq!(verify(inputs)["error"]["kind"], kind, "{inputs:?}");
    }
    let shown = verinfer(["verify", &path, "--model", "digits"]);
    for part in ["on each of these 3 inputs, gives its output", "image 0\n", "image 2\n"] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let attacked = verinfer(["attack", &path, "--model", "digits", "--per-step", "1", "--json"]);
    assert_eq!(attacked.code, Some(0), "{}{}", attacked.stdout, attacked.stderr);
}

#[test]
fn text_says_what_is_proved_and_what_is_not() {
    let (_folder, path) = file(proof());
    let proved = verinfer(["verify", &path, "--model", "digits", "--context", CONTEXT]);
    assert_eq!(proved.code, Some(0));
    for part in
        ["ACCEPTED", "context   \"for tests\"", "The proof does not say:", "input, output and weights are part of the statement", "--input"]
    {
        assert!(proved.stdout.contains(part), "{part}: {}", proved.stdout);
    }
    let rejected = verinfer(["verify", &path, "--model", "digits"]);
    assert_eq!(rejected.code, Some(1));
    assert!(rejected.stdout.starts_with("REJECTED"), "{}", rejected.stdout);
    assert!(!rejected.stdout.contains("The proof says"), "{}", rejected.stdout);
}

#[test]
fn another_input_is_rejected() {
    let (_folder, path) = file(proof());
    let finished = verinfer(["verify", &path, "--model", "digits", "--context", CONTEXT, "--input", "sample:4", "--json"]);
    assert_rejected(&finished, "wrong_input");
}

#[test]
fn another_model_is_rejected() {
    let (_folder, path) = file(proof());
    // One weight of the same architecture differs.
    let mut model = fs::read(repository("models/digits/digits_int8.tflite")).unwrap();
    let original = verinfer(["inspect", "digits", "--json"]).json();
    let other = (0..model.len()).rev().find_map(|offset| {
        model[offset] ^= 1;
        let (folder, path) = file(&model);
        model[offset] ^= 1;
        let inspected = verinfer(["inspect", &path, "--json"]);
        let graph = (inspected.code == Some(0)).then(|| inspected.json()["graph"].clone())?;
        let same_shape = graph["architecture_digest"] == original["graph"]["architecture_digest"];
        (same_shape && graph["digest"] != original["graph"]["digest"]).then_some((folder, path))
    });
    let (_other_folder, other) = other.unwrap();
    let finished = verinfer(["verify", &path, "--model", &other, "--context", CONTEXT, "--json"]);
    assert_rejected(&finished, "wrong_network");
}

#[test]
fn another_context_is_rejected() {
    let (_folder, path) = file(proof());
    for context in ["", "for Tests", "for tests "] {
        let finished = verinfer(["verify", &path, "--model", "digits", "--context", context, "--json"]);
        assert_rejected(&finished, "wrong_context");
    }
}

#[test]
fn tampered_files_are_rejected() {
    assert_eq!(verify(proof()).code, Some(0));
    let cases = [
        ("magic", 0, "not_a_proof"),
        ("version", 8, "unsupported_version"),
        ("level", 10, "insecure_parameters"),
        ("context", 16, "wrong_context"),
        ("number of images", IMAGES, "no_images"),
        ("network", IMAGES + 5, "wrong_network"),
        ("type of the input", INPUT + 12, "input_shape"),
        ("first message", BODY, "grinding"),
    ];
    for (field, offset, kind) in cases {
        println!("{field}");
        assert_rejected(&verify(&changed(|bytes| bytes[offset] ^= 1)), kind);
    }
    for form in [IMAGES + 4, INPUT - 1, INPUT + 13 + 64] {
        assert_rejected(&verify(&changed(|bytes| bytes[form] ^= 0x80)), "unknown_form");
    }
}

#[test]
fn tampered_messages_are_rejected() {
    for step in 0..40 {
        let offset = BODY + (proof().len() - BODY - 1) * step / 39;
        let finished = verify(&changed(|bytes| bytes[offset] ^= 0x10));
        assert_eq!(finished.code, Some(1), "byte {offset}: {}", finished.stdout);
    }
}

#[test]
fn another_output_is_rejected() {
    let last_logit = BODY - 5;
    assert_eq!(proof()[last_logit].cast_signed(), -28);
    let finished = verify(&changed(|bytes| bytes[last_logit] = 127));
    assert_eq!(finished.code, Some(1));
}

#[test]
fn cut_and_extended_files_are_rejected() {
    for length in [0, 7, 8, 40, 60, 130, BODY - 1, BODY, proof().len() / 2, proof().len() - 1] {
        let finished = verify(&proof()[..length]);
        assert_rejected(&finished, if length == 0 { "not_a_proof" } else { "truncated_file" });
    }
    assert_rejected(&verify(&changed(|bytes| bytes.push(0))), "trailing_bytes");
}

#[test]
fn files_that_are_no_proof_are_rejected() {
    assert_rejected(&verify(b"hello, world"), "not_a_proof");
    assert_rejected(&verify(&[0xff; 100_000]), "not_a_proof");
    assert_rejected(&verify(&[&b"VERINFER"[..], &[0xff; 1000]].concat()), "unsupported_version");
    assert_rejected(&verify(&[&b"VERINFER\x05\0"[..], &[0xff; 1000]].concat()), "context_too_long");
}

#[test]
fn proofs_of_a_lower_level_are_accepted_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = text(&folder.path().join("proof.vinf"));
    let proved = verinfer(["prove", "digits", "sample", "--out", &path, "--security", "96", "--json"]);
    assert_eq!(proved.code, Some(0), "{}", proved.stderr);
    assert!(proved.json()["proof_bytes"].as_u64().unwrap() < proof().len() as u64);
    assert_rejected(&verinfer(["verify", &path, "--model", "digits", "--json"]), "insecure_parameters");
    let accepted = verinfer(["verify", &path, "--model", "digits", "--security", "96", "--json"]);
    assert_eq!(accepted.code, Some(0), "{}", accepted.stdout);
    // The level is part of what is proved: raising it in the file does not help.
    let mut bytes = fs::read(&path).unwrap();
    bytes[10] = 128;
    fs::write(&path, bytes).unwrap();
    assert_eq!(verinfer(["verify", &path, "--model", "digits", "--json"]).code, Some(1));
    assert_eq!(verinfer(["verify", &path, "--model", "digits", "--security", "96", "--json"]).code, Some(1));
}

#[test]
fn levels_out_of_range_are_errors() {
    verinfer(["prove", "digits", "sample", "--out", "unused", "--security", "129"]).assert_error("129 is not in 32..=128");
    verinfer(["verify", "unused", "--model", "digits", "--security", "0"]).assert_error("0 is not in 32..=128");
}

#[test]
fn places_that_cannot_be_written_are_errors_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let missing = text(&folder.path().join("missing/proof.vinf"));
    verinfer(["prove", "digits", "sample", "--out", &missing]).assert_error(&format!("cannot write {missing}: "));
    verinfer(["prove", "digits", "sample", "--out", &text(folder.path())]).assert_error("it is a folder");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn killed_provers_leave_nothing_under_the_name() {
    use std::process::{Command, Stdio};
    use std::time::Duration;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proof.vinf");
    for delay in [0, 1, 5, 10, 20, 40, 80] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_verinfer"))
            .args(["prove", "digits", "sample", "--out", &text(&path)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        // The proof is there as a whole or not at all.
        if path.exists() {
            let verified = verinfer(["verify", &text(&path), "--model", "digits"]);
            assert_eq!(verified.code, Some(0), "after {delay} ms: {}", verified.stdout);
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn failed_proofs_leave_an_older_file_as_it_was() {
    let (_folder, path) = file(b"older");
    verinfer(["prove", "digits", "missing.png", "--out", &path]).assert_error("cannot read missing.png");
    let context = "x".repeat((1 << 16) + 1);
    verinfer(["prove", "digits", "sample", "--out", &path, "--context", &context]).assert_error("the context has 65537 bytes");
    assert_eq!(fs::read(path).unwrap(), b"older");
}

#[test]
fn missing_files_are_errors() {
    verinfer(["verify", "missing.vinf", "--model", "digits"]).assert_error("cannot read missing.vinf");
    let (_folder, path) = file(proof());
    verinfer(["verify", &path, "--model", "missing.tflite"]).assert_error("cannot read missing.tflite");
    verinfer(["verify", &path, "--model", "digits", "--input", "missing.png"]).assert_error("cannot read missing.png");
    verinfer(["verify", &path]).assert_error("--model");
    verinfer(["prove", "digits", "sample"]).assert_error("--out");
}
