//! Every public input of a statement, changed: with the challenges of the statement that was proved, and with its own.
//!
//! What the argument does not depend on is guarded by the statement's checks and by the transcript, which absorbs all of it before the first
//! challenge; what it does depend on would be noticed even if the challenges stayed the same.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{DataType, Shape};
use verinfer_prover::Proved;
use verinfer_relation::Relation;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::field::F;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::parameters::Parameters;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, Proof, PublicTensor, Statement};
use verinfer_relation::transcript::{ProverTranscript, VerifierTranscript};
use verinfer_verifier::{Reduction, VerifyError, opening, reduce};

use crate::forger::{FORGER, Forger, GENUINE, input_mut, output_mut};
use crate::hidden::{AT_LEAST, COMMITTED, CORRECT, DECIDED, DECIDED_SCORE, HIDDEN, RANK};

/// What becomes of a proof whose statement was changed, with the challenges of the true one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replayed {
    /// The argument says nothing about it.
    Accepted,
    /// The last equation does not hold.
    CombinedClaim,
    /// The argument is another one, of which these need not even be the messages.
    Another,
    /// There is no such file.
    NoFile,
}

/// What the verifier says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Production {
    Format,
    Level,
    Context,
    Network,
    Architecture,
    Model,
    Input,
    Output,
    /// The first check that depends on a challenge.
    Challenges,
}

impl Production {
    fn is(self, error: &VerifyError) -> bool {
        match self {
            Self::Format => matches!(error, VerifyError::Format(_)),
            Self::Level => matches!(error, VerifyError::InsecureParameters { .. }),
            Self::Context => *error == VerifyError::WrongContext,
            Self::Network => matches!(error, VerifyError::WrongNetwork { .. }),
            Self::Architecture => matches!(error, VerifyError::WrongArchitecture { .. }),
            Self::Model => *error == VerifyError::WrongModelCommitment,
            Self::Input => matches!(error, VerifyError::InputShape { .. }),
            Self::Output => matches!(error, VerifyError::OutputShape { .. }),
            Self::Challenges => *error == VerifyError::Grinding { oracle: 0 },
        }
    }
}

/// A public input, a statement that has it, and how to change it.
type Row = (&'static str, fn() -> &'static Forger, fn(&mut Statement), Replayed, Production);

const ROWS: [Row; 35] = [
    ("level", hidden, |s| s.security_level -= 1, Replayed::Another, Production::Level),
    ("context", hidden, |s| s.context[0] ^= 1, Replayed::Accepted, Production::Context),
    ("images", hidden, |s| s.images += 1, Replayed::NoFile, Production::Format),
    ("digest", public, |s| s.model = ModelClaim::Public { digest: [7; 32] }, Replayed::Accepted, Production::Network),
    ("architecture", hidden, |s| model(s).0[31] ^= 1, Replayed::Accepted, Production::Architecture),
    ("limbs", hidden, |s| model(s).1.num_limbs += 1, Replayed::Another, Production::Architecture),
    ("bits of limbs", hidden, |s| model(s).1.limb_bits += 1, Replayed::Another, Production::Architecture),
    ("smallest key", hidden, |s| model(s).1.keys.0 -= 1, Replayed::Another, Production::Architecture),
    ("largest key", hidden, |s| model(s).1.keys.1 -= 1, Replayed::Another, Production::Architecture),
    ("smallest signed key", hidden, |s| model(s).1.signed_keys.0 += 1, Replayed::Another, Production::Architecture),
    ("largest signed key", hidden, |s| model(s).1.signed_keys.1 += 1, Replayed::Another, Production::Architecture),
    ("model commitment", hidden, |s| model(s).2.0[99] += F::ONE, Replayed::CombinedClaim, Production::Model),
    ("input height", public, |s| input_mut(s).shape = Shape::new(3, 12, 2), Replayed::Accepted, Production::Input),
    ("input width", public, |s| input_mut(s).shape = Shape::new(12, 3, 2), Replayed::Accepted, Production::Input),
    ("input channels", public, |s| input_mut(s).shape = Shape::new(6, 2, 6), Replayed::Accepted, Production::Input),
    ("input type", public, |s| input_mut(s).dtype = DataType::U8, Replayed::Accepted, Production::Input),
    ("input", public, |s| input_mut(s).values[70] ^= 1, Replayed::CombinedClaim, Production::Challenges),
    ("input commitments", hidden, |s| inputs(s)[1].0[0] += F::ONE, Replayed::CombinedClaim, Production::Challenges),
    ("output height", public, |s| output_mut(s).shape = Shape::new(6, 1, 1), Replayed::Accepted, Production::Output),
    ("output width", public, |s| output_mut(s).shape = Shape::new(1, 6, 1), Replayed::Accepted, Production::Output),
    ("output channels", public, |s| output_mut(s).shape = Shape::new(1, 2, 3), Replayed::Accepted, Production::Output),
    ("output type", public, |s| output_mut(s).dtype = DataType::U8, Replayed::Accepted, Production::Output),
    ("output", hidden, |s| output_mut(s).values[7] ^= 1, Replayed::CombinedClaim, Production::Challenges),
    ("output commitments", committed, |s| outputs(s)[0].0[127] -= F::ONE, Replayed::CombinedClaim, Production::Challenges),
    ("labels", rank, |s| labels(s).swap(0, 1), Replayed::CombinedClaim, Production::Challenges),
    ("rank", rank, |s| *numbers(s)[0] += 1, Replayed::CombinedClaim, Production::Challenges),
    ("class", at_least, |s| *numbers(s)[0] += 1, Replayed::CombinedClaim, Production::Challenges),
    ("score", at_least, score, Replayed::CombinedClaim, Production::Challenges),
    ("label commitments", correct, |s| outputs(s).swap(0, 1), Replayed::CombinedClaim, Production::Challenges),
    ("rank of the count", correct, |s| *numbers(s)[0] += 1, Replayed::CombinedClaim, Production::Challenges),
    ("count", correct, |s| *numbers(s)[1] += 1, Replayed::CombinedClaim, Production::Challenges),
    ("decided class", decided, |s| *numbers(s)[0] += 1, Replayed::CombinedClaim, Production::Challenges),
    ("decided rank", decided, |s| *numbers(s)[1] += 1, Replayed::CombinedClaim, Production::Challenges),
    ("decided score", decided_score, score, Replayed::CombinedClaim, Production::Challenges),
    ("decisions", decided, |s| decisions(s)[1] ^= true, Replayed::CombinedClaim, Production::Challenges),
];

