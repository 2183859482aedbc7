//! What is done with changed bytes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use verinfer_graph::Graph;
use verinfer_relation::commitment::{COMMITMENT_BYTES, Commitment};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::Setting;
use verinfer_relation::steps;
use verinfer_relation::transcript::Message;
use verinfer_verifier::{Expectations, Proof, Statement, Verifier, VerifyError};

use crate::mutate;
use crate::network::{CONTEXT, LEVEL, network, seeds, verifier};
use crate::random::{self, Rng};
use crate::replay::Answers;

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of a proof file, changed anywhere.
    Bytes,
    /// One message of a proof.
    Message,
    /// Messages of two proofs.
    Splice,
    /// What is claimed.
    Statement,
    /// A message, judged with the seed's challenges.
    ReplayedMessage,
    /// What is claimed, judged with the seed's challenges.
    ReplayedStatement,
    /// An encoded architecture.
    Architecture,
    /// Envelope and commitment, and a verifier made from them.
    Commitment,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Bytes,
        Self::Message,
        Self::Splice,
        Self::Statement,
        Self::ReplayedMessage,
        Self::ReplayedStatement,
        Self::Architecture,
        Self::Commitment,
    ];

    /// Bytes that a case may allocate at once.
    pub fn memory(self) -> usize {
        match self {
            // Statements of up to 64 images.
            Self::Statement | Self::ReplayedStatement | Self::Bytes | Self::Message | Self::Splice | Self::ReplayedMessage => 128 << 20,
            // What an architecture may ask for is bounded by `MAX_UNITS` of `graph/src/architecture`, tables of envelopes by their keys.
            Self::Architecture | Self::Commitment => 3 << 29,
        }
    }
}

/// A genuine proof.
struct Genuine {
    file: Vec<u8>,
    proof: Proof,
    messages: Vec<Message>,
    verifier: Verifier,
    answers: Answers,
}

/// The seeds, and what came of changed ones.
pub struct Cases {
    network: &'static Graph,
    genuine: Vec<Genuine>,
    outcomes: RefCell<BTreeMap<String, u64>>,
}

static EXPECTATIONS: LazyLock<Expectations> =
    LazyLock::new(|| Expectations { security_level: LEVEL, context: CONTEXT.to_vec(), allow_degenerate: true, ..Expectations::default() });

impl Cases {
    /// Reads the seeds, which must be genuine proofs.
    pub fn new() -> Self {
        let network: &Graph = Box::leak(Box::new(network()));
        let architecture: &Graph = Box::leak(Box::new(network.without_learned()));
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/decode_proof");
        let genuine = seeds(network).into_iter().map(|seed| {
            let name = seed.name;
            let advice = "make the seeds anew: cd fuzz && cargo run --release --bin seeds";
            let file = fs::read(format!("{folder}/{name}")).unwrap_or_else(|error| panic!("{name}: {error}; {advice}"));
            let proof = Proof::decode(&file).unwrap_or_else(|error| panic!("{name}: {error}; {advice}"));
            let known = if seed.setting.weights.is_some() { architecture } else { network };
            let verifier = verifier(known.clone(), &proof.statement).unwrap_or_else(|error| panic!("{name}: {error}; {advice}"));
            let answers = Answers::default();
            let accepted = verifier.verify_from(|statement| answers.record(statement.transcript()), &file, &EXPECTATIONS);
            let messages = accepted.unwrap_or_else(|error| panic!("{name}: {error}; {advice}")).messages;
            assert!(verifier.verify(&file, &EXPECTATIONS).is_ok());
            let replayed = verifier.verify_from(|statement| answers.replay(statement.transcript()), &file, &EXPECTATIONS);
            assert!(replayed.is_ok());
            Genuine { file, proof, messages, verifier, answers }
        });
        Self { network, genuine: genuine.collect(), outcomes: RefCell::default() }
    }

    /// How often each outcome was found: of proofs, the reason of rejection without what it says about the file.
    pub fn outcomes(&self) -> BTreeMap<String, u64> {
        self.outcomes.borrow().clone()
    }

    /// Runs a case; says what is wrong with the outcome.
    pub fn run(&self, kind: Kind, random: &mut Rng) -> Result<(), String> {
        let genuine = random.pick(&self.genuine);
        let other = random.pick(&self.genuine);
        match kind {
            Kind::Bytes => self.verify(genuine, &random::bytes(&genuine.file, random)),
            Kind::Message => {
                let body = mutate::message(&genuine.proof.body, &genuine.messages, random);
                self.verify(genuine, &Proof { statement: genuine.proof.statement.clone(), body }.encode())
            }
            Kind::Splice => {
                let [first, second] = [genuine, other].map(|seed| (seed.proof.body.as_slice(), seed.messages.as_slice()));
                let body = mutate::splice(first, second, random);
                let statement = random.pick(&[genuine, other]).proof.statement.clone();
                let seed = if random.one_in(2) { genuine } else { other };
                self.verify(seed, &Proof { statement, body }.encode())
            }
            Kind::Statement => {
                let mut proof = genuine.proof.clone();
                mutate::statement(&mut proof.statement, &other.proof.statement, random);
                self.verify(genuine, &proof.encode())
            }
            Kind::ReplayedMessage => {
                let body = mutate::message(&genuine.proof.body, &genuine.messages, random);
                self.replay(genuine, &Proof { statement: genuine.proof.statement.clone(), body })
            }
            Kind::ReplayedStatement => {
                let mut proof = genuine.proof.clone();
                mutate::statement(&mut proof.statement, &other.proof.statement, random);
                self.replay(genuine, &proof)
            }
            Kind::Architecture => self.architecture(random),
            Kind::Commitment => self.commitment(genuine, random),
        }
    }

