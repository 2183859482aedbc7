use verinfer_graph::{DataType, Graph, Shape};
use verinfer_relation::Relation;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::parameters::{Parameters, SecurityReport};
use verinfer_relation::statement::{Proof, PublicTensor, Statement};
use verinfer_relation::transcript::{Message, VerifierTranscript};

use crate::error::VerifyError;
use crate::opening;
use crate::reduce::{Reduction, reduce};

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
        let parameters = Parameters::for_cells(self.relation.layout.num_stored(), usize::from(statement.security_level));
        let security = SecurityReport::new(&self.relation, &parameters);
        if security.bits() < f64::from(demanded) {
            return Err(VerifyError::InsecureParameters { found: security.bits(), demanded });
        }
        Ok((parameters, security))
    }

    fn check_argument(&self, statement: &Statement, parameters: &Parameters, body: &[u8]) -> Result<Vec<Message>, VerifyError> {
        let mut transcript = VerifierTranscript::new(statement.transcript(), body);

        // 1 to 6. What the messages leave to check is one linear claim on the committed witness.
        let Reduction { root, functional, leaves, target } = reduce(&mut transcript, self.graph, &self.relation, statement)?;

        // 7. The committed witness satisfies it.
        opening::verify(&mut transcript, parameters, root, target, |point| {
            functional.evaluate(&self.relation.layout, &leaves, &EqWeights::new(point))
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
