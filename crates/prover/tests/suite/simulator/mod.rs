//! A simulator of the whole argument without witness: the real verifier accepts its proofs of any statement if, and only if, the random oracle is
//! programmed. What a proof shows can therefore be had without knowing anything but the statement.

mod argument;
mod opening;
pub mod oracle;

pub use argument::simulate;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use verinfer_graph::Graph;
use verinfer_prover::Prover;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::setting::{OutputForm, Predicate, Setting};
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, Proof, PublicTensor, Statement};
use verinfer_relation::transcript::Message;
use verinfer_verifier::{Expectations, Verifier, VerifyError};

use crate::random::generator;
use crate::small;
use oracle::{Program, base};

/// What simulated statements are bound to.
const CONTEXT: &[u8] = b"simulated";

/// A commitment that nobody can open.
fn commitment(random: &mut ChaCha20Rng) -> Commitment {
    Commitment(std::array::from_fn(|_| base(random)))
}

/// A statement about random values and commitments.
pub fn random_statement(graph: &Graph, setting: &Setting, images: usize, level: u16, random: &mut ChaCha20Rng) -> Statement {
    let commitments = |random: &mut ChaCha20Rng| (0..images).map(|_| commitment(random)).collect::<Vec<_>>();
    let tensor = |id, random: &mut ChaCha20Rng| {
        let spec = graph.spec(id);
        let values = (0..images * spec.shape.num_elements()).map(|_| i16::from(random.next_u32() as i8)).collect();
        PublicTensor { shape: spec.shape, dtype: spec.dtype, values }
    };
    let model = match setting.weights {
        None => ModelClaim::Public { digest: graph.digest() },
        Some(envelope) => {
            let commitment = Box::new(commitment(random));
            ModelClaim::Hidden { architecture: graph.architecture_digest(), envelope, commitment }
        }
    };
    let input =
        if setting.hidden_input { InputClaim::Hidden(commitments(random)) } else { InputClaim::Shown(tensor(graph.input(), random)) };
    let output = match &setting.output {
        OutputForm::Shown => OutputClaim::Shown(tensor(graph.output(), random)),
        OutputForm::Committed => OutputClaim::Hidden(commitments(random)),
        OutputForm::Rank { labels, k } => OutputClaim::Rank { labels: labels.clone(), k: *k },
        OutputForm::AtLeast { class, value } => OutputClaim::AtLeast { class: *class, value: *value },
        OutputForm::Decided { predicate, holds } => OutputClaim::Decided { predicate: *predicate, holds: holds.clone() },
        OutputForm::Correct { k, count } => OutputClaim::Correct { labels: commitments(random), k: *k, count: *count },
    };
    Statement { security_level: level, context: CONTEXT.to_vec(), images: images as u32, model, input, output }
}

/// What the verifier says of a proof, under an oracle if there is one.
pub fn verdict(graph: &Graph, proof: &Proof, program: Option<&Program>) -> Result<Vec<Message>, VerifyError> {
    let statement = &proof.statement;
    let (images, setting) = (statement.images as usize, statement.setting());
    let architecture = graph.without_learned();
    let verifier = match &statement.model {
        ModelClaim::Public { .. } => Verifier::with_setting(graph.clone(), images, &setting)?,
        ModelClaim::Hidden { envelope, commitment, .. } => {
            Verifier::hidden(architecture.clone(), *envelope, **commitment, images, &setting)?
        }
    };
    let expectations = Expectations {
        security_level: statement.security_level,
        context: CONTEXT.to_vec(),
        allow_degenerate: true,
        ..Expectations::default()
    };
    let accepted = match program {
        None => verifier.verify(&proof.encode(), &expectations),
        Some(program) => verifier.verify_from(|statement| program.from(statement.transcript()), &proof.encode(), &expectations),
    };
    accepted.map(|accepted| accepted.messages)
}

/// Simulates a proof, and lets the verifier judge it with and without the oracle.
fn simulated(graph: &Graph, setting: &Setting, images: usize, level: u16) {
    let mut random = generator();
    let statement = random_statement(graph, setting, images, level, &mut random);
    // What is hidden of the network is not given to the simulator.
    let known = if setting.weights.is_some() { graph.without_learned() } else { graph.clone() };
    let (proof, program) = simulate(&known, statement, ChaCha20Rng::seed_from_u64(31));
    let messages = verdict(graph, &proof, Some(&program));
    assert!(messages.is_ok(), "{setting:?}: {:?}", messages.err());
    assert!(program.len() > 50);
    assert!(verdict(graph, &proof, None).is_err(), "{setting:?}");
    assert!(verdict(graph, &proof, Some(&Program::default())).is_err(), "{setting:?}");
    // The oracle is programmed for this proof alone: another byte, and its answers are those of the hash.
    for message in messages.unwrap().iter().step_by(37) {
        let mut changed = proof.clone();
        changed.body[message.offset] ^= 1;
        assert!(verdict(graph, &changed, Some(&program)).is_err(), "{setting:?}: {}", message.label);
    }
    let mut other = proof.clone();
    other.statement.context.push(0);
    assert!(verdict(graph, &other, Some(&program)).is_err());
}

#[test]
fn proofs_of_false_public_statements_are_simulated() {
    let graph = small::network(1);
    simulated(&graph, &Setting::default(), 1, 24);
    simulated(&graph, &Setting::default(), 1, 128);
    simulated(&graph, &Setting::default(), 3, 24);
    simulated(&graph, &Setting { output: OutputForm::AtLeast { class: 2, value: 127 }, ..Setting::default() }, 2, 24);
}

#[test]
fn proofs_about_commitments_that_nobody_can_open_are_simulated() {
    let graph = small::network(1);
    for output in [
        OutputForm::Shown,
        OutputForm::Committed,
        OutputForm::Rank { labels: vec![2], k: 1 },
        OutputForm::AtLeast { class: 0, value: 127 },
        OutputForm::Decided { predicate: Predicate::Top { class: 2, k: 1 }, holds: vec![false] },
        OutputForm::Decided { predicate: Predicate::AtLeast { class: 0, value: 127 }, holds: vec![true] },
        OutputForm::Correct { k: 1, count: 1 },
    ] {
        simulated(&graph, &small::hidden(&graph, output), 1, 24);
    }
    simulated(&graph, &small::hidden(&graph, OutputForm::Shown), 2, 128);
    simulated(&graph, &Setting { hidden_input: true, ..Setting::default() }, 2, 24);
}

#[test]
fn simulated_proofs_have_the_messages_of_real_ones() {
    let graph = small::network(1);
    let setting = small::hidden(&graph, OutputForm::Committed);
    let real = Prover::showing_scales(graph.clone(), 1, &setting).unwrap().prove(&small::input(1), CONTEXT, 24, &|_| ()).unwrap();
    let (simulated, program) = simulate(&graph.without_learned(), real.proof.statement.clone(), generator());
    let simulated = verdict(&graph, &simulated, Some(&program)).unwrap();
    // Up to the first rows opened, whose number varies.
    let shape = |messages: &[Message]| -> Vec<(&'static str, usize)> {
        messages.iter().take_while(|message| message.label != "row").map(|message| (message.label, message.len)).collect()
    };
    assert_eq!(shape(&simulated), shape(&real.messages));
}
