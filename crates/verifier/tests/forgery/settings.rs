//! Statements about something else than was proved: hidden relabelled as public and the other way round, other forms of the output, other models,
//! architectures, envelopes, inputs and contexts; and commitments that are none.

use std::sync::LazyLock;

use p3_field::PrimeField64;
use verinfer_prover::{Execution, Proved};
use verinfer_relation::RelationError;
use verinfer_relation::commitment::{COMMITMENT_BYTES, Commitment, CommitmentError};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::field::F;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::Setting;
use verinfer_relation::statement::{FormatError, InputClaim, ModelClaim, Proof, PublicTensor, Statement};
use verinfer_verifier::{Expectations, ExpectedInput, Verifier, VerifyError};

use crate::forger::{CONTEXT, EXPECTATIONS, Forger};
use crate::hidden::{COMMITTED, CORRECT, HIDDEN, HIDDEN_GENUINE, IMAGES, envelope, forgers, hidden_network, inputs};
use crate::network::network;

/// Everything of the network of [`HIDDEN`] is public.
static PUBLIC: LazyLock<Forger> = LazyLock::new(|| Forger::batch(hidden_network(|_| ()), IMAGES, &inputs()));

/// Weights are public, inputs are hidden.
static INPUT_HIDDEN: LazyLock<Forger> = LazyLock::new(|| {
    let setting = Setting { hidden_input: true, ..Setting::default() };
    Forger::with_setting(hidden_network(|_| ()), IMAGES, &setting, &Execution { input: &inputs(), ..Execution::default() })
});

fn genuine(forger: &Forger) -> Proved {
    forger.prove(forger.statement.clone(), forger.witness.clone())
}

/// The messages of a proof under another statement.
fn relabelled(proved: &Proved, change: impl FnOnce(&mut Statement)) -> Vec<u8> {
    let mut statement = proved.proof.statement.clone();
    change(&mut statement);
    assert_ne!(statement, proved.proof.statement);
    Proof { statement, body: proved.proof.body.clone() }.encode()
}

/// The argument, and not the form of the file, is what fails.
fn fails_in_the_argument(error: &VerifyError) {
    assert!(matches!(error, VerifyError::Grinding { oracle: 0 } | VerifyError::Message(_)), "{error}");
}

#[test]
fn a_hidden_model_is_not_a_public_one() {
    let public = |statement: &mut Statement| statement.model = PUBLIC.statement.model.clone();
    let file = relabelled(&HIDDEN_GENUINE, public);
    assert_eq!(HIDDEN.verify(&file).unwrap_err(), VerifyError::ModelNotHidden);
    fails_in_the_argument(&PUBLIC.verify(&file).unwrap_err());
    assert_eq!(PUBLIC.verify(&HIDDEN_GENUINE.proof.encode()).unwrap_err(), VerifyError::ModelHidden);
}

#[test]
fn a_public_model_is_not_a_hidden_one() {
    let hidden = |statement: &mut Statement| statement.model = HIDDEN.statement.model.clone();
    for forger in [&*PUBLIC, &INPUT_HIDDEN] {
        let proved = genuine(forger);
        assert_eq!(HIDDEN.verify(&proved.proof.encode()).unwrap_err(), VerifyError::ModelNotHidden);
        let file = relabelled(&proved, hidden);
        assert_eq!(forger.verify(&file).unwrap_err(), VerifyError::ModelHidden);
        fails_in_the_argument(&HIDDEN.verify(&file).unwrap_err());
    }
}

#[test]
fn hidden_inputs_are_not_shown_ones_nor_the_other_way_round() {
    let spec = HIDDEN.graph.spec(HIDDEN.graph.input());
    let shown = PublicTensor { shape: spec.shape, dtype: spec.dtype, values: inputs() };
    for forger in [&*HIDDEN, &INPUT_HIDDEN] {
        let file = relabelled(&genuine(forger), |statement| statement.input = InputClaim::Shown(shown.clone()));
        fails_in_the_argument(&forger.verify(&file).unwrap_err());
    }
    let file = relabelled(&genuine(&PUBLIC), |statement| statement.input = HIDDEN.statement.input.clone());
    fails_in_the_argument(&PUBLIC.verify(&file).unwrap_err());
}

#[test]
fn what_is_said_about_outputs_is_not_something_else() {
    for (name, forger) in forgers() {
        let proved = genuine(forger);
        for (other_name, other) in forgers() {
            if name != other_name {
                let file = relabelled(&proved, |statement| statement.output = other.statement.output.clone());
                // All these verifiers are for the same model; none accepts it.
                for verifier in [forger, other] {
                    fails_in_the_argument(&verifier.verify(&file).unwrap_err());
                }
                // A prover who makes the argument of one form for a statement of the other.
                let statement = Statement { output: other.statement.output.clone(), ..forger.statement.clone() };
                if let Ok(proved) = forger.prover.prove_statement(statement, forger.witness.clone(), &|_| ()) {
                    assert!(forger.verify(&proved.proof.encode()).is_err(), "{name} as {other_name}");
                }
            }
        }
        // Whatever the verifier was set up for, it accepts what is true.
        HIDDEN.verify(&proved.proof.encode()).unwrap();
    }
}

