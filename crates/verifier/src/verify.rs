use std::borrow::Cow;

use verinfer_graph::{DataType, Graph, Shape};
use verinfer_relation::Relation;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::parameters::{Parameters, SecurityReport};
use verinfer_relation::setting::Setting;
use verinfer_relation::statement::{InputClaim, ModelClaim, Proof, PublicTensor, Statement};
use verinfer_relation::transcript::{Challenger, Message, VerifierTranscript};

use crate::error::VerifyError;
use crate::opening;
use crate::reduce::{Reduction, reduce};

/// Verifies proofs about one network.
pub struct Verifier<'a> {
    graph: &'a Graph,
    model: ModelClaim,
    /// For the images and the setting that were announced; for others it is derived when needed.
    relation: Relation,
}

/// What the caller demands of a proof besides being valid.
#[derive(Clone, Debug)]
pub struct Expectations<'a> {
    /// Least security level in bits.
    pub security_level: u16,
    /// Context the proof must be bound to.
    pub context: &'a [u8],
    /// What the inputs must be.
    pub input: ExpectedInput<'a>,
}

/// What is demanded of the inputs of a proof.
#[derive(Clone, Copy, Debug, Default)]
pub enum ExpectedInput<'a> {
    /// Nothing: they are what the statement says, of however many images.
    #[default]
    Any,
    /// They are shown, and are these (NHWC order, image after image).
    Shown(&'a [i16]),
    /// They are hidden behind these commitments, one for each image.
    Hidden(&'a [Commitment]),
}

impl Default for Expectations<'_> {
    fn default() -> Self {
        Self { security_level: 128, context: b"", input: ExpectedInput::Any }
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
    /// For a network whose weights are known.
    pub fn new(graph: &'a Graph) -> Result<Self, VerifyError> {
        Self::with_setting(graph, 1, &Setting::default())
    }

    /// As [`Verifier::new`], prepared for proofs about `images` images in a setting with public weights. What is accepted does not depend on it:
    /// for a proof about another number or in another setting the relation is derived anew. To demand one, compare it with the statement's.
    pub fn with_setting(graph: &'a Graph, images: usize, setting: &Setting) -> Result<Self, VerifyError> {
        let relation = Relation::with_setting(graph, images, &Setting { weights: None, ..setting.clone() })?;
        Ok(Self { graph, model: ModelClaim::Public { digest: graph.digest() }, relation })
    }

    /// For a network of which only the architecture is known, and a commitment to what it has learned. What `architecture` holds in the place of
    /// weights, biases and multipliers is not read. Prepared for proofs about `images` images in a setting with these hidden weights.
    pub fn hidden(
        architecture: &'a Graph,
        envelope: Envelope,
        commitment: Commitment,
        images: usize,
        setting: &Setting,
    ) -> Result<Self, VerifyError> {
        let relation = Relation::with_setting(architecture, images, &Setting { weights: Some(envelope), ..setting.clone() })?;
        let model = ModelClaim::Hidden { architecture: architecture.architecture_digest(), envelope, commitment: Box::new(commitment) };
        Ok(Self { graph: architecture, model, relation })
    }

    /// Accepts or rejects a proof file.
    pub fn verify(&self, proof: &[u8], expectations: &Expectations<'_>) -> Result<Accepted, VerifyError> {
        self.verify_from(Statement::transcript, proof, expectations)
    }

    /// As [`Verifier::verify`], with challenges from elsewhere than the hash. This is for tests that play the random oracle: what is accepted with
    /// challenges that can be foreseen proves nothing.
    pub fn verify_from<C: Challenger>(
        &self,
        start: impl FnOnce(&Statement) -> C,
        proof: &[u8],
        expectations: &Expectations<'_>,
    ) -> Result<Accepted, VerifyError> {
        let Proof { statement, body } = Proof::decode(proof)?;
        self.check_statement(&statement, expectations)?;
        let relation = self.relation(&statement)?;
        let (parameters, security) = parameters(&relation, &statement, expectations)?;
        let transcript = VerifierTranscript::new(start(&statement), &body);
        let messages = self.check_argument(transcript, &relation, &statement, &parameters)?;
        Ok(Accepted { statement, security, messages })
    }

    /// Step 0: the statement is the one that was asked for.
    fn check_statement(&self, statement: &Statement, expectations: &Expectations<'_>) -> Result<(), VerifyError> {
        self.check_model(&statement.model)?;
        if statement.context != expectations.context {
            return Err(VerifyError::WrongContext);
        }
        let spec = self.graph.spec(self.graph.input());
        if let Some(input) = statement.input.shown().filter(|input| (input.shape, input.dtype) != (spec.shape, spec.dtype)) {
            return Err(VerifyError::InputShape { found: describe(input), expected: shape_and_type(spec.shape, spec.dtype) });
        }
        let spec = self.graph.spec(self.graph.output());
        if let Some(output) = statement.output.shown().filter(|output| (output.shape, output.dtype) != (spec.shape, spec.dtype)) {
            return Err(VerifyError::OutputShape { found: describe(output), expected: shape_and_type(spec.shape, spec.dtype) });
        }
        check_input(&statement.input, expectations.input)
    }

    fn check_model(&self, found: &ModelClaim) -> Result<(), VerifyError> {
        match (found, &self.model) {
            (ModelClaim::Public { digest: found }, ModelClaim::Public { digest: expected }) if found != expected => {
                Err(VerifyError::WrongNetwork { found: hexadecimal(*found), expected: hexadecimal(*expected) })
            }
            (
                ModelClaim::Hidden { architecture: found, envelope: found_envelope, commitment: found_commitment },
                ModelClaim::Hidden { architecture, envelope, commitment },
            ) => {
                if (found, found_envelope) != (architecture, envelope) {
                    let [found, expected] = [*found, *architecture].map(hexadecimal);
                    return Err(VerifyError::WrongArchitecture { found, expected });
                }
                if found_commitment == commitment { Ok(()) } else { Err(VerifyError::WrongModelCommitment) }
            }
            (ModelClaim::Public { .. }, ModelClaim::Public { .. }) => Ok(()),
            (ModelClaim::Public { .. }, ModelClaim::Hidden { .. }) => Err(VerifyError::ModelNotHidden),
            (ModelClaim::Hidden { .. }, ModelClaim::Public { .. }) => Err(VerifyError::ModelHidden),
        }
    }

    /// The relation for the statement's number of images and setting. The statement holds something for each image.
    fn relation(&self, statement: &Statement) -> Result<Cow<'_, Relation>, VerifyError> {
        let images = usize::try_from(statement.images).map_err(|_| VerifyError::Parameters)?;
        let setting = statement.setting();
        if (images, &setting) == (self.relation.images, &self.relation.setting) {
            Ok(Cow::Borrowed(&self.relation))
        } else {
            Ok(Cow::Owned(Relation::with_setting(self.graph, images, &setting)?))
        }
    }

    fn check_argument(
        &self,
        mut transcript: VerifierTranscript<'_, impl Challenger>,
        relation: &Relation,
        statement: &Statement,
        parameters: &Parameters,
    ) -> Result<Vec<Message>, VerifyError> {
        // 1 to 6. What the messages leave to check is one linear claim on the committed witness.
        let Reduction { root, functional, leaves, target } = reduce(&mut transcript, self.graph, relation, statement)?;

        // 7. The committed witness satisfies it.
        opening::verify(&mut transcript, parameters, root, target, |point| {
            functional.evaluate(&relation.layout, &leaves, &EqWeights::new(point))
        })?;
        Ok(transcript.finish()?)
    }
}