/// All public inputs of a statement. A new one does not compile until it is named, and then fails until it has a row.
fn public_inputs(statement: &Statement) -> Vec<&'static str> {
    let Statement { security_level: _, context: _, images: _, model, input, output } = statement;
    let mut names = vec!["level", "context", "images"];
    names.extend(match model {
        ModelClaim::Public { digest: _ } => vec!["digest"],
        ModelClaim::Hidden { architecture: _, envelope, commitment: _ } => {
            let Envelope { num_limbs: _, limb_bits: _, keys: (_, _), signed_keys: (_, _) } = envelope;
            let limbs = ["architecture", "limbs", "bits of limbs", "model commitment"];
            [limbs, ["smallest key", "largest key", "smallest signed key", "largest signed key"]].concat()
        }
    });
    let sides = |tensor: &PublicTensor| {
        let PublicTensor { shape: Shape { height: _, width: _, channels: _ }, dtype: _, values: _ } = tensor;
    };
    names.extend(match input {
        InputClaim::Shown(tensor) => {
            sides(tensor);
            vec!["input height", "input width", "input channels", "input type", "input"]
        }
        InputClaim::Hidden(_) => vec!["input commitments"],
    });
    names.extend(match output {
        OutputClaim::Shown(tensor) => {
            sides(tensor);
            vec!["output height", "output width", "output channels", "output type", "output"]
        }
        OutputClaim::Hidden(_) => vec!["output commitments"],
        OutputClaim::Rank { labels: _, k: _ } => vec!["labels", "rank"],
        OutputClaim::AtLeast { class: _, value: _ } => vec!["class", "score"],
        OutputClaim::Decided { predicate: Predicate::Top { class: _, k: _ }, holds: _ } => {
            vec!["decided class", "decided rank", "decisions"]
        }
        OutputClaim::Decided { predicate: Predicate::AtLeast { class: _, value: _ }, holds: _ } => {
            vec!["decided class", "decided score", "decisions"]
        }
        OutputClaim::Correct { labels: _, k: _, count: _ } => vec!["label commitments", "rank of the count", "count"],
    });
    names
}

#[test]
fn every_public_input_has_a_row() {
    let forgers = [public(), hidden(), committed(), rank(), at_least(), correct(), decided(), decided_score()];
    let named: BTreeSet<&str> = forgers.iter().flat_map(|forger| public_inputs(&forger.statement)).collect();
    let listed: BTreeSet<&str> = ROWS.iter().map(|row| row.0).collect();
    assert_eq!((named, ROWS.len()), (listed, ROWS.iter().map(|row| row.0).collect::<BTreeSet<_>>().len()));
    for (name, forger, ..) in ROWS {
        assert!(public_inputs(&forger().statement).contains(&name), "{name}");
    }
}

