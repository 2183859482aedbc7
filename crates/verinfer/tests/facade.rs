//! What a program that uses this crate alone can do.

use std::sync::{Arc, Mutex};

use verinfer::{
    AnyFile, Architecture, Cancellation, Claim, Commitment, ElementType, Error, Example, Expectations, Importer, Importers, Model, Object,
    Opening, Part, Proof, Prover, Question, Request, Secret, Tensor, Verifier, digits, estimate,
};

/// Few bits: proofs are quick.
const LEVEL: u16 = 32;

fn request(digit: usize) -> Request {
    Request::new([digits::sample(digit).unwrap()]).security_level(LEVEL)
}

fn expected() -> Expectations {
    Expectations::new().security_level(LEVEL)
}

fn kind<T>(result: Result<T, Error>) -> &'static str {
    result.err().map_or("none", |error| error.kind())
}

#[test]
fn provers_and_verifiers_are_owned_and_shared_between_threads() {
    fn is_owned<T: Send + Sync + 'static>() {}
    is_owned::<Model>();
    is_owned::<Prover>();
    is_owned::<Verifier>();
    is_owned::<Expectations>();
    is_owned::<Request>();
    is_owned::<Proof>();
    is_owned::<Error>();
}

#[test]
fn a_proof_says_the_outputs_that_the_model_gives() {
    let model = digits::model().unwrap();
    let proof = Prover::new(&model).prove(&request(6)).unwrap().proof;
    let verifier = Verifier::of_model(&model);
    let accepted = verifier.verify(proof.to_bytes(), &expected().inputs([digits::sample(6).unwrap()])).unwrap();
    assert_eq!(accepted.outputs().unwrap(), [model.run(&digits::sample(6).unwrap()).unwrap().only().unwrap().clone()]);
    assert!(accepted.input_compared && !accepted.output_demanded && accepted.warnings.is_empty());
    assert_eq!(kind(verifier.verify(proof.to_bytes(), &expected().inputs([digits::sample(5).unwrap()]))), "wrong_input");
    assert_eq!(kind(verifier.verify(proof.to_bytes(), &expected().context("other"))), "wrong_context");
    assert_eq!(kind(verifier.verify(proof.to_bytes(), &Expectations::new())), "insecure_parameters");
    assert_eq!(kind(verifier.verify(b"VERINFER", &expected())), "truncated_file");
}

#[test]
fn a_prover_that_has_derived_one_form_proves_others_too() {
    let model = digits::model().unwrap();
    let (prover, verifier) = (Prover::new(&model), Verifier::of_model(&model));
    for request in [request(1), request(2), request(2).hide_inputs(), request(3).claim(Claim::AtLeast { class: 3, score: 0 }), request(1)] {
        let proof = prover.prove(&request).unwrap().proof;
        verifier.verify(proof.to_bytes(), &expected()).unwrap();
    }
}

#[test]
fn a_verifier_prepared_for_a_form_accepts_and_rejects_as_before() {
    let model = digits::model().unwrap();
    let prover = Prover::new(&model);
    let [first, second] = [request(1), request(2).hide_inputs()].map(|request| prover.prove(&request).unwrap().proof);
    let mut verifier = Verifier::of_model(&model);
    verifier.prepare(&first, &expected()).unwrap();
    verifier.verify(first.to_bytes(), &expected()).unwrap();
    verifier.verify(second.to_bytes(), &expected()).unwrap();
    assert_eq!(kind(verifier.prepare(&second, &expected().context("other"))), "wrong_context");
}

