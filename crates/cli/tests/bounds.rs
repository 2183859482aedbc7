//! What strangers' files may cost: it is known before it is spent.
#![cfg(unix)]

use std::fs::OpenOptions;
use std::path::Path;

use assert_cmd::Command;

use crate::common::{repository, verinfer};

mod common;

/// Kibibytes of address space that a command may take here; the program and its threads take a part of it.
const ADDRESSES: u64 = 700 << 10;

/// Makes a file longer by a gigabyte of zeros that take no room.
fn lengthen(path: &Path) {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() + (1 << 30)).unwrap();
}

/// Runs the command with little memory: exit code, and what it says.
fn capped(arguments: &[&str]) -> (Option<i32>, String) {
    let script = format!("ulimit -v {ADDRESSES}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_verinfer")).args(arguments).env("RAYON_NUM_THREADS", "2");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn files_that_go_on_for_a_gigabyte_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (proof, zeros, model) = (path("proof.vinf"), path("zeros"), path("model.tflite"));
    verinfer(["prove", "digits", "sample", "--security=32", "--out", &proof]).accepted();
    lengthen(Path::new(&proof));
    let (code, text) = capped(&["verify", &proof, "--model=digits", "--security=32", "--json"]);
    assert!(code == Some(1) && text.contains("trailing_bytes") && text.contains("1073741824 bytes follow"), "{text}");
    lengthen(Path::new(&zeros));
    for arguments in [
        ["verify", &zeros, "--model=digits"].as_slice(),
        &["inspect", &zeros],
        &["run", &zeros, "sample"],
        &["run", "digits", &zeros],
        &["run", "digits", "sample", "--labels", &zeros],
        &["verify", "digits", "--commitment", &zeros],
        &["verify", "digits", "--model=digits", "--input-commitment", &zeros],
        &["check", "digits", "--golden", folder.path().to_str().unwrap()],
    ] {
        let (code, text) = capped(arguments);
        assert!(
            [Some(1), Some(2)].contains(&code) && !text.contains("allocat") && !text.contains("emory"),
            "{arguments:?}: {code:?} {text}"
        );
    }
    std::fs::copy(repository("models/digits/digits_int8.tflite"), &model).unwrap();
    lengthen(Path::new(&model));
    let (code, text) = capped(&["inspect", &model]);
    assert!(code == Some(2) && text.contains("is longer than"), "{text}");
}

#[test]
fn a_file_that_is_inspected_is_read_as_far_as_one_of_its_kind_goes() {
    let folder = tempfile::tempdir().unwrap();
    let proof = folder.path().join("proof.vinf").display().to_string();
    verinfer(["prove", "digits", "sample", "--out", &proof]).accepted();
    let len = std::fs::metadata(&proof).unwrap().len();
    let report = verinfer(["inspect", &proof, "--json"]).accepted().json();
    assert!(len > 1 << 16 && report["bytes"] == len, "{report}");
    lengthen(Path::new(&proof));
    let (code, text) = capped(&["inspect", &proof]);
    assert!(code == Some(2) && text.contains("1073741824 bytes follow"), "{text}");
}

#[test]
fn a_proof_that_says_it_is_longer_than_it_can_be_is_rejected_when_its_header_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proof.vinf");
    let proof = path.display().to_string();
    verinfer(["prove", "digits", "sample", "--security=32", "--out", &proof]).accepted();
    let mut bytes = std::fs::read(&path).unwrap();
    // Magic, version, level, length of an empty context, images.
    bytes[16..20].copy_from_slice(&(1u32 << 31).to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    lengthen(&path);
    let (code, text) = capped(&["verify", &proof, "--model=digits", "--security=32", "--json"]);
    assert!(code == Some(1) && text.contains("too_long"), "{text}");
}

#[test]
fn a_model_that_takes_more_work_or_memory_than_allowed_is_not_run() {
    verinfer(["run", "digits", "sample", "--max-work=1000"]).assert_error("--max-work raises the limit");
    verinfer(["check", "digits", "sample", "--max-work=1000"]).assert_error("--max-work raises the limit");
    verinfer(["prove", "digits", "sample", "--out=/nowhere/proof", "--max-work=1000"]).assert_error("--max-work raises the limit");
    verinfer(["run", "digits", "sample", "--max-memory=1kB"]).assert_error("--max-memory raises the limit");
    verinfer(["check", "digits", "sample", "--max-memory=1kB"]).assert_error("--max-memory raises the limit");
    verinfer(["run", "digits", "sample", "--max-work=100000000"]).accepted();
}
