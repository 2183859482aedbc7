//! Help, usage errors, and the two forms in which errors are told.

use crate::common::verinfer;

mod common;

#[test]
fn help_names_every_command_and_exits_with_0() {
    let help = verinfer(["--help"]);
    assert_eq!(help.code, Some(0));
    for command in [
        "inspect",
        "run",
        "check",
        "commit",
        "prove",
        "verify",
        "security",
        "attack",
        "bench",
        "keys",
        "escrow",
        "provider",
        "customer",
        "retrieval",
        "demo",
    ] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{}", help.stdout);
    }
}

#[test]
fn unknown_commands_are_errors() {
    verinfer(["frobnicate"]).assert_error("unrecognized subcommand 'frobnicate'");
}

#[test]
fn missing_arguments_are_errors() {
    verinfer(["run", "digits"]).assert_error("<IMAGE>");
    verinfer(["inspect"]).assert_error("<MODEL>");
    verinfer(["check", "digits"]).assert_error("<IMAGE>");
}

#[test]
fn usage_errors_are_also_json_when_asked_for() {
    let failed = verinfer(["run", "--json", "digits"]);
    assert_eq!(failed.code, Some(2));
    assert!(failed.json()["error"]["message"].as_str().unwrap().contains("<IMAGE>"));
}

#[test]
fn errors_are_also_json_when_asked_for() {
    let failed = verinfer(["run", "no-such-model.tflite", "sample", "--json"]);
    assert_eq!(failed.code, Some(2));
    let message = failed.json()["error"]["message"].as_str().unwrap().to_string();
    assert!(message.starts_with("cannot read no-such-model.tflite: "), "{message}");
    assert_eq!(failed.stderr, format!("error: {message}\n"));
}

#[test]
fn readers_that_stop_reading_are_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_verinfer"))
        .args(["inspect", "digits"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let finished = child.wait_with_output().unwrap();
    assert_eq!(finished.status.code(), Some(0));
    assert_eq!(String::from_utf8(finished.stderr).unwrap(), "");
}