#[test]
fn a_proof_of_another_architecture_or_envelope_is_refused() {
    let statement = |change: fn(&mut ModelClaim)| relabelled(&HIDDEN_GENUINE, |statement| change(&mut statement.model));
    let wrong = |file: &[u8]| assert!(matches!(HIDDEN.verify(file), Err(VerifyError::WrongArchitecture { .. })));
    wrong(&statement(|model| {
        let ModelClaim::Hidden { architecture, .. } = model else { return };
        architecture[0] ^= 128;
    }));
    // Wider, narrower and impossible.
    for change in [
        (|envelope| envelope.keys = (2 * envelope.keys.0, 2 * envelope.keys.1)) as fn(&mut Envelope),
        |envelope| envelope.signed_keys.1 /= 2,
        |envelope| envelope.num_limbs += 1,
        |envelope| envelope.keys = (1, 0),
        |envelope| (envelope.num_limbs, envelope.limb_bits) = (255, 255),
    ] {
        let file = relabelled(&HIDDEN_GENUINE, |statement| {
            if let ModelClaim::Hidden { envelope, .. } = &mut statement.model {
                change(envelope);
            }
        });
        wrong(&file);
        // A verifier who expects that envelope.
        let mut other = envelope();
        change(&mut other);
        let commitment = *HIDDEN.statement.commitment(ObjectKind::Model).unwrap();
        match Verifier::hidden(HIDDEN.graph.clone(), other, commitment, IMAGES, &Setting::default()) {
            Ok(verifier) => {
                fails_in_the_argument(&verifier.verify(&file, &EXPECTATIONS).unwrap_err());
                let error = verifier.verify(&HIDDEN_GENUINE.proof.encode(), &EXPECTATIONS).unwrap_err();
                assert!(matches!(error, VerifyError::WrongArchitecture { .. }), "{error}");
            }
            Err(error) => assert!(matches!(error, VerifyError::Relation(RelationError::Envelope(_) | RelationError::TooWide { .. }))),
        }
    }
    // A verifier of another architecture: without the addition's constants.
    let other = network(|_| ());
    let commitment = *HIDDEN.statement.commitment(ObjectKind::Model).unwrap();
    let verifier = Verifier::hidden(other.clone(), envelope(), commitment, IMAGES, &Setting::default()).unwrap();
    let error = verifier.verify(&HIDDEN_GENUINE.proof.encode(), &EXPECTATIONS).unwrap_err();
    assert!(matches!(error, VerifyError::WrongArchitecture { .. }), "{error}");
    let file = relabelled(&HIDDEN_GENUINE, |statement| {
        if let ModelClaim::Hidden { architecture, .. } = &mut statement.model {
            *architecture = other.architecture_digest();
        }
    });
    fails_in_the_argument(&verifier.verify(&file, &EXPECTATIONS).unwrap_err());
}

#[test]
fn another_model_commitment_is_refused() {
    let Some(other) = HIDDEN.statement.commitment(ObjectKind::Input(0)).cloned() else { panic!("the input is hidden") };
    let file = relabelled(&HIDDEN_GENUINE, |statement| {
        if let ModelClaim::Hidden { commitment, .. } = &mut statement.model {
            **commitment = other;
        }
    });
    assert_eq!(HIDDEN.verify(&file).unwrap_err(), VerifyError::WrongModelCommitment);
    let verifier = Verifier::hidden(HIDDEN.graph.clone(), envelope(), other, IMAGES, &HIDDEN.relation().setting).unwrap();
    fails_in_the_argument(&verifier.verify(&file, &EXPECTATIONS).unwrap_err());
    assert_eq!(verifier.verify(&HIDDEN_GENUINE.proof.encode(), &EXPECTATIONS).unwrap_err(), VerifyError::WrongModelCommitment);
}