#[test]
fn a_changed_public_input_is_rejected_though_the_argument_may_not_depend_on_it() {
    for (name, forger, change, replayed, production) in ROWS {
        let forger = forger();
        let proved = genuine(forger);
        let mut statement = forger.statement.clone();
        change(&mut statement);
        assert_ne!(statement, forger.statement, "{name}");
        // The body of the true statement.
        let kept = Proof { statement: statement.clone(), body: proved.proof.body };
        let error = forger.verify(&kept.encode()).unwrap_err();
        assert!(production.is(&error), "{name}: {error}");
        if replayed == Replayed::NoFile {
            continue;
        }
        let found = argument(forger, &forger.statement, &kept);
        let expected = match replayed {
            Replayed::Accepted => found == Ok(()),
            Replayed::CombinedClaim => found == Err(VerifyError::CombinedClaim),
            Replayed::Another | Replayed::NoFile => found.is_err(),
        };
        assert!(expected, "{name}: {found:?}");
        // A prover who makes the argument for the changed statement with the challenges of the true one.
        let transcript = ProverTranscript::new(forger.statement.transcript());
        if let Ok(proved) = forger.prover.prove_through(transcript, statement, forger.witness.clone(), &|_| ()) {
            let error = forger.verify(&proved.proof.encode()).unwrap_err();
            assert!(production.is(&error), "{name}, again: {error}");
            // At a lower level it is an argument too, only a weaker one.
            let found = argument(forger, &forger.statement, &proved.proof);
            assert_eq!(found.is_ok(), replayed == Replayed::Accepted || name == "level", "{name}, again");
        }
    }
}

#[test]
fn the_argument_alone_accepts_what_was_proved() {
    for forger in [public(), hidden(), committed(), rank(), at_least(), correct(), decided(), decided_score()] {
        assert_eq!(argument(forger, &forger.statement, &genuine(forger).proof), Ok(()));
    }
}

/// Steps 1 to 7 with the challenges that follow from another statement.
fn argument(forger: &Forger, absorbed: &Statement, proof: &Proof) -> Result<(), VerifyError> {
    let statement = &proof.statement;
    let relation = Relation::with_setting(forger.graph, forger.relation().images, &statement.setting())?;
    let parameters = Parameters::for_cells(relation.layout.num_stored(), usize::from(statement.security_level))?;
    let mut transcript = VerifierTranscript::new(absorbed.transcript(), &proof.body);
    let Reduction { root, functional, leaves, target } = reduce(&mut transcript, forger.graph, &relation, statement)?;
    opening::verify(&mut transcript, &parameters, root, target, |point| {
        functional.evaluate(&relation.layout, &leaves, &EqWeights::new(point))
    })?;
    transcript.finish()?;
    Ok(())
}

fn genuine(forger: &Forger) -> Proved {
    if std::ptr::eq(forger, &*FORGER) {
        return Proved { proof: GENUINE.proof.clone(), messages: GENUINE.messages.clone() };
    }
    forger.prove(forger.statement.clone(), forger.witness.clone())
}

fn public() -> &'static Forger {
    &FORGER
}

fn hidden() -> &'static Forger {
    &HIDDEN
}

fn committed() -> &'static Forger {
    &COMMITTED
}

fn rank() -> &'static Forger {
    &RANK
}

fn at_least() -> &'static Forger {
    &AT_LEAST
}

fn correct() -> &'static Forger {
    &CORRECT
}

fn decided() -> &'static Forger {
    &DECIDED
}

fn decided_score() -> &'static Forger {
    &DECIDED_SCORE
}

fn model(statement: &mut Statement) -> (&mut [u8; 32], &mut Envelope, &mut Commitment) {
    let ModelClaim::Hidden { architecture, envelope, commitment } = &mut statement.model else { panic!("the model is public") };
    (architecture, envelope, commitment)
}

fn inputs(statement: &mut Statement) -> &mut Vec<Commitment> {
    let InputClaim::Hidden(commitments) = &mut statement.input else { panic!("the input is shown") };
    commitments
}

fn outputs(statement: &mut Statement) -> &mut Vec<Commitment> {
    let (OutputClaim::Hidden(commitments) | OutputClaim::Correct { labels: commitments, .. }) = &mut statement.output else {
        panic!("nothing is committed to")
    };
    commitments
}

fn labels(statement: &mut Statement) -> &mut Vec<u32> {
    let OutputClaim::Rank { labels, .. } = &mut statement.output else { panic!("no labels") };
    labels
}

fn numbers(statement: &mut Statement) -> Vec<&mut u32> {
    match &mut statement.output {
        OutputClaim::Rank { k, .. } => vec![k],
        OutputClaim::AtLeast { class, .. } | OutputClaim::Decided { predicate: Predicate::AtLeast { class, .. }, .. } => vec![class],
        OutputClaim::Decided { predicate: Predicate::Top { class, k }, .. } => vec![class, k],
        OutputClaim::Correct { k, count, .. } => vec![k, count],
        OutputClaim::Shown(_) | OutputClaim::Hidden(_) => panic!("no numbers"),
    }
}

fn score(statement: &mut Statement) {
    let (OutputClaim::AtLeast { value, .. } | OutputClaim::Decided { predicate: Predicate::AtLeast { value, .. }, .. }) =
        &mut statement.output
    else {
        panic!("no score")
    };
    *value -= 1;
}

fn decisions(statement: &mut Statement) -> &mut Vec<bool> {
    let OutputClaim::Decided { holds, .. } = &mut statement.output else { panic!("nothing is decided") };
    holds
}
