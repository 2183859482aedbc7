//! `verinfer viability` as a user sees it.

use std::fs;

use assert_cmd::Command;
use serde_json::Value;

/// Agreements small enough to be played in an instant.
const SMALL: [&str; 10] = ["--first", "200", "--second", "100", "--target", "75", "--round", "40", "--contested", "5"];

fn verinfer(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("verinfer").unwrap();
    command.args(["viability", "--games", "20"]).args(SMALL).args(arguments);
    command
}

#[test]
fn the_report_is_one_page_with_its_plots() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let output = verinfer(&["--out", file.to_str().unwrap()]).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    assert!(text.starts_with("verdict   honest parties gain, and no deviation pays\n"), "{text}");
    let page = fs::read_to_string(file).unwrap();
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));
    assert!(page.contains("random predictions, always proceeds"));
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let run = |seed: &str| -> Value {
        let output = verinfer(&["--json", "--seed", seed]).assert().success().get_output().stdout.clone();
        serde_json::from_slice(&output).unwrap()
    };
    let (once, again, other) = (run("1"), run("1"), run("2"));
    assert_eq!(once, again);
    let random = |run: &Value| ["accuracy", "serving", "retrieval"].map(|part| run["study"][part].clone());
    assert_ne!(random(&once), random(&other));
    assert_eq!(once["study"]["claims"], other["study"]["claims"]);
}

#[test]
fn what_is_not_viable_is_rejected() {
    // A customer to whom the model is worth nothing does not take part.
    let output = verinfer(&["--surplus", "0"]).assert().code(1).get_output().stdout.clone();
    assert!(String::from_utf8(output).unwrap().starts_with("verdict   NOT VIABLE\n"));
}

#[test]
fn impossible_prices_are_refused() {
    let output = verinfer(&["--inference", "200000"]).assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8(output).unwrap().contains("E > Z > P > 0"));
}
