//! What is printed moves no cursor, hides nothing and forges no line, wherever its text comes from; and what reads it may go away.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use address::free_address;
use common::{Finished, verinfer, verinfer_with};
use verinfer_escrow_client::messages::{ANSWER_HEADER, NONCE_HEADER};
use verinfer_protocols::answer::{Answer, LogHead, Question, SignedAnswer, VERSION};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::time::Timestamp;

#[path = "common/address.rs"]
mod address;
#[path = "../../import/tests/common/build.rs"]
mod build;
mod common;

/// Erases its line, goes up, writes another verdict, and hides the rest.
const HOSTILE: &str = "x\x1b[2K\x1b[1A\r\nACCEPTED\u{9b}8m\x07\u{202e}\u{2066}\u{200b}\u{e0041}\u{7f}";

/// Asserts that both streams hold nothing that a terminal obeys, and no forged line.
fn assert_harmless(finished: &Finished) {
    assert_nothing_obeyed(finished);
    let printed = finished.stdout.clone() + &finished.stderr;
    assert!(printed.contains("\\u{1b}[2K") || printed.contains("\\u001b[2K"), "the text is not there: {printed:?}");
}

fn assert_nothing_obeyed(finished: &Finished) {
    for text in [&finished.stdout, &finished.stderr] {
        let obeyed = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2066}\u{200b}\u{e0041}".contains(c));
        assert!(!text.contains(obeyed), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("ACCEPTED\\")), "{text:?}");
    }
}

/// A convolution of 4x4 pixels whose tensors have these names.
fn model(folder: &Path, name: &str) -> String {
    let named = |tensor: build::Tensor| build::Tensor { name: name.into(), ..tensor };
    let tensors = vec![
        named(build::activation("x", &[1, 4, 4, 2])),
        named(build::constant("w", &[3, 1, 1, 2], &[1, 2, 3, 4, 5, 6])),
        named(build::integers("b", &[3], &[1, 2, 3])),
        named(build::activation("y", &[1, 4, 4, 3])),
    ];
    let operators =
        vec![build::Operator { code: build::CONV_2D, inputs: vec![0, 1, 2], outputs: vec![3], options: build::conv_options(1, 1) }];
    write(folder, "model.tflite", build::Model { tensors, operators, ..Default::default() })
}

fn write(folder: &Path, name: &str, model: build::Model) -> String {
    let path = folder.join(name);
    fs::write(&path, model.bytes(build::Layout::Aligned)).unwrap();
    path.display().to_string()
}

/// An array of 32 zeros.
fn array(folder: &Path) -> String {
    let mut header = "{'descr': '|i1', 'fortran_order': False, 'shape': (4, 4, 2), }".to_string();
    header.push_str(&" ".repeat(117 - header.len()));
    let bytes = [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), header.as_bytes(), b"\n", &[0; 32]].concat();
    let path = folder.join("input.npy");
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn names_in_a_model_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let (model, input) = (model(folder.path(), HOSTILE), array(folder.path()));
    for json in [&[][..], &["--json"]] {
        assert_harmless(&verinfer_with(&[&["inspect", &model], json].concat()).accepted());
    }
    let names: Vec<String> =
        verinfer(["inspect", "--json", &model]).json()["graph"]["input"]["name"].as_str().map(str::to_owned).into_iter().collect();
    assert_eq!(names, [HOSTILE], "JSON means what it was");
    let run = verinfer(["run", &model, &input]).accepted();
    assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'));
}

#[test]
fn names_in_a_refusal_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let mut refused = build::Model {
        tensors: vec![build::activation(HOSTILE, &[1, 4, 4, 2]), build::activation("y", &[1, 5, 5, 3])],
        operators: vec![build::Operator { code: build::RESHAPE, inputs: vec![0], outputs: vec![1], options: (0, None) }],
        ..Default::default()
    };
    refused.tensors[1].name = HOSTILE.into();
    let path = write(folder.path(), "refused.tflite", refused);
    let input = array(folder.path());
    assert_harmless(&verinfer(["inspect", &path]));
    assert_harmless(&verinfer(["run", &path, &input]));
}

