//! Commitments, and proofs about what is hidden behind them.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Finished, repository, verinfer};

mod common;

/// A folder with commitments to `digits`, `sample:3` and the class 3, and proofs about them.
struct Case {
    folder: TempDir,
}

impl Case {
    fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name))
    }
}

/// Names of files in the folder are written `@name`.
fn run(case: &Case, arguments: &str) -> Finished {
    let arguments: Vec<String> = arguments
        .split_whitespace()
        .map(|word| match word.strip_prefix('@') {
            Some(name) => case.path(name),
            None => word.replace("IMAGE", &repository("models/digits/samples/digit-3-45.png")),
        })
        .collect();
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_verinfer")).args(arguments).output().unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn accepted(case: &Case, arguments: &str) -> Value {
    let finished = run(case, &format!("{arguments} --json"));
    assert_eq!(finished.code, Some(0), "{arguments}: {}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.stderr, "");
    finished.json()
}

fn rejected(case: &Case, arguments: &str, kind: &str) {
    let finished = run(case, &format!("{arguments} --json"));
    assert_eq!(finished.code, Some(1), "{arguments}: {}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.json()["error"]["kind"], kind, "{arguments}: {}", finished.stdout);
    assert_eq!(finished.json()["statement"], Value::Null);
}

fn refused(case: &Case, arguments: &str, part: &str) {
    run(case, arguments).assert_error(part);
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn new_case() -> Case {
    Case { folder: tempfile::tempdir().unwrap() }
}

/// Commitments and a proof with hidden weights and input, made once.
fn case() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(|| {
        let case = new_case();
        accepted(&case, "commit digits --public @model.vcm --secret @model.vsk");
        accepted(&case, "commit digits --input sample:3 --public @image.vcm --secret @image.vsk");
        accepted(&case, "commit digits --input sample:4 --public @other.vcm --secret @other.vsk");
        accepted(&case, "commit --label 3 --public @label.vcm --secret @label.vsk");
        accepted(&case, "prove digits sample:3 --hide weights,input --secret @model.vsk --input-secret @image.vsk --out @both.vinf");
        accepted(&case, "prove digits sample:3 --hide weights --secret @model.vsk --context order --out @weights.vinf");
        accepted(&case, "prove digits sample:3 --out @public.vinf");
        case
    })
}

#[test]
fn a_commitment_is_all_that_a_verifier_needs() {
    let case = case();
    let report = accepted(case, "verify @both.vinf --commitment @model.vcm --input-commitment @image.vcm");
    let statement = &report["statement"];
    assert_eq!(statement["hidden"], json!(["weights", "input"]));
    assert_eq!(statement["network_digest"], Value::Null);
    assert_eq!(statement["model"]["hidden"], true);
    assert_eq!(statement["input"], Value::Null);
    assert_eq!(statement["input_compared"], true);
    assert_eq!(statement["top"][0]["class"], 3);
    assert_eq!(statement["top"][0]["score"], Value::Null);
    let inspected = verinfer(["inspect", "digits", "--json"]).json();
    assert_eq!(statement["model"]["architecture_digest"], inspected["graph"]["architecture_digest"]);
    // Neither file says anything about the weights: the model is not needed and not there.
    let shown = run(case, "verify @both.vinf --commitment @model.vcm");
    for part in [
        "the hidden network behind this commitment, run in exact integer arithmetic on the hidden input behind this commitment, gives this output",
        "give --input-commitment to compare it",
        "and the commitment ",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    assert!(!shown.stdout.contains("anything secret"), "{}", shown.stdout);
}

#[test]
fn shown_inputs_of_hidden_models_are_compared_with_images() {
    let case = case();
    let report = accepted(case, "verify @weights.vinf --commitment @model.vcm --context order --input IMAGE");
    assert_eq!(report["statement"]["hidden"], json!(["weights"]));
    assert_eq!(report["statement"]["input"]["shape"], json!([8, 8, 1]));
    let other = repository("models/digits/samples/digit-4-41.png");
    rejected(case, &format!("verify @weights.vinf --commitment @model.vcm --context order --input {other}"), "wrong_input");
}

#[test]
fn each_demand_that_is_not_met_has_its_reason() {
    let case = case();
    // Another commitment to the same model is another commitment.
    let report = accepted(case, "commit digits --public @second.vcm --secret @second.vsk");
    assert_eq!(report["kind"], "model");
    for (arguments, kind) in [
        ("@both.vinf --model digits", "model_hidden"),
        ("@public.vinf --commitment @model.vcm", "model_not_hidden"),
        ("@both.vinf --commitment @second.vcm", "wrong_model_commitment"),
        ("@both.vinf --commitment @model.vcm --context other", "wrong_context"),
        ("@weights.vinf --commitment @model.vcm", "wrong_context"),
        ("@both.vinf --commitment @model.vcm --input IMAGE", "input_hidden"),
        ("@both.vinf --commitment @model.vcm --input-commitment @other.vcm", "wrong_input_commitment"),
        ("@both.vinf --commitment @model.vcm --input-commitment @image.vcm @image.vcm", "input_count"),
        ("@public.vinf --model digits --input-commitment @image.vcm", "input_not_hidden"),
        ("@public.vinf --model digits --label-commitment @label.vcm --expect-correct 1", "labels_not_committed"),
    ] {
        rejected(case, &format!("verify {arguments}"), kind);
    }
}

#[test]
fn proofs_below_the_demanded_level_are_rejected() {
    let case = new_case();
    accepted(&case, "prove digits sample --hide weights --write-commitments @w --security 80 --out @p.vinf");
    rejected(&case, "verify @p.vinf --commitment @w/model.vcm", "insecure_parameters");
    rejected(&case, "verify @p.vinf --commitment @w/model.vcm --level 81", "insecure_parameters");
    assert_eq!(accepted(&case, "verify @p.vinf --commitment @w/model.vcm --level 80")["statement"]["security_level"], 80);
}

#[test]
fn forgeries_of_proofs_about_hidden_models_are_rejected() {
    let report = accepted(case(), "attack @both.vinf --commitment @model.vcm --per-step 2");
    assert_eq!(report["rejected"], report["forgeries"]);
    let targets: Vec<_> = report["targets"].as_array().unwrap().iter().map(|target| target["target"].as_str().unwrap()).collect();
    for target in ["architecture digest", "envelope", "model commitment", "input form", "input commitment"] {
        assert!(targets.contains(&target), "{target}: {targets:?}");
    }
    for kind in ["wrong_architecture", "wrong_model_commitment", "malformed_commitment", "unknown_form"] {
        assert!(report["reasons"][kind].as_u64().is_some_and(|count| count > 0), "{kind}: {}", report["reasons"]);
    }
}

#[test]
fn what_is_said_of_the_outputs_is_verified_without_them() {
    let case = case();
    let prove = |arguments: &str| accepted(case, &format!("prove digits sample:3 {arguments}"));
    let proved = prove("--top 3 --out @top.vinf");
    assert_eq!(proved["output"], Value::Null);
    let verify = |proof: &str, more: &str| accepted(case, &format!("verify {proof} --model digits {more}"))["statement"].clone();
    let statement = verify("@top.vinf", "--input sample:3");
    assert_eq!(statement["predicate"], json!({ "kind": "rank", "k": 1, "labels": [3] }));
    assert_eq!(statement["output"], Value::Null);
    assert!(statement["says"].as_str().unwrap().ends_with("ranks class 3 first."));

    prove("--top 5 --k 2 --hide input --input-secret @image.vsk --out @top2.vinf");
    assert_eq!(verify("@top2.vinf", "--input-commitment @image.vcm")["predicate"]["k"], 2);

    prove("--at-least 3=89 --out @least.vinf");
    assert_eq!(verify("@least.vinf", "")["predicate"], json!({ "kind": "at_least", "class": 3, "score": 89 }));

    prove("--correct --true-labels 3 --label-secret @label.vsk --hide weights --secret @model.vsk --out @correct.vinf");
    let correct = "verify @correct.vinf --commitment @model.vcm --expect-correct 1 --label-commitment";
    let arguments = &format!("{correct} @label.vcm");
    let statement = accepted(case, arguments)["statement"].clone();
    assert_eq!((&statement["predicate"]["count"], &statement["predicate"]["k"]), (&json!(1), &json!(1)));
    accepted(case, "commit --label 3 --public @label2.vcm --secret @label2.vsk");
    rejected(case, &format!("{correct} @label2.vcm"), "wrong_label_commitment");
    rejected(case, &format!("{correct} @label.vcm @label.vcm"), "label_count");

    prove("--decide 3/2 --out @decided.vinf");
    assert_eq!(verify("@decided.vinf", "")["predicate"]["holds"], json!([true]));
    prove("--decide 4=100 --out @not.vinf");
    assert_eq!(verify("@not.vinf", "")["predicate"]["holds"], json!([false]));
    refused(case, "prove digits sample:3 --decide 10 --out @no.vinf", "there is no class 10");
    refused(case, "prove digits sample:3 --decide 3 --top 3 --out @no.vinf", "cannot be used with");

    for (arguments, kind) in [
        ("@decided.vinf --model digits --expect-decided 3/2", None),
        ("@decided.vinf --model digits --expect-decided 3", Some("wrong_predicate")),
        ("@decided.vinf --model digits --expect-decided 3=0", Some("wrong_predicate")),
        ("@decided.vinf --model digits --expect-top 3 --expect-k 2", Some("no_rank")),
        ("@not.vinf --model digits --expect-decided 4=100", None),
        ("@top.vinf --model digits --expect-decided 3", Some("not_decided")),
        ("@top.vinf --model digits --expect-top 3", None),
        ("@top.vinf --model digits --expect-top 3 --expect-k 2 --max-images 1", None),
        ("@top.vinf --model digits --expect-top 5", Some("wrong_label")),
        ("@top.vinf --model digits --expect-top 3,3", Some("label_count")),
        ("@top.vinf --model digits --expect-shown", Some("output_not_shown")),
        ("@top.vinf --model digits --expect-at-least 3=1", Some("no_score")),
        ("@top.vinf --model digits --max-images 0", Some("too_many_images")),
        ("@top2.vinf --model digits --expect-top 5", Some("lower_rank")),
        ("@top2.vinf --model digits --expect-top 5 --expect-k 2", None),
        ("@least.vinf --model digits --expect-at-least 3=-128", None),
        ("@least.vinf --model digits --expect-at-least 3=90", Some("lower_score")),
        ("@least.vinf --model digits --expect-at-least 4=1", Some("wrong_class")),
        ("@least.vinf --model digits --expect-top 3", Some("no_rank")),
        ("@public.vinf --model digits --expect-shown", None),
        ("@public.vinf --model digits --expect-top 3", None),
        ("@public.vinf --model digits --expect-top 4", Some("shown_behind")),
        ("@public.vinf --model digits --expect-top 10", Some("no_such_class")),
        ("@public.vinf --model digits --expect-at-least 3=89", None),
        ("@public.vinf --model digits --expect-at-least 3=90", Some("lower_score")),
        ("@public.vinf --model digits --max-cells 1000", Some("too_large")),
        ("@both.vinf --commitment @model.vcm --max-cells 1000", Some("too_large")),
        ("@both.vinf --commitment @model.vcm --max-cells 1000 --context other", Some("wrong_context")),
        ("@correct.vinf --commitment @model.vcm --label-commitment @label.vcm --expect-correct 1", None),
        ("@correct.vinf --commitment @model.vcm --label-commitment @label.vcm --expect-correct 2", Some("fewer_correct")),
    ] {
        match kind {
            None => drop(accepted(case, &format!("verify {arguments}"))),
            Some(kind) => rejected(case, &format!("verify {arguments}"), kind),
        }
    }
    for (arguments, part) in [
        ("--model digits --expect-k 2", "--expect-k needs --expect-top or --expect-correct"),
        ("--model digits --expect-top 3 --expect-shown", "cannot be used with"),
        ("--model digits --expect-correct 1", "--label-commitment"),
        ("--model digits --label-commitment @label.vcm", "--expect-correct"),
        ("--model digits --commitment @model.vcm", "cannot be used with"),
        ("", "--model"),
    ] {
        refused(case, &format!("verify @top.vinf {arguments}"), part);
    }

    for (arguments, part) in [
        ("--top 5", "is not true: in image 0, 1 classes are ahead of class 5"),
        ("--at-least 3=90", "is not true: image 0 gives class 3 the score 89"),
        ("--at-least 3=900", "no class has the score 900"),
        ("--at-least 3", "such as 3=40"),
        ("--top 10", "there is no class 10"),
        ("--top 3,3", "2 classes are given for 1 images"),
        ("--k 2", "--k needs --top or --correct"),
        ("--correct", "--true-labels"),
        ("--top 3 --at-least 3=1", "cannot be used with"),
        ("--top 3 --hide output", "--hide output commits to the outputs"),
        ("--hide output", "whose secrets would be lost: --write-commitments says where to keep them"),
        ("--correct --true-labels 4 --label-secret @label.vsk", "for class 4: this secret belongs to another label"),
    ] {
        refused(case, &format!("prove digits sample:3 {arguments} --out @never.vinf"), part);
        assert!(!Path::new(&case.path("never.vinf")).exists());
    }
}

/// Digests without salt and classes can be guessed.
#[test]
fn what_is_hidden_is_not_printed() {
    let case = case();
    let inspected = verinfer(["inspect", "digits", "--json"]).json();
    let (digest, architecture) = (inspected["graph"]["digest"].as_str().unwrap(), &inspected["graph"]["architecture_digest"]);
    let prove = "prove digits sample:3 --hide weights --secret @model.vsk --out @again.vinf";
    let shown = run(case, prove);
    assert!(!shown.stdout.contains(digest) && shown.stdout.contains(architecture.as_str().unwrap()), "{}", shown.stdout);
    let report = accepted(case, prove);
    assert_eq!((&report["network_digest"], &report["architecture_digest"]), (&Value::Null, architecture));
    assert!(!report.to_string().contains(digest));
    assert_eq!(accepted(case, "prove digits sample:3 --out @again.vinf")["network_digest"], *digest);

    let [third, seventh] =
        [3, 7].map(|class| run(case, &format!("commit --label {class} --public @class.vcm --secret @class.vsk --force")));
    let lines = |text: &str| text.lines().filter(|line| !line.starts_with("commitment")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&third.stdout), lines(&seventh.stdout));
    assert_eq!(accepted(case, "commit --label 7 --public @class.vcm --secret @class.vsk --force")["of"], Value::Null);
}

#[test]
fn hidden_labels_count_what_is_correct_in_a_batch() {
    let case = new_case();
    let arguments = "prove digits sample:1 sample:2 sample:3 --correct --true-labels 1,0,3 --write-commitments @w --out @p.vinf";
    accepted(&case, arguments);
    let verify = "verify @p.vinf --model digits --expect-correct 2 --label-commitment";
    let statement = accepted(&case, &format!("{verify} @w/label-0.vcm @w/label-1.vcm @w/label-2.vcm"))["statement"].clone();
    assert_eq!(statement["predicate"]["count"], 2);
    assert_eq!(statement["num_images"], 3);
    rejected(&case, &format!("{verify} @w/label-1.vcm @w/label-0.vcm @w/label-2.vcm"), "wrong_label_commitment");
}

#[test]
fn commitments_of_one_proof_are_used_again_in_another() {
    let case = new_case();
    let parts = "--hide weights,input,output --write-commitments @w";
    let report = accepted(&case, &format!("prove digits sample:3 sample:4 {parts} --out @first.vinf"));
    assert_eq!(report["commitments"].as_array().unwrap().len(), 5);
    let arguments = "prove digits sample:4 --hide weights,input --secret @w/model.vsk --input-secret @w/input-1.vsk --out @second.vinf";
    accepted(&case, arguments);
    accepted(&case, "verify @second.vinf --commitment @w/model.vcm --input-commitment @w/input-1.vcm");
    let all = "verify @first.vinf --commitment @w/model.vcm --input-commitment @w/input-0.vcm @w/input-1.vcm --output-commitment";
    let report = accepted(&case, &format!("{all} @w/output-0.vcm @w/output-1.vcm"));
    assert_eq!(report["statement"]["hidden"], json!(["weights", "input", "output"]));
    assert_eq!(report["statement"]["images"], Value::Null, "no outputs are shown");
    rejected(&case, &format!("{all} @w/output-1.vcm @w/output-0.vcm"), "wrong_output_commitment");
    rejected(&case, &format!("{all} @w/output-0.vcm"), "output_count");
    rejected(&case, "verify @second.vinf --commitment @w/model.vcm --output-commitment @w/output-0.vcm", "output_not_committed");
    // What is there is not overwritten.
    refused(&case, &format!("prove digits sample:3 sample:4 {parts} --out @first.vinf"), "a secret that is overwritten is lost for ever");
}

#[test]
fn secrets_that_are_missing_or_belong_to_something_else_are_errors() {
    let case = case();
    accepted(case, "commit digits --input sample:3 --public @image2.vcm --secret @image2.vsk");
    // One weight of the same architecture differs.
    let mut model = fs::read(repository("models/digits/digits_int8.tflite")).unwrap();
    let digests = |path: &str| {
        let inspected = verinfer(["inspect", path, "--json"]);
        (inspected.code == Some(0)).then(|| inspected.json()["graph"].clone())
    };
    let original = digests("digits").unwrap();
    let other = case.path("other.tflite");
    let found = (0..model.len()).rev().any(|offset| {
        model[offset] ^= 1;
        fs::write(&other, &model).unwrap();
        model[offset] ^= 1;
        digests(&other)
            .is_some_and(|graph| graph["architecture_digest"] == original["architecture_digest"] && graph["digest"] != original["digest"])
    });
    assert!(found);
    for (arguments, part) in [
        ("digits sample:3 --hide weights", "--hide weights needs the --secret of the model's commitment"),
        ("digits sample:3 --secret @model.vsk", "--secret needs --hide weights"),
        ("digits sample:3 --input-secret @image.vsk", "--input-secret needs --hide input"),
        ("@other.tflite IMAGE --pixels raw --hide weights --secret @model.vsk", "this secret belongs to another model"),
        ("digits sample:4 --hide input --input-secret @image.vsk", "for sample:4: this secret belongs to another input"),
        ("digits sample:3 sample:4 --hide input --input-secret @image.vsk", "1 secrets of inputs are given for 2 images"),
        ("digits sample:3 --hide weights --secret @image.vsk", "this belongs to a commitment to an input, not to a model"),
        ("digits sample:3 --hide weights --secret @model.vcm", "this is the public file of a commitment"),
        ("digits sample:3 --hide weights --secret @missing.vsk", "cannot read "),
        ("digits sample:3 --hide everything", "invalid value 'everything'"),
    ] {
        refused(case, &format!("prove {arguments} --out @never.vinf"), part);
    }
    // The other model has a commitment of its own, with which the proof is rejected.
    accepted(case, "commit @other.tflite --public @foreign.vcm --secret @foreign.vsk");
    rejected(case, "verify @both.vinf --commitment @foreign.vcm", "wrong_model_commitment");
}

#[test]
fn damaged_files_are_errors_that_say_what_is_wrong() {
    let case = case();
    let file = |name: &str, from: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(case.path(from)).unwrap();
        change(&mut bytes);
        fs::write(case.path(name), bytes).unwrap();
    };
    let verify = |part: &str| refused(case, "verify @both.vinf --commitment @damaged.vcm", part);
    file("damaged.vcm", "model.vcm", &|bytes| bytes[0] ^= 1);
    verify("this is not the public file of a commitment");
    file("damaged.vcm", "model.vcm", &|bytes| bytes[8] = 9);
    verify("the file has version 9; this program reads version 2");
    file("damaged.vcm", "model.vcm", &|bytes| bytes.truncate(bytes.len() - 1));
    verify("the file ends inside `commitment`");
    file("damaged.vcm", "model.vcm", &|bytes| bytes.push(0));
    verify("1 bytes follow the end");
    file("damaged.vcm", "model.vsk", &|_| ());
    verify("this is the secret file of a commitment, which nobody else may see");
    // A commitment that is well formed but another one.
    file("damaged.vcm", "model.vcm", &|bytes| *bytes.last_mut().unwrap() ^= 1);
    rejected(case, "verify @both.vinf --commitment @damaged.vcm", "wrong_model_commitment");
    // Version 1 of proofs had no hidden parts.
    file("old.vinf", "both.vinf", &|bytes| bytes[8] = 1);
    rejected(case, "verify @old.vinf --commitment @model.vcm", "unsupported_version");
    refused(case, "verify @both.vinf --commitment @image.vcm", "this belongs to a commitment to an input, not to a model");
    refused(case, "verify @both.vinf --commitment @model.vcm --input-commitment @label.vcm", "to a label, not to an input");
    refused(case, "verify @both.vinf --commitment @model.vcm --model digits", "cannot be used with");
    refused(case, "verify @both.vinf", "--commitment");
}

#[cfg(unix)]
#[test]
fn secrets_are_private_and_not_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let case = new_case();
    let secret = case.path("model.vsk");
    let commit = "commit digits --public @model.vcm --secret @model.vsk";
    accepted(&case, commit);
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let (first, public) = (fs::read(&secret).unwrap(), fs::read(case.path("model.vcm")).unwrap());
    assert_eq!(first.len(), 8 + 2 + 1 + 1280 + 1024);
    refused(&case, commit, "exists: a secret that is overwritten is lost for ever; --force does it");
    assert_eq!((fs::read(&secret).unwrap(), fs::read(case.path("model.vcm")).unwrap()), (first.clone(), public));
    accepted(&case, &format!("{commit} --force"));
    assert_ne!(fs::read(&secret).unwrap(), first);
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    refused(&case, "commit digits --public @same --secret @same", "the same file");
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 2);

    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    let proved = run(&case, "prove digits sample --hide weights --secret @model.vsk --out @p.vinf");
    assert_eq!(proved.code, Some(0), "{}", proved.stderr);
    assert!(proved.stderr.starts_with("warning: ") && proved.stderr.contains("can be read by others"), "{}", proved.stderr);
}

