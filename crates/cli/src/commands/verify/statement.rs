//! What an accepted proof says, and what it does not.

use serde::Serialize;
use verinfer_import::Model;
use verinfer_relation::statement::PublicTensor;
use verinfer_verifier::Accepted;

use super::Arguments;
use crate::classes::score_name;
use crate::describe::data_type;
use crate::hide::Part;
use crate::results::Results;
use crate::words::Words;

#[derive(Serialize)]
pub struct StatementReport {
    /// Digest of the whole integer program, hexadecimal; `None` if it is hidden.
    network_digest: Option<String>,
    /// What is hidden, and what is said about it.
    #[serde(flatten)]
    pub words: Words,
    /// Shape of each image and digest of all, if they are shown.
    pub input: Option<TensorDigest>,
    /// How each given image became the integers compared.
    pub readings: Vec<String>,
    /// Whether the inputs, or their commitments, were compared with given ones.
    pub input_compared: bool,
    /// Shape of each `output` and digest of all, if they are shown.
    pub output_tensor: Option<TensorDigest>,
    /// What `score` is.
    pub score_is: &'static str,
    #[serde(flatten)]
    pub results: Option<Results>,
    pub context: String,
    /// Level for which the proof was made, in bits.
    security_level: u16,
    /// What its parameters reach, in bits.
    pub security_bits: f64,
    /// What the security rests on.
    pub assumptions: Vec<&'static str>,
}

/// A tensor by its digest.
#[derive(Serialize)]
pub struct TensorDigest {
    /// Height, width, channels.
    shape: [usize; 3],
    dtype: &'static str,
    /// BLAKE3 of the elements, one byte each in NHWC order, image after image, hexadecimal.
    blake3: String,
}

impl StatementReport {
    /// Of a proof that holds; `readings` say how the given images became integers.
    pub fn new(accepted: &Accepted, model: &Model, labels: &[String], arguments: &Arguments, readings: Vec<String>) -> Self {
        let statement = &accepted.statement;
        let words = Words::new(statement);
        Self {
            network_digest: words.network_digest().map(ToString::to_string),
            words,
            input: statement.input.shown().map(TensorDigest::new),
            readings,
            input_compared: !arguments.input.is_empty() || !arguments.input_commitment.is_empty(),
            output_tensor: statement.output.shown().map(TensorDigest::new),
            score_is: score_name(model),
            results: statement.output.shown().map(|output| Results::new(model, &arguments.input, &output.values, labels)),
            context: String::from_utf8_lossy(&statement.context).into_owned(),
            security_level: statement.security_level,
            security_bits: accepted.security.bits(),
            assumptions: accepted.security.assumptions.clone(),
        }
    }
}

impl TensorDigest {
    fn new(tensor: &PublicTensor) -> Self {
        let shape = tensor.shape;
        // Both types keep the low byte of the two's complement.
        let bytes: Vec<u8> = tensor.values.iter().map(|value| value.to_le_bytes()[0]).collect();
        Self {
            shape: [shape.height, shape.width, shape.channels],
            dtype: data_type(tensor.dtype),
            blake3: blake3::hash(&bytes).to_hex().to_string(),
        }
    }

    /// `8x8x1 int8, BLAKE3 ...`.
    pub fn text(&self) -> String {
        let [height, width, channels] = self.shape;
        format!("{height}x{width}x{channels} {}, BLAKE3 {}", self.dtype, self.blake3)
    }
}

/// What a reader might take an accepted proof to say although it does not.
pub fn does_not_say(statement: &StatementReport, context_empty: bool, closing: bool) -> Vec<&'static str> {
    let hides = |part| statement.words.hides(part);
    let mut lines = vec![match (hides(Part::Input), statement.input_compared) {
        (false, true) => "how the image became the input: this program decoded it and compared the integers, outside the proof",
        (false, false) => {
            "which image the input is: the proof is about the integers it carries; give --input to compare them with an image"
        }
        (true, true) => "what the input is: only its commitment is known, which is the one given",
        (true, false) => "which input it is: only its commitment is known; give --input-commitment to compare it",
    }];
    if closing {
        lines.push("the probabilities shown: they are computed here from the proved integers, in floating point");
    }
    if ![Part::Weights, Part::Input, Part::Output].into_iter().any(hides) {
        lines.push("anything secret: here input, output and weights are part of the statement, and the verifier needs the model");
    }
    if hides(Part::Weights) {
        lines.push(
            "which network it is: only its architecture and the commitment are known; who owns it can use any weights it committed to",
        );
    }
    lines.extend([
        "whether the network is any good: nothing about its training, its data, its accuracy or its name",
        "who made the proof or when",
    ]);
    if context_empty {
        lines.push("for whom it was made: its context is empty, so anybody can show the same proof again");
    }
    lines
}