    /// A file that is accepted is a seed, and what is decoded has one encoding.
    fn verify(&self, genuine: &Genuine, file: &[u8]) -> Result<(), String> {
        if let Ok(proof) = Proof::decode(file)
            && proof.encode() != file
        {
            return Err("two files of one proof".into());
        }
        let result = genuine.verifier.verify(file, &EXPECTATIONS);
        self.note(result.as_ref().err());
        match result.is_ok() && self.genuine.iter().all(|seed| seed.file != file) {
            true => Err("a changed proof is accepted".into()),
            false => Ok(()),
        }
    }

    /// With the seed's challenges, what is accepted makes the seed's claims, and its messages are the seed's but for proofs of work: with other ones it
    /// would have to be lucky.
    fn replay(&self, genuine: &Genuine, proof: &Proof) -> Result<(), String> {
        let start = |statement: &Statement| genuine.answers.replay(statement.transcript());
        let result = genuine.verifier.verify_from(start, &proof.encode(), &EXPECTATIONS);
        self.note(result.as_ref().err());
        if result.is_err() {
            return Ok(());
        }
        let claims = |statement: &Statement| (statement.images, statement.model.clone(), statement.input.clone(), statement.output.clone());
        if claims(&proof.statement) != claims(&genuine.proof.statement) {
            return Err("a changed statement is accepted".into());
        }
        let differs = |message: &&Message| {
            let range = message.offset..message.offset + message.len;
            proof.body.get(range.clone()) != genuine.proof.body.get(range)
        };
        match genuine.messages.iter().filter(differs).find(|message| message.label != steps::GRINDING) {
            Some(message) => Err(format!("another `{}` is accepted", message.label)),
            None => Ok(()),
        }
    }

    fn note(&self, error: Option<&VerifyError>) {
        let debug = error.map_or("accepted".to_owned(), |error| format!("{error:?}"));
        self.count(debug.split([' ', '{']).next().unwrap_or_default());
    }

    fn count(&self, outcome: &str) {
        *self.outcomes.borrow_mut().entry(outcome.to_owned()).or_default() += 1;
    }

    fn architecture(&self, random: &mut Rng) -> Result<(), String> {
        let bytes = random::bytes(&self.network.encode_architecture(), random);
        let Ok(graph) = Graph::decode_architecture(&bytes) else { return Ok(()) };
        if graph.encode_architecture() != bytes || graph.without_learned() != graph {
            return Err("an architecture with two encodings".into());
        }
        if let Ok(envelope) = Envelope::of(self.network) {
            let verifier = Verifier::hidden(graph.clone(), envelope, mutate::commitment(random), 1, &Setting::default());
            self.count(if verifier.is_ok() { "architecture: can be proved" } else { "architecture: decoded" });
        }
        Ok(())
    }

    fn commitment(&self, genuine: &Genuine, random: &mut Rng) -> Result<(), String> {
        let bytes = random::bytes(&mutate::commitment(random).to_bytes(), random);
        match Commitment::from_bytes(&bytes) {
            Ok(commitment) if commitment.to_bytes() != bytes || bytes.len() != COMMITMENT_BYTES => {
                return Err("a commitment with two encodings".into());
            }
            Ok(_) | Err(_) => {}
        }
        let mut envelope = Envelope::of(self.network).map_err(|error| error.to_string())?.to_bytes();
        for _ in 0..1 + random.below(3) {
            let at = random.below(envelope.len());
            match random.below(3) {
                0 => envelope[at] ^= 1 << random.below(8),
                1 => envelope[at] = random.next() as u8,
                _ => envelope.iter_mut().skip(at).zip(random.extreme().to_le_bytes()).for_each(|(to, from)| *to = from),
            }
        }
        let envelope = Envelope::from_bytes(envelope);
        let setting = Setting { weights: None, ..genuine.proof.statement.setting() };
        let images = genuine.proof.statement.images as usize;
        if let Ok(verifier) = Verifier::hidden(self.network.clone(), envelope, mutate::commitment(random), images, &setting) {
            self.note(verifier.verify(&genuine.file, &EXPECTATIONS).as_ref().err());
            self.count("envelope: can be proved");
        }
        Ok(())
    }
}
