//! `verinfer evaluate`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Finished, repository, verinfer, verinfer_cached};

mod common;

/// Evaluates the built-in model on its samples, with reference outputs in `golden`.
fn evaluate(folder: &Path) -> Finished {
    let path = |name: &str| folder.join(name).display().to_string();
    let samples = repository("models/digits/samples");
    let arguments =
        ["evaluate", "--models", "digits", "--images", &samples, "--runs=1", "--batch=2", "--scaling=17", "--json"].map(str::to_string);
    let more = ["--golden".to_string(), path("golden"), "--out".to_string(), path("report.html")];
    let all: Vec<String> = arguments.into_iter().chain(more).collect();
    verinfer_cached(&all.iter().map(String::as_str).collect::<Vec<_>>(), Path::new(env!("CARGO_TARGET_TMPDIR")))
}

/// Writes the outputs of all samples as a reference implementation would.
fn write_golden(folder: &Path) -> PathBuf {
    let golden = folder.join("golden/digits");
    fs::create_dir_all(&golden).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(repository("models/digits/samples")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut logits = Vec::new();
    for number in 0..names.len() {
        let outputs = verinfer(["run", "digits", &format!("sample:{number}"), "--json"]).json()["output"].clone();
        logits.extend(outputs.as_array().unwrap().iter().map(|value| value.as_i64().unwrap() as i8 as u8));
    }
    fs::write(golden.join("logits.bin"), logits).unwrap();
    fs::write(golden.join("logits.csv"), format!("image\n{}\n", names.join("\n"))).unwrap();
    golden.join("logits.bin")
}

fn measurements(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder.join("report.measurements")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn evaluations_are_whole_and_go_on_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    write_golden(folder.path());
    let first = evaluate(folder.path());
    assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
    assert_eq!(first.json()["holds"], true);

    let report: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    let models = report["models"].as_array().unwrap();
    assert_eq!(models.iter().map(|model| model["name"].as_str().unwrap()).collect::<Vec<_>>(), ["synthetic lenet, seed 0", "digits"]);
    assert_eq!(models[0]["references"], serde_json::json!(["ezkl-lenet"]));
    assert_eq!(models[1]["accuracy"]["images"], 10);
    assert_eq!(models[1]["accuracy"]["reference"], serde_json::json!({ "images": 10, "different": 0 }));
    assert_eq!(models[1]["measurements"].as_array().unwrap().len(), 5);
    assert_eq!(report["scaling"].as_array().unwrap().len(), 2);
    assert_eq!(fs::read_to_string(folder.path().join("report.csv")).unwrap().lines().count(), 1 + 5 + 5 + 2);
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 4);
    for outside in ["<script", "<link", "<img", "src=", "href=", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }

    let kept = measurements(folder.path());
    assert_eq!(kept.len(), 1 + 5 + 5 + 2);
    let (damaged, bytes) = kept.iter().next().unwrap();
    fs::write(damaged, &bytes[..bytes.len() - 9]).unwrap();
    let second = evaluate(folder.path());
    assert_eq!(second.code, Some(0), "{}{}", second.stdout, second.stderr);
    assert_eq!(second.stderr.matches("is damaged").count(), 1, "{}", second.stderr);
    assert!(second.stderr.contains(&damaged.display().to_string()), "{}", second.stderr);
    let after = measurements(folder.path());
    let changed: Vec<_> = kept.iter().filter(|(path, bytes)| after.get(*path) != Some(bytes)).map(|(path, _)| path).collect();
    assert!(changed.iter().all(|path| *path == damaged) && after.len() == kept.len(), "{changed:?}");
}

#[test]
fn reports_are_written_again_without_measuring() {
    let folder = tempfile::tempdir().unwrap();
    write_golden(folder.path());
    assert_eq!(evaluate(folder.path()).code, Some(0));
    let path = |name: &str| folder.path().join(name).display().to_string();
    let again = verinfer(["evaluate", "--render", &path("report.json"), "--out", &path("again.html")]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    for ending in ["html", "json", "csv"] {
        let read = |name: &str| fs::read(folder.path().join(format!("{name}.{ending}"))).unwrap();
        assert!(read("report") == read("again"), "{ending}");
    }
    verinfer(["evaluate", "--render", &path("report.csv"), "--out", &path("again.html")]).assert_error("is no report");
    verinfer(["evaluate", "--render", &path("report.json"), "--out", "-"]).assert_error("three files");

    // What was not compared is not claimed, and the line is called what it is.
    assert!(again.stdout.ends_with("every output compared equal, of 1 of 2 models\n"), "{}", again.stdout);
    let mut report: serde_json::Value = serde_json::from_slice(&fs::read(path("report.json")).unwrap()).unwrap();
    report["models"][1]["accuracy"]["reference"] = serde_json::Value::Null;
    fs::write(path("uncompared.json"), report.to_string()).unwrap();
    let uncompared = verinfer(["evaluate", "--render", &path("uncompared.json"), "--out", &path("other.html")]).accepted();
    assert!(uncompared.stdout.ends_with("no output was compared with a reference\n"), "{}", uncompared.stdout);
    assert!(!fs::read_to_string(path("again.html")).unwrap().contains("through the origin"));
}

#[test]
fn an_output_that_is_not_the_references_is_a_rejection() {
    let folder = tempfile::tempdir().unwrap();
    let logits = write_golden(folder.path());
    let mut bytes = fs::read(&logits).unwrap();
    bytes[37] ^= 1;
    fs::write(&logits, bytes).unwrap();
    let finished = evaluate(folder.path());
    assert_eq!(finished.code, Some(1), "{}{}", finished.stdout, finished.stderr);
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("DIFFERENT on 1 of 10 images"));
}

#[test]
fn what_cannot_be_evaluated_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().display().to_string();
    let out = folder.path().join("report.html").display().to_string();
    verinfer(["evaluate", "--models", "digits", "--images", &empty, "--out", &out]).assert_error("holds no images");
    verinfer(["evaluate", "--models", "digits", "--out", &out]).assert_error("--images");
    let samples = repository("models/digits/samples");
    verinfer(["evaluate", "--models", &empty, "--images", &samples, "--out", &out]).assert_error("no models");
}