fn check_input(found: &InputClaim, expected: ExpectedInput<'_>) -> Result<(), VerifyError> {
    match (found, expected) {
        (_, ExpectedInput::Any) => Ok(()),
        (InputClaim::Shown(found), ExpectedInput::Shown(expected)) => {
            if expected.len() != found.values.len() {
                return Err(VerifyError::InputLength { found: found.values.len(), expected: expected.len() });
            }
            let differs = found.values.iter().zip(expected).enumerate().find(|(_, (found, expected))| found != expected);
            differs.map_or(Ok(()), |(index, (&found, &expected))| Err(VerifyError::WrongInput { index, found, expected }))
        }
        (InputClaim::Hidden(found), ExpectedInput::Hidden(expected)) => {
            if expected.len() != found.len() {
                return Err(VerifyError::InputCount { found: found.len(), expected: expected.len() });
            }
            let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
            differs.map_or(Ok(()), |image| Err(VerifyError::WrongInputCommitment { image }))
        }
        (InputClaim::Hidden(_), ExpectedInput::Shown(_)) => Err(VerifyError::InputHidden),
        (InputClaim::Shown(_), ExpectedInput::Hidden(_)) => Err(VerifyError::InputNotHidden),
    }
}

/// The parameters that the statement's level implies, refused if they do not reach what is demanded.
fn parameters(
    relation: &Relation,
    statement: &Statement,
    expectations: &Expectations<'_>,
) -> Result<(Parameters, SecurityReport), VerifyError> {
    let demanded = expectations.security_level;
    if statement.security_level < demanded || statement.security_level > MAX_SECURITY_LEVEL {
        return Err(VerifyError::InsecureParameters { found: f64::from(statement.security_level), demanded });
    }
    let parameters = Parameters::for_cells(relation.layout.num_stored(), usize::from(statement.security_level));
    let security = SecurityReport::new(relation, &parameters);
    if security.bits() < f64::from(demanded) {
        return Err(VerifyError::InsecureParameters { found: security.bits(), demanded });
    }
    Ok((parameters, security))
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