#[test]
fn commitments_made_before_and_anew_are_those_of_the_proof() {
    let folder = tempfile::tempdir().unwrap();
    let (public, secret) = (folder.path().join("model.vcm"), folder.path().join("model.vsk"));
    let model = digits::model().unwrap();
    model.commit().unwrap().write(&public, &secret).unwrap();
    assert_eq!(kind(model.commit().unwrap().write(&public, &secret)), "unwritable_file");
    let request = request(4).hide_weights(&Secret::read(&secret).unwrap()).hide_inputs().hide_outputs();
    let proved = Prover::new(&model).prove(&request).unwrap();
    let of: Vec<Object> = proved.openings.iter().map(|new| new.of).collect();
    assert_eq!(of, [Object::Input { example: 0 }, Object::Output { example: 0 }]);
    let [input, output] = [0, 1].map(|index| proved.openings[index].opening.commitment.clone());
    let verifier = Verifier::load(&public).unwrap();
    let all = expected().input_commitments([input.clone()]).output_commitments([output.clone()]);
    let accepted = verifier.verify(proved.proof.to_bytes(), &all).unwrap();
    assert!(accepted.outputs().is_none() && accepted.warnings.is_empty());
    let exchanged = expected().input_commitments([output.clone()]);
    assert_eq!(kind(verifier.verify(proved.proof.to_bytes(), &exchanged)), "other_tensor");
    let warned = verifier.verify(proved.proof.to_bytes(), &expected()).unwrap();
    assert_eq!(warned.warnings[0].kind, "output_commitments_not_compared");
    assert_eq!(kind(Verifier::of_model(&model).verify(proved.proof.to_bytes(), &expected())), "model_hidden");
    assert_eq!(kind(Verifier::of_commitment(&input)), "malformed_commitment_file");
}

#[test]
fn a_secret_of_something_else_is_refused_before_the_proof() {
    let model = digits::model().unwrap();
    let prover = Prover::new(&model);
    let other = Model::synthetic(Architecture::LeNet, 0).commit().unwrap();
    assert_eq!(kind(prover.prove(&request(1).hide_weights(&other.secret))), "foreign_secret");
    let input = model.commit_inputs(&digits::sample(2).unwrap()).unwrap().remove(0);
    assert_eq!(kind(prover.prove(&request(1).hide_inputs_with([input.secret.clone()]))), "foreign_secret");
    assert!(prover.prove(&request(2).hide_inputs_with([input.secret.clone()])).is_ok());
    assert_eq!(kind(prover.prove(&request(2).hide_inputs_with([input.secret.clone(), input.secret]))), "secret_count");
}

#[test]
fn two_commitments_with_one_salt_are_refused_unless_that_is_allowed() {
    let model = digits::model().unwrap();
    let input = model.commit_inputs(&digits::sample(2).unwrap()).unwrap().remove(0);
    let twice = Request::new([digits::sample(2).unwrap(), digits::sample(2).unwrap()]).security_level(LEVEL);
    let twice = twice.hide_inputs_with([input.secret.clone(), input.secret]);
    let prover = Prover::new(&model);
    assert_eq!(kind(prover.prove(&twice)), "shared_salt");
    let proof = prover.prove(&twice.dangerous_allow_shared_salts()).unwrap().proof;
    let verifier = Verifier::of_model(&model);
    assert!(verifier.verify(proof.to_bytes(), &expected()).unwrap().warnings.iter().any(|caveat| caveat.kind == "equal_inputs"));
    assert_eq!(kind(verifier.verify(proof.to_bytes(), &expected().distinct_inputs())), "equal_inputs");
}

#[test]
fn claims_are_true_or_refused() {
    let model = digits::model().unwrap();
    let prover = Prover::new(&model);
    let refused = |claim: Claim| kind(prover.prove(&request(3).claim(claim)));
    assert_eq!(refused(Claim::Top { classes: vec![4], k: 1 }), "claim_not_true");
    assert_eq!(refused(Claim::Top { classes: vec![3, 4], k: 1 }), "label_count");
    assert_eq!(refused(Claim::Top { classes: vec![10], k: 1 }), "no_such_class");
    assert_eq!(refused(Claim::AtLeast { class: 4, score: 127 }), "claim_not_true");
    assert_eq!(refused(Claim::AtLeast { class: 4, score: 1 << 40 }), "impossible_claim");
    assert_eq!(kind(prover.prove(&request(3).hide_outputs().claim(Claim::Decide(Question::Top { class: 3, k: 1 })))), "impossible_claim");
}

