use verinfer_graph::{DataType, Graph, Shape};
use verinfer_relation::field::K;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::parameters::{Parameters, SecurityReport};
use verinfer_relation::statement::{Proof, PublicTensor, Statement};
use verinfer_relation::table::Folding;
use verinfer_relation::transcript::{Message, VerifierTranscript};
use verinfer_relation::{Relation, claims, steps};

use crate::error::VerifyError;
use crate::{contraction, lookups, opening};

/// Verifies proofs about one network.
pub struct Verifier<'a> {
    graph: &'a Graph,
    digest: [u8; 32],
    relation: Relation,
}

/// What the caller demands of a proof besides being valid.
#[derive(Clone, Debug)]
pub struct Expectations<'a> {
    /// Least security level in bits.
    pub security_level: u16,
    /// Context the proof must be bound to.
    pub context: &'a [u8],
    /// Input the proof must be about (NHWC order), if it is known.
    pub input: Option<&'a [i16]>,
}

impl Default for Expectations<'_> {
    fn default() -> Self {
        Self { security_level: 128, context: b"", input: None }
    }
}

/// A proof that holds.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What it proves.
    pub statement: Statement,
    /// Bits of security of its parameters.
    pub security: SecurityReport,
    /// Where its messages lie in the body.
    pub messages: Vec<Message>,
}

impl<'a> Verifier<'a> {
    /// Derives the relation of a network, once for any number of proofs.
    pub fn new(graph: &'a Graph) -> Result<Self, VerifyError> {
        Ok(Self { graph, digest: graph.digest(), relation: Relation::new(graph)? })
    }

    /// Accepts or rejects a proof file.
    pub fn verify(&self, proof: &[u8], expectations: &Expectations<'_>) -> Result<Accepted, VerifyError> {
        let Proof { statement, body } = Proof::decode(proof)?;
        self.check_statement(&statement, expectations)?;
        let (parameters, security) = self.parameters(&statement, expectations)?;
        let messages = self.check_argument(&statement, &parameters, &body)?;
        Ok(Accepted { statement, security, messages })
    }

    /// Step 0: the statement is the one that was asked for.
    fn check_statement(&self, statement: &Statement, expectations: &Expectations<'_>) -> Result<(), VerifyError> {
        if statement.graph_digest != self.digest {
            let [found, expected] = [statement.graph_digest, self.digest].map(hexadecimal);
            return Err(VerifyError::WrongNetwork { found, expected });
        }
        if statement.context != expectations.context {
            return Err(VerifyError::WrongContext);
        }
        let input = self.graph.spec(self.graph.input());
        if (statement.input.shape, statement.input.dtype) != (input.shape, input.dtype) {
            let (found, expected) = (describe(&statement.input), shape_and_type(input.shape, input.dtype));
            return Err(VerifyError::InputShape { found, expected });
        }
        let output = self.graph.spec(self.graph.output());
        if (statement.output.shape, statement.output.dtype) != (output.shape, output.dtype) {
            let (found, expected) = (describe(&statement.output), shape_and_type(output.shape, output.dtype));
            return Err(VerifyError::OutputShape { found, expected });
        }
        let Some(expected) = expectations.input else { return Ok(()) };
        if expected.len() != statement.input.values.len() {
            return Err(VerifyError::InputLength { found: statement.input.values.len(), expected: expected.len() });
        }
        let differs = statement.input.values.iter().zip(expected).enumerate().find(|(_, (found, expected))| found != expected);
        match differs {
            Some((index, (&found, &expected))) => Err(VerifyError::WrongInput { index, found, expected }),
            None => Ok(()),
        }
    }

    /// The parameters that the statement's level implies, refused if they do not reach what is demanded.
    fn parameters(&self, statement: &Statement, expectations: &Expectations<'_>) -> Result<(Parameters, SecurityReport), VerifyError> {
        let demanded = expectations.security_level;
        if statement.security_level < demanded || statement.security_level > MAX_SECURITY_LEVEL {
            return Err(VerifyError::InsecureParameters { found: f64::from(statement.security_level), demanded });
        }
        let parameters = Parameters::new(self.relation.layout.log_cells(), usize::from(statement.security_level));
        let security = SecurityReport::new(&self.relation, &parameters);
        if security.bits() < f64::from(demanded) {
            return Err(VerifyError::InsecureParameters { found: security.bits(), demanded });
        }
        Ok((parameters, security))
    }

    fn check_argument(&self, statement: &Statement, parameters: &Parameters, body: &[u8]) -> Result<Vec<Message>, VerifyError> {
        let relation = &self.relation;
        let mut transcript = VerifierTranscript::new(statement.transcript(), body);

        // 1. The committed witness.
        let root = transcript.receive_bytes(steps::COMMITMENT)?;

        // 2. Challenges of the lookups.
        let alpha = transcript.state().challenge(steps::LOOKUP_CHALLENGES);
        let beta = transcript.state().challenge(steps::LOOKUP_CHALLENGES);
        let folding = Folding::new(alpha, beta);

        // 3. Every tuple is a row of its table.
        let leaf_claim = lookups::verify(&mut transcript, parameters.log_cells)?;

        // 4. The claim on the leaves, as a functional of cells, input and accumulators.
        let mu = transcript.state().challenge(steps::LEAF_COMBINATION);
        let r = EqWeights::new(&leaf_claim.point);
        let (mut functional, accumulators) = claims::leaves(relation, &r, &folding, mu);
        let [accumulated] = transcript.receive(steps::ACCUMULATORS)?;

        // 5. The linear layers.
        let input_claim = contraction::verify(&mut transcript, relation, self.graph, &accumulators, accumulated)?;

        // 6. One functional and one target for all claims.
        let zeta = transcript.state().challenge(steps::CLAIM_COMBINATION);
        let omega = transcript.state().challenge(steps::CLAIM_COMBINATION);
        claims::contraction_inputs(relation, &r, &input_claim.weights, omega, &mut functional);
        claims::output(relation, zeta, omega * omega, &mut functional);
        let leaves: K = leaf_claim.numerator + mu * leaf_claim.denominator - accumulated;
        let output = claims::output_value(&statement.output.values, zeta);
        let claims = leaves + omega * input_claim.value + omega * omega * output;
        let target = claims - functional.constant - functional.input_part(&statement.input.values);

        // 7. The committed witness satisfies it.
        let commitment = opening::Commitment { root, num_columns: relation.num_codeword_columns(parameters) };
        opening::verify(&mut transcript, parameters, commitment, target, |point| {
            functional.evaluate(&relation.layout, &r, &EqWeights::new(point))
        })?;
        Ok(transcript.finish()?)
    }
}

/// Highest level a proof may state: the hash gives no more.
const MAX_SECURITY_LEVEL: u16 = 128;

fn describe(tensor: &PublicTensor) -> String {
    shape_and_type(tensor.shape, tensor.dtype)
}

fn shape_and_type(shape: Shape, dtype: DataType) -> String {
    format!("{shape} {dtype:?}").to_lowercase()
}

fn hexadecimal(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
