use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use verinfer_graph::{DataType, Graph, Reach, Shape};
use verinfer_relation::Relation;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::parameters::{Parameters, SecurityReport};
use verinfer_relation::setting::Setting;
use verinfer_relation::statement::{ModelClaim, Proof, PublicTensor, Statement};
use verinfer_relation::transcript::{Challenger, Message, VerifierTranscript};

use crate::content::check_content;
use crate::error::VerifyError;
use crate::expectations::Expectations;
use crate::opening;
use crate::reduce::{Reduction, reduce};

/// Verifies proofs about one network, which it shares with whoever else has it.
pub struct Verifier {
    graph: Arc<Graph>,
    model: ModelClaim,
    /// For the images and the setting that were announced; for others it is derived when needed.
    prepared: Option<Relation>,
    /// What the outputs can be at all, once it is known.
    reach: OnceLock<Reach>,
    /// Largest relation that is derived.
    max_cells: usize,
}

/// Cells of the largest relation that a verifier derives unless it is told otherwise. MobileNet v2 1.0/224 has 23 million, 64 images of 0.35/96 have at most 153
/// million. An architecture made to be costly takes some 16 bytes for each.
pub const DEFAULT_MAX_CELLS: usize = 1 << 28;

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

impl Verifier {
    /// For a network whose weights are known.
    ///
    /// # Errors
    ///
    /// There are no proofs about it, or its relation is too large.
    pub fn new(graph: impl Into<Arc<Graph>>) -> Result<Self, VerifyError> {
        Self::with_setting(graph, 1, &Setting::default())
    }

    /// As [`Verifier::new`], prepared for proofs about `images` images in a setting with public weights. What is accepted does not depend on it:
    /// for a proof about another number or in another setting the relation is derived anew. To demand something, use [`Expectations`].
    ///
    /// # Errors
    ///
    /// As [`Verifier::prepare`].
    pub fn with_setting(graph: impl Into<Arc<Graph>>, images: usize, setting: &Setting) -> Result<Self, VerifyError> {
        Self::with_setting_within(DEFAULT_MAX_CELLS, graph, images, setting)
    }

    /// As [`Verifier::with_setting`], with another limit on the relation's cells, as [`Relation::within`] counts them, here and in each proof.
    ///
    /// # Errors
    ///
    /// As [`Verifier::prepare`].
    pub fn with_setting_within(
        max_cells: usize,
        graph: impl Into<Arc<Graph>>,
        images: usize,
        setting: &Setting,
    ) -> Result<Self, VerifyError> {
        let mut verifier = Self::unprepared(max_cells, graph);
        verifier.prepare(images, setting)?;
        Ok(verifier)
    }

    /// For a network of which only the architecture is known, and a commitment to what it has learned. What `architecture` holds in the place of
    /// weights, biases and multipliers is not read. Prepared for proofs about `images` images in a setting with these hidden weights.
    ///
    /// # Errors
    ///
    /// As [`Verifier::prepare`].
    pub fn hidden(
        architecture: impl Into<Arc<Graph>>,
        envelope: Envelope,
        commitment: Commitment,
        images: usize,
        setting: &Setting,
    ) -> Result<Self, VerifyError> {
        Self::hidden_within(DEFAULT_MAX_CELLS, architecture, envelope, commitment, images, setting)
    }

    /// As [`Verifier::hidden`], with another limit on the relation's cells, as [`Relation::within`] counts them, here and in each proof.
    ///
    /// # Errors
    ///
    /// As [`Verifier::prepare`].
    pub fn hidden_within(
        max_cells: usize,
        architecture: impl Into<Arc<Graph>>,
        envelope: Envelope,
        commitment: Commitment,
        images: usize,
        setting: &Setting,
    ) -> Result<Self, VerifyError> {
        let mut verifier = Self::unprepared_hidden(max_cells, architecture, envelope, commitment);
        verifier.prepare(images, setting)?;
        Ok(verifier)
    }

    /// As [`Verifier::with_setting_within`], prepared for nothing: each proof's relation is derived after its statement has been compared, so that one about
    /// something else costs nothing.
    pub fn unprepared(max_cells: usize, graph: impl Into<Arc<Graph>>) -> Self {
        let graph = graph.into();
        let model = ModelClaim::Public { digest: graph.digest() };
        Self { graph, model, prepared: None, reach: OnceLock::new(), max_cells }
    }

    /// As [`Verifier::hidden_within`], prepared for nothing.
    pub fn unprepared_hidden(max_cells: usize, architecture: impl Into<Arc<Graph>>, envelope: Envelope, commitment: Commitment) -> Self {
        let architecture = architecture.into();
        let model = ModelClaim::Hidden { architecture: architecture.architecture_digest(), envelope, commitment: Box::new(commitment) };
        Self { graph: architecture, model, prepared: None, reach: OnceLock::new(), max_cells }
    }