#[test]
fn questions_and_accuracies_are_answered() {
    let model = digits::model().unwrap();
    let (prover, verifier) = (Prover::new(&model), Verifier::of_model(&model));
    let images = || [3, 5].map(|digit| digits::sample(digit).unwrap());
    let question = Question::Top { class: 3, k: 1 };
    let proof = prover.prove(&Request::new(images()).security_level(LEVEL).claim(Claim::Decide(question))).unwrap().proof;
    let accepted = verifier.verify(proof.to_bytes(), &expected().decided(question)).unwrap();
    assert_eq!(accepted.decisions(), Some(&[true, false][..]));
    let labels: Vec<Opening> = [3, 6].map(|label| Opening::of_label(label).unwrap()).to_vec();
    let secrets = labels.iter().map(|label| label.secret.clone());
    let claim = Claim::CountCorrect { labels: vec![3, 6], k: 1 };
    let proof = prover.prove(&Request::new(images()).security_level(LEVEL).claim(claim).label_secrets(secrets)).unwrap().proof;
    let commitments = || labels.iter().map(|label| label.commitment.clone());
    assert!(verifier.verify(proof.to_bytes(), &expected().correct(commitments(), 1, 1)).is_ok());
    assert_eq!(kind(verifier.verify(proof.to_bytes(), &expected().correct(commitments(), 1, 2))), "fewer_correct");
}

#[test]
fn what_cannot_be_proved_is_refused_with_the_reason() {
    let model = digits::model().unwrap();
    let prover = Prover::new(&model);
    assert_eq!(kind(prover.prove(&Request::new([]))), "no_images");
    assert_eq!(kind(prover.prove(&request(1).security_level(129))), "security_level");
    assert_eq!(kind(prover.prove(&request(1).max_memory(1000))), "too_much_memory");
    assert_eq!(kind(prover.prove(&request(1).context(vec![0; 1 << 17]))), "context_too_long");
    let small = Tensor::new(&[2, 2, 1], ElementType::Int8, [0; 4]).unwrap();
    assert_eq!(kind(prover.prove(&Request::new([Example::from(small.clone())]))), "input_mismatch");
    assert_eq!(kind(prover.prove(&Request::new([Example::new()]))), "missing_input");
    assert_eq!(kind(prover.prove(&Request::new([Example::new().with("other", small)]))), "unknown_input");
    assert_eq!(kind(model.decode(b"no picture")), "not_an_input");
    assert_eq!(kind(digits::sample(10)), "no_sample");
}

#[test]
fn progress_is_told_and_a_proof_can_be_cancelled_at_each_step() {
    let model = digits::model().unwrap();
    let prover = Prover::new(&model);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    prover.prove(&request(1).progress(move |step| noted.lock().unwrap().push((step.done, step.steps)))).unwrap();
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen, (0..seen.len()).map(|done| (done, seen.len())).collect::<Vec<_>>());
    for step in 0..seen.len() {
        let cancellation = Cancellation::new();
        let ending = cancellation.clone();
        let watched = request(1).cancellation(&cancellation).progress(move |progress| {
            if progress.done == step {
                ending.cancel();
            }
        });
        assert_eq!(kind(prover.prove(&watched)), "cancelled");
    }
}

