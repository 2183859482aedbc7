//! What statements say and what they do not: files that are looked into, warnings, and models that are refused because they say nothing.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;
use verinfer_commitments::{Kind, Salt, Secret, commit_model, draw_salt};
use verinfer_graph::{Concat, Conv, DataType, Graph, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
use verinfer_prover::{Execution, Prover};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};

use crate::common::{Finished, repository, verinfer, verinfer_with};

mod common;

/// Runs the binary; names of files in the folder are written `@name`.
fn run(folder: &TempDir, arguments: &str) -> Finished {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let words: Vec<String> =
        arguments.split_whitespace().map(|word| word.strip_prefix('@').map_or_else(|| word.to_string(), path)).collect();
    verinfer_with(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn accepted(folder: &TempDir, arguments: &str) -> Value {
    run(folder, &format!("{arguments} --json")).accepted().json()
}

/// The report of a proof that is not accepted.
fn rejected(folder: &TempDir, arguments: &str, kind: &str) -> Value {
    let finished = run(folder, &format!("{arguments} --json"));
    assert_eq!(finished.code, Some(1), "{arguments}: {}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.json()["error"]["kind"], kind, "{}", finished.stdout);
    finished.json()
}

/// Commitments and proofs about `digits`, made once.
fn digits() -> &'static TempDir {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for arguments in [
            "commit digits --public @model.vcm --secret @model.vsk",
            "commit digits --input sample:3 --public @image.vcm --secret @image.vsk",
            "commit --label 3 --public @label.vcm --secret @label.vsk",
            "prove digits sample:3 --context order --out @public.vinf",
            "prove digits sample:3 --hide weights,input --secret @model.vsk --input-secret @image.vsk --top 3 --out @hidden.vinf",
            "keys new @account.key",
        ] {
            accepted(&folder, arguments);
        }
        folder
    })
}

