use verinfer_graph::Shape;
use verinfer_relation::RelationError;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::FormatError;
use verinfer_relation::transcript::DecodeError;

use crate::expectations::OutputKind;

/// Why a proof is not accepted. Each variant is one check.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// The file is not a proof.
    #[error("malformed proof file: {0}")]
    Format(FormatError),
    /// The messages are not well formed.
    #[error("malformed message: {0}")]
    Message(DecodeError),
    /// The network, or a batch of so many images, cannot be proved by this protocol.
    #[error("the network cannot be proved: {0}")]
    Relation(RelationError),
    /// The proof is about another network.
    #[error("the proof is about another network: its digest is {found}, expected {expected}")]
    WrongNetwork {
        /// In the proof, hexadecimal.
        found: String,
        /// Of the network given, hexadecimal.
        expected: String,
    },
    /// The proof is about a hidden model of another architecture.
    #[error("the proof is about a model of another architecture: its digest is {found}, expected {expected}")]
    WrongArchitecture {
        /// In the proof, hexadecimal.
        found: String,
        /// Of the commitment given, hexadecimal.
        expected: String,
    },
    /// The proof is about a hidden model behind another commitment.
    #[error("the proof is about another model: it is bound to another commitment")]
    WrongModelCommitment,
    /// The proof is about a model known by its commitment, but the network was given.
    #[error("the proof is about a hidden model: its commitment is needed to verify it")]
    ModelHidden,
    /// The proof is about a public network, but a commitment was given.
    #[error("the proof is about a public network, not about a hidden model: the network is needed to verify it")]
    ModelNotHidden,
    /// The input is hidden, but a value was expected.
    #[error("the proof's input is hidden: its commitment is needed to check it")]
    InputHidden,
    /// The input is shown, but a commitment was expected.
    #[error("the proof's input is shown, not hidden behind a commitment")]
    InputNotHidden,
    /// The proof is about another hidden input than expected.
    #[error("the proof is about another input: the commitment of image {image} is another one")]
    WrongInputCommitment {
        /// Index of the image.
        image: usize,
    },
    /// Another number of hidden inputs than expected.
    #[error("the proof is about {found} hidden inputs, {expected} were expected")]
    InputCount {
        /// In the proof.
        found: usize,
        /// Given.
        expected: usize,
    },
    /// The proof says something of another form about the outputs.
    #[error("the proof says about the outputs {found}, not {expected}")]
    WrongOutputForm {
        /// In the proof.
        found: OutputKind,
        /// Demanded.
        expected: OutputKind,
    },
    /// Another number of hidden outputs than expected.
    #[error("the proof is about {found} hidden outputs, {expected} were expected")]
    OutputCount {
        /// In the proof.
        found: usize,
        /// Given.
        expected: usize,
    },
    /// The proof is about another hidden output than expected.
    #[error("the proof is about another output: the commitment of image {image} is another one")]
    WrongOutputCommitment {
        /// Index of the image.
        image: usize,
    },
    /// Another number of labels than expected.
    #[error("the proof is about {found} labels, {expected} were expected")]
    LabelCount {
        /// In the proof.
        found: usize,
        /// Given.
        expected: usize,
    },
    /// The proof is about another public label than expected.
    #[error("the proof is about class {found} of image {image}, not {expected}")]
    WrongLabel {
        /// Index of the image.
        image: usize,
        /// In the proof.
        found: u32,
        /// Demanded.
        expected: u32,
    },
    /// The proof is about another hidden label than expected.
    #[error("the proof is about another label: the commitment of image {image} is another one")]
    WrongLabelCommitment {
        /// Index of the image.
        image: usize,
    },
    /// Labels are among more classes than demanded.
    #[error("the proof says that labels are among the first {found}, not among the first {expected}")]
    LowerRank {
        /// In the proof.
        found: u32,
        /// Demanded.
        expected: u32,
    },
    /// Another predicate is decided than demanded.
    #[error("the proof says whether {found} in each image, not whether {expected}")]
    WrongPredicate {
        /// In the proof.
        found: Predicate,
        /// Demanded.
        expected: Predicate,
    },
    /// The proof is about the score of another class.
    #[error("the proof is about the score of class {found}, not {expected}")]
    WrongClass {
        /// In the proof.
        found: u32,
        /// Demanded.
        expected: u32,
    },
    /// The proof's bound on the score is lower than demanded.
    #[error("the proof says that the score is at least {found}, not {expected}")]
    LowerScore {
        /// In the proof.
        found: i16,
        /// Demanded.
        expected: i16,
    },
    /// The outputs that are shown do not have a class as far in front as demanded.
    #[error("the proof shows that in image {image}, {ahead} classes are ahead of class {class}, not fewer than {k}")]
    ShownBehind {
        /// Index of the image.
        image: usize,
        /// Demanded.
        class: u32,
        /// How many classes are ahead of it.
        ahead: usize,
        /// How many are too many.
        k: u32,
    },
    /// A class is demanded that is none.
    #[error("there is no class {class}: the network has {classes}")]
    NoSuchClass {
        /// Demanded.
        class: u32,
        /// How many there are.
        classes: usize,
    },
    /// Something is demanded of the classes of an output that is no list of scores.
    #[error("the network's output is {shape}, no list of the scores of classes")]
    NoClasses {
        /// Of each output.
        shape: Shape,
    },
    /// Two inputs are the same, but different ones are demanded.
    #[error("the inputs of images {first} and {second} are the same; all should differ")]
    EqualInputs {
        /// Index of an image.
        first: usize,
        /// Index of a later image.
        second: usize,
    },
    /// Different inputs are demanded, but they are hidden.
    #[error("whether the inputs differ cannot be known: they are hidden, and one input can have several commitments")]
    MaybeEqualInputs,
    /// The architecture of a hidden model gives one output.
    #[error("the model's architecture gives the same output for every input and all weights")]
    ConstantOutput,
    /// The architecture of a hidden model does not heed the input.
    #[error("the model's architecture gives an output that does not depend on the input")]
    OutputIgnoresInput,
    /// The architecture of a hidden model does not heed what was committed to.
    #[error("the model's architecture gives an output that does not depend on the weights behind the commitment")]
    OutputIgnoresWeights,
    /// What is said of the outputs holds for all that the architecture of a hidden model can give.
    #[error("what the proof says of the outputs is true of every output that the model's architecture can give")]
    PredicateAlwaysHolds,
    /// Fewer labels are correct than demanded.
    #[error("the proof says that {found} labels are correct, at least {expected} are demanded")]
    FewerCorrect {
        /// In the proof.
        found: u32,
        /// Demanded.
        expected: u32,
    },
    /// The proof is about more images than the caller allows.
    #[error("the proof is about {found} images; at most {limit} are allowed")]
    TooManyImages {
        /// In the proof.
        found: u32,
        /// Most allowed.
        limit: u32,
    },
    /// The input in the proof does not have the network's shape or type.
    #[error("the proof's input is {found}, but the network takes {expected}")]
    InputShape {
        /// In the proof.
        found: String,
        /// Of the network.
        expected: String,
    },
    /// The output in the proof does not have the network's shape or type.
    #[error("the proof's output is {found}, but the network gives {expected}")]
    OutputShape {
        /// In the proof.
        found: String,
        /// Of the network.
        expected: String,
    },
    /// The proof is about another input than expected.
    #[error("the proof is about another input: element {index} is {found}, expected {expected}")]
    WrongInput {
        /// First difference, NHWC order, image after image.
        index: usize,
        /// In the proof.
        found: i16,
        /// Given.
        expected: i16,
    },
    /// The input expected does not have as many elements as the proof's.
    #[error("the proof's input has {found} elements, the one expected has {expected}")]
    InputLength {
        /// In the proof.
        found: usize,
        /// Given.
        expected: usize,
    },
    /// The proof is bound to another context.
    #[error("the proof is bound to another context")]
    WrongContext,
    /// The proof was made for a lower level than demanded, or its parameters do not reach it.
    #[error("the proof gives {found:.1} bits of security, {demanded} are demanded")]
    InsecureParameters {
        /// What it gives.
        found: f64,
        /// What is demanded.
        demanded: u16,
    },
    /// A denominator of the lookup argument is zero.
    #[error("lookups: a denominator is zero")]
    ZeroDenominator,
    /// A challenge is one for which a step is not defined (probability 2^-191).
    #[error("a challenge of `{step}` has no inverse")]
    DegenerateChallenge {
        /// Message label.
        step: &'static str,
    },
    /// A proof of work is missing.
    #[error("opening: the proof of work of oracle {oracle} is missing")]
    Grinding {
        /// Index of the codeword.
        oracle: usize,
    },
    /// Opened rows do not belong to the committed codeword.
    #[error("opening: rows of oracle {oracle} are not in its Merkle tree")]
    MerkleRoot {
        /// Index of the codeword.
        oracle: usize,
    },
    /// The last polynomial does not agree with the codeword before it.
    #[error("opening: the last polynomial disagrees with row {row} of oracle {oracle}")]
    FinalPolynomial {
        /// Index of the codeword.
        oracle: usize,
        /// Row of the codeword.
        row: usize,
    },
    /// The opening's last equation fails: cells, wiring, input or output are not as claimed.
    #[error("opening: the committed witness does not satisfy the combined claim")]
    CombinedClaim,
    /// Parameters, or a number of masked messages, that no proof can have.
    #[error("impossible parameters")]
    Parameters,
}

impl From<FormatError> for VerifyError {
    fn from(cause: FormatError) -> Self {
        Self::Format(cause)
    }
}

impl From<DecodeError> for VerifyError {
    fn from(cause: DecodeError) -> Self {
        Self::Message(cause)
    }
}

impl From<RelationError> for VerifyError {
    fn from(cause: RelationError) -> Self {
        Self::Relation(cause)
    }
}