#[test]
fn paths_and_arguments_are_escaped() {
    assert_harmless(&verinfer(["inspect", &HOSTILE.replace('\0', "")]));
    assert_harmless(&verinfer(["inspect", "--json", HOSTILE]));
    // The parser leaves out escape sequences.
    assert_nothing_obeyed(&verinfer([HOSTILE]));
    assert_nothing_obeyed(&verinfer(["run", "digits", "sample", "--resize", HOSTILE]));
    let folder = tempfile::tempdir().unwrap();
    let proof = folder.path().join(HOSTILE).display().to_string();
    assert_harmless(&verinfer(["prove", "digits", "sample", "--security", "32", "--context", HOSTILE, "--out", &proof]).accepted());
    let verify = ["verify", &proof, "--model", "digits", "--security", "32"];
    assert_harmless(&verinfer_with(&[&verify[..], &["--context", HOSTILE]].concat()).accepted());
    assert_nothing_obeyed(&verinfer_with(&verify));
    assert_harmless(&verinfer_with(&[&verify[..], &["--json"]].concat()));
}

#[test]
fn labels_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.txt");
    let line = HOSTILE.replace(['\r', '\n'], "");
    fs::write(&labels, format!("{line}\n").repeat(10)).unwrap();
    let finished = verinfer(["run", "digits", "sample", "--labels", labels.to_str().unwrap()]).accepted();
    assert_harmless(&finished);
}

fn account(key: &str) -> String {
    verinfer(["keys", "show", key, "--json"]).json()["account"].as_str().unwrap().to_owned()
}

/// A hostile escrow's signed refusal of what was asked.
fn signed(head: &[String], body: &str) -> SignedAnswer {
    let key = SecretKey::from_seed(&[7; 32]);
    let target = head[0].split(' ').nth(1).unwrap();
    let nonce = head.iter().find_map(|line| line.strip_prefix(NONCE_HEADER)?.strip_prefix(": ")).unwrap();
    let log = LogHead { position: 0, digest: Digest([0; 32]) };
    let answer = Answer {
        version: VERSION,
        escrow: key.account(),
        question: Question { method: "GET", target, ..Question::default() }.digest(),
        nonce: Some(nonce.parse().unwrap()),
        status: 400,
        body: Digest::of_bytes(body.as_bytes()),
        now: Timestamp(0),
        head: log,
        known: Some(log),
    };
    SignedAnswer::sign(answer, None, &key)
}

#[test]
fn what_a_peer_says_is_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").display().to_string();
    verinfer(["keys", "new", &key]).accepted();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let body = serde_json::json!({ "error": { "kind": HOSTILE, "message": HOSTILE } }).to_string();
            let answer = serde_json::to_string(&signed(&head, &body)).unwrap();
            let head = format!("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n{ANSWER_HEADER}: {answer}");
            let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    let account = account(&key);
    let finished =
        verinfer(["escrow", "deposit", "--escrow", &url, "--key", &key, "--account", &account, "--amount", "1", "--reference", "x"]);
    assert_harmless(&finished);
}

#[test]
fn an_address_that_cannot_be_fails_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").display().to_string();
    verinfer(["keys", "new", &key]).accepted();
    let begun = std::time::Instant::now();
    let finished = verinfer([
        "escrow",
        "deposit",
        "--escrow",
        "no address",
        "--key",
        &key,
        "--account",
        &account(&key),
        "--amount",
        "1",
        "--reference",
        "x",
    ]);
    finished.assert_error("the escrow cannot be reached");
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn a_long_wait_says_on_what() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").display().to_string();
    verinfer(["keys", "new", &key]).accepted();
    let address = free_address();
    let mut child = Command::new(env!("CARGO_BIN_EXE_verinfer"))
        .args([
            "escrow",
            "deposit",
            "--escrow",
            &format!("http://{address}"),
            "--key",
            &key,
            "--account",
            &account(&key),
            "--amount",
            "1",
            "--reference",
            "x",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with(&format!("waiting for http://{address}: the escrow cannot be reached")), "{line}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in [&["inspect", "digits"][..], &["--help"], &["run", "--json", "digits", "sample"], &["run", "--help"]] {
        let mut child =
            Command::new(env!("CARGO_BIN_EXE_verinfer")).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Before anything is written.
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_proof_goes_to_standard_output_and_comes_from_standard_input() {
    let prove = ["prove", "digits", "sample", "--security", "32", "--out", "-"];
    let proved = Command::new(env!("CARGO_BIN_EXE_verinfer")).args(prove).output().unwrap();
    let report = String::from_utf8(proved.stderr).unwrap();
    assert!(proved.status.success() && proved.stdout.starts_with(b"VERINFER") && report.contains("proof     -"), "{report}");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_verinfer"))
        .args(["verify", "-", "--model", "digits", "--security", "32"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    verify.stdin.take().unwrap().write_all(&proved.stdout).unwrap();
    let verified = verify.wait_with_output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