fn warnings(report: &Value) -> Vec<&str> {
    report["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect()
}

#[test]
fn a_proof_is_looked_into_without_being_believed() {
    let report = accepted(digits(), "inspect @public.vinf");
    assert_eq!((&report["kind"], &report["verified"]), (&json!("proof"), &json!(false)));
    assert_eq!(report["bytes"].as_u64().unwrap(), report["statement_bytes"].as_u64().unwrap() + report["message_bytes"].as_u64().unwrap());
    assert_eq!(report["claim"]["network_digest"], verinfer(["inspect", "digits", "--json"]).json()["graph"]["digest"]);
    assert_eq!((&report["claim"]["context"], &report["claim"]["security_level"]), (&json!("order"), &json!(128)));
    assert_eq!(report["outputs"][0].as_array().unwrap().len(), 10);
    let report = accepted(digits(), "inspect @hidden.vinf");
    assert_eq!(report["claim"]["predicate"], json!({ "kind": "rank", "k": 1, "labels": [3] }));
    assert_eq!(report["outputs"], Value::Null);
    let commitments = ["model", "image"].map(|name| accepted(digits(), &format!("inspect @{name}.vcm"))["commitment"].clone());
    assert_eq!([&report["claim"]["model"]["commitment"], &report["claim"]["input_commitments"][0]], [&commitments[0], &commitments[1]]);

    let text = run(digits(), "inspect @hidden.vinf").accepted().stdout;
    for part in ["NOT VERIFIED: this is what the file claims", "ranks class 3 first.", "level     128 bits"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Whether it is true does not matter.
    let mut bytes = fs::read(digits().path().join("public.vinf")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(digits().path().join("false.vinf"), &bytes).unwrap();
    accepted(digits(), "inspect @false.vinf");
    fs::write(digits().path().join("cut.vinf"), &bytes[..1000]).unwrap();
    run(digits(), "inspect @cut.vinf").assert_error("the file ends inside `body`");
    bytes[8] = 1;
    fs::write(digits().path().join("old.vinf"), &bytes).unwrap();
    run(digits(), "inspect @old.vinf").assert_error("version 1");
}

#[test]
fn the_architecture_of_a_commitment_is_shown_layer_by_layer() {
    let report = accepted(digits(), "inspect @model.vcm");
    assert_eq!((&report["kind"], &report["to"], &report["learned"]), (&json!("commitment"), &json!("model"), &json!(13_662)));
    let (graph, model) = (&report["graph"], &verinfer(["inspect", "digits", "--json"]).json()["graph"]);
    for field in ["architecture_digest", "parameters", "macs", "activations"] {
        assert_eq!(graph[field], model[field], "{field}");
    }
    let nodes = |graph: &Value, field: &str| graph["nodes"].as_array().unwrap().iter().map(|node| node[field].clone()).collect::<Vec<_>>();
    for field in ["kind", "window", "inputs", "parameters"] {
        assert_eq!(nodes(graph, field), nodes(model, field), "{field}");
    }
    assert_eq!(nodes(graph, "quantization")[0]["clamp"], nodes(model, "quantization")[0]["clamp"]);
    assert!(nodes(graph, "accumulator").iter().all(Value::is_null), "accumulators depend on the weights");
    assert_eq!((&graph["digest"], &graph["input"]["scale"]), (&Value::Null, &Value::Null));
    assert!(graph["proof"]["proof_bytes"].as_u64().is_some_and(|bytes| bytes > 100_000));
    assert_eq!(graph["possible_outputs"]["ranges"], json!(vec![[-128, 127]; 10]));
    assert_eq!([&graph["possible_outputs"]["depends_on_input"], &graph["possible_outputs"]["depends_on_weights"]], [true, true]);
    let text = run(digits(), "inspect @model.vcm").accepted().stdout;
    for part in
        ["hidden        13,662 learned values; what follows is public", "clamp -128..127", "3x3", "can give      every class a score from"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn other_commitments_are_shown_as_far_as_they_are_public() {
    let image = accepted(digits(), "inspect @image.vcm");
    assert_eq!((&image["to"], &image["tensor"]), (&json!("input"), &json!({ "shape": [8, 8, 1], "dtype": "int8" })));
    assert_eq!(accepted(digits(), "inspect @label.vcm")["to"], "label");
    assert!(run(digits(), "inspect @label.vcm").accepted().stdout.contains("a class below 65,536"));
}

#[test]
fn of_secrets_nothing_is_shown_but_what_they_belong_to() {
    for (name, kind) in [("model", "model"), ("image", "input"), ("label", "label")] {
        let report = accepted(digits(), &format!("inspect @{name}.vsk"));
        assert_eq!((&report["kind"], &report["to"]), (&json!("secret"), &json!(kind)));
        assert_eq!(report["commitment"], accepted(digits(), &format!("inspect @{name}.vcm"))["commitment"]);
    }
    let report = accepted(digits(), "inspect @account.key");
    assert_eq!((&report["kind"], &report["account"]), (&json!("key"), &accepted(digits(), "keys show @account.key")["account"]));
    let seed = fs::read_to_string(digits().path().join("account.key")).unwrap();
    let salt = fs::read(digits().path().join("model.vsk")).unwrap();
    let salt: String = salt[11..43].iter().map(|byte| format!("{byte:02x}")).collect();
    for name in ["model.vsk", "account.key"] {
        for json in ["", " --json"] {
            let shown = run(digits(), &format!("inspect @{name}{json}")).accepted().stdout;
            assert!(!shown.contains(seed.trim()) && !shown.contains(&salt[..16]), "{shown}");
        }
    }
}

#[test]
fn a_rejection_says_what_the_file_claims() {
    let report = rejected(digits(), "verify @hidden.vinf --model digits", "model_hidden");
    assert_eq!((&report["statement"], &report["found"]["predicate"]["labels"]), (&Value::Null, &json!([3])));
    assert_eq!(report["found"], accepted(digits(), "inspect @hidden.vinf")["claim"]);
    let report = rejected(digits(), "verify @public.vinf --model digits --context other", "wrong_context");
    assert_eq!(report["found"]["context"], "order");
    let labels = repository("models/digits/labels.txt");
    assert_eq!(rejected(digits(), &format!("verify {labels} --model digits"), "not_a_proof")["found"], Value::Null);
}

#[test]
fn what_nobody_demanded_and_what_is_always_true_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let prove = |arguments: &str| {
        accepted(&folder, &format!("prove digits sample:3 {arguments} --out @p.vinf"));
    };
    let verify = |arguments: &str| accepted(&folder, &format!("verify @p.vinf --model digits {arguments}"));
    prove("--top 3");
    let report = verify("");
    assert_eq!((&report["statement"]["output_demanded"], &report["statement"]["predicate_always_holds"]), (&json!(false), &json!(false)));
    assert!(warnings(&report)[0].starts_with("nothing was demanded of the outputs: what is said of them is the prover's choice"));
    assert_eq!(warnings(&verify("--expect-top 3")), [] as [&str; 0]);
    prove("--top 8 --k 10");
    let says_nothing = "what is said of the outputs is true of every output that there is: it says nothing";
    assert_eq!(warnings(&verify("--expect-top 8 --expect-k 10")), [says_nothing]);
    prove("--at-least 7=-128");
    let report = verify("--expect-at-least 7=-128");
    assert_eq!((warnings(&report), &report["statement"]["predicate_always_holds"]), (vec![says_nothing], &json!(true)));
    assert!(run(&folder, "verify @p.vinf --model digits").stdout.contains(&format!("Warning:\n  - {says_nothing}\n")));
    prove("--hide output --write-commitments @w");
    assert!(warnings(&verify(""))[0].contains("compared with nothing (--output-commitment)"));
    assert_eq!(warnings(&verify("--output-commitment @w/output.vcm")), [] as [&str; 0]);
    // Shown ones are there to be looked at.
    prove("");
    let report = verify("");
    assert_eq!(warnings(&report), [] as [&str; 0]);
    let ranges = report["statement"]["possible_outputs"]["ranges"].as_array().unwrap();
    let output = report["statement"]["output"].as_array().unwrap();
    assert!(ranges.iter().zip(output).all(|(range, score)| (range[0].as_i64()..=range[1].as_i64()).contains(&score.as_i64())));
    assert_eq!(report["statement"]["possible_outputs"]["depends_on_weights"], Value::Null);
}

#[test]
fn inputs_of_a_batch_are_told_apart_as_far_as_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    accepted(&folder, "prove digits sample:1 sample:2 sample:1 --out @same.vinf");
    accepted(&folder, "prove digits sample:1 sample:2 --out @different.vinf");
    accepted(&folder, "prove digits sample:1 sample:1 --hide input --write-commitments @w --out @hidden.vinf");
    let verify = |name: &str| format!("verify @{name}.vinf --model digits");
    let report = accepted(&folder, &verify("same"));
    assert_eq!((&report["statement"]["inputs_differ"], warnings(&report)), (&json!(false), vec!["images 0 and 2 have the same input"]));
    rejected(&folder, &format!("{} --expect-distinct-inputs", verify("same")), "equal_inputs");
    assert_eq!(accepted(&folder, &format!("{} --expect-distinct-inputs", verify("different")))["statement"]["inputs_differ"], true);
    // One input twice, behind two commitments.
    let report = accepted(&folder, &verify("hidden"));
    assert_eq!(report["statement"]["inputs_differ"], Value::Null);
    let lines = report["does_not_say"].as_array().unwrap();
    assert!(lines.iter().any(|line| line.as_str().unwrap().starts_with("that the hidden inputs differ")), "{lines:?}");
    rejected(&folder, &format!("{} --expect-distinct-inputs", verify("hidden")), "maybe_equal_inputs");
}

/// Three classes of three inputs: fully connected layers with these channels and clamps, joined.
fn network(layers: &[(usize, i16, i16)]) -> Graph {
    let spec = |channels| TensorSpec { name: "t".into(), shape: Shape::new(1, 1, channels), dtype: DataType::I8 };
    let mut tensors = vec![spec(3)];
    let mut nodes = Vec::new();
    for &(channels, min, max) in layers {
        let requantization = Requantization {
            multipliers: vec![1_500_000_000],
            shifts: vec![-6],
            rounding: Rounding::Once,
            zero_point: min.into(),
            min,
            max,
        };
        let conv = Conv {
            input: TensorId(0),
            input_zero_point: 0,
            window: Window::POINT,
            weights: (0..3 * channels).map(|i| (i * 47 % 251) as i16 - 125).collect(),
            weight_zero_point: 0,
            bias: vec![90; channels],
            requantization,
        };
        tensors.push(spec(channels));
        nodes.push(Node { source: "FULLY_CONNECTED".into(), op: Op::Conv2d(conv), output: TensorId(tensors.len() - 1) });
    }
    let concat = Concat { inputs: (1..tensors.len()).map(TensorId).collect(), axis: 2 };
    tensors.push(spec(3));
    let output = TensorId(tensors.len() - 1);
    nodes.push(Node { source: "CONCATENATION".into(), op: Op::Concat(concat), output });
    Graph::new(tensors, nodes, TensorId(0), output).unwrap()
}

/// Commits to a network and proves what is said of its output.
fn committed(folder: &Path, graph: &Graph, output: OutputForm) {
    let salt: Salt = draw_salt().unwrap();
    let public = commit_model(graph, &salt).unwrap();
    fs::write(folder.join("model.vcm"), public.encode()).unwrap();
    let secret = Secret { kind: Kind::Model, salt: salt.clone(), commitment: public.commitment };
    fs::write(folder.join("model.vsk"), secret.encode()).unwrap();
    let setting = Setting { weights: Some(Envelope::of(graph).unwrap()), hidden_input: true, output };
    let prover = Prover::with_setting(graph.clone(), 1, &setting).unwrap();
    let salts = [(ObjectKind::Model, salt)];
    let execution = Execution { input: &[50, -20, 7], salts: &salts, ..Execution::default() };
    let proved = prover.prove_execution(&execution, b"", 128, &|_| ()).unwrap();
    fs::write(folder.join("p.vinf"), proved.proof.encode()).unwrap();
}

#[test]
fn a_hidden_model_that_gives_one_output_for_all_inputs_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    committed(folder.path(), &network(&[(3, 7, 7)]), OutputForm::Rank { labels: vec![0], k: 1 });
    let verify = "verify @p.vinf --commitment @model.vcm --expect-top 0";
    let report = rejected(&folder, verify, "constant_output");
    assert_eq!(report["found"]["predicate"]["labels"], json!([0]));
    let report = accepted(&folder, &format!("{verify} --allow-degenerate"));
    let warned = warnings(&report);
    assert_eq!(warned[0], "the output of this architecture is the same for every input and all weights");
    assert!(warned[1].contains("true of every output that this network can give"), "{warned:?}");
    let possible = &report["statement"]["possible_outputs"];
    assert_eq!(
        (&possible["constant"], &possible["depends_on_input"], &possible["depends_on_weights"]),
        (&json!([0, 1, 2]), &json!(false), &json!(false))
    );
    // Whoever has the public file sees it.
    let shown = run(&folder, "inspect @model.vcm").accepted().stdout;
    assert!(shown.contains("warning       the output of this architecture is the same for every input and all weights"), "{shown}");
    assert!(shown.contains("clamp 7..7"), "{shown}");
}

#[test]
fn a_hidden_model_in_which_a_class_always_wins_is_refused_where_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let graph = network(&[(1, 100, 100), (2, -128, 99)]);
    committed(folder.path(), &graph, OutputForm::Rank { labels: vec![0], k: 1 });
    rejected(&folder, "verify @p.vinf --commitment @model.vcm --expect-top 0", "predicate_always_holds");
    accepted(&folder, "verify @p.vinf --commitment @model.vcm --expect-top 0 --allow-degenerate");
    committed(folder.path(), &graph, OutputForm::Shown);
    let report = accepted(&folder, "verify @p.vinf --commitment @model.vcm --expect-top 0");
    assert_eq!(warnings(&report), ["whatever the input is, class 0 always has the score 100"]);
    assert_eq!(report["statement"]["possible_outputs"]["ranges"], json!([[100, 100], [-128, 99], [-128, 99]]));
}

#[test]
fn classes_with_the_same_highest_score_are_named() {
    let folder = tempfile::tempdir().unwrap();
    committed(folder.path(), &network(&[(1, 100, 100), (1, -128, 99), (1, 100, 100)]), OutputForm::Shown);
    let report = accepted(&folder, "verify @p.vinf --commitment @model.vcm");
    assert_eq!(report["statement"]["ties"], json!([0, 2]));
    assert!(
        run(&folder, "verify @p.vinf --commitment @model.vcm")
            .stdout
            .contains("tie: the classes 0, 2 have the same output; 0 counts as the first")
    );
    assert_eq!(accepted(digits(), "verify @public.vinf --model digits --context order")["statement"]["ties"], json!([]));
}