#[test]
fn estimates_are_near_what_is_made() {
    let model = digits::model().unwrap();
    for hidden in [&[][..], &[Part::Weights, Part::Input]] {
        let estimate = model.estimate(1, hidden, 128).unwrap();
        let request = Request::new([digits::sample(1).unwrap()]);
        let request = if hidden.is_empty() { request } else { request.hide_weights_anew().hide_inputs() };
        let made = Prover::new(&model).prove(&request).unwrap().proof.to_bytes().len() as f64;
        assert!((estimate.proof_bytes as f64 / made - 1.0).abs() < 0.05, "{} {made}", estimate.proof_bytes);
        let rates = estimate::Rates::fit(&[(estimate.work, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]);
        assert!((rates.predict(&estimate.work) - 21.0).abs() < 0.1);
    }
}

#[test]
fn files_are_known_by_their_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let model = digits::model().unwrap();
    let opening = model.commit().unwrap();
    opening.write(path("a"), path("b")).unwrap();
    Prover::new(&model).prove(&request(1)).unwrap().proof.write(path("c")).unwrap();
    std::fs::write(path("d"), digits::MODEL).unwrap();
    std::fs::write(path("e"), b"hello").unwrap();
    assert!(matches!(AnyFile::read(path("a")).unwrap(), AnyFile::Commitment(found) if *found == opening.commitment));
    assert!(matches!(AnyFile::read(path("b")).unwrap(), AnyFile::Secret(found) if *found == opening.secret));
    assert!(matches!(AnyFile::read(path("c")).unwrap(), AnyFile::Proof(_)));
    assert!(matches!(AnyFile::read(path("d")).unwrap(), AnyFile::Model(_)));
    assert_eq!(kind(AnyFile::read(path("e"))), "unknown_file");
    assert_eq!(kind(AnyFile::read(path("f"))), "unreadable_file");
    assert_eq!(kind(Commitment::read(path("c"))), "malformed_commitment_file");
    assert_eq!(kind(Proof::read(path("a"))), "not_a_proof");
    assert!(Verifier::load(path("a")).unwrap().is_hidden() && !Verifier::load(path("d")).unwrap().is_hidden());
}

#[test]
fn an_importer_of_another_format_is_asked_first() {
    struct Reversed;
    impl Importer for Reversed {
        fn format(&self) -> &'static str {
            "reversed TFLite"
        }
        fn recognizes(&self, head: &[u8]) -> bool {
            head.starts_with(b"REVERSED")
        }
        fn import(&self, bytes: &[u8]) -> Result<verinfer_import::Model, verinfer::ImportError> {
            verinfer_import::import_tflite(&bytes.iter().skip(8).rev().copied().collect::<Vec<_>>())
        }
    }
    let file: Vec<u8> = b"REVERSED".iter().copied().chain(digits::MODEL.iter().rev().copied()).collect();
    assert_eq!(kind(Model::from_bytes(&file)), "unsupported_model");
    let model = Model::from_bytes_by(&Importers::default().with(Reversed), &file).unwrap();
    assert_eq!(model.digest(), digits::model().unwrap().digest());
}

#[test]
fn what_leaves_is_written_by_serde() {
    let model = digits::model().unwrap();
    let proof = Prover::new(&model).prove(&request(1)).unwrap().proof;
    let accepted = Verifier::of_model(&model).verify(proof.to_bytes(), &expected()).unwrap();
    let json = serde_json::to_value(&accepted).unwrap();
    assert_eq!(
        (&json["hidden"], &json["input"]["dtype"], &json["input"]["shape"]),
        (&serde_json::json!([]), &"int8".into(), &serde_json::json!([8, 8, 1]))
    );
    let error = Model::from_bytes(b"").unwrap_err();
    assert_eq!(serde_json::to_value(&error).unwrap()["kind"], "unsupported_model");
    assert_eq!(serde_json::to_value(&model.inputs()[0]).unwrap()["shape"], serde_json::json!([8, 8, 1]));
}

/// The README of this crate is a doc test.
#[test]
fn the_first_page_has_the_program_of_this_crate_s_readme() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let program = |page: &str| page.split("```rust\n").nth(1).unwrap().split("```").next().unwrap().to_string();
    let [first, own] = [std::fs::read_to_string(root).unwrap(), include_str!("../README.md").to_string()].map(|page| program(&page));
    assert_eq!(first, own);
    assert!(own.lines().count() <= 25);
}