#[test]
fn inputs_are_committed_to_by_who_has_only_the_models_commitment() {
    let case = new_case();
    accepted(&case, "commit digits --public @model.vcm --secret @model.vsk");
    let report = accepted(&case, "commit @model.vcm --input IMAGE --public @image.vcm --secret @image.vsk");
    assert_eq!((&report["kind"], &report["content"]), (&json!("input"), &json!("8x8x1 int8")));
    // The integers are those that the model makes of the same picture.
    accepted(&case, "prove digits sample:3 --hide input --input-secret @image.vsk --out @p.vinf");
    accepted(&case, "verify @p.vinf --model digits --input-commitment @image.vcm");
    refused(&case, "commit @model.vcm --public @x.vcm --secret @x.vsk", "cannot import");
    refused(&case, "commit --public @x.vcm --secret @x.vsk", "<MODEL>");
    refused(&case, "commit --label 65536 --public @x.vcm --secret @x.vsk", "labels are below 65536");
    refused(&case, "commit digits --label 3 --public @x.vcm --secret @x.vsk", "cannot be used with");
}

#[test]
fn commitments_to_tensors_of_another_shape_are_errors() {
    let case = case();
    let mut bytes = fs::read(case.path("image.vcm")).unwrap();
    bytes[11] = 4;
    fs::write(case.path("shape.vcm"), bytes).unwrap();
    refused(
        case,
        "verify @both.vinf --commitment @model.vcm --input-commitment @shape.vcm",
        "is a commitment to 4x8x1 int8, but the network's input is 8x8x1 int8",
    );
}