#[test]
fn other_inputs_than_expected_are_refused() {
    let demand = |forger: &Forger, file: &[u8], input: ExpectedInput| {
        forger.verifier.verify(file, &Expectations { input, ..EXPECTATIONS.clone() }).map(|_| ())
    };
    let InputClaim::Hidden(commitments) = &HIDDEN.statement.input else { panic!("the input is hidden") };
    let hidden = HIDDEN_GENUINE.proof.encode();
    assert_eq!(demand(&HIDDEN, &hidden, ExpectedInput::Hidden(commitments.to_vec())), Ok(()));
    assert_eq!(demand(&HIDDEN, &hidden, ExpectedInput::Shown(inputs().to_vec())), Err(VerifyError::InputHidden));
    for images in [0, 1] {
        let error = VerifyError::InputCount { found: IMAGES, expected: images };
        assert_eq!(demand(&HIDDEN, &hidden, ExpectedInput::Hidden(commitments[..images].to_vec())), Err(error));
    }
    let mut exchanged = commitments.clone();
    exchanged.swap(0, 1);
    assert_eq!(demand(&HIDDEN, &hidden, ExpectedInput::Hidden(exchanged.to_vec())), Err(VerifyError::WrongInputCommitment { image: 0 }));
    exchanged = commitments.clone();
    exchanged[1].0[127] += F::new(1);
    assert_eq!(demand(&HIDDEN, &hidden, ExpectedInput::Hidden(exchanged.to_vec())), Err(VerifyError::WrongInputCommitment { image: 1 }));
    // Which a prover may claim, but not prove.
    let file = relabelled(&HIDDEN_GENUINE, |statement| statement.input = InputClaim::Hidden(exchanged.clone()));
    fails_in_the_argument(&demand(&HIDDEN, &file, ExpectedInput::Hidden(exchanged.to_vec())).unwrap_err());
    let shown = genuine(&PUBLIC).proof.encode();
    assert_eq!(demand(&PUBLIC, &shown, ExpectedInput::Hidden(commitments.to_vec())), Err(VerifyError::InputNotHidden));
    assert_eq!(demand(&PUBLIC, &shown, ExpectedInput::Shown(inputs().to_vec())), Ok(()));
}

#[test]
fn a_hidden_proof_is_not_replayed_in_another_context() {
    let file = HIDDEN_GENUINE.proof.encode();
    let fresh = Expectations { context: b"fresh".to_vec(), ..EXPECTATIONS.clone() };
    assert_eq!(HIDDEN.verifier.verify(&file, &fresh).unwrap_err(), VerifyError::WrongContext);
    let file = relabelled(&HIDDEN_GENUINE, |statement| statement.context = b"fresh".to_vec());
    assert_eq!(HIDDEN.verifier.verify(&file, &fresh).unwrap_err(), VerifyError::Grinding { oracle: 0 });
}

/// First bytes of all commitments of a proof: those of the model, of inputs, and of outputs or labels.
fn commitments(forger: &Forger, before_outputs: usize) -> Vec<(&'static str, usize)> {
    let model = 16 + CONTEXT.len() + 4 + 1 + 32 + Envelope::BYTES;
    let inputs = model + COMMITMENT_BYTES + 1;
    let outputs = inputs + IMAGES * COMMITMENT_BYTES + before_outputs;
    let name = if forger.statement.commitment(ObjectKind::Label(0)).is_some() { "label" } else { "output" };
    let each = |name, first| (0..IMAGES).map(move |image| (name, first + image * COMMITMENT_BYTES));
    [("model", model)].into_iter().chain(each("input", inputs)).chain(each(name, outputs)).collect()
}

#[test]
fn a_commitment_has_one_encoding() {
    for (forger, before_outputs) in [(&*COMMITTED, 1), (&CORRECT, 9)] {
        let file = genuine(forger).proof.encode();
        let kinds = |image| [ObjectKind::Output(image), ObjectKind::Label(image)];
        for (index, (field, first)) in commitments(forger, before_outputs).into_iter().enumerate() {
            let object = match index {
                0 => forger.statement.commitment(ObjectKind::Model),
                1 | 2 => forger.statement.commitment(ObjectKind::Input(index - 1)),
                _ => kinds(index - 3).into_iter().find_map(|kind| forger.statement.commitment(kind)),
            };
            assert_eq!(Commitment::from_bytes(&file[first..first + COMMITMENT_BYTES]).as_ref().ok(), object);
            for (coordinate, value) in [(0, F::ORDER_U64), (127, u64::MAX), (64, F::ORDER_U64 + 1)] {
                let mut file = file.clone();
                file[first + 8 * coordinate..][..8].copy_from_slice(&value.to_le_bytes());
                let expected = FormatError::Commitment { field, reason: CommitmentError::NotCanonical { coordinate } };
                assert_eq!(forger.verify(&file).unwrap_err(), VerifyError::Format(expected));
            }
        }
    }
}

#[test]
fn every_byte_of_every_commitment_matters() {
    let file = genuine(&CORRECT).proof.encode();
    for (field, first) in commitments(&CORRECT, 9) {
        for at in (first..first + COMMITMENT_BYTES).step_by(13) {
            let mut file = file.clone();
            file[at] ^= 1;
            let error = CORRECT.verify(&file).unwrap_err();
            let expected = if field == "model" { VerifyError::WrongModelCommitment } else { VerifyError::Grinding { oracle: 0 } };
            assert_eq!(error, expected, "{field}, byte {at}");
        }
    }
}

#[test]
fn a_hidden_file_cut_short_or_lengthened_is_refused() {
    for (_, forger) in forgers() {
        let proved = genuine(forger);
        let file = proved.proof.encode();
        let header = file.len() - proved.proof.body.len();
        for len in (0..header).step_by(7) {
            assert!(matches!(forger.verify(&file[..len]), Err(VerifyError::Format(_))), "{len}");
        }
        let longer = [file, vec![0]].concat();
        assert_eq!(forger.verify(&longer).unwrap_err(), VerifyError::Format(FormatError::TrailingBytes { extra: 1 }));
    }
}