    /// Derives the relation for proofs about `images` images in a setting, whose weights are public or hidden as this verifier's are.
    ///
    /// # Errors
    ///
    /// There are no such proofs, or the relation is too large.
    pub fn prepare(&mut self, images: usize, setting: &Setting) -> Result<(), VerifyError> {
        let weights = match &self.model {
            ModelClaim::Public { .. } => None,
            ModelClaim::Hidden { envelope, .. } => Some(*envelope),
        };
        self.prepared = Some(Relation::within(self.max_cells, &self.graph, images, &Setting { weights, ..setting.clone() })?);
        Ok(())
    }

    /// Step 0 alone: what can be compared of a statement before anything is derived from it. Nothing is proved by that.
    ///
    /// # Errors
    ///
    /// The statement is not the one that was asked for.
    pub fn compare(&self, statement: &Statement, expectations: &Expectations) -> Result<(), VerifyError> {
        self.check_statement(statement, expectations)
    }

    /// What the outputs of the network that a statement is about can be at all, and on what they depend: where weights are hidden, with any weights.
    ///
    /// # Errors
    ///
    /// No proof can be about the statement.
    pub fn reach(&self, statement: &Statement) -> Result<&Reach, VerifyError> {
        let relation = self.relation(statement)?;
        Ok(self.reached(&relation))
    }

    /// The same for each number of images, and for whatever is hidden besides weights.
    fn reached(&self, relation: &Relation) -> &Reach {
        self.reach.get_or_init(|| relation.reach(&self.graph))
    }

    /// Accepts or rejects a proof file.
    ///
    /// # Errors
    ///
    /// Why it is rejected.
    pub fn verify(&self, proof: &[u8], expectations: &Expectations) -> Result<Accepted, VerifyError> {
        self.verify_with(Statement::transcript, proof, expectations)
    }

    /// As [`Verifier::verify`], with challenges from elsewhere than the hash. This is for tests that play the random oracle: what is accepted with
    /// challenges that can be foreseen proves nothing.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`].
    #[cfg(feature = "testing")]
    pub fn verify_from<C: Challenger>(
        &self,
        start: impl FnOnce(&Statement) -> C,
        proof: &[u8],
        expectations: &Expectations,
    ) -> Result<Accepted, VerifyError> {
        self.verify_with(start, proof, expectations)
    }

    fn verify_with<C: Challenger>(
        &self,
        start: impl FnOnce(&Statement) -> C,
        proof: &[u8],
        expectations: &Expectations,
    ) -> Result<Accepted, VerifyError> {
        let Proof { statement, body } = Proof::decode(proof)?;
        self.check_statement(&statement, expectations)?;
        let relation = self.relation(&statement)?;
        if let (ModelClaim::Hidden { .. }, false) = (&self.model, expectations.allow_degenerate) {
            check_content(&statement.output, self.reached(&relation), self.graph.spec(self.graph.output()).dtype)?;
        }
        let (parameters, security) = parameters(&relation, &statement, expectations)?;
        let transcript = VerifierTranscript::new(start(&statement), &body);
        let messages = self.check_argument(transcript, &relation, &statement, &parameters)?;
        Ok(Accepted { statement, security, messages })
    }

    /// Step 0: the statement is the one that was asked for.
    fn check_statement(&self, statement: &Statement, expectations: &Expectations) -> Result<(), VerifyError> {
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
        expectations.check(statement)
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
        match &self.prepared {
            Some(prepared) if (images, &setting) == (prepared.images, &prepared.setting) => Ok(Cow::Borrowed(prepared)),
            Some(_) | None => Ok(Cow::Owned(Relation::within(self.max_cells, &self.graph, images, &setting)?)),
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
        let Reduction { root, functional, leaves, target } = reduce(&mut transcript, &self.graph, relation, statement)?;

        // 7. The committed witness satisfies it.
        opening::verify(&mut transcript, parameters, root, target, |point| {
            functional.evaluate(&relation.layout, &leaves, &EqWeights::new(point))
        })?;
        Ok(transcript.finish()?)
    }
}

/// The parameters that the statement's level implies, refused if they do not reach what is demanded.
fn parameters(
    relation: &Relation,
    statement: &Statement,
    expectations: &Expectations,
) -> Result<(Parameters, SecurityReport), VerifyError> {
    let demanded = expectations.security_level;
    if statement.security_level < demanded || statement.security_level > MAX_SECURITY_LEVEL {
        return Err(VerifyError::InsecureParameters { found: f64::from(statement.security_level), demanded });
    }
    let parameters = Parameters::for_cells(relation.layout.num_stored(), usize::from(statement.security_level))?;
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