#[test]
fn costs_and_security_of_hidden_settings_are_shown() {
    let case = new_case();
    let report = accepted(&case, "bench digits --runs 1 --compare-hidden");
    let models = report["models"].as_array().unwrap();
    let hidden: Vec<_> = models.iter().map(|model| model["hidden"].clone()).collect();
    assert_eq!(hidden, [json!([]), json!(["weights"]), json!(["input"]), json!(["weights", "input"])]);
    assert!(models[1]["prover"]["commit_seconds"].as_f64().unwrap() < 1.0);
    let shown = run(&case, "bench digits --runs 1 --hide weights,output");
    assert!(shown.stdout.contains("digits, weights and output hidden"), "{}", shown.stdout);

    let report = accepted(&case, "security digits --hide weights,input");
    assert_eq!(report["hidden"], json!(["weights", "input"]));
    let binding = |name: &str| report["commitments"][name].as_f64().unwrap();
    assert!(binding("binding_bits") >= 128.0 && binding("collision_bits") >= 150.0);
    assert!((122.0..123.0).contains(&binding("binding_bits_pessimistic")));
    assert!(report["commitments"]["hiding_bits"].as_f64().unwrap() >= 128.0);
    assert_eq!(report["commitments"]["values"][1], json!({ "kind": "input", "bytes": 64 }));
    assert_eq!(accepted(&case, "security digits --hide none")["commitments"], Value::Null);
    assert!(run(&case, "security digits --hide weights").stdout.contains("Ring-SIS"));
}
